"""Credit notes: what they take off an invoice before and after payment, and their tax (spec 4.1, 6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.entity import Entity
from invoicepay.domain.invoices import INVOICE, Invoice, InvoiceCommand
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.lines import tax_groups
from invoicepay.domain.money import Money, pro_rata, total
from invoicepay.domain.needs import Find, find
from invoicepay.errors import CreditNoteExceedsInvoice, InvalidLine


class CreditNoteDisposition(StrEnum):
    """Where the already paid part of a credit note goes."""

    REFUND = "refund"
    CREDIT = "credit"
    OUT_OF_BAND = "out_of_band"


class CreditNoteStatus(StrEnum):
    """A credit note is issued once; voiding it takes an unconsumed credit back."""

    ISSUED = "issued"
    VOID = "void"


class CreditNoteCommand(StrEnum):
    """What moves a credit note."""

    ISSUE = "issue"
    VOID = "void"


CREDIT_NOTE: Lifecycle[CreditNoteStatus, CreditNoteCommand] = Lifecycle(
    "credit_note",
    {
        (None, CreditNoteCommand.ISSUE): CreditNoteStatus.ISSUED,
        (CreditNoteStatus.ISSUED, CreditNoteCommand.VOID): CreditNoteStatus.VOID,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditedLine:
    """So many of the invoice's line at a position, counted from 1."""

    position: int
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNote(Entity):
    """A reduction of a finalized invoice; `amount = net + tax = pre + post`.

    Attributes:
        pre, post: the part that lowers the open amount, and the part that was paid already.
        paid_out, recredited: of `post`, what went to payers in tokens and what became the customer's credit;
            the rest is paid back outside the system.
        lines: what was credited, when lines were named; their tax is the lines' tax.
        allocation_ids: the allocations that took `post` off the invoice.
    """

    KIND: ClassVar[str] = "credit_note"

    invoice_id: str
    enterprise_id: str
    customer_id: str
    asset: str
    number: str
    amount: Money
    net: Money
    tax: Money
    pre: Money
    post: Money
    paid_out: Money
    recredited: Money
    disposition: CreditNoteDisposition | None = None
    lines: tuple[CreditedLine, ...] = ()
    reason: str = ""
    allocation_ids: tuple[str, ...] = ()
    status: CreditNoteStatus = CreditNoteStatus.ISSUED


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """Net and tax that a credit note takes off."""

    net: Money
    tax: Money

    @property
    def amount(self) -> Money:
        """Both together."""
        return self.net + self.tax


def notes_of(invoice_id: str) -> Find[CreditNote]:
    """The search for what was credited on an invoice and not voided."""
    return find(CreditNote, invoice_id=invoice_id, status=CreditNoteStatus.ISSUED)


def reduced_pro_rata(invoice: Invoice, notes: Sequence[CreditNote], amount: Money) -> Reduction:
    """Split an amount into net and tax, cumulatively, so that full credit returns the invoiced tax (spec 6).

    `tax_k = round(tax × credited so far / total) − tax already credited`, kept within what is left of both.
    """
    left = _left(invoice, notes)
    so_far = invoice.credited_pre + invoice.credited_post + amount
    tax = pro_rata(invoice.tax, so_far, invoice.total) - (invoice.tax - left.tax)
    lowest = max(Money.zero(amount.asset), amount - left.net)
    tax = max(lowest, min(tax, left.tax, amount))
    return Reduction(net=amount - tax, tax=tax)


def reduced_by_line(
    invoice: Invoice, notes: Sequence[CreditNote], lines: Sequence[CreditedLine]
) -> Reduction:
    """Net and tax of named lines; crediting all of them in any steps returns the invoiced tax (spec 6).

    Raises:
        InvalidLine: no such line, a quantity that is not positive, or nothing comes of it.
        CreditNoteExceedsInvoice: more of a line than was invoiced and not yet credited.
    """
    for line in lines:
        _check(invoice, line)
    before = _quantities(line for note in notes for line in note.lines)
    after = _quantities(lines, before)
    for position, quantity in after.items():
        if quantity > abs(invoice.lines[position - 1].quantity):
            raise CreditNoteExceedsInvoice(invoice=invoice.id, line=position)
    old, new = _worth(invoice, before), _worth(invoice, after)
    reduction = Reduction(net=new.net - old.net, tax=new.tax - old.tax)
    left = _left(invoice, notes)
    if reduction.net > left.net or reduction.tax > left.tax:
        raise CreditNoteExceedsInvoice(invoice=invoice.id, net=str(left.net), tax=str(left.tax))
    if reduction.amount.micros <= 0:
        raise InvalidLine("the lines of a credit note come to more than nothing")
    return reduction


def _check(invoice: Invoice, line: CreditedLine) -> None:
    if type(line.position) is not int or not 1 <= line.position <= len(invoice.lines):
        raise InvalidLine(f"the invoice has lines 1 to {len(invoice.lines)}", line=str(line.position))
    if not isinstance(line.quantity, Decimal) or not line.quantity.is_finite() or line.quantity <= 0:
        raise InvalidLine("the quantity to credit is a Decimal above zero", line=line.position)


def _left(invoice: Invoice, notes: Sequence[CreditNote]) -> Reduction:
    credited = Reduction(
        net=total((note.net for note in notes), invoice.asset),
        tax=total((note.tax for note in notes), invoice.asset),
    )
    return Reduction(net=invoice.net - credited.net, tax=invoice.tax - credited.tax)


def _quantities(
    lines: Iterable[CreditedLine], start: Mapping[int, Decimal] | None = None
) -> dict[int, Decimal]:
    quantities = dict(start or {})
    for line in lines:
        quantities[line.position] = quantities.get(line.position, Decimal(0)) + line.quantity
    return quantities


def _worth(invoice: Invoice, quantities: Mapping[int, Decimal]) -> Reduction:
    """What so many of each line come to; a line that takes off is credited with its own sign."""
    parts = [
        replace(line, quantity=quantities[position].copy_sign(line.quantity))
        for position, line in enumerate(invoice.lines, start=1)
        if quantities.get(position)
    ]
    groups = tax_groups(parts)
    return Reduction(
        net=total((group.net for group in groups), invoice.asset),
        tax=total((group.tax for group in groups), invoice.asset),
    )


def with_credit(invoice: Invoice, pre: Money, post: Money) -> Invoice:
    """The invoice after a credit note; the caller has unwound `post` (P-21, P-27).

    Raises:
        InvalidTransition: it is neither open, nor partially paid, nor paid.
    """
    rest = invoice.remaining - pre
    command = InvoiceCommand.CREDIT_PART if rest else InvoiceCommand.CREDIT_REST
    return replace(
        invoice,
        status=INVOICE.after(invoice.status, command),
        remaining=rest,
        applied=invoice.applied - post,
        credited_pre=invoice.credited_pre + pre,
        credited_post=invoice.credited_post + post,
    )


def without_credit(invoice: Invoice, pre: Money, post: Money) -> Invoice:
    """The invoice once a credit note is void; the caller has put `post` on it again.

    Raises:
        InvalidTransition: it is neither open, nor partially paid, nor paid.
    """
    rest, applied = invoice.remaining + pre, invoice.applied + post
    command = InvoiceCommand.UNCREDIT
    if rest:
        command = InvoiceCommand.UNCREDIT_PART if applied else InvoiceCommand.UNCREDIT_ALL
    return replace(
        invoice,
        status=INVOICE.after(invoice.status, command),
        remaining=rest,
        applied=applied,
        credited_pre=invoice.credited_pre - pre,
        credited_post=invoice.credited_post - post,
    )
