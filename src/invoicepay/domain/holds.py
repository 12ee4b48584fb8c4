"""Holds: tokens set aside in 2010 until they are captured, released or expire (spec 4.7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain import postings
from invoicepay.domain.access import receiving_code
from invoicepay.domain.change import Change
from invoicepay.domain.entity import Entity
from invoicepay.domain.ids import Prefix
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money


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
        cause_id: the payment, transfer or withdrawal it belongs to; empty for a host's authorization.
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
"""A hold's states (spec 4.7)."""


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


def capture(change: Change, hold: Hold) -> Hold:
    """Mark the whole hold as used; the posting that uses it debits 2010 itself (P-11, P-17, P-31)."""
    status = HOLD.after(hold.status, C.CAPTURE)
    return change.put(replace(hold, captured=hold.amount, status=status), "hold.captured")


def release(change: Change, hold: Hold, *, reason: str = "") -> Hold:
    """Give the owner the tokens back (P-12); 2010 and the wallet of the owner must be in the needs."""
    status = HOLD.after(hold.status, C.RELEASE)
    into = receiving_code(change, hold.owner_id, hold.asset)
    memo = hold.cause_id or hold.id
    change.post(postings.hold_released(hold.owner_id, hold.asset, hold.amount.micros, into=into, memo=memo))
    return change.put(replace(hold, status=status, reason=reason), "hold.released")
