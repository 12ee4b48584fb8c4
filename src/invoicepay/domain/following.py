"""Tokens that the books moved first and a chain moves after: refunds, reversals, fees (spec 1.4)."""

from __future__ import annotations

from invoicepay.domain import effects
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, Observation
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.policies import Settlement

REFUSED = frozenset({EffectStatus.FAILED, EffectStatus.REJECTED})


def follow(
    change: Change, cause: Entity, *, from_party: str, to_party: str, amount: Money, leg: int = 0
) -> None:
    """Plan the transfer that brings the chain to where the books are; nothing where tokens move in the book.

    Args:
        cause: the payment or lot as stored; each of its versions moves tokens once, in up to two legs.
        leg: 1 for the second transfer of one version.
    """
    assert leg in (0, 1), "a version has two legs"
    if amount and change.programme.asset(amount.asset).settlement is Settlement.ONCHAIN:
        effects.plan(
            change,
            kind=EffectKind.TRANSFER,
            cause=cause,
            amount=amount,
            request={"from_party": from_party, "to_party": to_party},
            generation=2 * cause.version + leg,
        )


def follows(effect: Effect) -> bool:
    """Whether the intent follows the books; a payment's own transfer, its first intent, leads them."""
    return effect.generation > 1


def fold_needs(effect: Effect, seen: Snapshot) -> Needs:  # noqa: ARG001 - the shape of every fold
    """`fold_followed` reads nothing but the intent."""
    return need()


def fold_followed(change: Change, effect: Effect, seen: Observation) -> None:
    """The books are there already; when the chain refuses for certain, a person decides."""
    if EffectStatus(seen.status) in REFUSED:
        effects.review(change, effect, "the books moved the tokens already, and the transfer was refused")
