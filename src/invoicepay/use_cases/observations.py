"""Records what was seen of an intent: once per fact, folded and posted together (reliability 1.7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from invoicepay.domain.access import authorise, second_actor
from invoicepay.domain.alarms import let_wait
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import (
    Effect,
    EffectKind,
    EffectStatus,
    InboxMessage,
    InboxStatus,
    Observation,
    Source,
    review,
    slot_of,
)
from invoicepay.domain.ids import clean_text
from invoicepay.domain.money import Money, document_amount, positive, total
from invoicepay.domain.needs import Needs, find, need
from invoicepay.domain.netting import follow_chain, position_needs
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.reducer import ABSENT, Verdict, fact_id, reduce
from invoicepay.domain.resending import next_look
from invoicepay.errors import (
    DuplicateProviderReference,
    InvalidInput,
    InvalidTransition,
    MoneyError,
    StateError,
)
from invoicepay.use_cases.folds import fold_of
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Call, Deps, UseCase, call_of, carry_out, own_call, perform_many
from invoicepay.use_cases.providers import Sighting, doubt, provider_name

C = TypeVar("C")
R = TypeVar("R")

WORKER = Actor("worker", Role.SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordObservation:
    """One fact about one intent.

    Attributes:
        effect: the intent as the reporter knew it; only its frozen parts are relied on.
        fence: of the claim that this report ends; None when no claim was held.
        message_id: the inbox message that brought it; applied in the same transaction.
        contradiction: why the books cannot follow the fact; it is kept, and a person looks.
    """

    effect: Effect
    source: Source
    sighting: Sighting
    provider: str
    fence: int | None = None
    message_id: str = ""
    contradiction: str = ""

    @property
    def fact_id(self) -> str:
        """The fact's name within its provider."""
        seen = self.sighting
        return fact_id(
            self.effect,
            provider_ref=seen.provider_ref,
            word=seen.word,
            amount=seen.amount,
            return_code=seen.return_code,
            part=seen.part,
        )

    @property
    def observation_id(self) -> str:
        """The fact's name among all providers."""
        return f"{self.provider}/{self.fact_id}"


def _needs_record(command: RecordObservation, seen: Snapshot) -> Needs:
    rows = need((Effect, command.effect.id), (Observation, command.observation_id))
    rows |= position_needs(seen.programme, command.effect)
    if command.message_id:
        rows |= need((InboxMessage, command.message_id))
    fold = fold_of(command.effect)
    known = seen.peek(Observation, command.observation_id)
    if known is not None and known.effect_id != command.effect.id:
        rows |= need((Observation, _doubtful(command).observation_id))
    return rows | fold.needs(command.effect, seen) if fold else rows


def decide_record(command: RecordObservation, change: Change) -> Effect:
    """Record what was seen, whatever it is: what the books cannot follow needs a person, not a posting.

    The same decision does both, so that what comes behind it in a batch finds the intent in review.
    """
    try:
        return change.attempt(lambda: _recorded(command, change))
    except DuplicateProviderReference:
        return _recorded(_doubtful(command), change)
    except (StateError, MoneyError) as refusal:
        return _recorded(replace(command, contradiction=refusal.message), change)


def _doubtful(command: RecordObservation) -> RecordObservation:
    """The report of a reference that another intent has already."""
    reason = f"reference {command.sighting.provider_ref} belongs to another intent"
    return replace(command, sighting=doubt(command.effect, reason))


def _contested(command: RecordObservation) -> RecordObservation:
    """The same where only the store knew: whatever the state, a person looks.

    The store has the reference on another intent, or on money that is in the books already. Nothing is kept
    under that reference, so that its owner can still be told the same.
    """
    doubtful = _doubtful(command)
    return replace(doubtful, contradiction=doubtful.sighting.provider_status)


def _recorded(command: RecordObservation, change: Change) -> Effect:
    """Keep the fact and do what follows from it; a known one when a review stopped that before.

    Raises:
        DuplicateProviderReference: the fact was told of another intent.
        StateError, MoneyError: the books cannot follow it.
    """
    effect = before = change.get(Effect, command.effect.id)
    known = change.peek(Observation, command.observation_id)
    if known is not None and known.effect_id != effect.id:
        raise DuplicateProviderReference(known=known.effect_id, effect=effect.id)
    seen = known or change.add(_observation(command))
    if command.contradiction:
        effect = _reviewed(change, effect, command.contradiction)
    elif known is None or reduce(effect, known).verdict is Verdict.APPLY:
        effect = _folded(change, effect, seen, is_new=known is None)
    if command.fence == effect.fence:
        effect = _let_go(change, effect, seen)
    follow_chain(change, before, effect)
    if command.message_id:
        message = change.get(InboxMessage, command.message_id)
        applied = replace(message, status=InboxStatus.APPLIED, effect_id=effect.id)
        change.put(applied, "inbox_message.applied")
    return effect


def _let_go(change: Change, effect: Effect, seen: Observation) -> Effect:
    """The intent after a claim that learned something: when to ask again, and since when it is missed."""
    since = (effect.absent_since or change.now) if seen.status == ABSENT else None
    return let_wait(change, replace(effect, misses=0, absent_since=since), next_look(effect, change.now))


def _reviewed(change: Change, effect: Effect, reason: str) -> Effect:
    """In review; one that a person has to look at already stays as it is."""
    in_review = effect.status is EffectStatus.NEEDS_REVIEW
    return effect if in_review else review(change, effect, reason)


def _folded(change: Change, effect: Effect, seen: Observation, *, is_new: bool) -> Effect:
    """The intent after the fact, and what follows from it; money beside the point is kept the first time."""
    reduction, fold = reduce(effect, seen), fold_of(effect)
    if fold and fold.doubt and is_new and reduction.verdict is Verdict.REVIEW:
        fold.doubt(change, effect, seen)
    folded = reduction.effect
    if folded != effect:
        moved = folded.status is not effect.status
        folded = change.put(folded, f"effect.{folded.status}" if moved else None)
    if reduction.verdict is Verdict.APPLY and fold:
        fold.fold(change, folded, seen)
    return change.get(Effect, folded.id)


def _observation(command: RecordObservation) -> Observation:
    seen = command.sighting
    return Observation(
        id=command.observation_id,
        effect_id=command.effect.id,
        provider=command.provider,
        fact_id=command.fact_id,
        source=command.source,
        status=seen.status,
        provider_status=seen.provider_status,
        provider_ref=seen.provider_ref,
        asset=seen.amount.asset,
        amount=seen.amount,
        fee=seen.fee,
        return_code=seen.return_code,
        occurred_at=seen.occurred_at,
        part=seen.part,
    )


RECORD = UseCase("observations.record", Effect, _needs_record, decide_record, _contested)


def recording(
    deps: Deps,
    effect: Effect,
    sighting: Sighting,
    source: Source,
    *,
    fence: int | None = None,
    message_id: str = "",
) -> Call[RecordObservation, Effect]:
    """The call that records what was seen."""
    command = RecordObservation(
        effect=effect,
        source=source,
        sighting=sighting,
        provider=provider_name(deps, effect),
        fence=fence,
        message_id=message_id,
    )
    return worker_call(deps, RECORD, command)


async def record(
    deps: Deps, effect: Effect, sighting: Sighting, source: Source, *, fence: int | None = None
) -> Effect:
    """Record what was seen, by itself."""
    return await carry_out(deps, recording(deps, effect, sighting, source, fence=fence))


def worker_call(deps: Deps, use_case: UseCase[C, R], command: C) -> Call[C, R]:
    """An internal command of the library itself, under a key of its own."""
    return own_call(replace(deps, actor=WORKER), use_case, command)


async def as_worker(deps: Deps, use_case: UseCase[C, R], command: C) -> R:
    """Carry out an internal command as the library itself."""
    return await carry_out(deps, worker_call(deps, use_case, command))


RESOLUTIONS = (
    EffectStatus.ACCEPTED,
    EffectStatus.SETTLED,
    EffectStatus.FINAL,
    EffectStatus.REJECTED,
    EffectStatus.FAILED,
    EffectStatus.RETURNED,
    EffectStatus.RETURN_REVERSED,
)
"""What a person may find out."""

TOKEN_RESOLUTIONS = (
    EffectStatus.ACCEPTED,
    EffectStatus.FINAL,
    EffectStatus.REJECTED,
    EffectStatus.FAILED,
)
"""What a person may find out about tokens: they move once and for good, so that nothing returns."""


PART_MOVED = (
    "Have the provider move the rest, or undo the part; then resolve without an amount, as done or as failed."
)
"""The way out when a provider moved a part of what can only be booked whole."""


FOUND_OUT = "found out by a person"
"""Stands in an observation where the provider's own word would: that of the person may be erased one day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveReview:
    """What a person found out about an intent in review.

    Attributes:
        amount: what really moved; only a deposit may differ from what was asked. None means as asked.
        approved_by: the second person (four eyes).
    """

    effect_id: str
    status: EffectStatus
    reason: str
    approved_by: str
    provider_ref: str = ""
    amount: Money | None = None


def _finding(command: ResolveReview, effect: Effect) -> RecordObservation:
    """The finding as an observation; why it is believed, the log of operations keeps."""
    clean_text(command.reason, 500, "the reason")
    sighting = Sighting(
        status=command.status,
        word=f"operator/{command.status}/{effect.version}",
        provider_status=FOUND_OUT,
        amount=command.amount or effect.amount,
        fee=Money.zero(effect.asset),
        provider_ref=clean_text(command.provider_ref, 255, "the reference") or effect.provider_ref,
    )
    return RecordObservation(
        effect=effect, source=Source.OPERATOR, sighting=sighting, provider=effect.provider
    )


def _needs_resolve(command: ResolveReview, seen: Snapshot) -> Needs:
    effect = seen.peek(Effect, command.effect_id)
    known = need((Effect, command.effect_id))
    return known | _needs_record(_finding(command, effect), seen) if effect else known


def decide_resolve(command: ResolveReview, change: Change) -> Effect:
    """Settle a review with what a person found out; the books follow as if the provider had said it."""
    effect = change.get(Effect, command.effect_id)
    _checked_amount(command, effect)
    authorise(change, effect)
    second_actor(change, command.approved_by)
    known = RESOLUTIONS if slot_of(effect.kind) == "rails" else TOKEN_RESOLUTIONS
    allowed = known if effect.status is EffectStatus.NEEDS_REVIEW else ()
    if command.status not in allowed:
        raise InvalidTransition("effect", effect.status, f"resolve as {command.status}", allowed)
    return _recorded(_finding(command, effect), change)


def _checked_amount(command: ResolveReview, effect: Effect) -> None:
    """What is said to have moved is what the books can follow: only a deposit brings more or less than asked.

    A payout, mint, burn or transfer is booked whole or not at all, whatever its provider did with it.
    """
    if command.amount is None:
        return
    total([positive(command.amount)], effect.asset)
    if slot_of(effect.kind) == "rails":
        document_amount(command.amount)
    if effect.kind is not EffectKind.DEPOSIT and command.amount != effect.amount:
        raise InvalidInput(
            f"{effect.kind} is booked whole or not at all: {effect.amount} was asked, not {command.amount}",
            hint=PART_MOVED,
            asked=str(effect.amount),
        )


RESOLVE = UseCase("effects.resolve_review", Effect, _needs_resolve, decide_resolve)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeUpFor:
    """A part that was told during a review, and is booked now that the review is over."""

    effect: Effect
    observation_id: str


def _needs_make_up(command: MakeUpFor, seen: Snapshot) -> Needs:
    rows = need((Effect, command.effect.id), (Observation, command.observation_id))
    fold = fold_of(command.effect)
    return rows | fold.needs(command.effect, seen) if fold else rows


def decide_make_up(command: MakeUpFor, change: Change) -> Effect:
    """Fold it again: a part counts once, by its name.

    One that the books still cannot follow is what the person has looked at.
    """
    effect = change.get(Effect, command.effect.id)
    seen = change.get(Observation, command.observation_id)
    if reduce(effect, seen).verdict is not Verdict.APPLY:
        return effect
    try:
        return change.attempt(lambda: _folded(change, effect, seen, is_new=False))
    except (StateError, MoneyError):
        return effect


MAKE_UP = UseCase("effects.make_up", Effect, _needs_make_up, decide_make_up)
IN_PARTS = (
    EffectStatus.SETTLED,
    EffectStatus.FINAL,
    EffectStatus.RETURNED,
    EffectStatus.RETURN_REVERSED,
)
"""What may be told in parts, in the order in which it can be booked."""


async def _made_up_for(deps: Deps, command: ResolveReview) -> list[Call[MakeUpFor, Effect]]:
    """What books the parts of a review; a return that the finding tells of is in its amount already."""
    words = tuple(status.value for status in IN_PARTS)
    told = find(Observation, effect_id=command.effect_id, status__in=words, order=("created_at",))
    async with deps.repository.reader(deps.tenant_id) as reader:
        effects = await reader.find(find(Effect, id=command.effect_id))
        parts = [seen for seen in await reader.find(told) if seen.part]
    is_return = command.status in (EffectStatus.RETURNED, EffectStatus.RETURN_REVERSED)
    missed = [seen for seen in parts if not (is_return and seen.status == command.status)]
    missed.sort(key=lambda seen: IN_PARTS.index(EffectStatus(seen.status)))
    return [
        worker_call(deps, MAKE_UP, MakeUpFor(effect=effect, observation_id=seen.id))
        for effect in effects
        for seen in missed
    ]


async def resolve_review(deps: Deps, command: ResolveReview, key: str | None = None) -> Effect:
    """Say what really became of an intent in review (reliability 1.2).

    Raises:
        AmountNotPositive, AmountPrecision, CurrencyMismatch: that amount cannot have moved.
        InvalidInput: an amount other than asked, of something that is booked whole or not at all.
        NotFound: no such intent.
        NotAllowed, SecondActorRequired: the actor is no operator, or nobody else approved it.
        InvalidTransition: it is not in review, or such a finding is none.
    """
    resolving = call_of(deps, RESOLVE, command, key)
    await allow(deps, RESOLVE.name, command=command)  # what it makes up for is carried out beside it
    resolved, *_ = await perform_many(deps, [resolving, *await _made_up_for(deps, command)])
    if isinstance(resolved, Exception):
        raise resolved
    effect: Effect = resolved
    return effect
