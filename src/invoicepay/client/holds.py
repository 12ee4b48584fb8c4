"""Holds: tokens set aside until they are captured, released or expire."""

from __future__ import annotations

from datetime import datetime

from invoicepay.client.base import Group, chosen, id_of, instant, money, optional_money
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.money import MoneyLike
from invoicepay.use_cases import holds as use_cases
from invoicepay.use_cases import queries


class Holds(Group):
    """Authorizations (spec 4.7); payments, transfers and withdrawals place their own."""

    async def place(
        self,
        owner: str,
        amount: MoneyLike,
        *,
        payee: str = "",
        expires_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Set tokens aside, for a payee or for the owner's own later use (P-10).

        Raises:
            InsufficientFunds, WalletFrozen, NotThePayer, InvalidTime: nothing is set aside.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
            >>> hold = pay.holds.place("ann", "20.00 USD", payee="acme")
            >>> captured = pay.holds.capture(hold, "15.00 USD")  # the other 5.00 go back
            >>> str(pay.wallets.get("ann").available), str(pay.wallets.get("acme").available)
            ('35.00 USD', '15.00 USD')
        """
        command = use_cases.PlaceHold(
            owner_id=owner,
            amount=money(amount),
            payee_id=payee,
            expires_at=instant(expires_at, "expires_at"),
        )
        return await self._do(use_cases.place_hold, command, idempotency_key)

    async def capture(
        self,
        hold: str | Hold,
        amount: MoneyLike | None = None,
        *,
        payee: str = "",
        idempotency_key: str | None = None,
    ) -> Hold:
        """Pay all or a part of what was set aside to the payee (P-17); the rest goes back (P-12).

        Raises:
            InsufficientFunds: more than it holds.
            InvalidInput: no payee, or another than the hold's.
            InvalidTransition, NotAllowed, NotThePayer, WalletFrozen: nothing moved.
        """
        command = use_cases.CaptureHold(hold_id=id_of(hold), amount=optional_money(amount), payee_id=payee)
        return await self._do(use_cases.capture_hold, command, idempotency_key)

    async def release(
        self, hold: str | Hold, *, reason: str = "", idempotency_key: str | None = None
    ) -> Hold:
        """Give the tokens back to their owner (P-12).

        Raises:
            InvalidTransition, NotAllowed, NotThePayer: nothing moved.
        """
        command = use_cases.ReleaseHold(hold_id=id_of(hold), reason=reason)
        return await self._do(use_cases.release_hold, command, idempotency_key)

    async def get(self, hold: str | Hold) -> Hold:
        """One hold.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, Hold, id_of(hold))

    async def list(
        self,
        *,
        owner: str | None = None,
        status: HoldStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[Hold]:
        """Holds, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(HoldStatus, status, "status")
        return await self._page(Hold, after=after, limit=limit, owner_id=owner, status=wanted)
