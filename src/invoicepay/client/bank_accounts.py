"""Bank accounts that were ruled out, by the provider's token for them."""

from __future__ import annotations

from invoicepay.client.base import Group, chosen, id_of
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.bank_accounts import BankAccount, BankAccountStatus
from invoicepay.use_cases import bank_accounts as use_cases
from invoicepay.use_cases import queries


class BankAccounts(Group):
    """Return codes such as R02 (closed) or R10 (unauthorised) disable an account; so may an operator."""

    async def get(self, account: str | BankAccount) -> BankAccount:
        """One account that was disabled at least once.

        Args:
            account: the provider's token for it; never an account number.

        Raises:
            NotFound: nothing was ever said against it.
        """
        return await queries.own(self._deps, BankAccount, id_of(account))

    async def list(
        self,
        *,
        party: str | None = None,
        status: BankAccountStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[BankAccount]:
        """Accounts that were disabled at least once, by token.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(BankAccountStatus, status, "status")
        return await self._page(BankAccount, after=after, limit=limit, party_id=party, status=wanted)

    async def disable(
        self,
        account_token: str,
        *,
        reason: str,
        party: str = "",
        idempotency_key: str | None = None,
    ) -> BankAccount:
        """Use an account no more: deposits from it and payouts to it are refused; operators only.

        Args:
            account_token: the provider's token for it; never an account number.
            party: whose it is, where that is known.

        Raises:
            NotFound: no such party.
            NotAllowed: the actor is no operator.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> pay.bank_accounts.disable("ba_ann", reason="owner reported it stolen").status.value
            'disabled'
        """
        command = use_cases.DisableBankAccount(account_token=account_token, reason=reason, party_id=party)
        return await self._do(use_cases.disable_bank_account, command, idempotency_key)

    async def enable(
        self,
        account: str | BankAccount,
        *,
        reason: str,
        approved_by: str,
        idempotency_key: str | None = None,
    ) -> BankAccount:
        """Use a disabled account again after it was verified anew; operators only, two of them.

        Raises:
            NotFound: it was never disabled.
            NotAllowed, SecondActorRequired: it takes an operator and another person.
            InvalidTransition: it is not disabled.
        """
        command = use_cases.EnableBankAccount(
            account_token=id_of(account), reason=reason, approved_by=approved_by
        )
        return await self._do(use_cases.enable_bank_account, command, idempotency_key)
