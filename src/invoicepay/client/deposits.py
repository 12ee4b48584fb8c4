"""Deposits: fiat over a bank rail that becomes a reserve and then tokens."""

from __future__ import annotations

from invoicepay.client.base import Group, chosen, id_of, money, optional_money
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.deposits import Deposit, DepositStatus
from invoicepay.domain.money import MoneyLike
from invoicepay.use_cases import deposits as use_cases
from invoicepay.use_cases import queries, returns


class Deposits(Group):
    """Money on its way in (spec 4.4): received, confirmed, minted, without a second call."""

    async def initiate(
        self,
        party: str,
        amount: MoneyLike,
        *,
        rail: str = "instant",
        account_token: str = "",
        idempotency_key: str | None = None,
    ) -> Deposit:
        """Ask the party's bank for money; the reserve and the tokens follow when it arrives and is final.

        Args:
            rail: `instant`, `wire`, `bank_credit`, `bank_debit` or `card`; decides how long money waits.
            account_token: the provider's token for the bank account; never an account number.

        Raises:
            AmountPrecision, AmountNotPositive, NotFound, ComplianceBlocked: nothing was asked.
            BankAccountDisabled: a return code or an operator ruled the account out.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> deposit = pay.deposits.initiate("ann", "200.00 USD")
            >>> pay.sim.settle(deposit.id).status.value
            'completed'
        """
        command = use_cases.InitiateDeposit(
            party_id=party, amount=money(amount), rail=rail, account_token=account_token
        )
        return await self._do(use_cases.initiate_deposit, command, idempotency_key)

    async def record(
        self,
        party: str,
        amount: MoneyLike,
        *,
        provider: str,
        provider_ref: str,
        rail: str = "wire",
        processor_fee: MoneyLike | None = None,
        idempotency_key: str | None = None,
    ) -> Deposit:
        """Record money of a party that arrived by itself; operators only.

        Raises:
            DuplicateProviderReference: that transfer is known already.
        """
        command = use_cases.RecordDeposit(
            party_id=party,
            amount=money(amount),
            rail=rail,
            provider=provider,
            provider_ref=provider_ref,
            processor_fee=optional_money(processor_fee),
        )
        return await self._do(use_cases.record_deposit, command, idempotency_key)

    async def get(self, deposit: str | Deposit) -> Deposit:
        """One deposit and its status.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, Deposit, id_of(deposit))

    async def list(
        self,
        *,
        party: str | None = None,
        status: DepositStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[Deposit]:
        """Deposits, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(DepositStatus, status, "status")
        return await self._page(Deposit, after=after, limit=limit, party_id=party, status=wanted)

    async def confirm(
        self,
        deposit: str | Deposit,
        *,
        approved_by: str = "",
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> Deposit:
        """Trust a received deposit's money (P-02) and mint; before its time two operators are needed.

        Args:
            reason: why it is trusted before its time; it goes into the log of operations.

        Raises:
            SecondActorRequired, InvalidTransition, ReserveDeficit: nothing changed.
        """
        command = use_cases.ConfirmDeposit(deposit_id=id_of(deposit), approved_by=approved_by, reason=reason)
        return await self._do(use_cases.confirm_deposit, command, idempotency_key)

    async def cancel(self, deposit: str | Deposit, *, idempotency_key: str | None = None) -> Deposit:
        """Withdraw a deposit before the bank was asked.

        Raises:
            InvalidTransition: the bank was asked.
        """
        command = use_cases.CancelDeposit(deposit_id=id_of(deposit))
        return await self._do(use_cases.cancel_deposit, command, idempotency_key)

    async def review(
        self, deposit: str | Deposit, *, reason: str, idempotency_key: str | None = None
    ) -> Deposit:
        """Hold a deposit back until a person has looked; operators only.

        Raises:
            InvalidTransition: it is confirmed already, or over.
            NotAllowed: the actor is no operator.
        """
        command = use_cases.ReviewDeposit(deposit_id=id_of(deposit), reason=reason)
        return await self._do(use_cases.review_deposit, command, idempotency_key)

    async def release(
        self, deposit: str | Deposit, *, reason: str = "", idempotency_key: str | None = None
    ) -> Deposit:
        """Let a deposit under review go on; operators only.

        Args:
            reason: what the review found; it goes into the log of operations.

        Raises:
            InvalidTransition: it is not under review.
            NotAllowed: the actor is no operator.
        """
        command = use_cases.ReleaseDeposit(deposit_id=id_of(deposit), reason=reason)
        return await self._do(use_cases.release_deposit, command, idempotency_key)

    async def reject(
        self, deposit: str | Deposit, *, reason: str, idempotency_key: str | None = None
    ) -> Deposit:
        """End a deposit under review and send its money back (P-04); operators only.

        Raises:
            InvalidTransition: it is not under review, or its money is still on its way.
            NotAllowed: the actor is no operator.
        """
        command = use_cases.RejectDeposit(deposit_id=id_of(deposit), reason=reason)
        return await self._do(use_cases.reject_deposit, command, idempotency_key)

    async def record_return(
        self,
        deposit: str | Deposit,
        *,
        return_code: str = "",
        amount: MoneyLike | None = None,
        idempotency_key: str | None = None,
    ) -> Deposit:
        """Record that the bank took back a deposit that was recorded by hand (P-04, P-05); operators only.

        Raises:
            InvalidInput, CurrencyMismatch, InvalidTransition, NotAllowed: nothing was recorded.
        """
        command = returns.RecordReturn(
            deposit_id=id_of(deposit), return_code=return_code, amount=optional_money(amount)
        )
        return await self._do(returns.record_return, command, idempotency_key)

    async def recover(
        self,
        deposit: str | Deposit,
        amount: MoneyLike | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Deposit:
        """Take what a returned deposit left owed from the party's tokens and burn them (P-06).

        Raises:
            InsufficientFunds: the party does not have it.
            InvalidTransition, InvalidInput, NotAllowed: nothing moved.
        """
        command = returns.RecoverReceivable(deposit_id=id_of(deposit), amount=optional_money(amount))
        return await self._do(returns.recover_receivable, command, idempotency_key)

    async def write_off(
        self,
        deposit: str | Deposit,
        amount: MoneyLike | None = None,
        *,
        approved_by: str,
        reason: str = "",
        idempotency_key: str | None = None,
    ) -> Deposit:
        """Give up what a returned deposit left owed (P-06); two operators are needed.

        Args:
            reason: why it is given up; it goes into the log of operations.

        Raises:
            NotAllowed, SecondActorRequired, InvalidTransition, InvalidInput: nothing changed.
        """
        command = returns.WriteOff(
            deposit_id=id_of(deposit), approved_by=approved_by, amount=optional_money(amount), reason=reason
        )
        return await self._do(returns.write_off, command, idempotency_key)
