"""Holds: tokens set aside in 2010 until they are captured, released or expire (spec 4.7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain import postings
from invoicepay.domain.access import party_needs, receiving_code
from invoicepay.domain.accounts import held
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.entity import Entity
from invoicepay.domain.ids import Prefix
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, need


class HoldStatus(StrEnum):
    """States of a hold."""

    ACTIVE = "active"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class HoldCommand(StrEnum):
    """What moves a hold."""

    PLACE = "place"
    CAPTURE = "capture"
    RELEASE = "release"
    EXPIRE = "expire"


S, C = HoldStatus, HoldCommand
HOLD: Lifecycle[HoldStatus, HoldCommand] = Lifecycle(
    "hold",
    {
        (None, C.PLACE): S.ACTIVE,
        (S.ACTIVE, C.CAPTURE): S.CAPTURED,
        (S.ACTIVE, C.RELEASE): S.RELEASED,
        (S.ACTIVE, C.EXPIRE): S.EXPIRED,
    },
)
"""A hold's states (spec 4.7); every way out of `active` books what happens to the tokens."""


class HoldPurpose(StrEnum):
    """What the tokens wait for."""

    PAYMENT = "payment"
    TRANSFER = "transfer"
    WITHDRAWAL = "withdrawal"
    AUTHORIZATION = "authorization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Entity):
    """An amount of a party's tokens in 2010; the active ones sum to that account (INV-16).

    Attributes:
        captured: what was taken; the rest was released.
        amount: what is, or was last, set aside.
        cause_id: the payment, transfer or withdrawal it belongs to; empty for a host's authorization.
        payee_id: who may capture an authorization; empty leaves it to the owner.
    """

    KIND: ClassVar[str] = "hold"

    owner_id: str
    asset: str
    amount: Money
    captured: Money
    purpose: HoldPurpose
    status: HoldStatus = HoldStatus.ACTIVE
    cause_id: str = ""
    payee_id: str = ""
    expires_at: datetime | None = None
    reason: str = ""


def hold_needs(hold_id: str, seen: Snapshot) -> Needs:
    """The hold, and once it is seen its owner's wallet and held tokens."""
    needs = need((Hold, hold_id))
    hold = seen.peek(Hold, hold_id)
    if hold is None:
        return needs
    return (
        needs
        | party_needs(hold.owner_id, asset=hold.asset)
        | need(accounts=[held(hold.owner_id, hold.asset)])
    )


def place(
    change: Change,
    *,
    owner_id: str,
    amount: Money,
    purpose: HoldPurpose,
    cause_id: str = "",
    payee_id: str = "",
    expires_at: datetime | None = None,
    rule: str = "P-10",
) -> Hold:
    """Set an owner's tokens aside (P-10, P-30 for a withdrawal); 2000 of the owner must be in the needs.

    Raises:
        InsufficientFunds: the owner does not have them.
    """
    hold = Hold(
        id=change.new_id(Prefix.HOLD),
        owner_id=owner_id,
        asset=amount.asset,
        amount=amount,
        captured=Money.zero(amount.asset),
        purpose=purpose,
        status=HOLD.after(None, C.PLACE),
        cause_id=cause_id,
        payee_id=payee_id,
        expires_at=expires_at,
    )
    memo = cause_id or hold.id
    change.post(postings.placed_on_hold(owner_id, amount.asset, amount.micros, rule=rule, memo=memo))
    return change.add(hold, "hold.placed")


def capture(change: Change, hold: Hold, amount: Money | None = None) -> Hold:
    """Use a hold, or `amount` of it and release the rest (P-12).

    The posting that uses the taken part debits 2010 itself (P-11, P-17, P-31).

    Raises:
        InvalidTransition: the hold has ended.
    """
    taken = hold.amount if amount is None else amount
    assert Money.zero(hold.asset) < taken <= hold.amount, f"{taken} of {hold.amount} captured"
    status = HOLD.after(hold.status, C.CAPTURE)
    _return(change, hold, hold.amount - taken)
    return change.put(replace(hold, status=status, captured=taken), "hold.captured")


def commit(change: Change, hold: Hold, amount: Money, *, cause_id: str) -> Hold:
    """Turn an authorization, or `amount` of it, into the hold of a transfer; the rest is released (P-12).

    It stays active until the chain has spoken, and only the transfer moves it from here on.
    """
    assert hold.purpose is HoldPurpose.AUTHORIZATION, f"{hold.id} belongs to {hold.cause_id}"
    assert Money.zero(hold.asset) < amount <= hold.amount, f"{amount} of {hold.amount} committed"
    _return(change, hold, hold.amount - amount)
    committed = replace(hold, amount=amount, purpose=HoldPurpose.TRANSFER, cause_id=cause_id, expires_at=None)
    return change.put(committed, "hold.committed")


def release(change: Change, hold: Hold, *, reason: str = "") -> Hold:
    """Give the owner the tokens back (P-12); 2010 and the wallet of the owner must be in the needs.

    Raises:
        InvalidTransition: the hold has ended.
    """
    status = HOLD.after(hold.status, C.RELEASE)
    _return(change, hold, hold.amount)
    return change.put(replace(hold, status=status, reason=reason), "hold.released")


def expire(change: Change, hold: Hold) -> Hold:
    """Give the owner the tokens back because the time is over (P-12): by posting, never silently.

    Raises:
        InvalidTransition: the hold has ended.
    """
    status = HOLD.after(hold.status, C.EXPIRE)
    _return(change, hold, hold.amount)
    return change.put(replace(hold, status=status), "hold.expired")


def _return(change: Change, hold: Hold, amount: Money) -> None:
    """P-12; into 2030 when the owner's wallet was frozen meanwhile (spec 10)."""
    if amount:
        into = receiving_code(change, hold.owner_id, hold.asset)
        memo = hold.cause_id or hold.id
        change.post(postings.hold_released(hold.owner_id, hold.asset, amount.micros, into=into, memo=memo))


def has_expired(hold: Hold, now: datetime) -> bool:
    """Whether an active hold's time is over."""
    return hold.status is S.ACTIVE and hold.expires_at is not None and hold.expires_at <= now
