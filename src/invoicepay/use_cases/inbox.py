"""Webhooks: verified, kept once, answered at once, applied afterwards (reliability 1.1, S-09, S-10, S-12)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import timedelta

from invoicepay.domain.canonical import canonical
from invoicepay.domain.change import Change, Needs, Snapshot, find, need
from invoicepay.domain.codec import from_dict
from invoicepay.domain.effects import Effect, EffectKind, InboxMessage, InboxStatus, Source
from invoicepay.errors import InvoicePayError
from invoicepay.ports.rails import Direction, RailEvent
from invoicepay.ports.tokens import TokenEvent, TokenStatus
from invoicepay.use_cases import providers
from invoicepay.use_cases.neighbours import Served, one_by_one
from invoicepay.use_cases.observations import WORKER, as_worker, record
from invoicepay.use_cases.payments import RECEIVE, ReceivePush
from invoicepay.use_cases.perform import Deps, UseCase, own_call, perform_many

MATCHING_TIME = timedelta(days=1)
"""How long a message without a known object is tried again; the object may be told to us later."""

ProviderEvent = RailEvent | TokenEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepMessage:
    """A verified event to keep."""

    provider: str
    event_id: str
    digest: str
    body: str

    @property
    def id(self) -> str:
        """The message's id, unique for ever."""
        return f"{self.provider}/{self.event_id}"


def _needs_keep(command: KeepMessage, _seen: Snapshot) -> Needs:
    return need((InboxMessage, command.id))


def decide_keep(command: KeepMessage, change: Change) -> InboxMessage:
    """Keep it once; the same id with another body raises an alarm and changes nothing else."""
    known = change.peek(InboxMessage, command.id)
    if known is None:
        message = InboxMessage(
            id=command.id,
            provider=command.provider,
            event_id=command.event_id,
            digest=command.digest,
            body=command.body,
        )
        return change.add(message, "inbox_message.received")
    if known.digest != command.digest:
        return change.put(replace(known, reason=ANOTHER_BODY), "inbox_message.conflict")
    return known


ANOTHER_BODY = "came again with another body"
KEEP = UseCase("inbox.keep", InboxMessage, _needs_keep, decide_keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A message that was not applied, and why."""

    message_id: str
    status: InboxStatus
    reason: str


def _needs_set_aside(command: SetAside, _seen: Snapshot) -> Needs:
    return need((InboxMessage, command.message_id))


def decide_set_aside(command: SetAside, change: Change) -> InboxMessage:
    """Say what became of a message that is about none of our intents, or that could not be applied."""
    message = change.get(InboxMessage, command.message_id)
    if message.status is InboxStatus.APPLIED or message.status is command.status:
        return message
    aside = replace(message, status=command.status, reason=command.reason[:500])
    return change.put(aside, f"inbox_message.{command.status}")


SET_ASIDE = UseCase("inbox.set_aside", InboxMessage, _needs_set_aside, decide_set_aside)


async def receive_webhook(
    deps: Deps, slot: str, body: bytes, headers: dict[str, str]
) -> tuple[InboxMessage, ...]:
    """Verify a delivery and keep its events; the host answers 2xx once this returned.

    Args:
        slot: whose webhook it is, `rails` or `tokens`; each has its own endpoint.

    Raises:
        WebhookSignatureInvalid: not from the provider, replayed or mangled; nothing was kept.
    """
    provider = deps.rails if slot == "rails" else deps.tokens
    events = provider.parse_webhook(body, headers, received_at=deps.clock.now())
    commands = [
        KeepMessage(
            provider=provider.name,
            event_id=event.event_id,
            digest=_digest(body if len(events) == 1 else canonical(event).encode()),
            body=canonical({"slot": slot, "event": event}),
        )
        for event in events
    ]
    return await _kept(deps, commands)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


async def _kept(deps: Deps, commands: list[KeepMessage]) -> tuple[InboxMessage, ...]:
    """Keep what is new; a plain repetition writes nothing."""
    async with deps.repository.reader(deps.tenant_id) as reader:
        found = await reader.find(find(InboxMessage, id__in=tuple(command.id for command in commands)))
    known = {message.id: message for message in found}
    fresh = [c for c in commands if c.id not in known or known[c.id].digest != c.digest]
    worker = replace(deps, actor=WORKER)
    calls = [own_call(worker, KEEP, command) for command in fresh]
    for answer in await perform_many(worker, calls) if calls else ():
        if isinstance(answer, InvoicePayError):
            raise answer
        known[answer.id] = answer
    return tuple(known[command.id] for command in commands)


async def apply_received(deps: Deps, limit: int) -> Served:
    """Apply kept messages, oldest first, and try parked ones again for a day."""
    recent = deps.clock.now() - MATCHING_TIME
    received = find(InboxMessage, status=InboxStatus.RECEIVED, order=("created_at",), limit=limit)
    parked = find(
        InboxMessage,
        status=InboxStatus.PARKED,
        created_at__ge=recent,
        order=("created_at",),
        limit=limit,
    )
    async with deps.repository.reader(deps.tenant_id) as reader:
        fresh, waiting = await reader.find(received), await reader.find(parked)
    matched = [message for message in waiting if await _effect_of(deps, message) is not None]
    return await one_by_one([*fresh, *matched], lambda message: _apply(deps, message))


async def _apply(deps: Deps, message: InboxMessage) -> None:
    event = _event(message)
    effect = await _effect_of(deps, message)
    try:
        if effect is not None:
            await _observe(deps, message, effect, event)
        elif isinstance(event, TokenEvent) and event.to_party:
            await _book_push(deps, message, event)
        else:
            await _set_aside(deps, message, InboxStatus.PARKED, "about nothing that we know")
    except InvoicePayError as error:
        if not error.retryable:
            await _set_aside(deps, message, InboxStatus.FAILED, f"{error.code}: {error.message}")
        raise


async def _observe(deps: Deps, message: InboxMessage, effect: Effect, event: ProviderEvent) -> None:
    transfer = await _told(deps, effect, event)
    if transfer is None:
        await _set_aside(deps, message, InboxStatus.PARKED, "the provider does not know it yet")
        return
    sighting = providers.sighting_of(effect, transfer)
    await record(deps, effect, sighting, Source.WEBHOOK, message_id=message.id)


async def _book_push(deps: Deps, message: InboxMessage, event: TokenEvent) -> None:
    """Book tokens that arrived by themselves; a transfer counts once, so a crash in between costs nothing."""
    if event.transfer.status is TokenStatus.FINAL:
        push = ReceivePush(
            amount=event.transfer.amount,
            invoice_id=event.invoice_id,
            payer_id=event.from_party,
            enterprise_id=event.to_party,
            provider=message.provider,
            provider_ref=event.transfer.provider_ref,
        )
        await as_worker(deps, RECEIVE, push)
    await _set_aside(deps, message, InboxStatus.APPLIED, "")


async def _told(deps: Deps, effect: Effect, event: ProviderEvent) -> providers.Transfer | None:
    """What the event says, or what the provider says when the event's body was not signed."""
    if isinstance(event, RailEvent) and not event.body_authenticated:
        return await providers.look_up(deps, effect)
    return event.transfer


async def _set_aside(deps: Deps, message: InboxMessage, status: InboxStatus, reason: str) -> None:
    command = SetAside(message_id=message.id, status=status, reason=reason)
    await as_worker(deps, SET_ASIDE, command)


async def _effect_of(deps: Deps, message: InboxMessage) -> Effect | None:
    """The intent that a message is about: by our reference, else by the provider's."""
    event = _event(message)
    transfer = event.transfer
    async with deps.repository.reader(deps.tenant_id) as reader:
        if transfer.reference:
            found = await reader.find(find(Effect, id=transfer.reference))
        else:
            found = await reader.find(
                find(
                    Effect,
                    provider=message.provider,
                    provider_ref=transfer.provider_ref,
                    kind__in=_kinds(event),
                )
            )
    return found[0] if found else None


def _kinds(event: ProviderEvent) -> tuple[EffectKind, ...]:
    if isinstance(event, TokenEvent):
        return (EffectKind.MINT, EffectKind.BURN, EffectKind.TRANSFER)
    is_deposit = event.transfer.direction is Direction.DEPOSIT
    return (EffectKind.DEPOSIT if is_deposit else EffectKind.PAYOUT,)


def _event(message: InboxMessage) -> ProviderEvent:
    """The kept event, read back."""
    kept = json.loads(message.body)
    kind: type[ProviderEvent] = RailEvent if kept["slot"] == "rails" else TokenEvent
    return from_dict(kind, kept["event"])
