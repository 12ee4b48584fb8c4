"""Payment requests between people, split bills, and the transfers that settle them (spec 4.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money


class RequestStatus(StrEnum):
    """States of a payment request."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Uses(StrEnum):
    """Whether a request is paid once, or stays open for many payers."""

    ONE = "one"
    MANY = "many"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest(Entity):
    """A person asks another, or whoever scans it, for money.

    Attributes:
        payer_id: empty means open to whoever scans it.
        amount: absent means the payer chooses, between `minimum` and `maximum` where given.
        paid: what was paid so far; for a split parent, the sum over its children.
        parent_id: the split or the multi-use request that this one belongs to.
        pay_at: an accepted request is executed then.
        nonce: random text inside the signed QR payload.
    """

    KIND: ClassVar[str] = "request"

    requester_id: str
    payer_id: str
    asset: str
    status: RequestStatus
    paid: Money
    amount: Money | None = None
    minimum: Money | None = None
    maximum: Money | None = None
    amount_editable: bool = False
    uses: Uses = Uses.ONE
    parent_id: str = ""
    is_split: bool = False
    note: str = ""
    nonce: str = ""
    expires_at: datetime | None = None
    pay_at: datetime | None = None
    transfer_id: str = ""
    reason: str = ""


class TransferStatus(StrEnum):
    """States of a token move between two parties."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Entity):
    """Tokens from one party to another that pay no invoice (P-17)."""

    KIND: ClassVar[str] = "transfer"

    payer_id: str
    payee_id: str
    asset: str
    amount: Money
    status: TransferStatus
    request_id: str = ""
    hold_id: str = ""
    posting_id: str = ""
    provider_ref: str = ""
    note: str = ""
    reason: str = ""
