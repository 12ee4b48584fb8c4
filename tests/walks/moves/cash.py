"""Moves of deposits, reserves, mints, burns and withdrawals."""

from __future__ import annotations

from typing import Any

from invoicepay.domain.accounts import Code
from invoicepay.domain.bank_accounts import BankAccount
from invoicepay.domain.deposits import (
    Deposit,
    DepositStatus,
    Reserve,
    ReserveStatus,
    UnmatchedFunds,
    UnmatchedStatus,
)
from invoicepay.domain.money import Money
from invoicepay.domain.tokens import Burn, BurnStatus, Mint, MintStatus
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.use_cases import bank_accounts, deposits, reserves, returns, tokens, withdrawals
from invoicepay.use_cases import reconcile as reconciliation
from tests.walks.draw import Draw
from tests.walks.moves.registry import EVERYBODY, acting, amount, asset, move, part_of, some
from tests.walks.world import OPERATOR, World, cents

D, W = DepositStatus, WithdrawalStatus
MOST_ACCOUNTS = 60
RAILS = ("instant", "instant", "wire", "bank_credit", "bank_debit", "card")


def _account(draw: Draw) -> str:
    return f"tok_{draw.whole(1, MOST_ACCOUNTS)}"


@move(12)
def initiate_deposit(world: World, draw: Draw) -> None:
    party = draw.one_of(EVERYBODY)
    command = deposits.InitiateDeposit(
        party_id=party,
        amount=amount(draw, asset(draw), 80_000),
        rail=draw.one_of(RAILS),
        account_token=_account(draw),
    )
    world.ask(deposits.initiate_deposit, command, actor=acting(draw, party))


@move(8)
def record_deposit(world: World, draw: Draw) -> None:
    money = amount(draw, asset(draw), 80_000)
    command = deposits.RecordDeposit(
        party_id=draw.one_of(EVERYBODY),
        amount=money,
        rail=draw.one_of(RAILS),
        provider="lockbox",
        provider_ref=f"box-{draw.whole(1, 3_000)}",
        processor_fee=cents(draw.whole(1, 50), money.asset) if draw.chance(20) else None,
    )
    if world.ask(deposits.record_deposit, command):
        world.do("sim.add_cash", lambda inside: inside.sim.rails.add_cash(money))


def _deposit(
    world: World, draw: Draw, call: Any, command: Any, *statuses: DepositStatus, **more: Any
) -> None:
    deposit = some(world, draw, Deposit, status__in=statuses)
    if deposit is not None:
        actor = OPERATOR if draw.chance(80) else acting(draw, deposit.party_id)
        world.ask(call, command(deposit_id=deposit.id, **more), actor=actor)


@move(1)
def review_deposit(world: World, draw: Draw) -> None:
    statuses = (D.PENDING, D.RECEIVED)
    _deposit(world, draw, deposits.review_deposit, deposits.ReviewDeposit, *statuses, reason="odd")


@move(4)
def release_deposit(world: World, draw: Draw) -> None:
    _deposit(world, draw, deposits.release_deposit, deposits.ReleaseDeposit, D.IN_REVIEW)


@move(1)
def reject_deposit(world: World, draw: Draw) -> None:
    _deposit(world, draw, deposits.reject_deposit, deposits.RejectDeposit, D.IN_REVIEW, reason="fraud")


@move(1)
def cancel_deposit(world: World, draw: Draw) -> None:
    _deposit(world, draw, deposits.cancel_deposit, deposits.CancelDeposit, D.INITIATED, D.PENDING)


@move(1)
def expire_deposit(world: World, draw: Draw) -> None:
    _deposit(world, draw, deposits.expire_deposit, deposits.ExpireDeposit, D.INITIATED, D.PENDING)


@move(3)
def confirm_deposit(world: World, draw: Draw) -> None:
    by = "auditor" if draw.chance(60) else ""
    _deposit(world, draw, deposits.confirm_deposit, deposits.ConfirmDeposit, D.RECEIVED, approved_by=by)


@move(2)
def record_return(world: World, draw: Draw) -> None:
    deposit = some(world, draw, Deposit, status__in=(D.RECEIVED, D.CONFIRMED, D.COMPLETED))
    if deposit is not None:
        command = returns.RecordReturn(deposit_id=deposit.id, return_code="R01")
        world.ask(returns.record_return, command)


def _owing(world: World, draw: Draw) -> Deposit | None:
    returned = world.rows(Deposit, status=D.RETURNED)
    owing = [deposit for deposit in returned if deposit.recoverable] or returned
    return draw.one_of(owing) if owing else None


@move(5)
def recover_receivable(world: World, draw: Draw) -> None:
    deposit = _owing(world, draw)
    if deposit is not None:
        money = part_of(draw, deposit.recoverable) if draw.chance(50) else None
        command = returns.RecoverReceivable(deposit_id=deposit.id, amount=money)
        world.ask(returns.recover_receivable, command)


@move(1)
def write_off(world: World, draw: Draw) -> None:
    deposit = _owing(world, draw)
    if deposit is not None:
        world.ask(returns.write_off, returns.WriteOff(deposit_id=deposit.id, approved_by="auditor"))


@move(1)
def release_reserve(world: World, draw: Draw) -> None:
    reserve = some(world, draw, Reserve, status=ReserveStatus.CONFIRMED)
    if reserve is not None:
        world.ask(returns.release_reserve, returns.ReleaseReserve(reserve_id=reserve.id))


@move(6)
def top_up(world: World, draw: Draw) -> None:
    money = cents(draw.whole(10, 4_000) * 100, asset(draw))
    if world.ask(reserves.top_up, reserves.TopUp(amount=money, approved_by="auditor")):
        world.do("sim.add_cash", lambda inside: inside.sim.rails.add_cash(money))


def _operator_cash(world: World, draw: Draw, call: Any) -> None:
    world.ask(call, reserves.MoveOperatorCash(amount=cents(draw.whole(1, 60), asset(draw))))


@move(2)
def sweep_fees(world: World, draw: Draw) -> None:
    _operator_cash(world, draw, reserves.sweep_fees)


@move(1)
def record_interest(world: World, draw: Draw) -> None:
    _operator_cash(world, draw, reserves.record_interest)


@move(1)
def take_interest(world: World, draw: Draw) -> None:
    _operator_cash(world, draw, reserves.take_interest)


@move(3)
def reconcile(world: World, draw: Draw) -> None:
    code = asset(draw)
    cash = (Code.BACKING, Code.OPERATIONAL)
    booked = sum(
        n for account, n in world.balances().items() if account.asset == code and account.code in cash
    )
    found = booked + (draw.whole(-3, 3) * 10_000 if draw.chance(25) else 0)
    command = reconciliation.Reconcile(asset=code, bank_balance=Money.from_micros(found, code))
    world.ask(reconciliation.reconcile, command)


@move(2)
def unmatched_received(world: World, draw: Draw) -> None:
    command = reserves.ReceiveUnmatched(
        amount=amount(draw, asset(draw), 9_000),
        provider="lockbox",
        provider_ref=f"lost-{draw.whole(1, 300)}",
        reason="no reference",
    )
    world.ask(reserves.unmatched_received, command)


@move(3)
def match_unmatched(world: World, draw: Draw) -> None:
    lost = some(world, draw, UnmatchedFunds, status=UnmatchedStatus.OPEN)
    if lost is not None:
        command = reserves.MatchUnmatched(unmatched_id=lost.id, party_id=draw.one_of(EVERYBODY))
        world.ask(reserves.match_unmatched, command)


@move(1)
def return_unmatched(world: World, draw: Draw) -> None:
    lost = some(world, draw, UnmatchedFunds)
    if lost is not None:
        world.ask(reserves.return_unmatched, reserves.ReturnUnmatched(unmatched_id=lost.id))


@move(3)
def mint(world: World, draw: Draw) -> None:
    reserve = some(world, draw, Reserve, status=ReserveStatus.CONFIRMED)
    if reserve is not None:
        money = part_of(draw, reserve.mintable) if draw.chance(40) else None
        world.ask(tokens.mint, tokens.MintTokens(reserve_id=reserve.id, amount=money))


@move(3)
def retry_mint(world: World, draw: Draw) -> None:
    failed = some(world, draw, Mint, status=MintStatus.FAILED)
    if failed is not None:
        world.ask(tokens.retry_mint, tokens.RetryMint(mint_id=failed.id))


@move(2)
def retry_burn(world: World, draw: Draw) -> None:
    failed = some(world, draw, Burn, status=BurnStatus.FAILED)
    if failed is not None:
        world.ask(tokens.retry_burn, tokens.RetryBurn(burn_id=failed.id))


@move(9)
def initiate_withdrawal(world: World, draw: Draw) -> None:
    party = draw.one_of(EVERYBODY)
    command = withdrawals.InitiateWithdrawal(
        party_id=party,
        amount=amount(draw, asset(draw), 15_000),
        rail=draw.one_of(("instant", "wire", "bank_credit", "card")),
        account_token=_account(draw),
    )
    world.ask(withdrawals.initiate_withdrawal, command, actor=acting(draw, party))


def _withdrawal(
    world: World, draw: Draw, call: Any, command: Any, *statuses: WithdrawalStatus, **more: Any
) -> None:
    withdrawal = some(world, draw, Withdrawal, status__in=statuses)
    if withdrawal is not None:
        actor = OPERATOR if draw.chance(60) else acting(draw, withdrawal.party_id)
        world.ask(call, command(withdrawal_id=withdrawal.id, **more), actor=actor)


@move(3)
def release_withdrawal(world: World, draw: Draw) -> None:
    _withdrawal(world, draw, withdrawals.release_withdrawal, withdrawals.ReleaseWithdrawal, W.IN_REVIEW)


@move(1)
def reject_withdrawal(world: World, draw: Draw) -> None:
    call, command = withdrawals.reject_withdrawal, withdrawals.RejectWithdrawal
    _withdrawal(world, draw, call, command, W.IN_REVIEW, reason="fraud")


@move(1)
def cancel_withdrawal(world: World, draw: Draw) -> None:
    _withdrawal(world, draw, withdrawals.cancel_withdrawal, withdrawals.CancelWithdrawal, W.HELD, W.IN_REVIEW)


@move(3)
def remint(world: World, draw: Draw) -> None:
    _withdrawal(world, draw, withdrawals.remint, withdrawals.Remint, W.RETURNED)


@move(3)
def retry_payout(world: World, draw: Draw) -> None:
    call, command = withdrawals.retry_payout, withdrawals.RetryPayout
    _withdrawal(world, draw, call, command, W.RETURNED, account_token=_account(draw))


@move(1)
def disable_account(world: World, draw: Draw) -> None:
    command = bank_accounts.DisableBankAccount(account_token=_account(draw), reason="odd")
    world.ask(bank_accounts.disable_bank_account, command)


@move(2)
def enable_account(world: World, draw: Draw) -> None:
    bad = some(world, draw, BankAccount)
    if bad is not None:
        command = bank_accounts.EnableBankAccount(
            account_token=bad.id, reason="verified", approved_by="auditor"
        )
        world.ask(bank_accounts.enable_bank_account, command)
