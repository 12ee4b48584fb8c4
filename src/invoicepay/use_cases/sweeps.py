"""What time and a filled buffer set free: deposits to confirm, confirmed reserves to mint.

Sweeps look without writing first, so that an idle worker leaves no trace; what is due shares transactions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from invoicepay.domain.calendar import opening_after
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposits import Deposit, DepositStatus, latest_attestation, open_receivables
from invoicepay.domain.entity import E
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.parties import Actor, Role, Wallet, WalletStatus, wallet_id
from invoicepay.domain.receiving import OVERDUE, is_trusted
from invoicepay.domain.reserves import Cover, cover_of, deficit_accounts, is_stale
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.errors import (
    ConcurrencyError,
    InvoicePayError,
    ReserveDeficit,
    ReserveStale,
    StoreError,
    WalletFrozen,
)
from invoicepay.ports.repository import Reader
from invoicepay.use_cases.deposits import CONFIRM, ConfirmDeposit
from invoicepay.use_cases.neighbours import carried_out, served
from invoicepay.use_cases.perform import Deps, UseCase, own_call
from invoicepay.use_cases.tokens import MINT_TOKENS, MintTokens

BARRIERS = tuple(error.code for error in (ReserveDeficit, ReserveStale, WalletFrozen))
"""What a confirmed deposit may wait for, as its `reason` says it."""


async def confirm_due(deps: Deps, limit: int = 100) -> int:
    """Confirm up to `limit` deposits whose delay is over and which the buffer covers; returns how many."""
    now, covers = deps.clock.now(), dict[str, Cover]()

    async def is_due(reader: Reader, deposit: Deposit) -> bool:
        if deposit.asset not in covers:
            covers[deposit.asset] = await _cover(reader, deposit.asset)
        return is_trusted(deposit, deps.programme, covers[deposit.asset], now)

    due = await _ready(deps, limit, is_due, status=DepositStatus.RECEIVED, confirm_at__le=now)
    return await _done(deps, CONFIRM, [ConfirmDeposit(deposit_id=deposit.id) for deposit in due])


async def mint_waiting(deps: Deps, limit: int = 100) -> int:
    """Mint up to `limit` reserves that waited for the buffer, a tie-out or a wallet; returns how many."""

    async def is_free(reader: Reader, deposit: Deposit) -> bool:
        return await _is_free(deps, reader, deposit)

    free = await _ready(deps, limit, is_free, status=DepositStatus.CONFIRMED, reason__in=BARRIERS)
    return await _done(deps, MINT_TOKENS, [MintTokens(reserve_id=deposit.reserve_id) for deposit in free])


async def tell_overdue(deps: Deps, limit: int = 100) -> int:
    """Tell of deposits and payouts that did not settle within a banking day of their date; returns how many.

    They go on as before: money that comes late is booked like any other.
    """
    now = deps.clock.now()
    found = list[Deposit | Withdrawal]()
    async with deps.repository.reader(deps.tenant_id) as reader:
        deposits = _late(Deposit, now, limit, status=DepositStatus.PENDING)
        payouts = _late(Withdrawal, now, limit, status=WithdrawalStatus.PAYOUT_SUBMITTED)
        found = [*await reader.find(deposits), *await reader.find(payouts)]
    due = [row for row in found if _is_overdue(row, now)]
    return await _done(deps, TELL_OVERDUE, [TellOverdue(kind=row.KIND, id=row.id) for row in due])


def _late(kind: type[E], now: datetime, limit: int, **conditions: Any) -> Find[E]:
    """The search for rows past their date of which nothing else is told."""
    return find(kind, expected_settlement_at__lt=now, reason="", order=("id",), limit=limit, **conditions)


def _is_overdue(row: Deposit | Withdrawal, now: datetime) -> bool:
    expected_at = row.expected_settlement_at
    return expected_at is not None and opening_after(expected_at, 1) <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class TellOverdue:
    """One deposit or withdrawal that is late."""

    kind: str
    id: str


_LATE: Mapping[str, type[Deposit | Withdrawal]] = {Deposit.KIND: Deposit, Withdrawal.KIND: Withdrawal}


def _needs_overdue(command: TellOverdue, _seen: Snapshot) -> Needs:
    return need((_LATE[command.kind], command.id))


def decide_overdue(command: TellOverdue, change: Change) -> bool:
    """Its reason says so until news come."""
    row = change.get(_LATE[command.kind], command.id)
    if row.reason or row.status not in (DepositStatus.PENDING, WithdrawalStatus.PAYOUT_SUBMITTED):
        return False
    change.put(replace(row, reason=OVERDUE), f"{command.kind}.overdue")
    return True


TELL_OVERDUE = UseCase("rails.tell_overdue", bool, _needs_overdue, decide_overdue)


async def _ready(
    deps: Deps, limit: int, is_ready: Callable[[Reader, Deposit], Awaitable[bool]], **conditions: Any
) -> list[Deposit]:
    """The oldest deposits that meet the conditions and are ready, however many others are not."""
    ready, last_id = list[Deposit](), ""
    async with deps.repository.reader(deps.tenant_id) as reader:
        while len(ready) < limit:
            page = await reader.find(find(Deposit, id__gt=last_id, order=("id",), limit=limit, **conditions))
            ready += [deposit for deposit in page if await is_ready(reader, deposit)]
            if len(page) < limit:
                break
            last_id = page[-1].id
    return ready[:limit]


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


async def _done(deps: Deps, use_case: UseCase[Any, Any], commands: Sequence[object]) -> int:
    """Carry commands out as the library itself; whoever was faster has done it, which is no failure.

    Trouble is: nobody has done it then. It is raised once all were tried; what is left is still due.

    Raises:
        StoreError, ConcurrencyError: the store did not take some.
    """
    worker = replace(deps, actor=Actor("worker", Role.SYSTEM))
    answers = await carried_out(worker, [own_call(worker, use_case, command) for command in commands])
    served(answers)  # a fault of the program is raised
    for answer in answers:
        if isinstance(answer, StoreError | ConcurrencyError):
            raise answer
    return sum(not isinstance(answer, InvoicePayError) for answer in answers)
