"""Two ends of an invoice that is not paid: void, or given up as uncollectible (spec 4.1, P-23 to P-25)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from invoicepay.domain.access import authorise
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.credits import CreditReason, auto_apply, auto_apply_needs, refund_lot
from invoicepay.domain.invoices import INVOICE, Invoice, InvoiceCommand, VoidDisposition, invoice_needs
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs
from invoicepay.domain.payments import recredit, unwind, unwind_needs
from invoicepay.errors import InvoiceHasPayments
from invoicepay.use_cases.perform import Deps, UseCase, perform


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidInvoice:
    """Take an invoice back.

    Attributes:
        disposition: where what was paid goes; needed when something was.
    """

    invoice_id: str
    disposition: VoidDisposition | None = None


def _needs_void(command: VoidInvoice, seen: Snapshot) -> Needs:
    needs = invoice_needs(command.invoice_id, seen)
    invoice = seen.peek(Invoice, command.invoice_id)
    if invoice is None or command.disposition is None:
        return needs
    parties = (invoice.enterprise_id, invoice.customer_id)
    return needs | unwind_needs(seen, invoice) | auto_apply_needs(seen, *parties, invoice.asset)


def decide_void(command: VoidInvoice, change: Change) -> Invoice:
    """Nothing is due any more; what was paid becomes credit or goes back (P-23, P-24, P-15).

    Credit that had paid for it returns to its lots, whatever the disposition.

    Raises:
        InvalidTransition: a draft, paid, uncollectible or void already.
        InvoiceHasPayments: something was paid and no disposition says where it goes, or is in flight.
        InsufficientEnterpriseFunds: the enterprise does not have the tokens any more.
    """
    invoice = change.get(Invoice, command.invoice_id)
    authorise(change, invoice, enterprise=invoice.enterprise_id)
    status = INVOICE.after(invoice.status, InvoiceCommand.VOID)
    if invoice.pending or (invoice.applied and command.disposition is None):
        raise InvoiceHasPayments(
            invoice=invoice.id, applied=str(invoice.applied), pending=str(invoice.pending)
        )
    nothing = Money.zero(invoice.asset)
    refunded = _given_back(change, invoice, command.disposition) if invoice.applied else nothing
    voided = change.put(
        replace(
            invoice, status=status, remaining=nothing, applied=nothing, refunded=invoice.refunded + refunded
        ),
        "invoice.voided",
    )
    if invoice.applied:
        auto_apply(change, invoice.enterprise_id, invoice.customer_id, invoice.asset)
    return voided


def _given_back(change: Change, invoice: Invoice, disposition: VoidDisposition | None) -> Money:
    """P-24: credit, one lot for each payer; refunding pays each lot out at once (P-15). What was paid out."""
    unwound = unwind(change, invoice, invoice.applied)
    lots = recredit(
        change, invoice, unwound, rule="P-24", reason=CreditReason.VOID_INVOICE, source_id=invoice.id
    )
    if disposition is not VoidDisposition.REFUND:
        return Money.zero(invoice.asset)
    for lot in lots:
        refund_lot(change, lot, lot.amount)
    return unwound.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkUncollectible:
    """Give up hope, but keep what is open as a memo."""

    invoice_id: str


def _needs_mark(command: MarkUncollectible, seen: Snapshot) -> Needs:
    return invoice_needs(command.invoice_id, seen)


def decide_mark_uncollectible(command: MarkUncollectible, change: Change) -> Invoice:
    """Bad debt in the enterprise's book, which is derived (P-25); a later payment still settles it (P-26).

    Raises:
        InvalidTransition: nothing is open.
        InvoiceHasPayments: a payment is in flight.
    """
    invoice = change.get(Invoice, command.invoice_id)
    authorise(change, invoice, enterprise=invoice.enterprise_id)
    status = INVOICE.after(invoice.status, InvoiceCommand.MARK_UNCOLLECTIBLE)
    if invoice.pending:
        raise InvoiceHasPayments(invoice=invoice.id, pending=str(invoice.pending))
    return change.put(replace(invoice, status=status), "invoice.marked_uncollectible")


VOID = UseCase("invoices.void", Invoice, _needs_void, decide_void)
MARK_UNCOLLECTIBLE = UseCase("invoices.mark_uncollectible", Invoice, _needs_mark, decide_mark_uncollectible)


async def void_invoice(deps: Deps, command: VoidInvoice, key: str | None = None) -> Invoice:
    """Take an invoice back; a void invoice stays in the books and keeps its number.

    Raises:
        NotFound, NotAllowed: no such invoice, or not yours.
        InvalidTransition: a draft, paid, uncollectible or void already.
        InvoiceHasPayments: name a disposition, or wait for the payment in flight.
        InsufficientEnterpriseFunds: the enterprise does not have the tokens any more.
    """
    return await perform(deps, VOID, command, key)


async def mark_uncollectible(deps: Deps, command: MarkUncollectible, key: str | None = None) -> Invoice:
    """Give an open invoice up.

    Raises:
        NotFound, NotAllowed: no such invoice, or not yours.
        InvalidTransition: nothing is open.
        InvoiceHasPayments: a payment is in flight.
    """
    return await perform(deps, MARK_UNCOLLECTIBLE, command, key)
