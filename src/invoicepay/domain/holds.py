"""Holds: tokens set aside in 2010 until they are captured, released or expire (spec 4.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money


class HoldStatus(StrEnum):
    """States of a hold."""

    ACTIVE = "active"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


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
