"""An enterprise, its customers and an operator in memory: what tests of whole books say most often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from invoicepay.domain.books import Books, Violation
from invoicepay.domain.credit_notes import CreditNote, CreditNoteDisposition
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.enterprise_book import EnterpriseBook
from invoicepay.domain.invoices import Invoice, VoidDisposition
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.domain.payments import Payment
from invoicepay.domain.policies import Policy, Programme
from invoicepay.use_cases import books, credits
from invoicepay.use_cases.invoices import (
    InvoiceTerms,
    IssueCreditNote,
    RefundInvoice,
    VoidInvoice,
    issue_credit_note,
    issue_invoice,
    refund_invoice,
    void_invoice,
)
from invoicepay.use_cases.payments import PayInvoice, Received, ReceivePush, pay_invoice, receive_push
from invoicepay.use_cases.pending import run_pending
from invoicepay.use_cases.perform import Deps
from invoicepay.use_cases.queries import violations
from tests.support.desk import Desk


def usd(text: str) -> Money:
    """`usd("12.50")`."""
    return Money(text, "USD")


class Shop(Desk):
    """`acme` sells, `ann` buys; amounts are dollars written as text."""

    def __init__(self, programme: Programme | None = None, *, policy: Policy | None = None) -> None:
        super().__init__(programme)
        self.enterprise("acme", policy)

    def issue(
        self,
        total: str,
        *,
        tax_rate: str = "0",
        customer: str = "ann",
        enterprise: str = "acme",
        **terms: Any,
    ) -> Invoice:
        """An invoice over one line of `total` net of tax."""
        line = Line.of("Goods", f"{total} USD", tax_rate=tax_rate)
        asked = InvoiceTerms(enterprise_id=enterprise, customer_id=customer, lines=(line,), **terms)
        return self.run(issue_invoice(self.deps, asked))

    def pay(self, invoice: Invoice, amount: str | None = None, *, payer: str = "ann") -> Payment:
        """A pull payment; without an amount of what is open."""
        money = None if amount is None else usd(amount)
        command = PayInvoice(invoice_id=invoice.id, payer_id=payer, amount=money)
        return self.run(pay_invoice(self.deps, command))

    def refund(self, invoice: Invoice, amount: str | None = None) -> Any:
        """A refund of a paid invoice."""
        command = RefundInvoice(invoice_id=invoice.id, amount=None if amount is None else usd(amount))
        return self.run(refund_invoice(self.deps, command))

    def void(self, invoice: Invoice, disposition: VoidDisposition | None = None) -> Invoice:
        """The invoice taken back."""
        return self.run(void_invoice(self.deps, VoidInvoice(invoice_id=invoice.id, disposition=disposition)))

    def note(
        self, invoice: Invoice, amount: str, disposition: CreditNoteDisposition | None = None
    ) -> CreditNote:
        """A credit note over an amount."""
        command = IssueCreditNote(invoice_id=invoice.id, amount=usd(amount), disposition=disposition)
        return self.run(issue_credit_note(self.deps, command))

    def push(self, invoice: Invoice, amount: str, *, payer: str = "ann") -> Received:
        """Tokens that arrive by themselves, naming the invoice."""
        command = ReceivePush(invoice_id=invoice.id, payer_id=payer, amount=usd(amount))
        return self.run(receive_push(self.deps, command))

    def grant(self, amount: str, *, expires_in_days: int | None = None) -> CreditLot:
        """Goodwill for ann."""
        command = credits.GrantCredit(
            enterprise_id="acme",
            customer_id="ann",
            amount=usd(amount),
            expires_at=self.clock.now() + timedelta(days=expires_in_days) if expires_in_days else None,
        )
        return self.run(credits.grant_credit(self.deps, command))

    def apply_credit(self, invoice: Invoice) -> Invoice:
        """The customer's credit, as far as it reaches."""
        return self.run(credits.apply_credit(self.deps, credits.ApplyCredit(invoice_id=invoice.id)))

    def work(self) -> None:
        """A day goes by in which everything that waits is done."""
        self.clock.advance(days=1)
        self.run(run_pending(self.deps, until_quiet=True))

    def now(self, row: Any) -> Any:
        """The row as it is stored now."""
        return self.row(type(row), row.id)

    def book(self, enterprise: str = "acme", *, deps: Deps | None = None) -> EnterpriseBook:
        """The enterprise's derived book."""
        return self.run(books.enterprise_book(deps or self.deps, enterprise, "USD"))

    def broken(self) -> tuple[Violation, ...]:
        """What breaks an invariant."""
        return self.run(violations(self.deps))

    def books(self) -> Books:
        """Everything that the invariants read."""

        async def read() -> Books:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                found: Books = reader.books()  # type: ignore[attr-defined]  # memory only
                return found

        return self.run(read())
