"""Webhooks: verified, kept once, answered at once, applied afterwards (reliability 1.1, S-09, S-10, S-12)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from invoicepay.domain.canonical import canonical
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.codec import from_dict
from invoicepay.domain.deposits import UnmatchedFunds
from invoicepay.domain.effects import Effect, EffectKind, InboxMessage, InboxStatus, Source, slot_of
from invoicepay.domain.needs import Needs, find, need
from invoicepay.errors import DuplicateProviderReference, InvoicePayError, NotFound, StoreError
from invoicepay.ports.rails import Direction, RailEvent, RailsProvider, RailStatus
from invoicepay.ports.tokens import TokenEvent, TokenProvider, TokenStatus
from invoicepay.ports.webhooks import PreparesWebhooks
from invoicepay.use_cases import providers
from invoicepay.use_cases.neighbours import Served, carried_out, served, tried
from invoicepay.use_cases.observations import WORKER, recording, worker_call
from invoicepay.use_cases.payments import RECEIVE, Received, ReceivePush
from invoicepay.use_cases.perform import Call, Deps, UseCase, own_call, perform_many
from invoicepay.use_cases.reserves import (
    UNMATCHED_RECEIVED,
    UNMATCHED_TAKEN_BACK,
    ReceiveUnmatched,
    TakeUnmatchedBack,
)

MATCHING_TIME = timedelta(days=1)
"""How long a message without a known object is tried again; the object may be told to us later."""

PAGE = 500
"""Parked messages that are looked at together."""

NOTHING_KNOWN = "about nothing that we know"

LATE_ENDS = (NotFound, DuplicateProviderReference)
"""Refusals that only say how a message ends when its day is over; any other is told as trouble."""

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
    """Say what became of a message that is about none of our intents, or that could not be applied.

    One that stays received is tried again, but behind those that were tried longer ago.
    """
    message = change.get(InboxMessage, command.message_id)
    if command.status is InboxStatus.RECEIVED:
        is_waiting = message.status is InboxStatus.RECEIVED
        return change.put(message) if is_waiting else message
    if message.status is InboxStatus.APPLIED or message.status is command.status:
        return message
    aside = replace(message, status=command.status, reason=command.reason[:500])
    return change.put(aside, f"inbox_message.{command.status}")


SET_ASIDE = UseCase("inbox.set_aside", InboxMessage, _needs_set_aside, decide_set_aside)


async def receive_webhook(
    deps: Deps, slot: str, body: bytes, headers: dict[str, str], *, name: str = ""
) -> tuple[InboxMessage, ...]:
    """Verify a delivery and keep its events; the host answers 2xx once this returned.

    Args:
        slot: whose webhook it is, `rails` or `tokens`; each has its own endpoint.
        name: of which provider, where a side has several.

    Raises:
        WebhookSignatureInvalid: not from the provider, replayed or mangled; nothing was kept.
        ProviderUnavailable: the provider did not tell the key it signs with; it delivers again.
    """
    provider, now = _sender(deps, slot, name), deps.clock.now()
    if isinstance(provider, PreparesWebhooks):
        await provider.prepare_webhook(body, headers, received_at=now)
    events = provider.parse_webhook(body, headers, received_at=now)
    commands = [
        KeepMessage(
            provider=provider.name,
            event_id=event.event_id,
            digest=_digest(body if len(events) == 1 else canonical(_untimed(event)).encode()),
            body=canonical({"slot": slot, "event": event}),
        )
        for event in events
    ]
    return await _kept(deps, commands)


def _sender(deps: Deps, slot: str, name: str) -> RailsProvider | TokenProvider:
    several = providers.banks(deps) if slot == "rails" else providers.issuers(deps)
    return next((one for one in several if one.name == name), several[0])


def _untimed(event: ProviderEvent) -> ProviderEvent:
    """The event without when we saw it: the same in every delivery, whatever else it is delivered with."""
    never = datetime.min.replace(tzinfo=UTC)
    if isinstance(event, RailEvent):
        return replace(event, occurred_at=never, transfer=replace(event.transfer, observed_at=never))
    return replace(event, occurred_at=never, transfer=replace(event.transfer, observed_at=never))


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


@dataclass(frozen=True, slots=True)
class News:
    """A kept message and the event in it."""

    message: InboxMessage
    event: ProviderEvent

    @property
    def is_push(self) -> bool:
        """Whether it may tell of tokens that arrived by themselves."""
        is_new = self.message.status is InboxStatus.RECEIVED
        return is_new and isinstance(self.event, TokenEvent) and bool(self.event.to_party)


async def apply_received(deps: Deps, limit: int) -> Served:
    """Apply kept messages, oldest first, and try parked ones again for a day, however many are parked.

    A message that cannot be applied now is tried again behind those that wait longer since they came or were
    tried.
    Messages are recorded together; what is about nothing known is looked for again once they are, and then
    parked.
    """
    left, outcomes = await _known_applied(deps, await _received(deps, limit))
    retried, page = list[Any](), await _parked(deps, deps.clock.now() - MATCHING_TIME)
    while page:
        retried += (await _known_applied(deps, page))[1]
        if len(page) < PAGE or len(retried) >= limit:
            break
        page = await _parked(deps, page[-1].created_at, page[-1].id)
    outcomes += await _given_up(deps, limit)
    asides = [_aside(news.message, InboxStatus.PARKED, NOTHING_KNOWN) for news in left]
    outcomes += await carried_out(deps, [worker_call(deps, SET_ASIDE, command) for command in asides])
    return served([*outcomes, *retried])


async def _given_up(deps: Deps, limit: int) -> list[Any]:
    """End what was parked for its day: money that came becomes unmatched (P-07), the rest has failed."""
    before = deps.clock.now() - MATCHING_TIME
    late = find(
        InboxMessage, status=InboxStatus.PARKED, created_at__lt=before, order=("created_at",), limit=limit
    )
    async with deps.repository.reader(deps.tenant_id) as reader:
        several = [_read(message) for message in await reader.find(late)]
    if not several:
        return []
    several.sort(key=_is_return)
    calls = [_unmatched(deps, news) for news in several]
    booked = await carried_out(deps, calls)
    ends = [_end_late(news, outcome) for news, outcome in zip(several, booked, strict=True)]
    ended = await carried_out(deps, [end and worker_call(deps, SET_ASIDE, end) for end in ends])
    return [
        outcome if isinstance(outcome, Exception) and not isinstance(outcome, LATE_ENDS) else end or outcome
        for end, outcome in zip(ended, booked, strict=True)
    ]


def _unmatched(
    deps: Deps, news: News
) -> Call[ReceiveUnmatched, UnmatchedFunds] | Call[TakeUnmatchedBack, UnmatchedFunds] | None:
    """Keep money that a bank says it settled for us, of an asset that we have, until it takes it back."""
    event = news.event
    if not isinstance(event, RailEvent) or not event.body_authenticated:
        return None
    transfer, provider = event.transfer, news.message.provider
    is_ours = transfer.direction is Direction.DEPOSIT and deps.programme.knows(transfer.amount.asset)
    if not is_ours or not transfer.provider_ref:
        return None
    ref = "/".join(name for name in (transfer.provider_ref, transfer.part) if name)
    amount, has_fee = transfer.amount, transfer.fee.asset == transfer.amount.asset
    kept = amount - transfer.fee if has_fee else amount
    if transfer.status in (RailStatus.SETTLED, RailStatus.FINAL):
        came = ReceiveUnmatched(amount=kept, provider=provider, provider_ref=ref, reason="came by itself")
        return worker_call(deps, UNMATCHED_RECEIVED, came)
    if transfer.status is RailStatus.RETURNED:
        gone = TakeUnmatchedBack(amounts=(amount, kept), provider=provider, provider_ref=ref)
        return worker_call(deps, UNMATCHED_TAKEN_BACK, gone)
    return None


def _is_return(news: News) -> bool:
    """Whether it comes after what it takes back, whichever was told first."""
    return news.event.transfer.status is RailStatus.RETURNED


def _end_late(news: News, outcome: object) -> SetAside | None:
    """How a message ends after its day; tried again where the store was in trouble."""
    if outcome is None or isinstance(outcome, NotFound):
        return _aside(news.message, InboxStatus.FAILED, NOTHING_KNOWN)
    if isinstance(outcome, UnmatchedFunds | DuplicateProviderReference):
        became = "unmatched money went back" if _is_return(news) else "kept as unmatched money"
        return _aside(news.message, InboxStatus.APPLIED, became)
    return _end(news, is_ours=True, outcome=outcome)


async def _known_applied(deps: Deps, messages: Sequence[InboxMessage]) -> tuple[list[News], list[Any]]:
    """Apply what is about something known, or becomes so by it; what is left, and the outcomes."""
    left, outcomes = [_read(message) for message in messages], list[Any]()
    while left:
        effects = await _effects_of(deps, left)
        known = [news for news in left if news.message.id in effects or news.is_push]
        if not known:
            break
        outcomes += await _applied(deps, known, effects)
        done = {news.message.id for news in known}
        left = [news for news in left if news.message.id not in done]
    return left, outcomes


async def _received(deps: Deps, limit: int) -> Sequence[InboxMessage]:
    received = find(InboxMessage, status=InboxStatus.RECEIVED, order=("updated_at",), limit=limit)
    async with deps.repository.reader(deps.tenant_id) as reader:
        return await reader.find(received)


async def _parked(deps: Deps, since: datetime, after: str = "") -> Sequence[InboxMessage]:
    """The next parked messages by time and then by id: those behind `after` at `since`, and later ones."""
    parked = partial(find, InboxMessage, status=InboxStatus.PARKED, order=("created_at",))
    async with deps.repository.reader(deps.tenant_id) as reader:
        same = await reader.find(parked(created_at=since, id__gt=after, limit=PAGE))
        if len(same) == PAGE:
            return same
        return [*same, *await reader.find(parked(created_at__gt=since, limit=PAGE - len(same)))]


async def _applied(deps: Deps, several: Sequence[News], effects: Mapping[str, Effect]) -> list[Any]:
    """What became of messages: recorded first, then those set aside that taught nothing."""
    asked = await tried(several, lambda news: _call(deps, news, effects.get(news.message.id)))
    outcomes = await carried_out(deps, asked)
    ends = [
        _end(news, news.message.id in effects, outcome)
        for news, outcome in zip(several, outcomes, strict=True)
    ]
    ended = await carried_out(deps, [end and worker_call(deps, SET_ASIDE, end) for end in ends])
    return [
        end if isinstance(end, Exception) and not isinstance(outcome, Exception) else outcome
        for outcome, end in zip(outcomes, ended, strict=True)
    ]


async def _call(deps: Deps, news: News, effect: Effect | None) -> Call[Any, Any] | SetAside:
    """What to do about a message that is about an intent of ours, or about tokens that came by themselves."""
    message, event = news.message, news.event
    if effect is None:
        return _push(deps, news)
    transfer = await _told(deps, effect, event)
    if transfer is None:
        return _aside(message, InboxStatus.PARKED, "the provider does not know it yet")
    sighting = providers.sighting_of(effect, transfer)
    return recording(deps, effect, sighting, Source.WEBHOOK, message_id=message.id)


def _push(deps: Deps, news: News) -> Call[ReceivePush, Received] | SetAside:
    """Book what arrived; a transfer counts once, so a crash before the message is set aside costs nothing."""
    event = news.event
    assert isinstance(event, TokenEvent), "only tokens arrive by themselves"
    if event.transfer.status is not TokenStatus.FINAL:
        return _aside(news.message, InboxStatus.APPLIED, "")
    push = ReceivePush(
        amount=event.transfer.amount,
        invoice_id=event.invoice_id,
        payer_id=event.from_party,
        enterprise_id=event.to_party,
        provider=news.message.provider,
        provider_ref=event.transfer.provider_ref,
    )
    return worker_call(deps, RECEIVE, push)


def _end(news: News, is_ours: bool, outcome: object) -> SetAside | None:
    """How a message ends that its recording did not end, or why it goes on waiting; None where that did."""
    if isinstance(outcome, SetAside):
        return outcome
    if isinstance(outcome, InvoicePayError):
        is_tried_again = outcome.retryable or isinstance(outcome, StoreError)
        status = news.message.status if is_tried_again else InboxStatus.FAILED
        return _aside(news.message, status, "" if is_tried_again else f"{outcome.code}: {outcome.message}")
    if isinstance(outcome, Exception):
        return _aside(news.message, news.message.status, "")
    if is_ours:
        return None
    return _aside(news.message, InboxStatus.APPLIED, "")


def _aside(message: InboxMessage, status: InboxStatus, reason: str) -> SetAside:
    return SetAside(message_id=message.id, status=status, reason=reason)


async def _told(deps: Deps, effect: Effect, event: ProviderEvent) -> providers.Transfer | None:
    """What the event says, or what the provider says when the event's body was not signed."""
    if isinstance(event, RailEvent) and not event.body_authenticated:
        return await providers.look_up(deps, effect)
    return event.transfer


async def _effects_of(deps: Deps, several: Sequence[News]) -> dict[str, Effect]:
    """The intents that messages are about, by message: by our reference, else by the provider's."""
    ids = {news.event.transfer.reference for news in several} - {""}
    refs = {news.event.transfer.provider_ref for news in several if not news.event.transfer.reference} - {""}
    async with deps.repository.reader(deps.tenant_id) as reader:
        ours = await reader.find(find(Effect, id__in=tuple(sorted(ids)))) if ids else ()
        theirs = await reader.find(find(Effect, provider_ref__in=tuple(sorted(refs)))) if refs else ()
    by_id = {effect.id: effect for effect in ours}
    by_ref = dict[tuple[str, str, EffectKind], Effect]()
    for effect in theirs:
        by_ref.setdefault((effect.provider, effect.provider_ref, effect.kind), effect)
    about = [(news, _about(news, by_id, by_ref)) for news in several]
    return {
        news.message.id: effect for news, effect in about if effect is not None and _may_tell(news, effect)
    }


def _may_tell(news: News, effect: Effect) -> bool:
    """Whether the sender is the provider that has it: one bank's word is none about another's work."""
    return effect.provider in (news.message.provider, slot_of(effect.kind))


def _about(
    news: News, by_id: Mapping[str, Effect], by_ref: Mapping[tuple[str, str, EffectKind], Effect]
) -> Effect | None:
    transfer = news.event.transfer
    if transfer.reference:
        return by_id.get(transfer.reference)
    named = [(news.message.provider, transfer.provider_ref, kind) for kind in _kinds(news.event)]
    return min((by_ref[name] for name in named if name in by_ref), key=lambda e: e.id, default=None)


def _kinds(event: ProviderEvent) -> tuple[EffectKind, ...]:
    if isinstance(event, TokenEvent):
        return (EffectKind.MINT, EffectKind.BURN, EffectKind.TRANSFER)
    is_deposit = event.transfer.direction is Direction.DEPOSIT
    return (EffectKind.DEPOSIT if is_deposit else EffectKind.PAYOUT,)


def _read(message: InboxMessage) -> News:
    """The kept event, read back."""
    kept = json.loads(message.body)
    kind: type[ProviderEvent] = RailEvent if kept["slot"] == "rails" else TokenEvent
    return News(message, from_dict(kind, kept["event"]))
