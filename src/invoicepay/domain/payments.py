"""Payments of invoices: lifecycle, allocations, receipts that found no invoice (spec 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money


class PaymentStatus(StrEnum):
    """`unknown` leaves only by a definitive answer looked up under the same reference."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    REVERSED = "reversed"


class PaymentType(StrEnum):
    """Fixed when a payment completes."""

    EXACT = "EXACT"
    PARTIAL = "PARTIAL"
    OVERPAYMENT = "OVERPAYMENT"


class Channel(StrEnum):
    """Pull: we move the payer's tokens. Push: they arrived by themselves. External: paid outside (P-19)."""

    PULL = "pull"
    PUSH = "push"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Entity):
    """One payment of one invoice; once completed `amount = applied + excess + refunded` (INV-10).

    Attributes:
        payer_id: whose tokens move; need not be the invoice's customer.
        excess: beyond what was due; it became the credit lot `credit_id`.
        fee: the platform's fee on the applied part.
        posting_id: the ledger transaction that settled it.
        provider, provider_ref: the transfer that brought a push; unique.
    """

    KIND: ClassVar[str] = "payment"

    invoice_id: str
    enterprise_id: str
    customer_id: str
    payer_id: str
    asset: str
    amount: Money
    applied: Money
    excess: Money
    refunded: Money
    fee: Money
    status: PaymentStatus
    channel: Channel = Channel.PULL
    payment_type: PaymentType | None = None
    credit_id: str = ""
    hold_id: str = ""
    posting_id: str = ""
    provider: str = ""
    provider_ref: str = ""
    group_id: str = ""
    is_late: bool = False
    completed_at: datetime | None = None
    failure_reason: str = ""

    @property
    def credit(self) -> Money:
        """The excess, now the customer's credit with the enterprise."""
        return self.excess


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Entity):
    """Tokens that arrived and pay no invoice: another asset, or no invoice was named."""

    KIND: ClassVar[str] = "receipt"

    enterprise_id: str
    payer_id: str
    invoice_id: str
    asset: str
    amount: Money
    provider: str
    provider_ref: str
    reason: str
