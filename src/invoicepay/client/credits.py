"""Customer credits: what enterprises owe customers, applied, refunded, granted, expired."""

from __future__ import annotations

from datetime import datetime

from invoicepay.client.base import Group, chosen, id_of, instant, money, optional_money
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.credits import CreditLot, CreditStatus
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.money import MoneyLike
from invoicepay.use_cases import credits as use_cases
from invoicepay.use_cases import queries


class Credits(Group):
    """Credit lots (spec 4.3): first in, first out; cash credits are refundable and ring-fenced."""

    async def get(self, credit: str | CreditLot) -> CreditLot:
        """One lot.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, CreditLot, id_of(credit))

    async def list(
        self,
        *,
        enterprise: str | None = None,
        customer: str | None = None,
        status: CreditStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[CreditLot]:
        """Lots, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        return await self._page(
            CreditLot,
            after=after,
            limit=limit,
            enterprise_id=enterprise,
            customer_id=customer,
            status=None if status is None else chosen(CreditStatus, status, "status"),
        )

    async def apply(
        self,
        invoice: str | Invoice,
        *,
        credit: str | CreditLot = "",
        amount: MoneyLike | None = None,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Pay an invoice with its customer's credit (P-13): one lot, or all in their order.

        Args:
            credit: one lot; all that the enterprise owes the customer, oldest first, when left out.
            amount: at most this much; everything open when left out.

        Raises:
            InsufficientFunds: there is no such credit, or less.
            InvoiceAlreadyPaid, InvoiceExpired, CurrencyMismatch, NotAllowed: nothing was applied.
        """
        command = use_cases.ApplyCredit(
            invoice_id=id_of(invoice), credit_id=id_of(credit), amount=optional_money(amount)
        )
        return await self._do(use_cases.apply_credit, command, idempotency_key)

    async def refund(
        self,
        credit: str | CreditLot,
        amount: MoneyLike | None = None,
        *,
        to: str = "",
        approved_by: str = "",
        out_of_band: bool = False,
        idempotency_key: str | None = None,
    ) -> CreditLot:
        """Pay a cash credit back to whoever paid it in (P-15).

        Args:
            to: another receiver; needs an operator and `approved_by`.
            out_of_band: it was paid back outside the system; no token moves.

        Raises:
            CreditNotRefundable: goodwill never is.
            InsufficientEnterpriseFunds: an unsecured one.
            SecondActorRequired, NotAllowed: nothing moved.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> payment = pay.invoices.pay(invoice, payer="ann", amount="10.00 USD")
            >>> pay.credits.refund(payment.credit_id).status.value, str(pay.wallets.get("ann").available)
            ('refunded', '41.00 USD')
        """
        command = use_cases.RefundCredit(
            credit_id=id_of(credit),
            amount=optional_money(amount),
            receiver_id=to,
            approved_by=approved_by,
            out_of_band=out_of_band,
        )
        return await self._do(use_cases.refund_credit, command, idempotency_key)

    async def grant(
        self,
        enterprise: str,
        customer: str,
        amount: MoneyLike,
        *,
        expires_at: datetime | None = None,
        note: str = "",
        idempotency_key: str | None = None,
    ) -> CreditLot:
        """Give goodwill credit (P-14): usable on invoices, never refundable.

        Raises:
            NotFound, NotAllowed, AmountPrecision, InvalidTime: nothing was given.
        """
        command = use_cases.GrantCredit(
            enterprise_id=enterprise,
            customer_id=customer,
            amount=money(amount),
            expires_at=instant(expires_at, "expires_at"),
            note=note,
        )
        return await self._do(use_cases.grant_credit, command, idempotency_key)

    async def expire(self, credit: str | CreditLot, *, idempotency_key: str | None = None) -> CreditLot:
        """Expire a lot whose time is over (P-16); `run_pending` does so by itself.

        Raises:
            InvalidTransition: its time is not over, or nothing is left of it.
        """
        command = use_cases.ExpireCredit(credit_id=id_of(credit))
        return await self._do(use_cases.expire_credit, command, idempotency_key)
