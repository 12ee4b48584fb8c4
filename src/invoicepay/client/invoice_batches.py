"""Many invoices at once: issued, finalized and paid, each as if alone, with its own outcome."""

from __future__ import annotations

import builtins
from collections.abc import Sequence

from invoicepay.client.base import Group
from invoicepay.client.batches import Finalize, Issue, Pay, asked, to_finalize, to_issue, to_pay
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.payments import Payment
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases import invoices as use_cases
from invoicepay.use_cases import payments as payment_use_cases


class InvoiceBatches(Group):
    """Part of `Invoices`."""

    async def pay_many(self, items: Sequence[Pay]) -> builtins.list[Payment | InvoicePayError]:
        """Make many payments, each as if `pay` was called for one after the other, in few transactions.

        Up to 1,000 share a transaction. An outcome that is an error is a value here and not raised. Give each
        payment a key: after a crash the same list with the same keys answers what was done and does the rest.

        Returns:
            For each payment, in order, the `Payment`, or the error that `pay` would raise. When the store
            fails, that error is the outcome of all that was not stored, also of what was not tried any more.

        Raises:
            InvalidInput: no list.

        Examples:
            >>> from invoicepay import InvoicePay, Pay, Payment
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "100.00 USD").id)
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "60.00 USD")])
            >>> payments = [
            ...     Pay(invoice, payer="ann", amount="40.00 USD", idempotency_key="first"),
            ...     Pay(invoice, payer="ann", idempotency_key="rest"),
            ...     Pay(invoice, payer="ann", idempotency_key="again"),
            ... ]
            >>> for outcome in pay.invoices.pay_many(payments):
            ...     if isinstance(outcome, Payment):
            ...         print("paid", outcome.amount)
            ...     else:
            ...         print("refused:", outcome.code)
            paid 40.00 USD
            paid 20.00 USD
            refused: invoice_already_paid
        """
        return await self._do_many(payment_use_cases.pay_many, asked(items, to_pay))

    async def issue_many(self, items: Sequence[Issue]) -> builtins.list[Invoice | InvoicePayError]:
        """Issue many invoices, each as if `issue` was called for one after the other; numbers have no gaps.

        Outcomes and keys are as for `pay_many`.

        Raises:
            InvalidInput: no list.

        Examples:
            >>> from invoicepay import InvoicePay, Issue
            >>> pay = InvoicePay()
            >>> lines = [("Seat", "9.00 USD")]
            >>> seats = [
            ...     Issue(enterprise="acme", customer=id, lines=lines, idempotency_key=f"2026-01/{id}")
            ...     for id in ("ann", "acme", "ben")
            ... ]
            >>> ann, acme, ben = pay.invoices.issue_many(seats)
            >>> ann.number, acme.code, ben.number
            ('A-0001', 'self_payment', 'A-0002')
        """
        return await self._do_many(use_cases.issue_many, asked(items, to_issue))

    async def finalize_many(
        self, items: Sequence[str | Invoice | Finalize]
    ) -> builtins.list[Invoice | InvoicePayError]:
        """Finalize many drafts, each as if `finalize` was called for one after the other.

        Outcomes are as for `pay_many`; `Finalize` gives a draft a key.

        Raises:
            InvalidInput: no list.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> prices = ("9.00 USD", "12.00 USD")
            >>> drafts = [
            ...     pay.invoices.draft(enterprise="acme", customer="ann", lines=[("Seat", price)])
            ...     for price in prices
            ... ]
            >>> [invoice.number for invoice in pay.invoices.finalize_many(drafts)]
            ['A-0001', 'A-0002']
        """
        return await self._do_many(use_cases.finalize_many, asked(items, to_finalize))
