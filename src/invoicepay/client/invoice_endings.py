"""How invoices end other than by payment: reduced, refunded, voided, given up, expired, opened again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from invoicepay.client.base import Group, chosen, id_of, instant, optional_money, several
from invoicepay.domain.credit_notes import CreditedLine, CreditNote, CreditNoteDisposition
from invoicepay.domain.invoices import Invoice, VoidDisposition
from invoicepay.domain.money import MoneyLike
from invoicepay.use_cases import invoices as use_cases


class InvoiceEndings(Group):
    """Part of `Invoices`."""

    async def refund(
        self,
        invoice: str | Invoice,
        amount: MoneyLike | None = None,
        *,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> CreditNote:
        """Give back what was paid, newest first: tokens to their payers, credit to its lots (P-27).

        Args:
            amount: everything that was paid and not yet given back when left out.

        Raises:
            InvalidTransition: it is not paid; void it, or issue a credit note.
            RefundExceedsPaid, InsufficientEnterpriseFunds, NotAllowed: nothing moved.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> _ = pay.invoices.pay(invoice, payer="ann")
            >>> str(pay.invoices.refund(invoice, "4.00 USD").amount), str(pay.wallets.get("ann").available)
            ('4.00 USD', '45.00 USD')
        """
        command = use_cases.RefundInvoice(
            invoice_id=id_of(invoice), amount=optional_money(amount), reason=reason
        )
        return await self._do(use_cases.refund_invoice, command, idempotency_key)

    async def credit_note(
        self,
        invoice: str | Invoice,
        amount: MoneyLike | None = None,
        *,
        lines: Sequence[CreditedLine] = (),
        disposition: CreditNoteDisposition | str | None = None,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> CreditNote:
        """Reduce an invoice: what is open first (P-21), then what was paid, by `disposition` (P-27).

        Args:
            lines: name lines instead of an amount, and tax follows them.
            disposition: `refund`, `credit` or `out_of_band`; needed once something paid is credited.

        Raises:
            CreditNoteExceedsInvoice, InsufficientEnterpriseFunds, NotAllowed: nothing moved.
            InvalidTransition: the invoice is neither open nor paid.
        """
        command = use_cases.IssueCreditNote(
            invoice_id=id_of(invoice),
            amount=optional_money(amount),
            lines=several(lines, "lines"),
            disposition=None
            if disposition is None
            else chosen(CreditNoteDisposition, disposition, "disposition"),
            reason=reason,
        )
        return await self._do(use_cases.issue_credit_note, command, idempotency_key)

    async def void_credit_note(
        self, credit_note: str | CreditNote, *, idempotency_key: str | None = None
    ) -> CreditNote:
        """Take a credit note back as long as nobody used what it gave.

        Raises:
            CreditConsumed: somebody did.
        """
        command = use_cases.VoidCreditNote(credit_note_id=id_of(credit_note))
        return await self._do(use_cases.void_credit_note, command, idempotency_key)

    async def void(
        self,
        invoice: str | Invoice,
        *,
        disposition: VoidDisposition | str | None = None,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Take an invoice back (P-23); what was paid becomes `credit` or is `refund`ed (P-24).

        Raises:
            InvoiceHasPayments: something was paid and no disposition is given.
            InsufficientEnterpriseFunds, InvalidTransition, NotAllowed: nothing changed.
        """
        command = use_cases.VoidInvoice(
            invoice_id=id_of(invoice),
            disposition=None if disposition is None else chosen(VoidDisposition, disposition, "disposition"),
        )
        return await self._do(use_cases.void_invoice, command, idempotency_key)

    async def mark_uncollectible(
        self, invoice: str | Invoice, *, idempotency_key: str | None = None
    ) -> Invoice:
        """Give an open invoice up (P-25); a late payment is still taken (P-26).

        Raises:
            InvoiceHasPayments: a payment is in flight.
            InvalidTransition, NotAllowed: nothing changed.
        """
        command = use_cases.MarkUncollectible(invoice_id=id_of(invoice))
        return await self._do(use_cases.mark_uncollectible, command, idempotency_key)

    async def expire(self, invoice: str | Invoice, *, idempotency_key: str | None = None) -> Invoice:
        """Mark an invoice whose expiry is over; `run_pending` does so by itself.

        Raises:
            InvalidTransition: its time is not over, or it is not open.
            InvoiceHasPayments: a payment that began in time is unresolved.
        """
        command = use_cases.ExpireInvoice(invoice_id=id_of(invoice))
        return await self._do(use_cases.expire_invoice, command, idempotency_key)

    async def reopen(
        self,
        invoice: str | Invoice,
        *,
        expires_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Let an expired invoice be paid again, until the new expiry or for good.

        Raises:
            InvalidTransition, InvalidTime: nothing changed.
        """
        command = use_cases.ReopenInvoice(
            invoice_id=id_of(invoice), expires_at=instant(expires_at, "expires_at")
        )
        return await self._do(use_cases.reopen_invoice, command, idempotency_key)
