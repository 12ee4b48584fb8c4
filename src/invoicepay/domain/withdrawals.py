"""Withdrawals: hold, burn, payout, and what happens when the bank sends it back (spec 4.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.entity import Entity
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money


class WithdrawalStatus(StrEnum):
    """The burn always precedes the payout; nothing is compensated while either is unknown."""

    IN_REVIEW = "in_review"
    HELD = "held"
    BURNING = "burning"
    BURNED = "burned"
    PAYOUT_SUBMITTED = "payout_submitted"
    PAID = "paid"
    RETURNED = "returned"
    REMINTED = "reminted"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    FAILED = "failed"


class WithdrawalCommand(StrEnum):
    """What moves a withdrawal: our commands, and facts that the token side and the rail report."""

    INITIATE = "initiate"
    REVIEW = "review"
    RELEASE = "release"
    REJECT = "reject"
    CANCEL = "cancel"
    BURN = "burn"
    FAIL = "fail"
    COMPLETE_BURN = "complete_burn"
    SUBMIT_PAYOUT = "submit_payout"
    SETTLE = "settle"
    RETURN = "return"
    REMINT = "remint"
    RETRY_PAYOUT = "retry_payout"


S, C = WithdrawalStatus, WithdrawalCommand

WITHDRAWAL: Lifecycle[WithdrawalStatus, WithdrawalCommand] = Lifecycle(
    "withdrawal",
    {
        (None, C.INITIATE): S.HELD,
        (None, C.REVIEW): S.IN_REVIEW,
        (S.IN_REVIEW, C.RELEASE): S.HELD,
        (S.IN_REVIEW, C.REJECT): S.REJECTED,
        (S.HELD, C.CANCEL): S.CANCELLED,
        (S.HELD, C.BURN): S.BURNING,
        (S.BURNING, C.FAIL): S.FAILED,
        (S.BURNING, C.COMPLETE_BURN): S.BURNED,
        (S.BURNED, C.SUBMIT_PAYOUT): S.PAYOUT_SUBMITTED,
        (S.BURNED, C.RETURN): S.RETURNED,
        (S.PAYOUT_SUBMITTED, C.SETTLE): S.PAID,
        (S.PAYOUT_SUBMITTED, C.RETURN): S.RETURNED,
        (S.PAID, C.RETURN): S.RETURNED,
        (S.RETURNED, C.REMINT): S.REMINTED,
        (S.RETURNED, C.RETRY_PAYOUT): S.PAYOUT_SUBMITTED,
    },
)
"""A withdrawal's states (spec 4.5); a payout refused before it was accepted returns from `burned`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Entity):
    """Tokens on their way back to a bank account.

    Attributes:
        amount: tokens burned; the bank account receives `amount - fee`.
        account_token: the provider's token for the bank account, never its number.
        generation: counts payout attempts; each one is its own effect.
        expected_settlement_at: when the payout that was planned last should reach the bank account.
    """

    KIND: ClassVar[str] = "withdrawal"

    party_id: str
    asset: str
    amount: Money
    fee: Money
    rail: str
    account_token: str
    status: WithdrawalStatus
    hold_id: str = ""
    burn_id: str = ""
    mint_id: str = ""
    provider: str = ""
    provider_ref: str = ""
    generation: int = 1
    return_code: str = ""
    reason: str = ""
    paid_at: datetime | None = None
    expected_settlement_at: datetime | None = None

    @property
    def payout(self) -> Money:
        """What the bank account receives."""
        return self.amount - self.fee
