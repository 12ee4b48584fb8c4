"""Endpoints of outgoing webhooks: made, changed, disabled, given new secrets, tried out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from invoicepay.domain import webhook_endpoints
from invoicepay.domain.access import authorise
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.events import Event
from invoicepay.domain.ids import Prefix, clean_text
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.time import iso
from invoicepay.domain.webhook_deliveries import WebhookAnswer, body_of
from invoicepay.domain.webhook_endpoints import DisabledBecause, WebhookEndpoint, enabled_endpoints
from invoicepay.errors import ConfigurationError
from invoicepay.ports.webhook_sender import OutgoingWebhook, WebhookSender
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps, UseCase, perform
from invoicepay.use_cases.queries import get

TEST = f"{WebhookEndpoint.KIND}.test"
"""The type of a trial message, which tells of no event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateEndpoint:
    """Tell a URL of events from now on.

    Attributes:
        positions: the ends of the audit streams, put in by the use case.
    """

    url: str
    events: tuple[str, ...]
    positions: dict[str, int] = field(default_factory=dict[str, int], compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateEndpoint:
    """Send elsewhere, or other events; None leaves either as it is."""

    endpoint_id: str
    url: str | None = None
    events: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableEndpoint:
    """Send nothing more."""

    endpoint_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableEndpoint:
    """Send what waits, and events from now on.

    Attributes:
        positions: as in `CreateEndpoint`.
    """

    endpoint_id: str
    positions: dict[str, int] = field(default_factory=dict[str, int], compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSecret:
    """Let the next secret sign."""

    endpoint_id: str


ByEndpoint = UpdateEndpoint | DisableEndpoint | EnableEndpoint | RotateSecret


def _needs_create(_command: CreateEndpoint, _seen: Snapshot) -> Needs:
    return need(finds=[enabled_endpoints()])


def _needs_endpoint(command: ByEndpoint, _seen: Snapshot) -> Needs:
    return need((WebhookEndpoint, command.endpoint_id))


def _endpoint(command: ByEndpoint, change: Change) -> WebhookEndpoint:
    endpoint = change.get(WebhookEndpoint, command.endpoint_id)
    authorise(change, endpoint)
    return endpoint


def decide_create(command: CreateEndpoint, change: Change) -> WebhookEndpoint:
    """Operators only: what an endpoint is told leaves the installation."""
    authorise(change)
    return webhook_endpoints.create(change, command.url, command.events, command.positions)


def decide_update(command: UpdateEndpoint, change: Change) -> WebhookEndpoint:
    """What waits for it goes to the new URL, which is asked at once however the former one failed."""
    endpoint = _endpoint(command, change)
    if command.url is not None and command.url != endpoint.url:
        endpoint = replace(webhook_endpoints.well_again(endpoint), url=command.url)
    if command.events is not None:
        endpoint = replace(endpoint, events=webhook_endpoints.event_patterns(command.events))
    return change.put(endpoint, "webhook_endpoint.updated")


def decide_disable(command: DisableEndpoint, change: Change) -> WebhookEndpoint:
    """By hand; the reason stands in the log of operations."""
    clean_text(command.reason, 500, "the reason")
    return webhook_endpoints.disable(change, _endpoint(command, change), DisabledBecause.BY_HAND)


def decide_enable(command: EnableEndpoint, change: Change) -> WebhookEndpoint:
    """As if it had never failed."""
    return webhook_endpoints.enable(change, _endpoint(command, change), command.positions)


def decide_rotate(command: RotateSecret, change: Change) -> WebhookEndpoint:
    """Both secrets sign for a day."""
    return webhook_endpoints.rotate(change, _endpoint(command, change))


CREATE = UseCase("webhook_endpoints.create", WebhookEndpoint, _needs_create, decide_create)
UPDATE = UseCase("webhook_endpoints.update", WebhookEndpoint, _needs_endpoint, decide_update)
DISABLE = UseCase("webhook_endpoints.disable", WebhookEndpoint, _needs_endpoint, decide_disable)
ENABLE = UseCase("webhook_endpoints.enable", WebhookEndpoint, _needs_endpoint, decide_enable)
ROTATE = UseCase("webhook_endpoints.rotate_secret", WebhookEndpoint, _needs_endpoint, decide_rotate)


async def create_endpoint(deps: Deps, command: CreateEndpoint, key: str | None = None) -> WebhookEndpoint:
    """Tell a URL of what is committed from now on.

    Raises:
        ConfigurationError: there is no secret to sign with.
        InvalidInput: the URL or the events are none.
        NotAllowed: the actor is no operator.
    """
    await allow(deps, CREATE.name, command=command)
    require_secret(deps)
    url = sender_of(deps).checked_url(command.url)
    return await perform(deps, CREATE, replace(command, url=url, positions=await _ends(deps)), key)


async def update_endpoint(deps: Deps, command: UpdateEndpoint, key: str | None = None) -> WebhookEndpoint:
    """Send elsewhere, or other events.

    Raises:
        NotFound: unknown in this tenant.
        InvalidInput: the URL or the events are none.
        NotAllowed: the actor is no operator.
    """
    await allow(deps, UPDATE.name, command=command)
    if command.url is not None:
        command = replace(command, url=sender_of(deps).checked_url(command.url))
    return await perform(deps, UPDATE, command, key)


async def disable_endpoint(deps: Deps, command: DisableEndpoint, key: str | None = None) -> WebhookEndpoint:
    """Send nothing more; a message that is on its way may still arrive.

    Raises:
        NotFound: unknown in this tenant.
        InvalidTransition: it is disabled.
        NotAllowed: the actor is no operator.
    """
    return await perform(deps, DISABLE, command, key)


async def enable_endpoint(deps: Deps, command: EnableEndpoint, key: str | None = None) -> WebhookEndpoint:
    """Send what waits, and tell of what is committed from now on.

    Raises:
        NotFound: unknown in this tenant.
        InvalidTransition: it is enabled.
        NotAllowed: the actor is no operator.
    """
    await allow(deps, ENABLE.name, command=command)
    return await perform(deps, ENABLE, replace(command, positions=await _ends(deps)), key)


async def rotate_secret(deps: Deps, command: RotateSecret, key: str | None = None) -> WebhookEndpoint:
    """Make the next secret; the former one signs, too, for a day.

    Raises:
        NotFound: unknown in this tenant.
        NotAllowed: the actor is no operator.
    """
    return await perform(deps, ROTATE, command, key)


async def secret_of(deps: Deps, endpoint_id: str) -> str:
    """What the receiver verifies deliveries with.

    Raises:
        NotFound: unknown in this tenant.
        ConfigurationError: there is no secret that it could be made from.
        NotAllowed: the actor is no operator.
    """
    await allow(deps, "webhook_endpoints.secret")
    endpoint = await get(deps, WebhookEndpoint, endpoint_id)
    return signing_secrets(deps, replace(endpoint, rotated_at=None))[0]


async def test_endpoint(deps: Deps, endpoint_id: str) -> WebhookAnswer:
    """Send one signed message that tells of nothing, now; it is not kept and not repeated.

    Raises:
        NotFound: unknown in this tenant.
        ConfigurationError: there is no secret to sign with.
        NotAllowed: the actor is no operator.
    """
    await allow(deps, "webhook_endpoints.test")
    endpoint = await get(deps, WebhookEndpoint, endpoint_id)
    now = deps.clock.now()
    told: dict[str, Any] = {"id": endpoint.id, "kind": endpoint.KIND, "tenant": deps.tenant_id}
    return await post(deps, endpoint, deps.ids.new(Prefix.EVENT, now), body_of(TEST, iso(now), told))


async def post_event(deps: Deps, endpoint: WebhookEndpoint, event: Event) -> WebhookAnswer:
    """Send an event once."""
    return await post(deps, endpoint, event.id, body_of(event.name, iso(event.at), event.outward()))


async def post(deps: Deps, endpoint: WebhookEndpoint, id: str, body: dict[str, object]) -> WebhookAnswer:
    """Send a body once, signed with the secrets that are in use at this instant."""
    message = OutgoingWebhook(
        url=endpoint.url,
        id=id,
        at=deps.clock.now(),
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        secrets=signing_secrets(deps, endpoint),
    )
    return await sender_of(deps).post(message)


def signing_secrets(deps: Deps, endpoint: WebhookEndpoint) -> tuple[str, ...]:
    """The secrets in use, the newest first.

    Raises:
        ConfigurationError: there is none that they could be made from.
    """
    require_secret(deps)
    generations = endpoint.generations(deps.clock.now())
    return deps.webhook_keys.secrets_of(deps.tenant_id, endpoint.id, generations)


def require_secret(deps: Deps) -> None:
    """Check that deliveries can be signed.

    Raises:
        ConfigurationError: no secret was given, and one made at random would end with the process.
    """
    if not deps.webhook_keys.secrets:
        raise ConfigurationError(
            "webhooks are signed, and webhook_secret is not set",
            hint="Make one with secrets.token_bytes(32), keep it with your other secrets, and pass it as "
            "webhook_secret to every process.",
        )


def sender_of(deps: Deps) -> WebhookSender:
    """The way out.

    Raises:
        ConfigurationError: this client has none.
    """
    if deps.webhook_sender is None:
        raise ConfigurationError("this client sends no webhooks")
    return deps.webhook_sender


async def _ends(deps: Deps) -> dict[str, int]:
    """Up to where each audit stream goes: what is committed later is told."""
    async with deps.repository.reader(deps.tenant_id) as reader:
        return {head.stream: head.position for head in await reader.audit_heads()}
