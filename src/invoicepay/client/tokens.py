"""Tokens: mints, burns, settlement runs, and whether books and chain agree."""

from __future__ import annotations

from invoicepay.client.base import Group, chosen, id_of, optional_money
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.deposits import Reserve
from invoicepay.domain.money import MoneyLike
from invoicepay.domain.netting import RunStatus, SettlementRun
from invoicepay.domain.reserves import Backing
from invoicepay.domain.tie_out import ChainTieOut
from invoicepay.domain.tokens import Burn, BurnStatus, Mint, MintStatus
from invoicepay.use_cases import positions, queries, settlement
from invoicepay.use_cases import tokens as use_cases


class Tokens(Group):
    """Mints follow deposits and burns precede payouts by themselves; these calls are for operators."""

    async def mint(
        self,
        reserve: str | Reserve,
        amount: MoneyLike | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Mint:
        """Mint against a confirmed reserve that waited, all of it or a part (P-03).

        Raises:
            MintExceedsReserve, ReserveNotConfirmed, ReserveDeficit, ReserveStale: nothing is minted.
        """
        command = use_cases.MintTokens(reserve_id=id_of(reserve), amount=optional_money(amount))
        return await self._do(use_cases.mint, command, idempotency_key)

    async def retry_mint(self, mint: str | Mint, *, idempotency_key: str | None = None) -> Mint:
        """Submit a mint again that failed for certain; an unknown one is looked up instead.

        Raises:
            InvalidTransition, NotAllowed: nothing was sent.
        """
        command = use_cases.RetryMint(mint_id=id_of(mint))
        return await self._do(use_cases.retry_mint, command, idempotency_key)

    async def retry_burn(self, burn: str | Burn, *, idempotency_key: str | None = None) -> Burn:
        """Ask the token side again for a booked burn that it refused.

        Raises:
            InvalidTransition, NotAllowed: nothing was sent.
        """
        command = use_cases.RetryBurn(burn_id=id_of(burn))
        return await self._do(use_cases.retry_burn, command, idempotency_key)

    async def validate_backing(self, asset: str = "USD") -> Backing:
        """Whether the tokens of an asset are backed, and what covers the rest (INV-02, INV-04).

        Raises:
            UnknownAsset: the programme does not have it.
        """
        return await use_cases.validate_backing(self._deps, asset)

    async def settle(self, asset: str, *, idempotency_key: str | None = None) -> SettlementRun:
        """Bring the chain to where the books of a netted asset are: one transfer for each net, at most n - 1.

        A run ends when each of its transfers is final or has failed; what failed is part of the next one.

        Raises:
            AssetNotAccepted: the asset does not settle by runs.
            InvalidTransition: a run of the asset goes on.
            PositionsNotOpen: the asset has tokens from before it was netted; see `open_positions`.
            UnknownAsset, NotAllowed, InvariantViolated: no run was opened.
        """
        return await self._do(settlement.settle, settlement.Settle(asset=asset), idempotency_key)

    async def open_positions(
        self, asset: str, *, approved_by: str, idempotency_key: str | None = None
    ) -> ChainTieOut:
        """Begin to net an asset that has tokens already: what the chain holds becomes its positions.

        Call it once, when every process has the new settlement and nothing of the asset is on its way. Where
        positions are what the chain holds, it changes nothing.

        Returns:
            Books, positions and chain as they are then; what is unsettled goes with the next run.

        Raises:
            InvalidTransition: tokens of the asset are on their way, or an effect is in review.
            InvariantViolated: the wallets, the supply and the books do not hold the same in total.
            NotAllowed, SecondActorRequired: it takes an operator and another person.
            UnknownAsset, AssetNotAccepted, ProviderUnavailable, ConcurrentUpdate: nothing was changed.
        """
        command = positions.OpenPositions(asset=asset, approved_by=approved_by)
        return await self._do(positions.open_positions, command, idempotency_key)

    async def settlement(self, run: str | SettlementRun) -> SettlementRun:
        """One settlement run, as it stands now.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, SettlementRun, id_of(run))

    async def settlements(
        self,
        asset: str,
        *,
        status: RunStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[SettlementRun]:
        """Settlement runs of an asset, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.

        Raises:
            UnknownAsset: the programme does not have it.
        """
        code = self._deps.programme.asset(asset).code
        wanted = None if status is None else chosen(RunStatus, status, "status")
        return await self._page(SettlementRun, after=after, limit=limit, asset=code, status=wanted)

    async def tie_out(self, asset: str) -> ChainTieOut:
        """Books, positions and chain for every wallet of an asset, and the supply; print it to see a table.

        Raises:
            AssetNotAccepted: the provider keeps no wallet for each party.
            UnknownAsset, NotAllowed, ProviderUnavailable: nothing can be compared.
        """
        return await settlement.tie_out(self._deps, asset)

    async def mints(
        self,
        *,
        party: str | None = None,
        status: MintStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[Mint]:
        """Mints, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(MintStatus, status, "status")
        return await self._page(Mint, after=after, limit=limit, party_id=party, status=wanted)

    async def burns(
        self,
        *,
        party: str | None = None,
        status: BurnStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[Burn]:
        """Burns, oldest first.

        Args:
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(BurnStatus, status, "status")
        return await self._page(Burn, after=after, limit=limit, party_id=party, status=wanted)
