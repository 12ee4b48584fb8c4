"""The simulated bank: cash that adds up, moves on command or later, refuses what no bank does."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from invoicepay import InvoicePay
from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.bridge import run_blocking
from invoicepay.domain.money import Money
from invoicepay.errors import InvalidIdentifier, InvalidTransition, NotFound, ProviderUnknown
from invoicepay.ports.rails import Direction, RailOrder, RailStatus
from invoicepay.testing.clock import FrozenClock

S = RailStatus
HUNDRED = Money.of("100.00 USD")


class Bench:
    def __init__(self) -> None:
        self.clock = FrozenClock()
        self.rails = SimulatedRails(self.clock)
        self.sim = SimControl(self.rails, SimulatedTokens(self.clock))

    def start(self, direction: Direction = Direction.DEPOSIT, reference: str = "eff_1") -> str:
        order = RailOrder(reference=reference, amount=HUNDRED, rail="instant", party_id="ann")
        call = (
            self.rails.initiate_deposit if direction is Direction.DEPOSIT else self.rails.initiate_withdrawal
        )
        run_blocking(call(order, idempotency_key=reference))
        return reference

    def cash(self) -> str:
        return run_blocking(self.rails.balance("USD")).amount_text


@pytest.mark.parametrize(
    ("direction", "moves", "cash"),
    [
        (Direction.DEPOSIT, [], "0.00"),
        (Direction.DEPOSIT, ["settle"], "100.00"),
        (Direction.DEPOSIT, ["settle", "finalize"], "100.00"),
        (Direction.DEPOSIT, ["settle", "return_"], "0.00"),
        (Direction.DEPOSIT, ["settle", "return_", "reverse_return"], "100.00"),
        (Direction.DEPOSIT, ["fail"], "0.00"),
        (Direction.WITHDRAWAL, ["settle"], "-100.00"),
        (Direction.WITHDRAWAL, ["settle", "return_"], "0.00"),
        (Direction.WITHDRAWAL, ["settle", "return_", "reverse_return"], "-100.00"),
        (Direction.WITHDRAWAL, ["reject"], "0.00"),
    ],
)
def test_cash_follows_what_settled(direction: Direction, moves: list[str], cash: str) -> None:
    bench = Bench()
    reference = bench.start(direction)

    for move in moves:
        getattr(bench.sim, move)(reference)

    assert bench.cash() == cash


def test_a_processor_keeps_its_fee_also_when_the_money_goes_back() -> None:
    bench = Bench()
    reference = bench.start()

    bench.sim.settle(reference, fee=Money.of("0.25 USD"))
    settled = bench.cash()
    bench.sim.return_(reference)

    assert (settled, bench.cash()) == ("99.75", "-0.25")


def test_what_is_set_for_later_happens_when_its_time_comes() -> None:
    bench = Bench()
    reference = bench.start()
    bench.sim.settle(reference, after=timedelta(days=2))

    bench.clock.advance(days=1)
    before = bench.rails.transfer(reference).status
    bench.clock.advance(days=1)

    assert (before, bench.rails.transfer(reference).status) == (S.PENDING, S.SETTLED)


def test_what_was_set_for_later_is_dropped_when_something_else_ended_it() -> None:
    bench = Bench()
    reference = bench.start()
    bench.sim.settle(reference, after=timedelta(days=2))
    bench.sim.fail(reference)

    bench.clock.advance(days=3)

    assert bench.rails.transfer(reference).status is S.FAILED


def test_what_no_bank_does_is_refused_unless_it_is_told_as_a_contradiction() -> None:
    bench = Bench()
    reference = bench.start()
    bench.sim.fail(reference)

    with pytest.raises(InvalidTransition):
        bench.sim.settle(reference)
    bench.rails.tell(reference, S.SETTLED)

    assert bench.rails.transfer(reference).status is S.SETTLED


def test_an_unknown_transfer_or_return_code_is_refused() -> None:
    bench = Bench()
    reference = bench.start()

    with pytest.raises(NotFound):
        bench.sim.settle("eff_none")
    with pytest.raises(InvalidIdentifier):
        bench.sim.return_(reference, "R99")


def test_one_key_for_another_order_is_not_answered_as_a_refusal() -> None:
    bench = Bench()
    bench.start()
    other = RailOrder(reference="eff_1", amount=Money.of("1.00 USD"), rail="instant", party_id="ann")

    with pytest.raises(ProviderUnknown):
        run_blocking(bench.rails.initiate_deposit(other, idempotency_key="eff_1"))


def test_webhooks_can_be_repeated_reordered_and_lost() -> None:
    bench = Bench()
    bench.rails.postbox.duplicate(2)
    reference = bench.start()
    bench.sim.settle(reference)

    reordered = bench.rails.drain(lambda queued: queued[::-1])
    bench.rails.postbox.duplicate(0)
    bench.sim.finalize(reference)

    ids = [delivery.headers["webhook-id"] for delivery in reordered]
    assert ids == ["simulated-bank-000002"] * 2 + ["simulated-bank-000001"] * 2
    assert bench.rails.drain() == []


def test_equal_commands_give_equal_webhooks() -> None:
    def story() -> list[bytes]:
        bench = Bench()
        bench.sim.settle(bench.start())
        return [delivery.body for delivery in bench.rails.drain()]

    assert story() == story()


def test_the_operator_can_top_the_account_up() -> None:
    bench = Bench()

    bench.rails.add_cash(HUNDRED)

    assert bench.cash() == "100.00"


def test_orders_of_many_threads_are_each_carried_out_once() -> None:
    bench = Bench()
    references = [f"eff_{number}" for number in range(50)]
    threads = [
        threading.Thread(target=bench.start, kwargs={"reference": reference})
        for reference in references
        for _ in range(2)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(transfer.reference for transfer in bench.rails.transfers()) == sorted(references)


def test_review_and_sending_precede_settlement() -> None:
    bench = Bench()
    reference = bench.start()
    seen = []

    for command in (BankCommand.REVIEW, BankCommand.SEND, BankCommand.SETTLE):
        bench.rails.move(reference, command)
        seen.append(bench.rails.transfer(reference).status)

    assert seen == [S.IN_REVIEW, S.SENT, S.SETTLED]


def test_providers_that_are_started_again_over_a_database_go_on_with_it(tmp_path: Path) -> None:
    for run in (1, 2, 3):
        with InvoicePay(f"sqlite:///{tmp_path / 'pay.db'}") as pay:
            pay.parties.register("ann")
            if run < 3:
                pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
            assert str(pay.wallets.get("ann").available) == f"{50 * min(run, 2)}.00 USD"
            if run == 3:
                withdrawal = pay.withdrawals.initiate("ann", "80.00 USD", account_token="ba_ann")
                assert pay.sim.settle_payout(withdrawal).status == "paid"
