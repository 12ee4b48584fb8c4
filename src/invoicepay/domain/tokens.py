"""Tokens: mints against confirmed reserves, burns before payouts (spec 4.4, 4.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.entity import Entity
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Find, find


class MintStatus(StrEnum):
    """A failed mint may be submitted again under the same id; an unknown one is asked about."""

    PENDING = "pending"
    SUBMITTED = "submitted"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class MintCommand(StrEnum):
    """What moves a mint."""

    START = "start"
    SUBMIT = "submit"
    LOSE = "lose"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"


class BurnStatus(StrEnum):
    """A burn that is booked before the chain follows is completed at once; its effect runs behind."""

    PENDING = "pending"
    SUBMITTED = "submitted"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class BurnCommand(StrEnum):
    """What moves a burn; `book` is for burns that follow a posting instead of leading to one."""

    START = "start"
    BOOK = "book"
    SUBMIT = "submit"
    LOSE = "lose"
    COMPLETE = "complete"
    FAIL = "fail"


class MintPurpose(StrEnum):
    """A mint follows a deposit, or gives tokens back after a returned payout (P-36)."""

    DEPOSIT = "deposit"
    REMINT = "remint"


class BurnPurpose(StrEnum):
    """A burn precedes a payout, claws back a returned deposit, or recovers a receivable."""

    WITHDRAWAL = "withdrawal"
    CLAWBACK = "clawback"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint(Entity):
    """Tokens issued to a party's wallet."""

    KIND: ClassVar[str] = "mint"

    party_id: str
    asset: str
    amount: Money
    status: MintStatus
    purpose: MintPurpose = MintPurpose.DEPOSIT
    reserve_id: str = ""
    withdrawal_id: str = ""
    provider: str = ""
    provider_ref: str = ""
    generation: int = 1
    completed_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn(Entity):
    """Tokens taken out of circulation."""

    KIND: ClassVar[str] = "burn"

    party_id: str
    asset: str
    amount: Money
    status: BurnStatus
    purpose: BurnPurpose = BurnPurpose.WITHDRAWAL
    withdrawal_id: str = ""
    deposit_id: str = ""
    provider: str = ""
    provider_ref: str = ""
    generation: int = 1
    completed_at: datetime | None = None
    reason: str = ""


S, C = MintStatus, MintCommand

MINT: Lifecycle[MintStatus, MintCommand] = Lifecycle(
    "mint",
    {
        (None, C.START): S.PENDING,
        (S.PENDING, C.SUBMIT): S.SUBMITTED,
        (S.PENDING, C.CANCEL): S.CANCELLED,
        (S.SUBMITTED, C.COMPLETE): S.COMPLETED,
        (S.SUBMITTED, C.FAIL): S.FAILED,
        (S.SUBMITTED, C.LOSE): S.UNKNOWN,
        (S.UNKNOWN, C.SUBMIT): S.SUBMITTED,
        (S.UNKNOWN, C.COMPLETE): S.COMPLETED,
        (S.UNKNOWN, C.FAIL): S.FAILED,
        (S.FAILED, C.SUBMIT): S.SUBMITTED,
    },
)
"""A mint's states (spec 4.4); a failed one is submitted again under the same id."""

B, D = BurnStatus, BurnCommand

BURN: Lifecycle[BurnStatus, BurnCommand] = Lifecycle(
    "burn",
    {
        (None, D.START): B.PENDING,
        (None, D.BOOK): B.COMPLETED,
        (B.PENDING, D.SUBMIT): B.SUBMITTED,
        (B.PENDING, D.FAIL): B.FAILED,
        (B.SUBMITTED, D.COMPLETE): B.COMPLETED,
        (B.SUBMITTED, D.FAIL): B.FAILED,
        (B.SUBMITTED, D.LOSE): B.UNKNOWN,
        (B.UNKNOWN, D.SUBMIT): B.SUBMITTED,
        (B.UNKNOWN, D.COMPLETE): B.COMPLETED,
        (B.UNKNOWN, D.FAIL): B.FAILED,
    },
)
"""A burn's states (spec 4.5)."""

LIVE_MINTS = frozenset({S.PENDING, S.SUBMITTED, S.UNKNOWN})
"""A mint in one of these may still make tokens."""


def mints_of(reserve_id: str) -> Find[Mint]:
    """The search for a reserve's mints, oldest first."""
    return find(Mint, reserve_id=reserve_id, order=("created_at",))
