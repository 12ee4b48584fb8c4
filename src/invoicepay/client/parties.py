"""Parties and wallets: who takes part, what each has."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import datetime

from invoicepay.client.base import Group, chosen, instant
from invoicepay.client.batches import Register, asked, to_register
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.ids import party_id
from invoicepay.domain.parties import Party, PartyKind, Wallet
from invoicepay.domain.policies import Policy
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases import parties as use_cases
from invoicepay.use_cases import queries
from invoicepay.use_cases.erasure import EraseParty, erase_party
from invoicepay.use_cases.queries import WalletBalance


class Parties(Group):
    """Participants under the host's own ids; no names, no bank numbers (decision D14)."""

    async def register(
        self,
        id: str,
        *,
        kind: PartyKind | str = PartyKind.USER,
        kyc_tier: int | None = None,
        policy: Policy | None = None,
        timezone: str | None = None,
        idempotency_key: str | None = None,
    ) -> Party:
        """Make a party known; registering it again as it is returns it.

        Args:
            id: your own id for it, such as `user:42`; 1 to 128 characters.
            kind: `user`, `enterprise` or `platform`.
            kyc_tier: the verification level that the programme's limits look at.
            policy: how an enterprise treats payments.
            timezone: IANA zone in which an enterprise's due dates end.

        Raises:
            InvalidIdentifier, InvalidInput: malformed, or registered differently before.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> InvoicePay().parties.register("acme", kind="enterprise").kind
            <PartyKind.ENTERPRISE: 'enterprise'>
        """
        command = use_cases.RegisterParty(
            party_id=party_id(id),
            kind=chosen(PartyKind, kind, "kind"),
            kyc_tier=kyc_tier,
            policy=policy,
            timezone=timezone,
        )
        return await self._do(use_cases.register_party, command, idempotency_key)

    async def register_many(self, items: Sequence[Register]) -> builtins.list[Party | InvoicePayError]:
        """Make many parties known, each as if `register` was called; up to 1,000 share a transaction.

        Returns:
            For each, in order, the `Party`, or the error that `register` would raise. When the store fails,
            that error is the outcome of all that was not stored, also of what was not tried any more.

        Raises:
            InvalidInput: no list.

        Examples:
            >>> from invoicepay import InvoicePay, Register
            >>> pay = InvoicePay()
            >>> parties = [Register("acme", kind="enterprise"), Register("ann"), Register("ben", kyc_tier=2)]
            >>> [party.kind.value for party in pay.parties.register_many(parties)]
            ['enterprise', 'user', 'user']
        """
        return await self._do_many(use_cases.register_many, asked(items, to_register))

    async def get(self, id: str) -> Party:
        """One party.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, Party, id)

    async def list(
        self, *, kind: PartyKind | str | None = None, after: str = "", limit: int = 50
    ) -> AsyncPage[Party]:
        """Parties in the order of their ids.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if kind is None else chosen(PartyKind, kind, "kind")
        return await self._page(Party, after=after, limit=limit, kind=wanted)

    async def set_policy(self, id: str, policy: Policy, *, idempotency_key: str | None = None) -> Party:
        """Change how an enterprise treats payments from now on (spec 6).

        Raises:
            NotFound, NotAllowed: nothing changed.
        """
        command = use_cases.UpdatePolicy(party_id=id, policy=policy)
        return await self._do(use_cases.update_policy, command, idempotency_key)

    async def set_tier(self, id: str, kyc_tier: int, *, idempotency_key: str | None = None) -> Party:
        """Change the verification level that limits look at; operators only.

        Raises:
            InvalidInput: not a whole number from 0 to 99.
            NotFound, NotAllowed: nothing changed.
        """
        command = use_cases.SetTier(party_id=id, kyc_tier=kyc_tier)
        return await self._do(use_cases.set_tier, command, idempotency_key)

    async def close(self, id: str, *, idempotency_key: str | None = None) -> Party:
        """End a party's participation; its id is never given to anybody else.

        Raises:
            PartyHasBalances: it still holds or owes something; the details say what.
            NotFound, NotAllowed: nothing changed.
        """
        command = use_cases.CloseParty(party_id=id)
        return await self._do(use_cases.close_party, command, idempotency_key)

    async def erase(self, id: str, *, idempotency_key: str | None = None) -> Party:
        """Empty every text about a closed party: notes, references, reasons, account tokens; operators only.

        Rows, past events, stored answers and deliveries lose them in one transaction. Ids, amounts, states
        and the lines of documents stay; so do the ledger and the audit trail, which hold nothing else. Call
        it when no law makes you keep the texts any more; calling it again empties what came since.

        Raises:
            InvalidTransition: the party is not closed, or a deposit or withdrawal of it is under way.
            NotFound, NotAllowed: nothing changed.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> lines = [("Seat", "9.00 USD")]
            >>> seat = pay.invoices.issue(enterprise="acme", customer="ann", lines=lines, note="For Ann")
            >>> pay.parties.close("ann").status.value, pay.parties.erase("ann").status.value
            ('closed', 'erased')
            >>> pay.invoices.get(seat.id).note
            ''
        """
        command = EraseParty(party_id=id)
        return await self._do(erase_party, command, idempotency_key)


class Wallets(Group):
    """What a party has of each asset."""

    async def get(self, party: str, asset: str = "USD", *, at: datetime | None = None) -> WalletBalance:
        """Available, held, ring-fenced and frozen tokens, now or as of an instant.

        Raises:
            NotFound: nobody is registered under that id; in memory everybody is.
            InvalidTime: `at` is naive.
        """
        return await queries.wallet_balance(self._deps, party, asset, at=instant(at, "at"))

    async def open(self, party: str, asset: str, *, idempotency_key: str | None = None) -> Wallet:
        """Open a wallet explicitly; wallets also open by themselves when tokens arrive.

        Raises:
            UnknownAsset, NotFound, NotAllowed: no wallet was opened.
        """
        command = use_cases.OpenWallet(party_id=party, asset=asset)
        return await self._do(use_cases.open_wallet, command, idempotency_key)

    async def freeze(
        self, party: str, asset: str, *, reason: str, idempotency_key: str | None = None
    ) -> Wallet:
        """Block a wallet (P-09): nothing leaves, what arrives lands in the frozen part; operators only.

        Raises:
            NotAllowed, NotFound, InvalidTransition: nothing changed.
        """
        command = use_cases.FreezeWallet(party_id=party, asset=asset, reason=reason)
        return await self._do(use_cases.freeze_wallet, command, idempotency_key)

    async def unfreeze(
        self, party: str, asset: str, *, reason: str, idempotency_key: str | None = None
    ) -> Wallet:
        """Lift the block; everything frozen is spendable again (P-09 reversed).

        Raises:
            NotAllowed, NotFound, InvalidTransition: nothing changed.
        """
        command = use_cases.UnfreezeWallet(party_id=party, asset=asset, reason=reason)
        return await self._do(use_cases.unfreeze_wallet, command, idempotency_key)
