"""Reserves: the money behind the tokens, audited, reconciled, moved by the operator."""

from __future__ import annotations

from collections.abc import Sequence

from invoicepay.client.base import Group, chosen, id_of, money, optional_money, several
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.deposits import Deposit, Reserve, ReserveStatus, UnmatchedFunds, UnmatchedStatus
from invoicepay.domain.money import MoneyLike
from invoicepay.domain.reconciliation import StatementLine
from invoicepay.domain.reserves import Cover
from invoicepay.use_cases import queries, returns
from invoicepay.use_cases import reserves as use_cases
from invoicepay.use_cases.reconcile import Reconcile, TieOut, reconcile
from invoicepay.use_cases.reserve_audit import ReserveAudit, audit_reserve


class Reserves(Group):
    """Backing is an equality at every commit: earmarked cash = tokens outstanding (INV-02)."""

    async def get(self, reserve: str | Reserve) -> Reserve:
        """One reserve.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, Reserve, id_of(reserve))

    async def list(
        self,
        *,
        party: str | None = None,
        status: ReserveStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[Reserve]:
        """Reserves, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(ReserveStatus, status, "status")
        return await self._page(Reserve, after=after, limit=limit, party_id=party, status=wanted)

    async def release(self, reserve: str | Reserve, *, idempotency_key: str | None = None) -> Deposit:
        """Record that a reserve went back to its depositor before tokens existed (P-04); operators only.

        Raises:
            NotAllowed, InvalidTransition: nothing changed.
        """
        command = returns.ReleaseReserve(reserve_id=id_of(reserve))
        return await self._do(returns.release_reserve, command, idempotency_key)

    async def top_up(
        self,
        amount: MoneyLike,
        *,
        approved_by: str,
        reference: str = "",
        idempotency_key: str | None = None,
    ) -> Cover:
        """Record that the operator placed own money in the safeguarded account; two operators are needed.

        Args:
            approved_by: somebody other than the actor.

        Raises:
            NotAllowed, SecondActorRequired: nothing was recorded.
        """
        command = use_cases.TopUp(amount=money(amount), approved_by=approved_by, reference=reference)
        return await self._do(use_cases.top_up, command, idempotency_key)

    async def sweep_fees(
        self, amount: MoneyLike, *, reference: str = "", idempotency_key: str | None = None
    ) -> Cover:
        """Record that earned fees left the safeguarded account (P-08); operators only.

        Raises:
            NotAllowed, InsufficientFunds, ReserveDeficit: nothing was recorded.
        """
        command = use_cases.MoveOperatorCash(amount=money(amount), reference=reference)
        return await self._do(use_cases.sweep_fees, command, idempotency_key)

    async def record_interest(
        self, amount: MoneyLike, *, reference: str = "", idempotency_key: str | None = None
    ) -> Cover:
        """Record interest that the bank paid on the safeguarded account (P-08); operators only.

        Raises:
            NotAllowed, AmountNotPositive, AmountPrecision: nothing was recorded.
        """
        command = use_cases.MoveOperatorCash(amount=money(amount), reference=reference)
        return await self._do(use_cases.record_interest, command, idempotency_key)

    async def take_interest(
        self, amount: MoneyLike, *, reference: str = "", idempotency_key: str | None = None
    ) -> Cover:
        """Record that interest left the safeguarded account (P-08); operators only.

        Raises:
            NotAllowed, InsufficientFunds, ReserveDeficit: nothing was recorded.
        """
        command = use_cases.MoveOperatorCash(amount=money(amount), reference=reference)
        return await self._do(use_cases.take_interest, command, idempotency_key)

    async def record_unmatched(
        self,
        amount: MoneyLike,
        *,
        provider: str,
        provider_ref: str,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> UnmatchedFunds:
        """Record money of an unknown owner (P-07); operators only.

        Raises:
            NotAllowed, DuplicateProviderReference: nothing was recorded.
        """
        command = use_cases.ReceiveUnmatched(
            amount=money(amount), provider=provider, provider_ref=provider_ref, reason=reason
        )
        return await self._do(use_cases.unmatched_received, command, idempotency_key)

    async def match(
        self, unmatched: str | UnmatchedFunds, *, party: str, idempotency_key: str | None = None
    ) -> Deposit:
        """Give unmatched money to its owner, as tokens (P-07, P-03); operators only.

        Raises:
            NotAllowed, NotFound, InvalidTransition: nothing changed.
        """
        command = use_cases.MatchUnmatched(unmatched_id=id_of(unmatched), party_id=party)
        return await self._do(use_cases.match_unmatched, command, idempotency_key)

    async def return_unmatched(
        self, unmatched: str | UnmatchedFunds, *, reason: str = "", idempotency_key: str | None = None
    ) -> UnmatchedFunds:
        """Record that money of an unknown owner went back to its sender (P-07); operators only.

        Raises:
            NotAllowed, NotFound, InvalidTransition, ReserveDeficit: nothing changed.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> stray = pay.reserves.record_unmatched("75.00 USD", provider="bank", provider_ref="w-9")
            >>> pay.reserves.return_unmatched(stray, reason="sender asked").status
            <UnmatchedStatus.RETURNED: 'returned'>
        """
        command = use_cases.ReturnUnmatched(unmatched_id=id_of(unmatched), reason=reason)
        return await self._do(use_cases.return_unmatched, command, idempotency_key)

    async def unmatched(
        self, *, status: UnmatchedStatus | str | None = None, after: str = "", limit: int = 50
    ) -> AsyncPage[UnmatchedFunds]:
        """Money of unknown owners, oldest first: what is `open` waits to be matched or sent back.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(UnmatchedStatus, status, "status")
        return await self._page(UnmatchedFunds, after=after, limit=limit, status=wanted)

    async def audit(self, asset: str = "USD") -> ReserveAudit:
        """Whether the reserve of an asset agrees with the tokens on it (INV-02 to INV-06).

        Raises:
            UnknownAsset: the programme does not have it.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD").id)
            >>> pay.reserves.audit().backed
            True
        """
        return await audit_reserve(self._deps, asset)

    async def reconcile(
        self,
        asset: str = "USD",
        *,
        statement: Sequence[StatementLine] = (),
        bank_balance: MoneyLike | None = None,
        idempotency_key: str | None = None,
    ) -> TieOut:
        """Compare bank, books and token supply, name every difference, keep an attestation; posts nothing.

        Args:
            statement: lines of the safeguarded account's statement.
            bank_balance: its balance; asked of the rail when left out and the rail can tell.

        Raises:
            NotAllowed, CurrencyMismatch, ProviderUnavailable: nothing was kept.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
            >>> tie_out = pay.reserves.reconcile(bank_balance="200.00 USD")
            >>> tie_out.backed, tie_out.breaks
            (True, ())
        """
        command = Reconcile(
            asset=asset, lines=several(statement, "statement"), bank_balance=optional_money(bank_balance)
        )
        return await self._do(reconcile, command, idempotency_key)
