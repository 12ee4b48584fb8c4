"""Credit notes and refunds: reduce a finalized invoice, before and after it was paid (spec 4.1, 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from invoicepay.domain.access import authorise
from invoicepay.domain.allocations import allocations_of
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.credit_notes import (
    CREDIT_NOTE,
    CreditedLine,
    CreditNote,
    CreditNoteCommand,
    CreditNoteDisposition,
    Reduction,
    notes_of,
    reduced_by_line,
    reduced_pro_rata,
    with_credit,
)
from invoicepay.domain.credits import CreditReason, auto_apply, auto_apply_needs, raise_fence
from invoicepay.domain.ids import Prefix, clean_text
from invoicepay.domain.invoices import INVOICE, Invoice, InvoiceCommand, InvoiceStatus, invoice_needs
from invoicepay.domain.money import Money, document_amount, positive
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.numbering import CREDIT_NOTES, Numbered, number_needs, take_number
from invoicepay.domain.parties import Party
from invoicepay.domain.payments import Unwound, pay_back, recredit, unwind, unwind_needs
from invoicepay.errors import CreditNoteExceedsInvoice, InvalidInput, RefundExceedsPaid
from invoicepay.use_cases.perform import Deps, UseCase, perform

REASON_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCreditNote:
    """Reduce an invoice by an amount, by named lines, or by everything that can still be credited.

    Attributes:
        disposition: where the part that was paid already goes; needed when there is one.
    """

    invoice_id: str
    amount: Money | None = None
    lines: tuple[CreditedLine, ...] = ()
    disposition: CreditNoteDisposition | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundInvoice:
    """Pay back what a paid invoice brought in, or a part of it."""

    invoice_id: str
    amount: Money | None = None
    reason: str = ""


def _needs(command: IssueCreditNote | RefundInvoice, seen: Snapshot) -> Needs:
    needs = invoice_needs(command.invoice_id, seen) | need(finds=[notes_of(command.invoice_id)])
    invoice = seen.peek(Invoice, command.invoice_id)
    enterprise = seen.peek(Party, invoice.enterprise_id) if invoice else None
    if invoice is None or enterprise is None:
        return needs
    needs |= number_needs(_numbered(invoice, enterprise), seen)
    if not invoice.applied:
        return needs
    return (
        needs
        | unwind_needs(seen, invoice)
        | auto_apply_needs(seen, invoice.enterprise_id, invoice.customer_id, invoice.asset)
    )


def _numbered(invoice: Invoice, enterprise: Party) -> Numbered:
    return Numbered(
        enterprise_id=enterprise.id,
        series=CREDIT_NOTES,
        numbering=enterprise.policy.numbering,
        spread=invoice.customer_id,
    )


def decide_issue_credit_note(command: IssueCreditNote, change: Change) -> CreditNote:
    """What is open is reduced first, then what was paid (P-21, P-27).

    Raises:
        AmountNotPositive, AmountPrecision, InvalidLine, InvalidInput: the command contradicts itself.
        InvalidTransition: the invoice is neither open, nor partially paid, nor paid.
        CreditNoteExceedsInvoice: more than what is open and what was paid together.
        InsufficientEnterpriseFunds: the enterprise does not have the tokens to pay back or ring-fence.
    """
    if command.amount is not None and command.lines:
        raise InvalidInput("a credit note names an amount or lines, not both")
    reason = _checked(command)
    invoice = change.get(Invoice, command.invoice_id)
    authorise(change, invoice, enterprise=invoice.enterprise_id)
    INVOICE.after(invoice.status, InvoiceCommand.CREDIT_REST)
    reduction = _reduction(change, invoice, command)
    pre = min(reduction.amount, invoice.remaining)
    post = reduction.amount - pre
    if post and command.disposition is None:
        choices = ", ".join(CreditNoteDisposition)
        raise InvalidInput(f"{post} was paid already: name its disposition ({choices})", paid=str(post))
    return _noted(
        change,
        invoice,
        reduction,
        pre=pre,
        disposition=command.disposition if post else None,
        lines=command.lines,
        reason=reason,
    )


def _checked(command: IssueCreditNote | RefundInvoice) -> str:
    """The reason in stored form, once the amount is one that a document can show."""
    if command.amount is not None:
        positive(document_amount(command.amount))
    return clean_text(command.reason, REASON_LENGTH, "reason")


def _reduction(change: Change, invoice: Invoice, command: IssueCreditNote) -> Reduction:
    notes = change.find(notes_of(invoice.id))
    most = invoice.remaining + invoice.applied
    if command.lines:
        reduction = reduced_by_line(invoice, notes, command.lines)
    else:
        reduction = _pro_rata(invoice, notes, command.amount or most, most)
    if reduction.amount > most:
        raise CreditNoteExceedsInvoice(invoice=invoice.id, most=str(most), amount=str(reduction.amount))
    return reduction


def _pro_rata(invoice: Invoice, notes: Sequence[CreditNote], amount: Money, most: Money) -> Reduction:
    if not amount or amount > most:
        raise CreditNoteExceedsInvoice(invoice=invoice.id, most=str(most), amount=str(amount))
    return reduced_pro_rata(invoice, notes, amount)


def decide_refund(command: RefundInvoice, change: Change) -> CreditNote:
    """A credit note whose paid part goes back, newest payment first, all or nothing (P-27).

    Tokens go to whoever paid them; the part that credit had paid returns to its lot.

    Raises:
        AmountNotPositive, AmountPrecision: the amount is not one.
        InvalidTransition: the invoice is not paid; void it, or issue a credit note.
        RefundExceedsPaid: more than what was paid and not yet given back.
        InsufficientEnterpriseFunds: the enterprise does not have the tokens.
    """
    reason = _checked(command)
    invoice = change.get(Invoice, command.invoice_id)
    authorise(change, invoice, enterprise=invoice.enterprise_id)
    INVOICE.after(invoice.status, InvoiceCommand.REFUND)
    amount = command.amount or invoice.applied
    if not amount or amount > invoice.applied:
        raise RefundExceedsPaid(invoice=invoice.id, applied=str(invoice.applied), amount=str(amount))
    return _noted(
        change,
        invoice,
        reduced_pro_rata(invoice, change.find(notes_of(invoice.id)), amount),
        pre=Money.zero(invoice.asset),
        disposition=CreditNoteDisposition.REFUND,
        reason=reason,
    )


def _noted(
    change: Change,
    invoice: Invoice,
    reduction: Reduction,
    *,
    pre: Money,
    disposition: CreditNoteDisposition | None,
    lines: tuple[CreditedLine, ...] = (),
    reason: str,
) -> CreditNote:
    """Number the note, take its parts off the invoice and send the paid one on its way."""
    nothing = Money.zero(invoice.asset)
    note = CreditNote(
        id=change.new_id(Prefix.CREDIT_NOTE),
        invoice_id=invoice.id,
        enterprise_id=invoice.enterprise_id,
        customer_id=invoice.customer_id,
        asset=invoice.asset,
        number=take_number(change, _numbered(invoice, change.get(Party, invoice.enterprise_id))),
        amount=reduction.amount,
        net=reduction.net,
        tax=reduction.tax,
        pre=pre,
        post=reduction.amount - pre,
        paid_out=nothing,
        recredited=nothing,
        disposition=disposition,
        lines=lines,
        reason=reason,
        status=CREDIT_NOTE.after(None, CreditNoteCommand.ISSUE),
    )
    if note.post:
        note = _unwound(change, invoice, note)
    note = change.add(note, "credit_note.issued")
    _reduce(change, invoice, note)
    if note.recredited:
        auto_apply(change, invoice.enterprise_id, invoice.customer_id, invoice.asset)
    return note


def _unwound(change: Change, invoice: Invoice, note: CreditNote) -> CreditNote:
    """P-27: the newest money goes first; the note remembers what was taken off."""
    known = {allocation.id for allocation in change.find(allocations_of(invoice.id))}
    unwound = unwind(change, invoice, note.post)
    taken_off = [a.id for a in change.find(allocations_of(invoice.id)) if a.id not in known]
    return replace(
        note,
        paid_out=unwound.tokens if note.disposition is CreditNoteDisposition.REFUND else note.paid_out,
        recredited=_disposed(change, invoice, note, unwound),
        allocation_ids=tuple(taken_off),
    )


def _disposed(change: Change, invoice: Invoice, note: CreditNote, unwound: Unwound) -> Money:
    """Move the tokens of the paid part; what of it is the customer's credit now."""
    if note.disposition is CreditNoteDisposition.CREDIT:
        recredit(change, invoice, unwound, rule="P-27", reason=CreditReason.CREDIT_NOTE, source_id=note.id)
        return note.post
    if note.disposition is CreditNoteDisposition.REFUND:
        pay_back(change, invoice, unwound, memo=note.id)
    else:
        raise_fence(change, invoice.enterprise_id, unwound.fenced, rule="P-27", memo=note.id)
    return unwound.restored


def _reduce(change: Change, invoice: Invoice, note: CreditNote) -> None:
    after = with_credit(invoice, note.pre, note.post)
    is_settled = after.status is InvoiceStatus.PAID and invoice.status is not InvoiceStatus.PAID
    event = "invoice.refunded" if note.paid_out else "invoice.credited"
    change.put(
        replace(
            after,
            refunded=invoice.refunded + note.paid_out,
            paid_at=change.now if is_settled else invoice.paid_at,
        ),
        "invoice.paid" if is_settled else event,
    )


CREDIT = UseCase("invoices.credit_note", CreditNote, _needs, decide_issue_credit_note)
REFUND = UseCase("invoices.refund", CreditNote, _needs, decide_refund)


async def issue_credit_note(deps: Deps, command: IssueCreditNote, key: str | None = None) -> CreditNote:
    """Reduce an invoice; it is paid when nothing remains open.

    Raises:
        AmountNotPositive, AmountPrecision, InvalidLine, InvalidInput: the command contradicts itself.
        NotFound, NotAllowed: no such invoice, or not yours.
        InvalidTransition: the invoice is neither open, nor partially paid, nor paid.
        CreditNoteExceedsInvoice: more than what is open and what was paid together.
        InsufficientEnterpriseFunds: the enterprise does not have the tokens.
    """
    return await perform(deps, CREDIT, command, key)


async def refund_invoice(deps: Deps, command: RefundInvoice, key: str | None = None) -> CreditNote:
    """Give back what a paid invoice brought in, newest payment first, all or nothing.

    Raises:
        AmountNotPositive, AmountPrecision: the amount is not one.
        NotFound, NotAllowed: no such invoice, or not yours.
        InvalidTransition: the invoice is not paid; void it, or issue a credit note.
        RefundExceedsPaid: more than what was paid and not yet given back.
        InsufficientEnterpriseFunds: the enterprise does not have the tokens.
    """
    return await perform(deps, REFUND, command, key)
