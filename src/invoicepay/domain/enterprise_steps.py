"""What each step of an invoice, payment, credit, credit note and withdrawal books: the E lines of spec 5."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic

from invoicepay.domain.credit_notes import CreditNote, CreditNoteStatus
from invoicepay.domain.credits import CreditKind, CreditLot, CreditReason
from invoicepay.domain.enterprise_book import BookCode
from invoicepay.domain.entity import E, Entity
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.payments import Channel, Payment, PaymentStatus
from invoicepay.domain.sums import summed
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus

B = BookCode

Moves = tuple[tuple[BookCode, int], ...]
"""Signed micros on accounts: above zero debits."""

Entries = Iterator[tuple[str, Moves]]
"""The rule and the moves of each entry that a step makes."""


@dataclass(frozen=True, slots=True)
class Step(Generic[E]):
    """A row before (None when new) and after an event; the name is empty when it changed without one."""

    id: str
    name: str
    before: E | None
    after: E

    def grown(self, name: str) -> int:
        """Micros by which an amount changed."""
        before = getattr(self.before, name).micros if self.before else 0
        grown: int = getattr(self.after, name).micros - before
        return grown

    @property
    def is_new_status(self) -> bool:
        """Whether the status changed, or the row is new."""
        return getattr(self.before, "status", None) is not getattr(self.after, "status", None)


def rules(notes: Iterable[CreditNote]) -> dict[type[Entity], Callable[[Step[Any]], Entries]]:
    """What a step of each kind books; `notes` are the credit notes of the invoices."""
    credited = summed(
        (note.invoice_id, note.tax.micros) for note in notes if note.status is CreditNoteStatus.ISSUED
    )
    return {
        Invoice: partial(_invoice, credited),
        CreditNote: _credit_note,
        Payment: _payment,
        CreditLot: _credit,
        Withdrawal: _withdrawal,
    }


def _invoice(credited_tax: Mapping[str, int], step: Step[Invoice]) -> Entries:
    """P-20 finalized, P-22 small difference, P-23 and P-24 voided, P-25 uncollectible, P-26 recovered."""
    before, after = step.before, step.after
    if after.finalized_at and (before is None or not before.finalized_at):
        total, net, tax = after.total.micros, after.net.micros, after.tax.micros
        yield "P-20", ((B.RECEIVABLE, total), (B.REVENUE, -net), (B.TAX_PAYABLE, -tax))
    if before is None:
        return
    if step.is_new_status and after.status is InvoiceStatus.VOID:
        yield _voided(before, before.tax.micros - credited_tax.get(before.id, 0))
        return
    was_given_up = before.status is InvoiceStatus.UNCOLLECTIBLE
    small = step.grown("written_off")
    yield "P-22", ((B.SMALL_DIFFERENCES, small), (B.BAD_DEBT if was_given_up else B.RECEIVABLE, -small))
    if was_given_up:
        recovered = step.grown("applied")
        yield "P-26", ((B.RECEIVABLE, recovered), (B.BAD_DEBT, -recovered))
    elif after.status is InvoiceStatus.UNCOLLECTIBLE:
        lost = after.remaining.micros
        yield "P-25", ((B.BAD_DEBT, lost), (B.RECEIVABLE, -lost))


def _voided(before: Invoice, tax: int) -> tuple[str, Moves]:
    """What is left of the sale after earlier credit notes is taken back; what was paid becomes credit."""
    open_micros, applied = before.remaining.micros, before.applied.micros
    small = before.written_off.micros
    return "P-24" if applied else "P-23", (
        (B.REVENUE, open_micros + applied + small - tax),
        (B.TAX_PAYABLE, tax),
        (B.RECEIVABLE, -open_micros),
        (B.CUSTOMER_CREDIT, -applied),
        (B.SMALL_DIFFERENCES, -small),
    )


def _credit_note(step: Step[CreditNote]) -> Entries:
    """P-21 before payment, P-27 after it; voided: the same the other way round."""
    if step.before is None:
        yield from _noted(step.after, 1)
    elif step.is_new_status:
        yield from _noted(step.before, -1)


def _noted(note: CreditNote, sign: int) -> Entries:
    paid_out, recredited = note.paid_out.micros, note.recredited.micros
    outside = note.post.micros - paid_out - recredited
    yield (
        "P-27" if note.post else "P-21",
        (
            (B.SALES_ADJUSTMENTS, sign * note.net.micros),
            (B.TAX_PAYABLE, sign * note.tax.micros),
            (B.RECEIVABLE, -sign * note.pre.micros),
            (B.REFUNDS_PAYABLE, -sign * paid_out),
            (B.CUSTOMER_CREDIT, -sign * recredited),
            (B.BANK, -sign * outside),
        ),
    )
    yield "P-27", ((B.REFUNDS_PAYABLE, sign * paid_out), (B.TOKEN_HOLDINGS, -sign * paid_out))


def _payment(step: Step[Payment]) -> Entries:
    """P-11 settled, P-19 outside the system; reversed: the same the other way round."""
    if step.is_new_status and step.after.status is PaymentStatus.COMPLETED:
        yield _settled(step.after, 1)
    elif step.is_new_status and step.before and step.after.status is PaymentStatus.REVERSED:
        yield _settled(step.before, -1)


def _settled(payment: Payment, sign: int) -> tuple[str, Moves]:
    is_external = payment.channel is Channel.EXTERNAL
    return "P-19" if is_external else "P-11", (
        (B.BANK if is_external else B.TOKEN_HOLDINGS, sign * payment.amount.micros),
        (B.RECEIVABLE, -sign * payment.applied.micros),
        (B.CUSTOMER_CREDIT, -sign * payment.excess.micros),
    )


def _credit(step: Step[CreditLot]) -> Entries:
    """P-13 applied, P-14 goodwill, P-15 refunded, P-16 expired.

    Other lots begin in P-11, P-24 or P-27; what those gave back and a voided credit note applied again is
    theirs too.
    """
    lot = step.after
    if step.before is None and lot.reason is CreditReason.GOODWILL:
        yield "P-14", ((B.GOODWILL, lot.amount.micros), (B.CUSTOMER_CREDIT, -lot.amount.micros))
    if step.name != "credit.reapplied":
        applied = max(0, step.grown("applied"))
        yield "P-13", ((B.CUSTOMER_CREDIT, applied), (B.RECEIVABLE, -applied))
    refunded, expired = step.grown("refunded"), step.grown("expired")
    paid_from = B.BANK if lot.out_of_band else B.TOKEN_HOLDINGS
    yield "P-15", ((B.CUSTOMER_CREDIT, refunded), (paid_from, -refunded))
    gone_to = B.GOODWILL if lot.kind is CreditKind.NON_CASH else B.UNCLAIMED_CREDIT
    yield "P-16", ((B.CUSTOMER_CREDIT, expired), (gone_to, -expired))


def _withdrawal(step: Step[Withdrawal]) -> Entries:
    """P-31 burned, P-33 paid, P-35 returned after payment, P-36 minted again."""
    if step.before is None or not step.is_new_status:
        return
    status, amount, fee = step.after.status, step.after.amount.micros, step.after.fee.micros
    payout = amount - fee
    if status is WithdrawalStatus.BURNED:
        yield (
            "P-31",
            ((B.REDEMPTION_RECEIVABLE, payout), (B.PROCESSING_FEES, fee), (B.TOKEN_HOLDINGS, -amount)),
        )
    elif status is WithdrawalStatus.PAID:
        yield "P-33", ((B.BANK, payout), (B.REDEMPTION_RECEIVABLE, -payout))
    elif step.before.status is WithdrawalStatus.PAID:
        yield "P-35", ((B.REDEMPTION_RECEIVABLE, payout), (B.BANK, -payout))
    elif status is WithdrawalStatus.REMINTED:
        yield "P-36", ((B.TOKEN_HOLDINGS, payout), (B.REDEMPTION_RECEIVABLE, -payout))
