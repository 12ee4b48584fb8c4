"""The emergency stop of a provider: nothing more is sent there, while everything goes on being asked."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from invoicepay.domain import provider_switches
from invoicepay.domain.access import authorise, second_actor
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.ids import clean_text
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.provider_switches import ProviderSwitch
from invoicepay.errors import InvalidTransition, NotFound
from invoicepay.use_cases import providers
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps, UseCase, perform


@dataclass(frozen=True, slots=True, kw_only=True)
class StopProvider:
    """Send nothing more to a provider."""

    provider: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeProvider:
    """Send again what waits.

    Attributes:
        approved_by: the second person (four eyes).
    """

    provider: str
    reason: str
    approved_by: str


def _needs_switch(command: StopProvider | ResumeProvider, _seen: Snapshot) -> Needs:
    return need((ProviderSwitch, command.provider))


def decide_stop(command: StopProvider, change: Change) -> ProviderSwitch:
    """One operator is enough, since a stop moves nothing and hesitating may."""
    reason = clean_text(command.reason, 500, "the reason")
    authorise(change, change.peek(ProviderSwitch, command.provider))
    return provider_switches.stop(change, command.provider, reason)


STOP = UseCase("effects.stop", ProviderSwitch, _needs_switch, decide_stop)


async def stop_provider(deps: Deps, command: StopProvider, key: str | None = None) -> ProviderSwitch:
    """Send nothing more to a provider from the next commit on; operators only.

    Raises:
        NotFound: this client has no provider of that name.
        NotAllowed: the actor is no operator.
    """
    _require_ours(deps, command.provider)
    return await perform(deps, STOP, command, key)


def decide_resume(command: ResumeProvider, change: Change) -> ProviderSwitch:
    """Whatever waited leaves at once, so two persons say that it may."""
    reason = clean_text(command.reason, 500, "the reason")
    switch = change.get(ProviderSwitch, command.provider)
    authorise(change, switch)
    second_actor(change, command.approved_by)
    return provider_switches.resume(change, switch, reason)


RESUME = UseCase("effects.resume", ProviderSwitch, _needs_switch, decide_resume)


async def resume_provider(deps: Deps, command: ResumeProvider, key: str | None = None) -> ProviderSwitch:
    """Send again what waits for a stopped provider; operators only, two of them.

    Raises:
        NotFound: it was never stopped.
        NotAllowed, SecondActorRequired: the actor is no operator, or nobody else approved.
        InvalidTransition: it is not stopped.
    """
    return await perform(deps, RESUME, command, key)


async def stop_everywhere(
    deps: Deps, command: StopProvider, key: str | None = None
) -> dict[str, ProviderSwitch]:
    """Send nothing more to a provider for any tenant of the store; operators only.

    Raises:
        NotFound: this client has no provider of that name.
        NotAllowed: the actor is a party.
    """
    await allow(deps, "effects.stop_everywhere", command=command)
    return {
        tenant: await stop_provider(replace(deps, tenant_id=tenant), command, key)
        for tenant in await deps.repository.tenants()
    }


async def resume_everywhere(
    deps: Deps, command: ResumeProvider, key: str | None = None
) -> dict[str, ProviderSwitch]:
    """Send again what waits in every tenant where the provider is stopped; operators only, two of them.

    Raises:
        NotAllowed, SecondActorRequired: the actor is no operator, or nobody else approved.
    """
    await allow(deps, "effects.resume_everywhere", command=command)
    switches = dict[str, ProviderSwitch]()
    for tenant in await deps.repository.tenants():
        with suppress(NotFound, InvalidTransition):  # it is not stopped there
            switches[tenant] = await resume_provider(replace(deps, tenant_id=tenant), command, key)
    return switches


def _require_ours(deps: Deps, provider: str) -> None:
    """Refuse a misspelt name, under which nothing would be stopped."""
    names = providers.names(deps)
    if provider not in names:
        hint = f"The providers of this client are {' and '.join(names)}."
        raise NotFound(f"there is no provider {provider}", hint=hint, kind="provider")
