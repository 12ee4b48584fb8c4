"""The operator's own money: bank account, provider account, treasury wallet, and what moves between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from invoicepay.domain.money import Money


class TreasuryKind(StrEnum):
    """What moved, and between what.

    DEPOSIT: bank to provider account; this is where a provider issues tokens. FUND: provider account to
    treasury wallet. SWEEP: treasury wallet to provider account, as the wallet saw it; ARRIVAL: the same, as
    the account saw it. PAYOUT: provider account to bank; this is where a provider redeems tokens.
    """

    DEPOSIT = "deposit"
    FUND = "fund"
    SWEEP = "sweep"
    ARRIVAL = "arrival"
    PAYOUT = "payout"


class TreasuryStatus(StrEnum):
    """What a provider says of a movement, in our words; an unmapped word is NEEDS_REVIEW.

    PENDING: taken. SENT: on its way, no longer stoppable. CONFIRMED: seen on chain, and not yet money. FINAL:
    done; of a payout, that may still come back. RETURNED: the bank sent a payout back after it was done.
    DENIED: compliance refused. FAILED, CANCELLED: nothing moved.
    """

    PENDING = "pending"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FINAL = "final"
    FAILED = "failed"
    DENIED = "denied"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuryOrder:
    """One movement of the operator's money.

    Attributes:
        reference: the operator's name for it; kept where the provider keeps one.
    """

    reference: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuryMovement:
    """What the provider said of a movement.

    Attributes:
        provider_status: the provider's own word.
        fee: kept by the provider or its bank out of `amount` or beside it; the operator's, never a party's.
        counterpart: the linked bank account, or the address at the other end.
        transaction_hash: of the chain; ties a SWEEP to its ARRIVAL.
        bank_reference: what the bank statement shows, once known.
        returned, return_fee: what came back of a payout, and what that cost.
    """

    kind: TreasuryKind
    provider_ref: str
    status: TreasuryStatus
    provider_status: str
    amount: Money
    fee: Money
    observed_at: datetime
    reference: str = ""
    counterpart: str = ""
    transaction_hash: str = ""
    bank_reference: str = ""
    returned: Money | None = None
    return_fee: Money | None = None
    reason: str = ""

    @property
    def is_watched(self) -> bool:
        """Whether it may still change: not over yet, or a payout that the bank may send back."""
        open_ones = (TreasuryStatus.PENDING, TreasuryStatus.SENT, TreasuryStatus.CONFIRMED)
        is_returnable = self.kind is TreasuryKind.PAYOUT and self.status is TreasuryStatus.FINAL
        return self.status in open_ones or self.status is TreasuryStatus.NEEDS_REVIEW or is_returnable


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuryPosition:
    """What the operator has at the provider, as the provider counts it.

    Attributes:
        available: in the account, ready to be sent.
        unsettled: in the account, not ready yet.
        wallet: the float in the treasury wallet, which mints are released from.
    """

    available: Money
    unsettled: Money
    wallet: Money

    @property
    def total(self) -> Money:
        """All of it; what is in flight is in none of the three."""
        return self.available + self.unsettled + self.wallet


@dataclass(frozen=True, slots=True, kw_only=True)
class TreasuryEvent:
    """A delivered fact about one movement; `event_id` is unique per provider."""

    event_id: str
    occurred_at: datetime
    movement: TreasuryMovement


class Treasury(Protocol):
    """Fills and empties the float that mints are released from and burns return to.

    Only this port turns bank money into tokens and back, in batches and between the operator's own accounts.
    Every order carries a key: two calls with one key move money once and answer alike. Providers of accounts
    keep no reference of ours, so an order whose answer was lost is found out by calling again with its key.
    """

    @property
    def name(self) -> str:
        """Stable name, part of every provider reference."""
        ...

    async def position(self) -> TreasuryPosition:
        """What is where now.

        Raises:
            ProviderUnavailable: the question was not answered; ask again.
        """
        ...

    async def fund(self, order: TreasuryOrder, *, idempotency_key: str) -> TreasuryMovement:
        """Send from the provider account to the treasury wallet.

        Raises:
            ProviderRejected: refused for good; nothing moves.
            ProviderUnavailable: surely not done; call again with the same key, once the cause is gone.
            ProviderUnknown: sent, not answered; call again with the same key.
            IdempotencyConflict: the key stands for another order.
        """
        ...

    async def sweep(self, order: TreasuryOrder, *, idempotency_key: str) -> TreasuryMovement:
        """Send from the treasury wallet back to the provider account; it arrives as an ARRIVAL.

        Raises:
            ProviderRejected: refused for good; nothing moves.
            ProviderUnavailable: surely not done; call again with the same key, once the cause is gone.
            ProviderUnknown: sent, not answered; call again with the same key.
            IdempotencyConflict: the key stands for another order.
        """
        ...

    async def pay_out(self, order: TreasuryOrder, *, idempotency_key: str) -> TreasuryMovement:
        """Send from the provider account to the operator's own bank; watch it even once it is final.

        Raises:
            ProviderRejected: refused for good; nothing moves.
            ProviderUnavailable: surely not done; call again with the same key, once the cause is gone.
            ProviderUnknown: sent, not answered; call again with the same key.
            IdempotencyConflict: the key stands for another order.
        """
        ...

    async def find(self, kind: TreasuryKind, provider_ref: str) -> TreasuryMovement | None:
        """A movement by the provider's reference, or None when there is none.

        Raises:
            ProviderUnavailable: the question was not answered; ask again.
        """
        ...

    async def movements(
        self, kind: TreasuryKind, *, since: datetime, until: datetime | None = None
    ) -> tuple[TreasuryMovement, ...]:
        """Every movement of a kind that was made in a time, newest first; what notifications missed is here.

        Raises:
            ProviderUnavailable: the question was not answered; ask again.
        """
        ...

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[TreasuryEvent, ...]:
        """Verify the signature over the raw bytes, then read the events.

        Raises:
            WebhookSignatureInvalid: not from the provider, replayed or mangled.
        """
        ...
