"""Voiding a credit note: the invoice is as it was, as long as the credit it made is untouched (spec 4.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from invoicepay.domain import postings
from invoicepay.domain.access import authorise, receiving_code
from invoicepay.domain.accounts import credit_reserve
from invoicepay.domain.allocations import Allocation, SourceKind, allocate
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.credit_notes import CREDIT_NOTE, CreditNote, CreditNoteCommand, without_credit
from invoicepay.domain.credits import CREDIT, CreditCommand, CreditLot, void_lot
from invoicepay.domain.invoices import Invoice, InvoiceStatus, awaited_again, invoice_needs
from invoicepay.domain.money import Money, total
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.payments import Payment
from invoicepay.domain.policies import CreditBacking
from invoicepay.errors import CreditConsumed
from invoicepay.use_cases.perform import Deps, UseCase, perform


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidCreditNote:
    """Take a credit note back."""

    credit_note_id: str


def lots_of(note_id: str) -> Find[CreditLot]:
    """The search for the lots that a credit note opened."""
    return find(CreditLot, source_id=note_id)


def _needs(command: VoidCreditNote, seen: Snapshot) -> Needs:
    needs = need((CreditNote, command.credit_note_id))
    note = seen.peek(CreditNote, command.credit_note_id)
    if note is None:
        return needs
    needs |= invoice_needs(note.invoice_id, seen) | need(
        *((Allocation, id) for id in note.allocation_ids),
        finds=[lots_of(note.id)],
        accounts=[credit_reserve(note.enterprise_id, note.asset)],
    )
    for id in note.allocation_ids:
        allocation = seen.peek(Allocation, id)
        if allocation is not None:
            is_payment = allocation.source_kind is SourceKind.PAYMENT
            needs |= need((Payment if is_payment else CreditLot, allocation.source_id))
    return needs


def decide_void_credit_note(command: VoidCreditNote, change: Change) -> CreditNote:
    """Put everything back on the invoice and take the credit back; its fence falls (P-27 reversed).

    Raises:
        InvalidTransition: it is void already, or its invoice is not open or paid any more.
        CreditConsumed: some of the credit was used, or money went out with the note.
    """
    note = change.get(CreditNote, command.credit_note_id)
    authorise(change, note, enterprise=note.enterprise_id)
    status = CREDIT_NOTE.after(note.status, CreditNoteCommand.VOID)
    invoice = change.get(Invoice, note.invoice_id)
    after = without_credit(invoice, note.pre, note.post)
    if note.recredited != note.post:
        raise CreditConsumed("money went back with this credit note", credit_note=note.id)
    _lower_fence(change, note, _taken_back(change, note))
    is_settled = after.status is InvoiceStatus.PAID
    paid_at = invoice.paid_at if is_settled else None
    after = awaited_again(invoice, replace(after, paid_at=paid_at), change.now)
    change.put(after, "invoice.credit_voided")
    return change.put(replace(note, status=status), "credit_note.voided")


def _taken_back(change: Change, note: CreditNote) -> Money:
    """Undo each allocation of the note and void the lots it opened; what of them was ring-fenced."""
    voided = [void_lot(change, lot) for lot in change.find(lots_of(note.id))]
    fenced = [lot.voided for lot in voided if lot.backing is CreditBacking.RING_FENCED]
    for id in note.allocation_ids:
        allocation = change.get(Allocation, id)
        part = -allocation.amount
        if allocation.source_kind is SourceKind.PAYMENT:
            payment = change.get(Payment, allocation.source_id)
            restored = replace(payment, applied=payment.applied + part, refunded=payment.refunded - part)
            change.put(restored, "payment.rewound")
        else:
            lot = _used_again(change, change.get(CreditLot, allocation.source_id), part)
            fenced += [part] if lot.backing is CreditBacking.RING_FENCED else []
        allocate(change, note.invoice_id, allocation.source_kind, allocation.source_id, part)
    return total(fenced, note.asset)


def _used_again(change: Change, lot: CreditLot, part: Money) -> CreditLot:
    rest = lot.remaining - part
    if rest.micros < 0:
        raise CreditConsumed(credit=lot.id, remaining=str(lot.remaining))
    status = CREDIT.after(lot.status, CreditCommand.APPLY_PART if rest else CreditCommand.APPLY_REST)
    return change.put(
        replace(lot, applied=lot.applied + part, remaining=rest, status=status), "credit.reapplied"
    )


def _lower_fence(change: Change, note: CreditNote, amount: Money) -> None:
    if amount:
        into = receiving_code(change, note.enterprise_id, note.asset)
        change.post(
            postings.fence_lowered(
                note.enterprise_id, note.asset, amount.micros, into=into, rule="P-27", memo=note.id
            )
        )


VOID = UseCase("invoices.void_credit_note", CreditNote, _needs, decide_void_credit_note)


async def void_credit_note(deps: Deps, command: VoidCreditNote, key: str | None = None) -> CreditNote:
    """Take a credit note back, as long as nobody used what it gave.

    Raises:
        NotFound, NotAllowed: no such credit note, or not yours.
        InvalidTransition: it is void already, or its invoice is not open or paid any more.
        CreditConsumed: some of the credit was used, or money went out with the note.
    """
    return await perform(deps, VOID, command, key)
