"""An enterprise with a customer: invoices are issued and paid in one line, and the books must hold."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from invoicepay.domain.accounts import Posting, credit_reserve, held
from invoicepay.domain.books import Violation
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.events import Event
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.issuing import InvoiceTerms
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.domain.parties import PartyKind
from invoicepay.domain.payments import Payment
from invoicepay.domain.policies import Asset, Policy, Programme, Settlement
from invoicepay.use_cases import credits, invoices, payments
from tests.support.desk import Desk

ON_CHAIN = Programme(assets={"USD": Asset("USD", settlement=Settlement.ONCHAIN)})


def usd(text: str) -> Money:
    """Dollars."""
    return Money(text, "USD")


class Till(Desk):
    """acme sells to ann, who starts with 500.00 USD; ben pays for others with his 500.00 USD."""

    def __init__(
        self, policy: Policy | None = None, programme: Programme | None = None, **ports: Any
    ) -> None:
        super().__init__(programme, **ports)
        self.enterprise("acme", policy)
        self._fund("platform", PartyKind.PLATFORM, Money.zero("USD"), None)
        for payer in ("ann", "ben"):
            self.fund(payer, "500.00 USD")

    def issue(
        self,
        total: str,
        *,
        customer: str = "ann",
        enterprise: str = "acme",
        due_on: date | None = None,
        expires_at: datetime | None = None,
    ) -> Invoice:
        """An open invoice over one line."""
        terms = InvoiceTerms(
            enterprise_id=enterprise,
            customer_id=customer,
            lines=(Line(description="goods", unit_price=usd(total)),),
            due_on=due_on,
            expires_at=expires_at,
        )
        return self.run(invoices.issue_invoice(self.deps, terms))

    def pay(self, invoice: Invoice, amount: str | None = None, *, payer: str = "ann") -> Payment:
        """Pull a payment."""
        command = payments.PayInvoice(
            invoice_id=invoice.id, payer_id=payer, amount=None if amount is None else usd(amount)
        )
        return self.run(payments.pay_invoice(self.deps, command))

    def push(
        self, invoice: Invoice, amount: str, *, payer: str = "ann", ref: str = "", asset: str = "USD"
    ) -> payments.Received:
        """Let a transfer arrive."""
        command = payments.ReceivePush(
            invoice_id=invoice.id,
            payer_id=payer,
            amount=Money(amount, asset),
            provider="scan" if ref else "",
            provider_ref=ref,
        )
        return self.run(payments.receive_push(self.deps, command))

    def credit(self, amount: str, *, payer: str = "ann", customer: str = "ann") -> CreditLot:
        """A cash credit of that amount, from overpaying an invoice of 1.00."""
        paid = usd(amount) + usd("1.00")
        payment = self.pay(self.issue("1.00", customer=customer), paid.amount_text, payer=payer)
        return self.lot(payment.credit_id)

    def goodwill(self, amount: str, *, expires_at: datetime | None = None) -> CreditLot:
        """A non-cash credit for ann."""
        command = credits.GrantCredit(
            enterprise_id="acme", customer_id="ann", amount=usd(amount), expires_at=expires_at
        )
        return self.run(credits.grant_credit(self.deps, command))

    def invoice(self, id: str) -> Invoice:
        """An invoice as stored."""
        found: Invoice = self.row(Invoice, id)
        return found

    def payment(self, id: str) -> Payment:
        """A payment as stored."""
        found: Payment = self.row(Payment, id)
        return found

    def lot(self, id: str) -> CreditLot:
        """A credit as stored."""
        found: CreditLot = self.row(CreditLot, id)
        return found

    def fenced(self) -> Money:
        """What is ring-fenced at acme."""
        return self.balance(credit_reserve("acme", "USD"))

    def held(self, party_id: str) -> Money:
        """What a party has set aside."""
        return self.balance(held(party_id, "USD"))

    def postings(self, memo: str) -> list[Posting]:
        """The ledger's transactions about something, oldest first."""

        async def read() -> list[Posting]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return [booked.posting for booked in await reader.transactions(memo=memo)]

        return self.run(read())

    def rules(self, memo: str) -> list[str]:
        """The rules of these transactions."""
        return [posting.rule for posting in self.postings(memo)]

    def events(self, id: str) -> list[str]:
        """The names of an entity's events in order."""

        async def read() -> tuple[Event, ...]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return await reader.events(entity_id=id)

        return [event.name for event in self.run(read())]

    def violations(self) -> tuple[Violation, ...]:
        """What the invariants say against the books."""

        async def read() -> tuple[Violation, ...]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return await reader.violations()

        return self.run(read())
