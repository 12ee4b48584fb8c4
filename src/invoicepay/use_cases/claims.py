"""Claims: due provider work is one worker's until its lease ends (reliability 1.3, 1.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import EFFECT, Effect, EffectCommand, EffectStatus, slot_of
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.provider_switches import ProviderStatus, ProviderSwitch
from invoicepay.ports.repository import Reader
from invoicepay.use_cases import providers
from invoicepay.use_cases.observations import as_worker
from invoicepay.use_cases.perform import Deps, UseCase

LEASE = timedelta(minutes=2)

TO_SEND = (EffectStatus.PLANNED, EffectStatus.SENDING, EffectStatus.UNKNOWN)
TO_ASK = (EffectStatus.SENDING, EffectStatus.UNKNOWN)
"""What may have left: asked about also while its provider is stopped."""
TO_POLL = (EffectStatus.ACCEPTED, EffectStatus.SETTLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDue:
    """Take intents that are due, the longest waiting first; a claim that lapsed is due again.

    Attributes:
        at: up to when an intent must have been due.
        rails, tokens: names of the providers, put into intents that were planned without; empty where the
            routes of the client say who it is.
        stopped: providers that nothing may be sent to now, by name, and sides of which all are stopped; what
            never left stays where it is.
    """

    statuses: tuple[EffectStatus, ...]
    at: datetime
    limit: int
    rails: str
    tokens: str
    stopped: tuple[str, ...] = ()

    @property
    def due(self) -> tuple[Find[Effect], ...]:
        """The searches; rows that another worker is claiming are left out."""
        if not self.stopped or self.statuses != TO_SEND:
            return (self._due(status__in=self.statuses),)
        asked = self._due(status__in=TO_ASK, provider__in=self.stopped)
        running = self._due(status__in=self.statuses)
        others = tuple(("provider", "ne", name) for name in self.stopped)
        return (asked, replace(running, where=(*running.where, *others)))

    def _due(self, **conditions: Any) -> Find[Effect]:
        return find(
            Effect,
            due_at__le=self.at,
            order=("due_at",),
            limit=self.limit,
            skip_locked=True,
            **conditions,
        )


@dataclass(frozen=True, slots=True)
class Claimed:
    """Intents that are ours until their lease ends."""

    effects: tuple[Effect, ...]


def _needs_claim(command: ClaimDue, _seen: Snapshot) -> Needs:
    return need(finds=command.due)


def decide_claim(command: ClaimDue, change: Change) -> Claimed:
    """Raise each fence, so that whoever held the claim before can change nothing any more."""
    found = [effect for wanted in command.due for effect in change.find(wanted)]
    due = [effect for effect in found if _is_free(effect, change.now)]
    return Claimed(tuple(_claimed(command, change, effect) for effect in due[: command.limit]))


def _is_free(effect: Effect, now: datetime) -> bool:
    """Whether nobody's claim holds it, by the clock that leases are timed by."""
    return effect.lease_until is None or effect.lease_until <= now


def _claimed(command: ClaimDue, change: Change, effect: Effect) -> Effect:
    until = change.now + LEASE
    claimed = replace(
        effect,
        status=EFFECT.after(effect.status, EffectCommand.CLAIM),
        provider=_provider(command, change, effect),
        fence=effect.fence + 1,
        lease_until=until,
        due_at=until,
    )
    return change.put(claimed, "effect.sending" if effect.status is EffectStatus.PLANNED else None)


def _provider(command: ClaimDue, change: Change, effect: Effect) -> str:
    """Who is asked: where it may have left already, or else who does such work now."""
    slot = slot_of(effect.kind)
    if effect.provider != slot and effect.first_sent_at is not None:
        return effect.provider
    routed = change.context.route(effect.kind, effect.asset, effect.request.get("rail", ""))
    return routed or (command.rails if slot == "rails" else command.tokens) or effect.provider


CLAIM = UseCase("effects.claim", Claimed, _needs_claim, decide_claim)


async def claim(deps: Deps, statuses: tuple[EffectStatus, ...], limit: int) -> tuple[Effect, ...]:
    """Take due intents; looks without writing first, so that an idle worker leaves no trace.

    What is due is judged by this machine, which has said when to look again. Whether a claim still holds it
    is judged by the clock of the leases, which all workers share.
    """
    timed = deps.on_lease_time
    command = ClaimDue(
        statuses=statuses,
        at=deps.clock.now(),
        limit=limit,
        rails=providers.default_name(deps, "rails"),
        tokens=providers.default_name(deps, "tokens"),
    )
    async with deps.repository.reader(deps.tenant_id) as reader:
        if not await _is_any_due(timed, reader, command):
            return ()
        if statuses == TO_SEND and (stopped := await _stopped(deps, reader)):
            command = replace(command, stopped=stopped)
            if not await _is_any_due(timed, reader, command):
                return ()
    return (await as_worker(timed, CLAIM, command)).effects


async def _is_any_due(timed: Deps, reader: Reader, command: ClaimDue) -> bool:
    """Whether the longest waiting is free; who is claimed waits behind all that were due before."""
    for wanted in command.due:
        if any(_is_free(effect, timed.clock.now()) for effect in await reader.find(replace(wanted, limit=1))):
            return True
    return False


async def _stopped(deps: Deps, reader: Reader) -> tuple[str, ...]:
    """Whom nothing may be sent to now, by name; a side of which all are stopped by its own."""
    switches = await reader.find(find(ProviderSwitch, status=ProviderStatus.STOPPED))
    stopped = {switch.id for switch in switches} & set(providers.names(deps))
    whole = {side for side, own in providers.sides(deps).items() if set(own) <= stopped}
    return tuple(sorted(stopped | whole))
