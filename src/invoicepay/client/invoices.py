"""Invoices from draft to payment, refund or void, and what is still open of them."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import date, datetime

from invoicepay.client.base import (
    LineLike,
    chosen,
    id_of,
    instant,
    lines_of,
    money,
    optional_money,
    several,
)
from invoicepay.client.invoice_batches import InvoiceBatches
from invoicepay.client.invoice_endings import InvoiceEndings
from invoicepay.client.notices import invoice_page
from invoicepay.client.pages import AsyncPage
from invoicepay.documents.invoice_page import Html
from invoicepay.documents.qr import QrCode
from invoicepay.domain.credit_notes import CreditNote
from invoicepay.domain.invoices import (
    Invoice,
    InvoiceStatus,
)
from invoicepay.domain.issuing import InvoiceTerms
from invoicepay.domain.money import MoneyLike
from invoicepay.domain.payments import Payment, Receipt
from invoicepay.domain.tables import Ageing
from invoicepay.use_cases import invoices as use_cases
from invoicepay.use_cases import payments, queries, requests
from invoicepay.use_cases.invoices import open_items
from invoicepay.use_cases.payments import PaidInvoices


class Invoices(InvoiceBatches, InvoiceEndings):
    """Claims of enterprises on customers (spec 4.1)."""

    async def issue(
        self,
        *,
        enterprise: str,
        customer: str,
        lines: Sequence[LineLike],
        due_on: date | None = None,
        due_in_days: int | None = None,
        expires_at: datetime | None = None,
        series: str = "A",
        note: str = "",
        reference: str = "",
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Create and finalize an invoice in one go: it gets its number, and the customer's credits pay first.

        Args:
            lines: `Line.of("Hosting", "120.00 USD", tax_rate="0.19")` or (description, price).
            due_on: local date in the enterprise's zone; `due_in_days` counts from today instead.
            reference: your own reference, for example a purchase order.

        Raises:
            InvalidLine, CurrencyMismatch, AmountPrecision, NotFound, NotAllowed: nothing was stored.

        Examples:
            >>> from invoicepay import InvoicePay, Line
            >>> pay = InvoicePay()
            >>> lines = [Line.of("Hosting", "120.00 USD")]
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=lines)
            >>> invoice.number, str(invoice.remaining)
            ('A-0001', '120.00 USD')
        """
        terms = self._terms(
            enterprise, customer, lines, due_on, due_in_days, expires_at, series, note, reference
        )
        return await self._do(use_cases.issue_invoice, terms, idempotency_key)

    async def draft(
        self,
        *,
        enterprise: str,
        customer: str,
        lines: Sequence[LineLike],
        due_on: date | None = None,
        due_in_days: int | None = None,
        expires_at: datetime | None = None,
        series: str = "A",
        note: str = "",
        reference: str = "",
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Write an invoice that can still be changed; it has no number yet.

        Takes and refuses what `issue` does.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> draft = pay.invoices.draft(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> draft = pay.invoices.update(draft, lines=[("Seat", "9.00 USD"), ("Set-up", "1.00 USD")])
            >>> pay.invoices.finalize(draft).number
            'A-0001'
        """
        terms = self._terms(
            enterprise, customer, lines, due_on, due_in_days, expires_at, series, note, reference
        )
        return await self._do(use_cases.create_draft, terms, idempotency_key)

    def _terms(
        self,
        enterprise: str,
        customer: str,
        lines: Sequence[LineLike],
        due_on: date | None,
        due_in_days: int | None,
        expires_at: datetime | None,
        series: str,
        note: str,
        reference: str,
    ) -> InvoiceTerms:
        return InvoiceTerms(
            enterprise_id=enterprise,
            customer_id=customer,
            lines=lines_of(lines),
            series=series,
            due_on=due_on,
            due_in_days=due_in_days,
            expires_at=instant(expires_at, "expires_at"),
            note=note,
            reference=reference,
        )

    async def update(
        self,
        invoice: str | Invoice,
        *,
        lines: Sequence[LineLike] | None = None,
        due_on: date | None = None,
        due_in_days: int | None = None,
        expires_at: datetime | None = None,
        note: str | None = None,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Change a draft; what is left out stays.

        Raises:
            InvalidTransition: it is finalized already.
            InvalidLine, CurrencyMismatch, InvalidTime: nothing was changed.
        """
        command = use_cases.UpdateDraft(
            invoice_id=id_of(invoice),
            lines=None if lines is None else lines_of(lines),
            due_on=due_on,
            due_in_days=due_in_days,
            expires_at=instant(expires_at, "expires_at"),
            note=note,
            reference=reference,
        )
        return await self._do(use_cases.update_draft, command, idempotency_key)

    async def delete(self, invoice: str | Invoice, *, idempotency_key: str | None = None) -> Invoice:
        """Throw a draft away; finalized invoices are voided instead.

        Raises:
            InvalidTransition: it is finalized already.
        """
        command = use_cases.DeleteDraft(invoice_id=id_of(invoice))
        return await self._do(use_cases.delete_draft, command, idempotency_key)

    async def finalize(self, invoice: str | Invoice, *, idempotency_key: str | None = None) -> Invoice:
        """Freeze a draft and give it the next number of its series; the customer's credits pay first.

        Raises:
            InvalidTransition: it is no draft.
            InvoiceExpired: its expiry is over before it was ever open.
        """
        command = use_cases.FinalizeInvoice(invoice_id=id_of(invoice))
        return await self._do(use_cases.finalize_draft, command, idempotency_key)

    async def send(self, invoice: str | Invoice, *, idempotency_key: str | None = None) -> Invoice:
        """Send the customer the invoice: `notices` mail it, or handlers of `invoice.sent` do what you like.

        Raises:
            InvalidTransition: it is a draft, expired or void.
        """
        command = use_cases.SendInvoice(invoice_id=id_of(invoice))
        return await self._do(use_cases.send_invoice, command, idempotency_key)

    async def pay(
        self,
        invoice: str | Invoice,
        *,
        payer: str,
        amount: MoneyLike | None = None,
        idempotency_key: str | None = None,
    ) -> Payment:
        """Pay from the payer's wallet, exactly, in part or over (P-11); the excess becomes credit.

        Args:
            payer: whose tokens move; need not be the invoice's customer.
            amount: everything still open when left out; more than that becomes credit of the customer.

        Raises:
            InsufficientFunds, InvoiceAlreadyPaid, InvoiceExpired: nothing moved.
            OverpaymentRefused, PartialPaymentRefused, BelowMinimumPartial: the enterprise's policy.
            AssetNotAccepted, WalletFrozen, LimitExceeded, NotThePayer, NotFound: nothing moved.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD").id)
            >>> lines = [("Hosting", "120.00 USD")]
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=lines)
            >>> payment = pay.invoices.pay(invoice, payer="ann", amount="150.00 USD")
            >>> payment.payment_type.value, str(payment.credit)
            ('OVERPAYMENT', '30.00 USD')
        """
        command = payments.PayInvoice(
            invoice_id=id_of(invoice), payer_id=payer, amount=optional_money(amount)
        )
        return await self._do(payments.pay_invoice, command, idempotency_key)

    async def pay_several(
        self,
        *,
        payer: str,
        amount: MoneyLike,
        invoices: Sequence[str | Invoice] = (),
        enterprise: str = "",
        idempotency_key: str | None = None,
    ) -> PaidInvoices:
        """Pay several invoices with one amount, all or none: in the given order, else oldest due first.

        Args:
            invoices: in the order of payment; without them, the payer's open ones with `enterprise`.

        Raises:
            AllocationIncomplete: something is left over and the invoices belong to several enterprises.
            InsufficientFunds, AssetNotAccepted, WalletFrozen, LimitExceeded, NotThePayer: nothing moved.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
            >>> for price in ("20.00 USD", "15.00 USD"):
            ...     _ = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", price)])
            >>> paid = pay.invoices.pay_several(payer="ann", amount="35.00 USD", enterprise="acme")
            >>> [str(payment.applied) for payment in paid.payments]
            ['20.00 USD', '15.00 USD']
        """
        command = payments.PayInvoices(
            payer_id=payer,
            amount=money(amount),
            invoice_ids=tuple(map(id_of, several(invoices, "invoices"))),
            enterprise_id=enterprise,
        )
        return await self._do(payments.pay_invoices, command, idempotency_key)

    async def receive(
        self,
        invoice: str | Invoice = "",
        *,
        payer: str = "",
        amount: MoneyLike,
        provider: str,
        provider_ref: str,
        enterprise: str = "",
        idempotency_key: str | None = None,
    ) -> Payment | Receipt:
        """Book a transfer that arrived by itself (push); the same `provider_ref` seen again changes nothing.

        Returns:
            The payment, or a receipt when it pays no invoice (another asset, none named).

        Raises:
            DuplicateProviderReference: the transfer was attached to another invoice.
            NotThePayer, NotAllowed: a party tells of its own transfers in the book only; what came from
                outside or moved on a chain is told by an operator.
            ComplianceBlocked, ComplianceReview, WalletFrozen, LimitExceeded, InsufficientFunds: the book does
                not move the tokens.
        """
        command = payments.ReceivePush(
            amount=money(amount),
            invoice_id=id_of(invoice),
            payer_id=payer,
            enterprise_id=enterprise,
            provider=provider,
            provider_ref=provider_ref,
        )
        received = await self._do(payments.receive_push, command, idempotency_key)
        booked = received.payment or received.receipt
        assert booked is not None, "a push is a payment or a receipt"
        return booked

    async def record_external(
        self,
        invoice: str | Invoice,
        amount: MoneyLike,
        *,
        payer: str = "",
        reference: str = "",
        idempotency_key: str | None = None,
    ) -> Payment:
        """Record a payment made outside the system, for example in cash (P-19); no token moves.

        Args:
            payer: who paid; the invoice's customer when left out.
            reference: your own reference, for example a receipt's number.

        Raises:
            InvoiceAlreadyPaid, InvoiceExpired, NotAllowed: nothing was recorded.
        """
        command = payments.RecordExternalPayment(
            invoice_id=id_of(invoice), amount=money(amount), payer_id=payer, reference=reference
        )
        return await self._do(payments.record_external, command, idempotency_key)

    async def get(self, invoice: str | Invoice) -> Invoice:
        """One invoice as it stands: its status, what is applied, pending and remaining.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, Invoice, id_of(invoice))

    async def list(
        self,
        *,
        enterprise: str | None = None,
        customer: str | None = None,
        status: InvoiceStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[Invoice]:
        """Invoices, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return await self._page(
            Invoice,
            after=after,
            limit=limit,
            enterprise_id=enterprise,
            customer_id=customer,
            status=None if status is None else chosen(InvoiceStatus, status, "status"),
        )

    async def credit_notes(self, invoice: str | Invoice) -> AsyncPage[CreditNote]:
        """The credit notes of an invoice, oldest first.

        Raises:
            NotFound: there is no such invoice, or the actor is a party and no side of it.
        """
        of = await queries.own(self._deps, Invoice, id_of(invoice))
        sides = {"enterprise_id": of.enterprise_id, "customer_id": of.customer_id}
        return await self._page(CreditNote, limit=200, invoice_id=of.id, **sides)

    async def overdue(self, enterprise: str) -> builtins.list[Invoice]:
        """Open invoices past their due date in the enterprise's zone.

        Raises:
            NotFound, NotAllowed: no such enterprise, or another party asks.
        """
        return await open_items.overdue(self._deps, enterprise)

    async def ageing(self, enterprise: str) -> Ageing:
        """What is open of an enterprise's invoices, by asset and by how many days it is past due.

        Raises:
            NotFound: no such enterprise.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> {bucket.value: str(due) for bucket, due in pay.invoices.ageing("acme")["USD"].items() if due}
            {'current': '9.00 USD'}
        """
        return await open_items.ageing(self._deps, enterprise)

    async def qr(self, invoice: str | Invoice) -> QrCode:
        """A signed code that names the invoice; it draws itself as SVG, PNG or terminal text.

        Raises:
            InvoiceAlreadyPaid, InvoiceExpired, InvalidTransition: it takes no payment.
            NotAllowed: the actor is neither its issuer nor its customer.
        """
        return QrCode(await requests.invoice_code(self._deps, id_of(invoice)))

    async def html(self, invoice: str | Invoice) -> Html:
        """The invoice as a page of HTML, with a code to scan while something is to be paid.

        Names and addresses are those that your `contacts` tell now; without them it shows ids.

        Raises:
            NotFound: there is no such invoice, or the actor is a party and no side of it.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> page = pay.invoices.html(invoice)  # the last value of a cell: drawn
            >>> "<h1>Invoice A-0001</h1>" in page
            True
        """
        found = await queries.own(self._deps, Invoice, id_of(invoice))
        page = await invoice_page(self._core.notices, self._deps, found)
        return page.html()
