"""Withdrawals: tokens that become money in a bank account."""

from __future__ import annotations

from invoicepay.client.base import Group, chosen, id_of, money
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.money import MoneyLike
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.use_cases import queries
from invoicepay.use_cases import withdrawals as use_cases


class Withdrawals(Group):
    """Hold, burn, payout, in that order (spec 4.5); nothing is compensated while an outcome is unknown."""

    async def initiate(
        self,
        party: str,
        amount: MoneyLike,
        *,
        account_token: str,
        rail: str = "instant",
        idempotency_key: str | None = None,
    ) -> Withdrawal:
        """Set tokens aside, burn them, and pay the bank account out (P-30 to P-33).

        Args:
            account_token: the provider's token for the bank account; never an account number.

        Raises:
            InsufficientFunds, AmountPrecision, ReserveDeficit, WalletFrozen, LimitExceeded: nothing is held.
            BankAccountDisabled: a return code or an operator ruled the account out.
            FundsNotSeasoned: it would take tokens of a young deposit to another account.
            PositionsNotOpen: the asset became netted; an operator calls `pay.tokens.open_positions` first.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD").id)
            >>> withdrawal = pay.withdrawals.initiate("ann", "50.00 USD", account_token="ba_ann")
            >>> pay.sim.settle_payout(withdrawal.id).status.value
            'paid'
        """
        command = use_cases.InitiateWithdrawal(
            party_id=party, amount=money(amount), rail=rail, account_token=account_token
        )
        return await self._do(use_cases.initiate_withdrawal, command, idempotency_key)

    async def cancel(self, withdrawal: str | Withdrawal, *, idempotency_key: str | None = None) -> Withdrawal:
        """Take a withdrawal back before its burn was sent (P-12).

        Raises:
            InvalidTransition: too late.
        """
        command = use_cases.CancelWithdrawal(withdrawal_id=id_of(withdrawal))
        return await self._do(use_cases.cancel_withdrawal, command, idempotency_key)

    async def release(
        self, withdrawal: str | Withdrawal, *, reason: str = "", idempotency_key: str | None = None
    ) -> Withdrawal:
        """Let a withdrawal under review go on; operators only.

        Args:
            reason: what the review found; it goes into the log of operations.

        Raises:
            InvalidTransition: it is not under review.
            WalletFrozen, ReserveDeficit, BankAccountDisabled: it has to wait.
            NotAllowed: the actor is no operator.
        """
        command = use_cases.ReleaseWithdrawal(withdrawal_id=id_of(withdrawal), reason=reason)
        return await self._do(use_cases.release_withdrawal, command, idempotency_key)

    async def reject(
        self, withdrawal: str | Withdrawal, *, reason: str, idempotency_key: str | None = None
    ) -> Withdrawal:
        """End a withdrawal under review and give the tokens back (P-12); operators only.

        Raises:
            InvalidTransition: it is not under review.
            NotAllowed: the actor is no operator.
        """
        command = use_cases.RejectWithdrawal(withdrawal_id=id_of(withdrawal), reason=reason)
        return await self._do(use_cases.reject_withdrawal, command, idempotency_key)

    async def remint(self, withdrawal: str | Withdrawal, *, idempotency_key: str | None = None) -> Withdrawal:
        """Turn a payout that came back into tokens again; the fee stays paid (P-36).

        Raises:
            InvalidTransition: nothing came back, or it is being reminted already.
            WalletFrozen, ReserveDeficit, ReserveStale: new tokens have to wait.
            NotThePayer: somebody else asks.
        """
        command = use_cases.Remint(withdrawal_id=id_of(withdrawal))
        return await self._do(use_cases.remint, command, idempotency_key)

    async def retry_payout(
        self, withdrawal: str | Withdrawal, *, account_token: str, idempotency_key: str | None = None
    ) -> Withdrawal:
        """Pay a payout that came back to another bank account.

        Raises:
            InvalidTransition: nothing came back, or it is being reminted.
            ComplianceBlocked, ComplianceReview, WalletFrozen, NotThePayer: nothing was sent.
            BankAccountDisabled: that account was ruled out, too.
        """
        command = use_cases.RetryPayout(withdrawal_id=id_of(withdrawal), account_token=account_token)
        return await self._do(use_cases.retry_payout, command, idempotency_key)

    async def get(self, withdrawal: str | Withdrawal) -> Withdrawal:
        """One withdrawal.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, Withdrawal, id_of(withdrawal))

    async def list(
        self,
        *,
        party: str | None = None,
        status: WithdrawalStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[Withdrawal]:
        """Withdrawals, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(WithdrawalStatus, status, "status")
        return await self._page(Withdrawal, after=after, limit=limit, party_id=party, status=wanted)
