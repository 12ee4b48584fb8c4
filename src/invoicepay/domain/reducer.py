"""What a fact does to an intent: one pure fold for answers, webhooks and polls (reliability 1.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from invoicepay.domain.effects import (
    EFFECT,
    Effect,
    EffectCommand,
    EffectKind,
    EffectStatus,
    Observation,
    Source,
    slot_of,
)
from invoicepay.domain.money import Money

ABSENT = "absent"
"""Status of an observation that says: asked by our reference, the provider does not know it."""


class Verdict(StrEnum):
    """A fact moves the intent, says nothing new, or contradicts what is known."""

    APPLY = "apply"
    IGNORE = "ignore"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Reduction:
    """The intent after a fact, and what the fact was."""

    effect: Effect
    verdict: Verdict


S, C = EffectStatus, EffectCommand

_RANK: Mapping[EffectStatus, int] = {
    S.PLANNED: 0,
    S.SENDING: 1,
    S.UNKNOWN: 2,
    S.ACCEPTED: 3,
    S.SETTLED: 4,
    S.FINAL: 5,
    S.RETURNED: 6,
    S.RETURN_REVERSED: 7,
}
_ENDED_BEFORE_SETTLEMENT = frozenset({S.REJECTED, S.FAILED, S.CANCELLED})
_SETTLED_AT_LEAST = frozenset({S.SETTLED, S.FINAL, S.RETURNED, S.RETURN_REVERSED})
_OVER = _ENDED_BEFORE_SETTLEMENT | {S.FINAL, S.RETURNED, S.RETURN_REVERSED}
_COMMANDS: Mapping[EffectStatus, EffectCommand] = {
    S.UNKNOWN: C.LOSE,
    S.ACCEPTED: C.ACCEPT,
    S.SETTLED: C.SETTLE,
    S.FINAL: C.FINALIZE,
    S.REJECTED: C.REJECT,
    S.FAILED: C.FAIL,
    S.RETURNED: C.RETURN,
    S.RETURN_REVERSED: C.REVERSE_RETURN,
}


def reduce(effect: Effect, seen: Observation) -> Reduction:
    """Fold one fact into an intent.

    Facts that agree may come in any order and any number of times and end in the same state. Facts that
    cannot all be true lead to review and post nothing. An operator's word settles a review.
    """
    if seen.status == ABSENT:
        return Reduction(effect, Verdict.IGNORE)
    status = EffectStatus(seen.status)
    if effect.status is S.NEEDS_REVIEW and seen.source is not Source.OPERATOR:
        return Reduction(_named(effect, seen), Verdict.IGNORE)
    objection = "" if seen.source is Source.OPERATOR else _objection(effect, seen)
    if objection:
        return _reviewed(effect, objection)
    return _ranked(effect, status, seen)


def _ranked(effect: Effect, status: EffectStatus, seen: Observation) -> Reduction:
    if status is S.NEEDS_REVIEW:
        if effect.status in _OVER:
            return Reduction(effect, Verdict.IGNORE)
        return _reviewed(effect, f"the provider says {seen.provider_status or 'something unknown'}")
    if seen.part and effect.status in _SETTLED_AT_LEAST:
        return Reduction(_named(effect, seen), Verdict.APPLY)  # one more part, whatever came before it
    if seen.part and status is S.FINAL:
        status = S.SETTLED  # that part is final; more may come, and be called final by itself
    if status not in _COMMANDS or _COMMANDS[status] not in EFFECT.allowed(effect.status):
        return _out_of_turn(effect, status, seen)
    moved = _named(replace(effect, status=EFFECT.after(effect.status, _COMMANDS[status])), seen)
    return Reduction(moved, Verdict.APPLY)


def _objection(effect: Effect, seen: Observation) -> str:
    """Why the fact cannot be about this intent as it was sent, or nothing."""
    if seen.part and (effect.kind is not EffectKind.DEPOSIT or seen.status not in _SETTLED_AT_LEAST):
        return f"{seen.status} of part {seen.part}: only deposits settle and return in parts"
    if seen.amount != effect.amount and not (seen.part and _is_part(effect, seen)):
        return f"amount is {seen.amount}, asked was {effect.amount}"
    if seen.provider_ref and effect.provider_ref and seen.provider_ref != effect.provider_ref:
        return f"a second reference {seen.provider_ref} for one key"
    return ""


def _is_part(effect: Effect, seen: Observation) -> bool:
    """Whether the amount is a part's: some of the asset that was asked for."""
    return seen.amount.asset == effect.asset and seen.amount.micros > 0


def _out_of_turn(effect: Effect, status: EffectStatus, seen: Observation) -> Reduction:
    """A fact that the table has no edge for: late, repeated, or a contradiction."""
    if _contradicts(effect, status, seen.return_code):
        return _reviewed(effect, f"{status} after {effect.status}")
    return Reduction(_named(effect, seen), Verdict.IGNORE)


def _contradicts(effect: Effect, status: EffectStatus, return_code: str) -> bool:
    if effect.status is S.CANCELLED:
        return status not in _ENDED_BEFORE_SETTLEMENT and status is not S.UNKNOWN
    if effect.status in _ENDED_BEFORE_SETTLEMENT:
        return _RANK.get(status, 0) >= _RANK[S.SETTLED]
    if status in _ENDED_BEFORE_SETTLEMENT:
        return True
    is_second_return = status is S.RETURNED and effect.status in (S.RETURNED, S.RETURN_REVERSED)
    return (
        is_second_return and "" not in (return_code, effect.return_code) and return_code != effect.return_code
    )


def _named(effect: Effect, seen: Observation) -> Effect:
    """The intent with what the fact taught of its names at the provider."""
    is_return = seen.status == S.RETURNED
    return replace(
        effect,
        provider=seen.provider if effect.provider == slot_of(effect.kind) else effect.provider,
        provider_ref=effect.provider_ref or seen.provider_ref,
        return_code=effect.return_code or (seen.return_code if is_return else ""),
    )


def _reviewed(effect: Effect, reason: str) -> Reduction:
    if effect.status is S.NEEDS_REVIEW:
        return Reduction(effect, Verdict.IGNORE)
    after = EFFECT.after(effect.status, C.REVIEW)
    return Reduction(replace(effect, status=after, review_reason=reason[:500]), Verdict.REVIEW)


def fact_id(
    effect: Effect,
    *,
    provider_ref: str,
    word: str,
    amount: Money,
    return_code: str = "",
    part: str = "",
) -> str:
    """The name of a fact within its provider: the same fact has the same name, whoever reports it.

    An amount that was not asked for is part of it, so that it cannot hide behind a fact already known.
    """
    parts = [provider_ref or effect.id, word, return_code, part]
    if amount != effect.amount:
        parts += [str(amount.micros), amount.asset]
    return "/".join(part for part in parts if part)
