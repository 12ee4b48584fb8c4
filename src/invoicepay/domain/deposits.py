"""Deposits over a bank rail and the reserves they become (spec 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.entity import Entity
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money, total
from invoicepay.domain.needs import Find, find


class DepositStatus(StrEnum):
    """From the first request to minted tokens, and back when the bank returns the money."""

    INITIATED = "initiated"
    PENDING = "pending"
    IN_REVIEW = "in_review"
    RECEIVED = "received"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    RETURNED = "returned"


class DepositCommand(StrEnum):
    """What moves a deposit: our commands, and facts that the rail reports."""

    INITIATE = "initiate"
    RECORD = "record"
    MATCH = "match"
    ACCEPT = "accept"
    RECEIVE = "receive"
    REVIEW = "review"
    RELEASE = "release"
    REJECT = "reject"
    CONFIRM = "confirm"
    COMPLETE = "complete"
    FAIL = "fail"
    EXPIRE = "expire"
    CANCEL = "cancel"
    RETURN = "return"


class ReserveStatus(StrEnum):
    """Fiat behind tokens: seen, trusted, minted against, or gone back."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    ALLOCATED = "allocated"
    CANCELLED = "cancelled"
    RETURNED = "returned"


class ReserveCommand(StrEnum):
    """What moves a reserve."""

    RECEIVE = "receive"
    MATCH = "match"
    CONFIRM = "confirm"
    ALLOCATE = "allocate"
    CANCEL = "cancel"
    RETURN = "return"


class UnmatchedStatus(StrEnum):
    """Money of an unknown owner: waiting, found to be somebody's, or sent back."""

    OPEN = "open"
    MATCHED = "matched"
    RETURNED = "returned"


class UnmatchedCommand(StrEnum):
    """What moves unmatched money."""

    RECEIVE = "receive"
    MATCH = "match"
    RETURN = "return"


S, C = DepositStatus, DepositCommand

_BEFORE_MONEY = (S.INITIATED, S.PENDING, S.IN_REVIEW)

DEPOSIT: Lifecycle[DepositStatus, DepositCommand] = Lifecycle(
    "deposit",
    {
        (None, C.INITIATE): S.INITIATED,
        (None, C.REVIEW): S.IN_REVIEW,
        (None, C.RECORD): S.RECEIVED,
        (None, C.MATCH): S.CONFIRMED,
        (S.INITIATED, C.ACCEPT): S.PENDING,
        (S.PENDING, C.RECEIVE): S.RECEIVED,
        (S.PENDING, C.REVIEW): S.IN_REVIEW,
        (S.RECEIVED, C.REVIEW): S.IN_REVIEW,
        (S.IN_REVIEW, C.INITIATE): S.INITIATED,
        (S.IN_REVIEW, C.ACCEPT): S.PENDING,
        (S.IN_REVIEW, C.RELEASE): S.RECEIVED,
        (S.IN_REVIEW, C.REJECT): S.REJECTED,
        (S.RECEIVED, C.CONFIRM): S.CONFIRMED,
        (S.CONFIRMED, C.COMPLETE): S.COMPLETED,
        **{(state, C.FAIL): S.FAILED for state in _BEFORE_MONEY},
        **{(state, C.EXPIRE): S.EXPIRED for state in _BEFORE_MONEY},
        **{(state, C.CANCEL): S.CANCELLED for state in _BEFORE_MONEY},
        **{
            (state, C.RETURN): S.RETURNED
            for state in (S.IN_REVIEW, S.RECEIVED, S.CONFIRMED, S.COMPLETED, S.RETURNED)
        },
    },
)
"""A deposit's states (spec 4.4). A review before any money arrived ends in `initiate` or `accept`.

Returned is returned again where only a part had gone back.
"""

R, D = ReserveStatus, ReserveCommand

RESERVE: Lifecycle[ReserveStatus, ReserveCommand] = Lifecycle(
    "reserve",
    {
        (None, D.RECEIVE): R.PENDING,
        (None, D.MATCH): R.CONFIRMED,
        (R.PENDING, D.CONFIRM): R.CONFIRMED,
        (R.CONFIRMED, D.ALLOCATE): R.ALLOCATED,
        (R.PENDING, D.CANCEL): R.CANCELLED,
        (R.PENDING, D.RETURN): R.RETURNED,
        (R.CONFIRMED, D.RETURN): R.RETURNED,
        (R.ALLOCATED, D.RETURN): R.RETURNED,
    },
)
"""A reserve's states (spec 4.4)."""

UNMATCHED: Lifecycle[UnmatchedStatus, UnmatchedCommand] = Lifecycle(
    "unmatched_funds",
    {
        (None, UnmatchedCommand.RECEIVE): UnmatchedStatus.OPEN,
        (UnmatchedStatus.OPEN, UnmatchedCommand.MATCH): UnmatchedStatus.MATCHED,
        (UnmatchedStatus.OPEN, UnmatchedCommand.RETURN): UnmatchedStatus.RETURNED,
    },
)
"""States of unmatched money (P-07)."""


class PartKind(StrEnum):
    """What one of several movements of a deposit was."""

    SETTLED = "settled"
    RETURNED = "returned"
    RETURN_REVERSED = "return_reversed"


@dataclass(frozen=True, slots=True)
class Part:
    """One of several settlements or returns that a rail told of one deposit; booked once by its name."""

    kind: PartKind
    name: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(Entity):
    """Fiat on its way in.

    Attributes:
        requested: what the party asked to pay in; tokens follow `received`, never this.
        received: what the rail delivered, before `processor_fee` and the operator's `fee`.
        processor_fee: kept by the processor on the way.
        expected_settlement_at, expected_available_at: when the rail's money, and then the tokens, are due.
        confirm_at: earliest instant at which the rail's money counts as final.
        seasoned_at: until then its tokens may only be withdrawn to the account that they came from.
        is_final: the rail itself calls the money final; no delay and no buffer is asked for any more.
        returnable_until: last day on which the bank may take it back as unauthorised, where it may.
        returning: taken back by the bank while tokens were being made; booked once that has an end.
        recoverable: spent tokens of a returned deposit, owed by the party (1200).
        returned: how much of `received` went back after tokens existed.
        parts: what the rail told in parts, of this deposit and of those that name it as `parent_id`.
        parent_id: the deposit of which this one is a later settlement, with a reserve and mints of its own.
    """

    KIND: ClassVar[str] = "deposit"

    party_id: str
    asset: str
    rail: str
    requested: Money
    received: Money
    fee: Money
    processor_fee: Money
    recoverable: Money
    status: DepositStatus
    account_token: str = ""
    provider: str = ""
    provider_ref: str = ""
    reserve_id: str = ""
    confirm_at: datetime | None = None
    received_at: datetime | None = None
    confirmed_at: datetime | None = None
    is_final: bool = False
    returnable_until: date | None = None
    returning: Money | None = None
    return_code: str = ""
    reason: str = ""
    expected_settlement_at: datetime | None = None
    expected_available_at: datetime | None = None
    seasoned_at: datetime | None = None
    returned: Money | None = None
    parts: tuple[Part, ...] = ()
    parent_id: str = ""

    @property
    def left(self) -> Money:
        """What the bank can still take back of it."""
        return self.received - self.returned if self.returned else self.received

    @property
    def returnable(self) -> Money:
        """The same without what is on its way back already."""
        return self.left - self.returning if self.returning else self.left

    def told(self, kind: PartKind) -> Money:
        """The sum of the parts of a kind."""
        return total((part.amount for part in self.parts if part.kind is kind), self.asset)

    @property
    def has_arrived(self) -> bool:
        """Whether the rail delivered the money, that is, whether P-01 is booked."""
        return self.received_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve(Entity):
    """Fiat held for one deposit; mints against it never exceed `amount - fee` (INV-05).

    Attributes:
        amount: what reached or will reach the safeguarded account for the depositor.
        fee: the operator's part of it.
    """

    KIND: ClassVar[str] = "reserve"

    deposit_id: str
    party_id: str
    asset: str
    amount: Money
    fee: Money
    status: ReserveStatus
    provider: str = ""
    provider_ref: str = ""
    confirmed_at: datetime | None = None

    @property
    def mintable(self) -> Money:
        """The most that all its mints together may make."""
        return self.amount - self.fee


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedFunds(Entity):
    """Money received whose owner is unknown, kept in suspense until it is matched or sent back (P-07)."""

    KIND: ClassVar[str] = "unmatched_funds"

    asset: str
    amount: Money
    provider: str
    provider_ref: str
    deposit_id: str = ""
    status: UnmatchedStatus = UnmatchedStatus.OPEN
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation(Entity):
    """One cash tie-out: bank, ledger and token supply at one instant (INV-07)."""

    KIND: ClassVar[str] = "attestation"

    asset: str
    bank_balance: Money
    ledger_balance: Money
    supply: Money
    tokens_outstanding: Money
    is_tied_out: bool
    as_of: datetime


def latest_attestation(asset: str) -> Find[Attestation]:
    """The search for the newest cash tie-out of an asset."""
    return find(Attestation, asset=asset, order=("-as_of",), limit=1, only_read=True)


def later_settlements(deposit_id: str) -> Find[Deposit]:
    """The search for the deposits that later settlements of a deposit became, oldest first."""
    return find(Deposit, parent_id=deposit_id, order=("id",))


def open_receivables(asset: str) -> Find[Deposit]:
    """The search for returned deposits whose spent tokens are still owed: together the balance of 1200."""
    return find(
        Deposit,
        asset=asset,
        status=DepositStatus.RETURNED,
        recoverable__gt=Money.zero(asset),
        only_read=True,
    )
