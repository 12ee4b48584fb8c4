"""An enterprise, its customer, and what a test asks of their invoices."""

from __future__ import annotations

from typing import Any

from invoicepay.domain.accounts import credit_reserve
from invoicepay.domain.credit_notes import CreditNote
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.invoices import Invoice, VoidDisposition
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.domain.payments import Payment
from invoicepay.domain.policies import Policy, Programme
from invoicepay.use_cases import invoices
from invoicepay.use_cases.invoices import (
    InvoiceTerms,
    IssueCreditNote,
    RefundInvoice,
    VoidCreditNote,
    VoidInvoice,
)
from invoicepay.use_cases.payments import PayInvoice, pay_invoice
from tests.support.desk import Desk
from tests.support.invoices import usd


class Shop(Desk):
    """acme sells to ann, who has 500.00 USD."""

    def __init__(self, policy: Policy | None = None, programme: Programme | None = None) -> None:
        super().__init__(programme)
        self.enterprise("acme", policy)
        self.fund("ann", "500.00 USD")

    def issue(self, total: str = "100.00", **terms: Any) -> Invoice:
        return self.run(invoices.issue_invoice(self.deps, a_sale(total, **terms)))

    def draft(self, total: str = "100.00", **terms: Any) -> Invoice:
        return self.run(invoices.create_draft(self.deps, a_sale(total, **terms)))

    def pay(self, invoice: Invoice, amount: str, payer: str = "ann") -> Payment:
        command = PayInvoice(invoice_id=invoice.id, payer_id=payer, amount=usd(amount))
        return self.run(pay_invoice(self.deps, command))

    def again(self, invoice: Invoice) -> Invoice:
        stored: Invoice = self.row(Invoice, invoice.id)
        return stored

    def void(self, invoice: Invoice, disposition: VoidDisposition | None = None) -> Invoice:
        command = VoidInvoice(invoice_id=invoice.id, disposition=disposition)
        return self.run(invoices.void_invoice(self.deps, command))

    def credit(self, invoice: Invoice, amount: str | None = None, **facts: Any) -> CreditNote:
        command = IssueCreditNote(
            invoice_id=invoice.id, amount=None if amount is None else usd(amount), **facts
        )
        return self.run(invoices.issue_credit_note(self.deps, command))

    def refund(self, invoice: Invoice, amount: str | None = None) -> CreditNote:
        command = RefundInvoice(invoice_id=invoice.id, amount=None if amount is None else usd(amount))
        return self.run(invoices.refund_invoice(self.deps, command))

    def void_note(self, note: CreditNote) -> CreditNote:
        return self.run(invoices.void_credit_note(self.deps, VoidCreditNote(credit_note_id=note.id)))

    def lots(self) -> list[CreditLot]:
        return list(self.rows(CreditLot))

    def fenced(self) -> Money:
        return self.balance(credit_reserve("acme", "USD"))

    def event_names(self, id: str) -> list[str]:
        async def read() -> list[str]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return [event.name for event in await reader.events(entity_id=id)]

        return self.run(read())

    def rules(self) -> list[str]:
        async def read() -> list[str]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return [booked.posting.rule for booked in await reader.transactions()]

        return [rule for rule in self.run(read()) if rule not in ("P-01", "P-02", "P-03")]

    def assert_books_hold(self) -> None:
        async def read() -> Any:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return await reader.violations()

        assert self.run(read()) == ()


def a_sale(total: str = "100.00", **terms: Any) -> InvoiceTerms:
    return InvoiceTerms(
        **{
            "enterprise_id": "acme",
            "customer_id": "ann",
            "lines": (Line.of("Advice", f"{total} USD"),),
            **terms,
        }
    )
