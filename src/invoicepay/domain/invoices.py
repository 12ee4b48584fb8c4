"""Invoices: lifecycle, what is open and what a settlement does to it, when it is overdue (spec 4.1, 6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.access import customer_needs, party_needs
from invoicepay.domain.change import Snapshot
from invoicepay.domain.entity import Entity, evolve
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money, percentage
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.policies import Late, Policy
from invoicepay.domain.time import local_date, zone
from invoicepay.errors import InvoiceAlreadyPaid, InvoiceExpired


class InvoiceStatus(StrEnum):
    """States of an invoice; overdue, late and refunded are not states."""

    DRAFT = "draft"
    OPEN = "open"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    EXPIRED = "expired"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"
    DELETED = "deleted"


class RefundStatus(StrEnum):
    """How much of what was paid went back; no state of its own."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


class InvoiceCommand(StrEnum):
    """What moves an invoice; one word for each (state, next state), so the table stays a function."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    FINALIZE = "finalize"
    FINALIZE_FREE = "finalize_free"
    SEND = "send"
    SETTLE_PART = "settle_part"
    SETTLE_REST = "settle_rest"
    TAKE_EXCESS = "take_excess"
    CREDIT_PART = "credit_part"
    CREDIT_REST = "credit_rest"
    REFUND = "refund"
    EXPIRE = "expire"
    REOPEN = "reopen"
    REOPEN_PART = "reopen_part"
    VOID = "void"
    MARK_UNCOLLECTIBLE = "mark_uncollectible"
    REVERSE_PART = "reverse_part"
    REVERSE_ALL = "reverse_all"
    UNCREDIT = "uncredit"
    UNCREDIT_PART = "uncredit_part"
    UNCREDIT_ALL = "uncredit_all"


S, C = InvoiceStatus, InvoiceCommand
INVOICE: Lifecycle[InvoiceStatus, InvoiceCommand] = Lifecycle(
    "invoice",
    {
        (None, C.CREATE): S.DRAFT,
        (S.DRAFT, C.UPDATE): S.DRAFT,
        (S.DRAFT, C.DELETE): S.DELETED,
        (S.DRAFT, C.FINALIZE): S.OPEN,
        (S.DRAFT, C.FINALIZE_FREE): S.PAID,
        (S.OPEN, C.SEND): S.OPEN,
        (S.OPEN, C.SETTLE_PART): S.PARTIALLY_PAID,
        (S.OPEN, C.SETTLE_REST): S.PAID,
        (S.OPEN, C.TAKE_EXCESS): S.OPEN,
        (S.OPEN, C.CREDIT_PART): S.OPEN,
        (S.OPEN, C.CREDIT_REST): S.PAID,
        (S.OPEN, C.UNCREDIT_PART): S.PARTIALLY_PAID,
        (S.OPEN, C.UNCREDIT_ALL): S.OPEN,
        (S.OPEN, C.EXPIRE): S.EXPIRED,
        (S.OPEN, C.VOID): S.VOID,
        (S.OPEN, C.MARK_UNCOLLECTIBLE): S.UNCOLLECTIBLE,
        (S.PARTIALLY_PAID, C.SEND): S.PARTIALLY_PAID,
        (S.PARTIALLY_PAID, C.SETTLE_PART): S.PARTIALLY_PAID,
        (S.PARTIALLY_PAID, C.SETTLE_REST): S.PAID,
        (S.PARTIALLY_PAID, C.TAKE_EXCESS): S.PARTIALLY_PAID,
        (S.PARTIALLY_PAID, C.CREDIT_PART): S.PARTIALLY_PAID,
        (S.PARTIALLY_PAID, C.CREDIT_REST): S.PAID,
        (S.PARTIALLY_PAID, C.UNCREDIT_PART): S.PARTIALLY_PAID,
        (S.PARTIALLY_PAID, C.REVERSE_PART): S.PARTIALLY_PAID,
        (S.PARTIALLY_PAID, C.REVERSE_ALL): S.OPEN,
        (S.PARTIALLY_PAID, C.EXPIRE): S.EXPIRED,
        (S.PARTIALLY_PAID, C.VOID): S.VOID,
        (S.PARTIALLY_PAID, C.MARK_UNCOLLECTIBLE): S.UNCOLLECTIBLE,
        (S.PAID, C.SEND): S.PAID,
        (S.PAID, C.TAKE_EXCESS): S.PAID,
        (S.PAID, C.CREDIT_REST): S.PAID,
        (S.PAID, C.REFUND): S.PAID,
        (S.PAID, C.UNCREDIT): S.PAID,
        (S.PAID, C.UNCREDIT_PART): S.PARTIALLY_PAID,
        (S.PAID, C.UNCREDIT_ALL): S.OPEN,
        (S.PAID, C.REVERSE_PART): S.PARTIALLY_PAID,
        (S.PAID, C.REVERSE_ALL): S.OPEN,
        (S.EXPIRED, C.SETTLE_PART): S.PARTIALLY_PAID,
        (S.EXPIRED, C.SETTLE_REST): S.PAID,
        (S.EXPIRED, C.TAKE_EXCESS): S.EXPIRED,
        (S.EXPIRED, C.REOPEN): S.OPEN,
        (S.EXPIRED, C.REOPEN_PART): S.PARTIALLY_PAID,
        (S.EXPIRED, C.VOID): S.VOID,
        (S.EXPIRED, C.MARK_UNCOLLECTIBLE): S.UNCOLLECTIBLE,
        (S.UNCOLLECTIBLE, C.SEND): S.UNCOLLECTIBLE,
        (S.UNCOLLECTIBLE, C.SETTLE_PART): S.UNCOLLECTIBLE,
        (S.UNCOLLECTIBLE, C.SETTLE_REST): S.PAID,
        (S.VOID, C.TAKE_EXCESS): S.VOID,
    },
)
"""The invoice's states (spec 4.1); `deleted` is a draft that was thrown away, no number was used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice(Entity):
    """A claim of an enterprise on a customer.

    `total = credited_pre + credited_post + applied + written_off + remaining` at every commit (INV-08).

    Attributes:
        pending: sum of unresolved payments; it reduces nothing until they settle.
        overpaid: sum of what arrived beyond the open amount.
        credited_pre, credited_post: credit notes before and after payment.
        refunded: paid back to payers in tokens.
        is_late: a payment settled after the due date or the expiry.
        schedule_id, occurrence: the schedule that made it and the occurrence's number.
        overdue_check_at: when to see whether it is overdue, which is told once; empty once that was seen.
    """

    KIND: ClassVar[str] = "invoice"

    enterprise_id: str
    customer_id: str
    asset: str
    status: InvoiceStatus
    lines: tuple[Line, ...]
    net: Money
    tax: Money
    total: Money
    remaining: Money
    applied: Money
    credited_pre: Money
    credited_post: Money
    written_off: Money
    pending: Money
    overpaid: Money
    refunded: Money
    series: str = "A"
    number: str = ""
    due_on: date | None = None
    expires_at: datetime | None = None
    finalized_at: datetime | None = None
    sent_at: datetime | None = None
    paid_at: datetime | None = None
    is_late: bool = False
    note: str = ""
    reference: str = ""
    schedule_id: str = ""
    occurrence: int | None = None
    overdue_check_at: datetime | None = None

    @property
    def refund_status(self) -> RefundStatus:
        """Whether what was paid was given back, to payers or as credit."""
        if not self.credited_post:
            return RefundStatus.NONE
        return RefundStatus.PARTIAL if self.applied else RefundStatus.FULL


class VoidDisposition(StrEnum):
    """Where what was paid goes when an invoice is voided: back to the payers, or to the customer's credit."""

    CREDIT = "credit"
    REFUND = "refund"


LAST_YEAR = 9_999
"""A date that late has no day after it in every zone; nothing due then is waited for."""

UNSETTLED = frozenset({S.OPEN, S.PARTIALLY_PAID})
"""States in which an invoice waits for money."""


def invoice_needs(invoice_id: str, seen: Snapshot) -> Needs:
    """The invoice, and once it is seen its enterprise, customer and their wallets."""
    needs = need((Invoice, invoice_id))
    invoice = seen.peek(Invoice, invoice_id)
    if invoice is None:
        return needs
    parties = party_needs(invoice.enterprise_id, invoice.customer_id, asset=invoice.asset)
    return needs | parties | customer_needs(invoice.customer_id)


def has_expired(invoice: Invoice, now: datetime) -> bool:
    """Whether the expiry is over, marked or not."""
    if invoice.status is S.EXPIRED:
        return True
    return invoice.status in UNSETTLED and invoice.expires_at is not None and invoice.expires_at <= now


def require_payable(invoice: Invoice, now: datetime) -> None:
    """Refuse a pull payment that would find nothing to pay (spec 6).

    Raises:
        InvoiceAlreadyPaid: nothing is due.
        InvoiceExpired: the expiry is over; it must be reopened first.
        InvalidTransition: a draft, a void or a deleted invoice.
    """
    if invoice.status is S.PAID:
        raise InvoiceAlreadyPaid(invoice=invoice.id)
    if has_expired(invoice, now):
        raise InvoiceExpired(invoice=invoice.id, expires_at=invoice.expires_at)
    INVOICE.after(invoice.status, C.SETTLE_PART)


def open_amount(invoice: Invoice, now: datetime, *, late: Late = Late.ACCEPT) -> Money:
    """What a payment that settles now can reduce; the rest of it becomes credit (spec 6)."""
    takes_money = (S.EXPIRED, S.UNCOLLECTIBLE, *UNSETTLED)
    if invoice.status not in takes_money or (late is Late.CREDIT and has_expired(invoice, now)):
        return Money.zero(invoice.asset)
    return invoice.remaining


def small_difference(invoice: Invoice, policy: Policy) -> Money:
    """The most that a push may leave open and still close the invoice: the smaller of both limits (P-22)."""
    share = percentage(invoice.total, Decimal(policy.tolerance_bps) / 10_000)
    return min(share, Money.from_micros(policy.tolerance_micros, invoice.asset))


def with_payment(
    invoice: Invoice,
    applied: Money,
    excess: Money,
    *,
    now: datetime,
    is_late: bool = False,
    released: Money | None = None,
    tolerance: Money | None = None,
) -> Invoice:
    """The invoice after a payment or credit of `applied + excess` settled (spec 6).

    Args:
        applied: at most the open amount.
        released: the part of `pending` that this settlement resolves.
        tolerance: a rest up to this is written off (P-22); pushes only.

    Raises:
        InvalidTransition: the invoice takes no money in its state.
    """
    assert applied.micros >= 0 and excess.micros >= 0, "a settlement never takes away"
    assert applied <= invoice.remaining, f"{applied} of {invoice.remaining} applied"
    rest = invoice.remaining - applied
    nothing = Money.zero(invoice.asset)
    difference = rest if applied and rest <= (tolerance or nothing) else nothing
    rest = rest - difference
    status = INVOICE.after(invoice.status, _settling(applied, rest))
    after = evolve(
        invoice,
        status=status,
        applied=invoice.applied + applied,
        remaining=rest,
        written_off=invoice.written_off + difference,
        overpaid=invoice.overpaid + excess,
        pending=invoice.pending - (released or nothing),
        is_late=invoice.is_late or is_late,
        paid_at=now if status is S.PAID and invoice.status is not S.PAID else invoice.paid_at,
    )
    return awaited_again(invoice, after, now) if invoice.status is S.EXPIRED else after


def _settling(applied: Money, rest: Money) -> InvoiceCommand:
    if not applied:
        return C.TAKE_EXCESS
    return C.SETTLE_PART if rest else C.SETTLE_REST


def settled_event(before: Invoice, after: Invoice) -> str:
    """The name of what a settlement did to the invoice."""
    if after.status is S.PAID:
        return "invoice.duplicate_payment" if before.status is S.PAID else "invoice.paid"
    if after.applied == before.applied:
        return "invoice.overpaid"
    return "invoice.payment_recovered" if after.status is S.UNCOLLECTIBLE else "invoice.partially_paid"


def with_reversal(invoice: Invoice, applied: Money, excess: Money) -> Invoice:
    """The invoice after a payment was taken back: open again, also for a small difference written off (P-22).

    Raises:
        InvalidTransition: the invoice is neither paid nor partially paid, and something was applied.
    """
    after = replace(invoice, overpaid=invoice.overpaid - excess)
    if not applied:
        return after
    left = invoice.applied - applied
    return replace(
        after,
        status=INVOICE.after(invoice.status, C.REVERSE_PART if left else C.REVERSE_ALL),
        applied=left,
        remaining=invoice.remaining + applied + invoice.written_off,
        written_off=Money.zero(invoice.asset),
        paid_at=None,
    )


def awaited_again(before: Invoice, after: Invoice, now: datetime) -> Invoice:
    """The invoice, to be checked for its due date at once where it waits for money again."""
    waits_again = after.status in UNSETTLED and before.status not in UNSETTLED
    if not waits_again or after.due_on is None or after.overdue_check_at is not None:
        return after
    return replace(after, overdue_check_at=now)


class AgeingBucket(StrEnum):
    """How long an open amount is past due."""

    CURRENT = "current"
    DAYS_1_30 = "1-30"
    DAYS_31_60 = "31-60"
    DAYS_61_90 = "61-90"
    OVER_90 = "over_90"


def days_overdue(invoice: Invoice, now: datetime, timezone: str) -> int:
    """Whole local days since the due date; 0 when nothing is due or the date is not over (spec 1.3)."""
    if invoice.status not in UNSETTLED or invoice.due_on is None:
        return 0
    return max(0, (local_date(now, timezone) - invoice.due_on).days)


def overdue_from(due_on: date | None, timezone: str) -> datetime | None:
    """The first instant after a due date in the enterprise's zone; None without one (spec 1.3)."""
    if due_on is None or due_on.year >= LAST_YEAR:
        return None
    return datetime.combine(due_on + timedelta(days=1), time(), zone(timezone)).astimezone(UTC)


def is_overdue(invoice: Invoice, now: datetime, timezone: str) -> bool:
    """Whether the due date, a local date of the enterprise's zone, is over and something is still open."""
    return days_overdue(invoice, now, timezone) > 0


def ageing_bucket(invoice: Invoice, now: datetime, timezone: str) -> AgeingBucket:
    """The column of the invoice in an ageing report."""
    days = days_overdue(invoice, now, timezone)
    if days == 0:
        return AgeingBucket.CURRENT
    edges = ((30, AgeingBucket.DAYS_1_30), (60, AgeingBucket.DAYS_31_60), (90, AgeingBucket.DAYS_61_90))
    return next((bucket for most, bucket in edges if days <= most), AgeingBucket.OVER_90)
