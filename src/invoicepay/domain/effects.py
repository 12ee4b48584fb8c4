"""Provider work: what was asked of the outside and what was seen of it: intent, fence, observation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.change import Change
from invoicepay.domain.entity import Entity
from invoicepay.domain.ids import Prefix
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Find, find
from invoicepay.errors import InvalidInput, InvalidTransition


class EffectKind(StrEnum):
    """What a provider is asked to do."""

    DEPOSIT = "rails.deposit"
    PAYOUT = "rails.payout"
    MINT = "token.mint"
    BURN = "token.burn"
    TRANSFER = "token.transfer"


class EffectStatus(StrEnum):
    """Ranked planned < sending < unknown < accepted < settled < final; the rest are side branches."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SETTLED = "settled"
    FINAL = "final"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    RETURN_REVERSED = "return_reversed"
    NEEDS_REVIEW = "needs_review"


class EffectCommand(StrEnum):
    """What moves an effect: our worker's steps, and facts that were observed."""

    PLAN = "plan"
    CLAIM = "claim"
    TAKE_BACK = "take_back"
    LOSE = "lose"
    ACCEPT = "accept"
    SETTLE = "settle"
    FINALIZE = "finalize"
    REJECT = "reject"
    FAIL = "fail"
    CANCEL = "cancel"
    RETURN = "return"
    REVERSE_RETURN = "reverse_return"
    REVIEW = "review"
    RESEND = "resend"


class Alarm(StrEnum):
    """How loudly a missing answer was told of: not yet, to whoever looks, to whoever is on call."""

    NONE = ""
    WARNING = "warning"
    PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect(Entity):
    """One intent towards a provider: one provider key, at most one movement.

    Attributes:
        cause_kind, cause_id, generation: the row it serves and which intent for it; unique with `kind`.
        request: frozen JSON-ready request; a retry sends the same.
        provider_key: the idempotency key that the provider sees.
        attempt: how often it left; what surely did not leave is not counted, nor is asking what became of it.
        misses: how often in a row it surely did not leave; the wait doubles with each.
        fence: grows with every claim; only the holder of the latest may change status and lease.
        first_sent_at: since when it may have left; the age of an unknown outcome and of its key.
        last_sent_at: set before bytes leave; from then on an absent answer is unknown.
        absent_since: since when the provider has not known any more what it had accepted.
        due_at: not claimed before.
        alarm: the loudest that was raised for its unknown outcome.
    """

    KIND: ClassVar[str] = "effect"

    kind: EffectKind
    provider: str
    cause_kind: str
    cause_id: str
    asset: str
    amount: Money
    request: dict[str, str]
    provider_key: str
    due_at: datetime
    status: EffectStatus = EffectStatus.PLANNED
    generation: int = 1
    attempt: int = 0
    misses: int = 0
    fence: int = 0
    lease_until: datetime | None = None
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    absent_since: datetime | None = None
    provider_ref: str = ""
    supersedes_id: str = ""
    return_code: str = ""
    review_reason: str = ""
    alarm: Alarm = Alarm.NONE


class Source(StrEnum):
    """Where an observation came from; all are folded by one reducer."""

    CALL = "call"
    LOOKUP = "lookup"
    WEBHOOK = "webhook"
    POLL = "poll"
    STATEMENT = "statement"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Entity):
    """Something seen of a provider's work; its id is `provider/fact_id`, so a fact counts once."""

    KIND: ClassVar[str] = "observation"

    effect_id: str
    provider: str
    fact_id: str
    source: Source
    status: str
    provider_status: str
    provider_ref: str
    asset: str
    amount: Money
    fee: Money
    return_code: str = ""
    occurred_at: datetime | None = None
    part: str = ""


class InboxStatus(StrEnum):
    """Received and kept, applied with the posting, parked without a match, or failed for a stated reason."""

    RECEIVED = "received"
    APPLIED = "applied"
    PARKED = "parked"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxMessage(Entity):
    """A verified webhook delivery; its id is `provider/event_id`, so a repeated one changes nothing.

    Attributes:
        effect_id: the intent that it taught something of; empty as long as it did not.
    """

    KIND: ClassVar[str] = "inbox_message"

    provider: str
    event_id: str
    digest: str
    body: str
    status: InboxStatus = InboxStatus.RECEIVED
    reason: str = ""
    effect_id: str = ""


S, C = EffectStatus, EffectCommand

_IN_FLIGHT = (S.PLANNED, S.SENDING, S.UNKNOWN)
_BEFORE_SETTLEMENT = (*_IN_FLIGHT, S.ACCEPTED)
_LIVE = (*_BEFORE_SETTLEMENT, S.SETTLED)

EFFECT: Lifecycle[EffectStatus, EffectCommand] = Lifecycle(
    "effect",
    {
        (None, C.PLAN): S.PLANNED,
        (S.PLANNED, C.CLAIM): S.SENDING,
        (S.SENDING, C.CLAIM): S.SENDING,
        (S.UNKNOWN, C.CLAIM): S.UNKNOWN,
        (S.ACCEPTED, C.CLAIM): S.ACCEPTED,
        (S.SETTLED, C.CLAIM): S.SETTLED,
        (S.SENDING, C.TAKE_BACK): S.PLANNED,
        (S.PLANNED, C.CANCEL): S.CANCELLED,
        (S.NEEDS_REVIEW, C.RESEND): S.UNKNOWN,
        **{(state, C.LOSE): S.UNKNOWN for state in (S.PLANNED, S.SENDING)},
        **{(state, C.ACCEPT): S.ACCEPTED for state in (*_IN_FLIGHT, S.NEEDS_REVIEW)},
        **{(state, C.SETTLE): S.SETTLED for state in (*_BEFORE_SETTLEMENT, S.NEEDS_REVIEW)},
        **{(state, C.FINALIZE): S.FINAL for state in (*_LIVE, S.NEEDS_REVIEW)},
        **{(state, C.REJECT): S.REJECTED for state in (*_BEFORE_SETTLEMENT, S.NEEDS_REVIEW)},
        **{(state, C.FAIL): S.FAILED for state in (*_BEFORE_SETTLEMENT, S.NEEDS_REVIEW)},
        **{(state, C.RETURN): S.RETURNED for state in (*_LIVE, S.FINAL, S.NEEDS_REVIEW)},
        **{
            (state, C.REVERSE_RETURN): S.RETURN_REVERSED
            for state in (*_LIVE, S.FINAL, S.RETURNED, S.NEEDS_REVIEW)
        },
        **{(state, C.REVIEW): S.NEEDS_REVIEW for state in S if state is not S.NEEDS_REVIEW},
    },
)
"""An intent's states (reliability 1.2); any contradiction leads to review, from any state."""

ENDED_FOR_CERTAIN = frozenset({S.REJECTED, S.FAILED, S.CANCELLED, S.RETURNED})
"""Nothing more can move under these, so a new intent may replace one."""


REQUIRED: Mapping[EffectKind, frozenset[str]] = {
    EffectKind.DEPOSIT: frozenset({"rail", "party_id"}),
    EffectKind.PAYOUT: frozenset({"rail", "party_id"}),
    EffectKind.MINT: frozenset({"to_party"}),
    EffectKind.BURN: frozenset({"from_party"}),
    EffectKind.TRANSFER: frozenset({"from_party", "to_party"}),
}
OPTIONAL = frozenset({"account_token", "memo"})


def plan(
    change: Change,
    *,
    kind: EffectKind,
    cause: Entity,
    amount: Money,
    request: Mapping[str, str],
    generation: int = 1,
    supersedes: Effect | None = None,
    provider: str = "",
) -> Effect:
    """Record an intent towards a provider; the worker sends it after the commit (reliability 1.1).

    Args:
        cause: the row it serves; a mint, burn, deposit, withdrawal, payment or transfer.
        request: `rail`, `party_id`, `account_token` for rails; `from_party`, `to_party`, `memo` for tokens.
        generation: grows with every new intent for one cause, for example a payout to another account.
        supersedes: the intent that ended for certain and is replaced.
        provider: empty means who does this work by the routes of the client, or else the slot of the kind,
            `rails` or `tokens`; the worker puts the name in.
    """
    assert REQUIRED[kind] <= request.keys() <= REQUIRED[kind] | OPTIONAL, (
        f"{kind} does not take {set(request)}"
    )
    assert supersedes is None or supersedes.status in ENDED_FOR_CERTAIN, "an open intent is never replaced"
    id = change.new_id(Prefix.EFFECT)
    routed = change.context.route(kind, amount.asset, request.get("rail", ""))
    return change.add(
        Effect(
            id=id,
            kind=kind,
            provider=provider or routed or slot_of(kind),
            cause_kind=cause.KIND,
            cause_id=cause.id,
            asset=amount.asset,
            amount=amount,
            request={"memo": memo_of(id), **request},
            provider_key=id,
            due_at=change.now,
            status=EFFECT.after(None, EffectCommand.PLAN),
            generation=generation,
            supersedes_id=supersedes.id if supersedes else "",
        ),
        "effect.planned",
    )


def require_route(change: Change, kind: EffectKind, asset: str, rail: str = "") -> None:
    """Check that somebody does such work, before a party waits for it.

    Raises:
        InvalidInput: no bank of this client has that rail for that asset, or nobody issues it.
    """
    if change.context.route(kind, asset, rail) is not None:
        return
    if slot_of(kind) == "rails":
        raise InvalidInput(
            f"no bank of this client serves {asset} over {rail} for a {kind.partition('.')[2]}",
            hint="Choose another rail, or name a bank for it where the client is made: rails={…}.",
            field="rail",
        )
    raise InvalidInput(
        f"no token network of this client issues {asset}",
        hint="Name one for it where the client is made: token={…}.",
        field="asset",
    )


def cancel(change: Change, effect: Effect, *, reason: str = "") -> Effect:
    """Withdraw an intent that was never sent.

    Raises:
        InvalidTransition: it left already, or its outcome is not known; wait for the answer.
    """
    after = EFFECT.after(effect.status, EffectCommand.CANCEL)
    return change.put(replace(effect, status=after, review_reason=reason), "effect.cancelled")


def review(change: Change, effect: Effect, reason: str) -> Effect:
    """Leave an intent to a person: what was seen of it does not fit the books (reliability 1.7)."""
    after = EFFECT.after(effect.status, EffectCommand.REVIEW)
    return change.put(replace(effect, status=after, review_reason=reason), "effect.needs_review")


def refuse_contested(cause: str, intents: Iterable[Effect]) -> None:
    """Check that no intent of a cause is left to a person, before more is asked for that cause.

    Raises:
        InvalidTransition: one is; it may have moved what a new one would move again.
    """
    if any(intent.status is EffectStatus.NEEDS_REVIEW for intent in intents):
        hint = "Resolve the review of the intent first."
        raise InvalidTransition(cause, EffectStatus.NEEDS_REVIEW, "ask again", hint=hint)


def effects_of(cause_id: str, kind: EffectKind | None = None) -> Find[Effect]:
    """The search for a cause's intents, oldest first."""
    if kind is None:
        return find(Effect, cause_id=cause_id, order=("created_at",))
    return find(Effect, cause_id=cause_id, kind=kind, order=("generation",))


def slot_of(kind: str) -> str:
    """On which side this kind of work is done: `rails` or `tokens`."""
    return "rails" if kind in (EffectKind.DEPOSIT, EffectKind.PAYOUT) else "tokens"


def memo_of(id: str) -> str:
    """The digest that ties a public token movement to its intent, without telling anything about it."""
    return hashlib.sha256(id.encode()).hexdigest()
