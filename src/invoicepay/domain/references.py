"""Which fields of a row name another row, and the check that it is one of the same tenant (INV-25, S-02)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from invoicepay.domain.books import Books, Violation
from invoicepay.domain.credit_notes import CreditNote
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.deposits import Deposit, Reserve
from invoicepay.domain.entity import Entity
from invoicepay.domain.holds import Hold
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.payments import Payment
from invoicepay.domain.requests import PaymentRequest, Transfer
from invoicepay.domain.tokens import Burn, Mint
from invoicepay.domain.withdrawals import Withdrawal


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that is empty or holds the id of a row of one of the kinds."""

    kind: type[Entity]
    field: str
    to: tuple[type[Entity], ...]


REFERENCES = (
    Reference(CreditNote, "invoice_id", (Invoice,)),
    Reference(Payment, "invoice_id", (Invoice,)),
    Reference(CreditLot, "source_id", (Payment, CreditNote, Invoice)),
    Reference(Reserve, "deposit_id", (Deposit,)),
    Reference(Deposit, "reserve_id", (Reserve,)),
    Reference(Mint, "reserve_id", (Reserve,)),
    Reference(Mint, "withdrawal_id", (Withdrawal,)),
    Reference(Burn, "withdrawal_id", (Withdrawal,)),
    Reference(Withdrawal, "hold_id", (Hold,)),
    Reference(Transfer, "request_id", (PaymentRequest,)),
    Reference(PaymentRequest, "transfer_id", (Transfer,)),
    Reference(PaymentRequest, "parent_id", (PaymentRequest,)),
)
"""No database enforces them (ADR 0007); allocations, which join two rows, are INV-21's."""


def references_are_kept(books: Books) -> Iterator[Violation]:
    """INV-25: whatever a row names is a row of the same tenant."""
    for one in REFERENCES:
        known = {row.id for kind in one.to for row in books.of(kind)}
        for row in books.of(one.kind):
            id = getattr(row, one.field)
            if id and id not in known:
                yield dangling(one, row.id, id)


def dangling(one: Reference, row_id: str, id: str) -> Violation:
    """What is wrong with a row that names nothing of its tenant."""
    message = f"its {one.field} {id} is nothing that this tenant has"
    return Violation(rule="INV-25", subject=row_id, message=message)
