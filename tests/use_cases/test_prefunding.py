"""Payouts wait for cash in the payout account, in order, and say so."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import accumulate, permutations

import pytest

from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import CAPABILITIES, BankCommand
from invoicepay.domain.deposits import Deposit, DepositStatus
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.money import Money
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.errors import PayoutAccountShort, ProviderUnavailable
from invoicepay.ports.rails import Direction
from invoicepay.use_cases.deposits import InitiateDeposit, initiate_deposit
from invoicepay.use_cases.pending import PendingSummary, run_pending
from invoicepay.use_cases.withdrawals import InitiateWithdrawal, initiate_withdrawal
from tests.support.desk import Desk
from tests.support.money_desk import usd

W = WithdrawalStatus


def desk_with(cash: str, *, tells_balance: bool = True) -> Desk:
    """Ann and bob have 200 each; the payout account has `cash`."""
    desk = Desk()
    for party in ("ann", "bob"):
        desk.fund(party, "200.00 USD")
    desk.rails = SimulatedRails(desk.clock, capabilities=replace(CAPABILITIES, tells_balance=tells_balance))
    desk.rails.add_cash(usd(cash))
    desk.deps = replace(desk.deps, rails=desk.rails)
    return desk


def withdraw(desk: Desk, party: str, amount: str) -> str:
    command = InitiateWithdrawal(party_id=party, amount=usd(amount), rail="instant", account_token="ba_1")
    return desk.run(initiate_withdrawal(desk.deps, command)).id


def work(desk: Desk) -> PendingSummary:
    return desk.run(run_pending(desk.deps, until_quiet=True))


def later(desk: Desk) -> PendingSummary:
    desk.clock.advance(hours=1)
    return work(desk)


def paid_out(desk: Desk) -> int:
    orders = [one.amount for one in desk.rails.transfers() if one.direction is Direction.WITHDRAWAL]
    return sum(amount.micros for amount in orders) // 1_000_000


@pytest.mark.parametrize("amounts", list(permutations(("60.00", "30.00", "50.00"))))
def test_payouts_leave_in_order_and_never_more_than_there_is(amounts: tuple[str, ...]) -> None:
    desk = desk_with("95.00")
    ids = []
    for party, amount in zip(("ann", "bob", "bob"), amounts, strict=True):
        ids.append(withdraw(desk, party, amount))
        desk.clock.advance(seconds=1)

    summary = work(desk)

    states = [desk.row(Withdrawal, id).status for id in ids]
    fits = sum(total <= 95 for total in accumulate(int(amount[:2]) for amount in amounts))
    assert states == [W.PAYOUT_SUBMITTED] * fits + [W.BURNED] * (3 - fits)
    assert paid_out(desk) <= 95
    assert {type(refusal) for refusal in summary.refusals} == {PayoutAccountShort}
    waiting = desk.row(Withdrawal, ids[2])
    assert waiting.reason == "payout_account_short"


def test_a_waiting_payout_goes_once_the_account_is_filled_and_then_waits_for_nothing() -> None:
    desk = desk_with("10.00")
    id = withdraw(desk, "ann", "60.00")
    work(desk)
    later(desk)
    assert (paid_out(desk), desk.row(Withdrawal, id).status) == (0, W.BURNED)

    desk.rails.add_cash(usd("50.00"))
    summary = later(desk)

    assert (desk.row(Withdrawal, id).status, desk.row(Withdrawal, id).reason) == (W.PAYOUT_SUBMITTED, "")
    assert summary.refusals == ()


def test_what_is_on_its_way_is_not_there_twice() -> None:
    desk = desk_with("100.00")
    first = withdraw(desk, "ann", "80.00")
    work(desk)

    second = withdraw(desk, "bob", "30.00")
    work(desk)
    assert desk.row(Withdrawal, second).status is W.BURNED

    effect = next(one for one in desk.rails.transfers() if one.amount == usd("80.00"))
    desk.rails.move(effect.reference, BankCommand.SETTLE)
    later(desk)
    assert desk.row(Withdrawal, first).status is W.PAID
    assert desk.row(Withdrawal, second).status is W.BURNED
    assert paid_out(desk) == 80


def test_while_the_bank_tells_nothing_no_payout_leaves() -> None:
    desk = desk_with("100.00")
    id = withdraw(desk, "ann", "80.00")
    desk.rails.weather.be_unreachable()
    summary = work(desk)
    assert {type(refusal) for refusal in summary.refusals} == {ProviderUnavailable}

    desk.rails.weather.be_reachable()
    later(desk)

    assert desk.row(Withdrawal, id).status is W.PAYOUT_SUBMITTED


def test_a_rail_that_tells_no_balance_is_not_asked() -> None:
    desk = desk_with("0.01", tells_balance=False)

    id = withdraw(desk, "ann", "80.00")
    work(desk)

    assert desk.row(Withdrawal, id).status is W.PAYOUT_SUBMITTED


def test_a_short_account_holds_up_payouts_only() -> None:
    desk = desk_with("0.01")
    withdraw(desk, "ann", "80.00")

    work(desk)

    by_kind = {effect.kind: effect.status for effect in desk.rows(Effect)}
    assert by_kind == {EffectKind.BURN: EffectStatus.FINAL, EffectKind.PAYOUT: EffectStatus.PLANNED}


@pytest.mark.parametrize("told", [ValueError("no number"), Money("500.00", "EUR")])
def test_a_balance_that_cannot_be_read_keeps_payouts_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, told: Exception | Money
) -> None:
    desk = desk_with("500.00")
    payout = withdraw(desk, "ann", "60.00")

    async def balance(_asset: str) -> Money:
        if isinstance(told, Exception):
            raise told
        return told

    with monkeypatch.context() as odd:
        odd.setattr(desk.rails, "balance", balance)
        with suppress(ValueError):
            work(desk)
        wanted = InitiateDeposit(party_id="bob", amount=usd("30.00"), rail="wire")
        deposit = desk.run(initiate_deposit(desk.deps, wanted))
        with suppress(ValueError):
            work(desk)

    assert desk.row(Deposit, deposit.id).status is DepositStatus.PENDING
    (waiting,) = [one for one in desk.rows(Effect) if one.kind is EffectKind.PAYOUT]
    assert (waiting.status, waiting.last_sent_at) == (EffectStatus.PLANNED, None)
    later(desk)
    assert desk.row(Withdrawal, payout).status is W.PAYOUT_SUBMITTED
