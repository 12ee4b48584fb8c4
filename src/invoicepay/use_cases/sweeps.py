"""What time and a filled buffer set free: deposits to confirm, confirmed reserves to mint.

Sweeps look without writing first, so that an idle worker leaves no trace; each row is its own transaction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from invoicepay.domain.change import find
from invoicepay.domain.deposits import Deposit, DepositStatus, latest_attestation, open_receivables
from invoicepay.domain.parties import Actor, Role, Wallet, WalletStatus, wallet_id
from invoicepay.domain.receiving import is_trusted
from invoicepay.domain.reserves import Cover, cover_of, deficit_accounts, is_stale
from invoicepay.errors import InvoicePayError, ReserveDeficit, ReserveStale, WalletFrozen
from invoicepay.ports.repository import Reader
from invoicepay.use_cases.deposits import CONFIRM, ConfirmDeposit
from invoicepay.use_cases.perform import Deps, UseCase, call_of, perform_many
from invoicepay.use_cases.tokens import MINT_TOKENS, MintTokens

BARRIERS = tuple(error.code for error in (ReserveDeficit, ReserveStale, WalletFrozen))
"""What a confirmed deposit may wait for, as its `reason` says it."""


async def confirm_due(deps: Deps, limit: int = 100) -> int:
    """Confirm deposits whose delay is over and which the buffer covers; returns how many."""
    now = deps.clock.now()
    wanted = find(
        Deposit, status=DepositStatus.RECEIVED, confirm_at__le=now, order=("confirm_at",), limit=limit
    )
    async with deps.repository.reader(deps.tenant_id) as reader:
        waiting = await reader.find(wanted)
        covers = {asset: await _cover(reader, asset) for asset in {deposit.asset for deposit in waiting}}
    due = [d for d in waiting if is_trusted(d, deps.programme, covers[d.asset], now)]
    return sum([await _done(deps, CONFIRM, ConfirmDeposit(deposit_id=deposit.id)) for deposit in due])


async def mint_waiting(deps: Deps, limit: int = 100) -> int:
    """Mint what waited for the buffer, a tie-out or an unfrozen wallet; returns how many."""
    wanted = find(
        Deposit,
        status=DepositStatus.CONFIRMED,
        reason__in=BARRIERS,
        order=("confirmed_at",),
        limit=limit,
    )
    async with deps.repository.reader(deps.tenant_id) as reader:
        free = [deposit for deposit in await reader.find(wanted) if await _is_free(deps, reader, deposit)]
    return sum([await _done(deps, MINT_TOKENS, MintTokens(reserve_id=d.reserve_id)) for d in free])


async def _is_free(deps: Deps, reader: Reader, deposit: Deposit) -> bool:
    """Whether nothing of what it may wait for is in the way any more."""
    wallets = await reader.find(find(Wallet, id=wallet_id(deposit.party_id, deposit.asset)))
    latest = await reader.find(latest_attestation(deposit.asset))
    return (
        all(wallet.status is not WalletStatus.FROZEN for wallet in wallets)
        and all(last.is_tied_out for last in latest)
        and not is_stale(deps.programme, latest, deps.clock.now())
        and not (await _cover(reader, deposit.asset)).deficit
    )


async def _cover(reader: Reader, asset: str) -> Cover:
    balances = await reader.balances(deficit_accounts(asset))
    return cover_of(asset, balances, await reader.find(open_receivables(asset)))


async def _done(deps: Deps, use_case: UseCase[Any, Any], command: object) -> bool:
    """Carry the command out as the library itself; whoever was faster has done it, which is no failure."""
    worker = replace(deps, actor=Actor("worker", Role.SYSTEM))
    key = deps.ids.new("key", deps.clock.now())
    (answer,) = await perform_many(worker, [call_of(worker, use_case, command, key)])
    return not isinstance(answer, InvoicePayError)
