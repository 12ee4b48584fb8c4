"""Payments: looking at them, cancelling what is pending, taking a settled one back."""

from __future__ import annotations

from invoicepay.client.base import Group, chosen, id_of, optional_id
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.payments import Payment, PaymentStatus
from invoicepay.use_cases import payments as use_cases
from invoicepay.use_cases import queries


class Payments(Group):
    """Payments of invoices (spec 4.2); `pay.invoices.pay` makes them."""

    async def get(self, payment: str | Payment) -> Payment:
        """One payment.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, Payment, id_of(payment))

    async def list(
        self,
        *,
        invoice: str | Invoice | None = None,
        payer: str | None = None,
        enterprise: str | None = None,
        status: PaymentStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[Payment]:
        """Payments, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return await self._page(
            Payment,
            after=after,
            limit=limit,
            invoice_id=optional_id(invoice),
            payer_id=payer,
            enterprise_id=enterprise,
            status=None if status is None else chosen(PaymentStatus, status, "status"),
        )

    async def cancel(
        self, payment: str | Payment, *, reason: str = "", idempotency_key: str | None = None
    ) -> Payment:
        """Cancel a pending payment before it is submitted; its hold is released (P-12).

        Raises:
            InvalidTransition: it is on its way already.
        """
        command = use_cases.CancelPayment(payment_id=id_of(payment), reason=reason)
        return await self._do(use_cases.cancel_payment, command, idempotency_key)

    async def reverse(
        self,
        payment: str | Payment,
        *,
        approved_by: str,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> Payment:
        """Take a settled payment back and reopen its invoice: operator error or legal order (four eyes).

        Raises:
            SecondActorRequired, CreditConsumed, InsufficientEnterpriseFunds: nothing moved.
        """
        command = use_cases.ReversePayment(payment_id=id_of(payment), approved_by=approved_by, reason=reason)
        return await self._do(use_cases.reverse_payment, command, idempotency_key)
