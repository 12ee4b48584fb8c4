"""What bank rails really do, told on three stores; the fifteen tests that every programme should have.

`ELSEWHERE` names the tests of the list that stand with the code they are about.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from invoicepay import Money, Programme, migrate
from invoicepay.adapters.simulated import Delivery
from invoicepay.adapters.simulated.magic import MagicRails
from invoicepay.domain.monitoring import Flow, Instrument, Movement
from invoicepay.domain.policies import DEFAULT_FINALITY, Finality
from invoicepay.errors import BankAccountDisabled, FundsNotSeasoned, WalletFrozen
from invoicepay.ports.rails import Direction, RailOrder, RailStatus, RailTransfer
from invoicepay.testing.clock import FrozenClock
from tests.stories.stage import Stage, opened

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 1, 5)
SCENES = ("memory-blocking", "memory-awaiting", "sqlite-blocking", "postgresql-blocking")
ELSEWHERE = {
    "1 at each commit": "tests/use_cases/test_money_walk.py::test_the_books_hold_after_every_step",
    "2 return before settlement": "tests/use_cases/test_returns.py"
    "::test_returned_is_booked_after_what_was_skipped_before_it",
    "5 vectors": "tests/adapters/test_signatures.py::test_the_published_vectors_hold",
    "5 one byte of anything": "tests/adapters/test_signatures.py"
    "::test_ten_thousand_mutations_are_all_refused_with_the_one_error",
    "5 stale and future": "tests/adapters/test_signatures.py::test_more_is_not",
    "5 two secrets": "tests/adapters/test_signatures.py"
    "::test_both_secrets_pass_while_they_overlap_and_none_other",
    "5 unknown version first": "tests/adapters/test_signatures.py"
    "::test_a_good_signature_is_found_among_others_and_unknown_versions",
    "6 parks, then matches": "tests/use_cases/test_inbox.py"
    "::test_an_event_about_nothing_we_know_is_parked_and_found_later",
    "7 calendar": "tests/domain/test_calendar.py::test_a_day_is_a_banking_day_or_not",
    "7 second banking day": "tests/domain/test_calendar.py"
    "::test_the_second_banking_day_skips_weekends_and_holidays",
    "7 extended return": "tests/domain/test_calendar.py"
    "::test_an_unauthorised_debit_can_come_back_until_the_banking_day_after_sixty_days",
    "10 unconfirmed facts": "tests/adapters/tillipay/test_production.py"
    "::test_accepting_all_but_one_still_refuses_and_names_the_one",
    "11 adapters": "tests/security/test_canaries.py::test_a_canary_is_found_in_a_log_however_it_got_there",
    "13 currency reports": "tests/domain/test_monitoring.py::test_only_cash_above_ten_thousand_is_reported",
    "14 travel data": "tests/domain/test_monitoring.py::test_travel_data_is_needed_from_three_thousand_on",
    "15 every boundary": "tests/crashes/test_matrix.py"
    "::test_a_process_that_dies_in_any_story_changes_nothing_of_its_end",
}


class Crash(BaseException):
    """The process is gone."""


class Bank(MagicRails):
    """A bank in front of which our process may die."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.dies = ""

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        self._die("before")
        answer = await super().initiate_deposit(order, idempotency_key=idempotency_key)
        self._die("after")
        return answer

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        self._die("before")
        answer = await super().initiate_withdrawal(order, idempotency_key=idempotency_key)
        self._die("after")
        return answer

    def _die(self, when: str) -> None:
        if self.dies == when:
            self.dies = ""
            raise Crash

    def moved(self, direction: Direction) -> list[RailTransfer]:
        """What moves in a direction, oldest first."""
        return [one for one in self.transfers() if one.direction is direction]


@dataclass(frozen=True)
class Scene(Stage):
    """A stage whose bank is known."""

    bank: Bank

    def wait(self, hours: float) -> None:
        """Let the bank work and tell, and the worker follow."""
        self.pay.sim.deliver()
        self.clock.advance(hours=hours)
        self.pay.sim.deliver()

    def deposit(self, amount: str, *, party: str = "bob", **terms: Any) -> Any:
        """A deposit that the bank was asked for, or was tried to be."""
        return self.pay.deposits.initiate(party, amount, **terms)

    def effect_of(self, cause: str) -> Any:
        """The intent behind a deposit or withdrawal."""
        return list(self.pay.effects.list(cause=cause))[-1]

    def deliver(self, *deliveries: Delivery) -> None:
        """Hand deliveries of the bank in."""
        for one in deliveries:
            self.pay.webhooks.receive("rails", headers=one.headers, body=one.body)


YOUNG = Programme(
    finality={**DEFAULT_FINALITY, "bank_debit": Finality(seasoning_days=5)}, withdrawal_fee_micros=0
)


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """A programme over a bank with habits, on one store; the books are right afterwards."""
    store, face = request.param.split("-")
    url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path / 'pay.db'}"}.get(store)
    if url is None:
        url = request.getfixturevalue("postgres_url")
        migrate(url)
    clock = FrozenClock("2026-01-05T15:00:00Z")
    bank = Bank(clock)
    with opened(url, face, clock=clock, rails=bank, programme=YOUNG) as stage:
        scene = Scene(stage.pay, stage.clock, bank)
        yield scene
        assert scene.pay.invariants.check() == ()
        assert scene.pay.audit.verify()


@pytest.mark.parametrize("spent", ["0.00", "80.00", "100.10"])
def test_1_a_return_after_the_mint_keeps_the_backing_whole_however_much_was_spent(
    scene: Scene, spent: str
) -> None:
    pay = scene.pay
    pay.reserves.top_up("200.00 USD", approved_by="cfo")
    scene.bank.add_cash(Money("200.00", "USD"))
    deposit = scene.deposit("100.10 USD")
    scene.wait(1)
    if spent != "0.00":
        pay.invoices.pay(scene.issue(spent, customer="bob").id, payer="bob", amount=f"{spent} USD")
    scene.has(a1000="100.10", acme=spent)
    assert pay.invariants.check() == ()

    scene.wait(1)

    assert pay.deposits.get(deposit.id).status == "returned"
    scene.has(acme=spent, a1000=spent, bob_owes=spent, bob="0", bob_frozen="0")
    assert pay.wallets.get("bob", "USD").status == "frozen"
    assert pay.reserves.audit().backed


def test_2_a_return_told_three_times_and_before_its_settlement_counts_once(scene: Scene) -> None:
    deposit = scene.deposit("100.10 USD")
    scene.pay.sim.deliver()
    scene.clock.advance(hours=3)
    told = scene.bank.drain()
    assert len(told) == 2

    scene.deliver(*reversed(told), *told, *told)

    assert scene.pay.deposits.get(deposit.id).status == "returned"
    scene.has(a1000="0", a1050="0", bob="0", bob_owes="0")


@pytest.mark.parametrize("amount", ["20.99 USD", "20.98 USD"])
def test_3_a_deposit_that_timed_out_moves_once(scene: Scene, amount: str) -> None:
    deposit = scene.deposit(amount)
    assert scene.effect_of(deposit.id).status == "unknown"
    scene.has(bob="0", a1000="0")

    for _ in range(4):
        scene.wait(1)

    assert [one.amount for one in scene.bank.moved(Direction.DEPOSIT)] == [Money.of(amount)]
    scene.has(bob=amount.removesuffix(" USD"))


@pytest.mark.parametrize("amount", ["20.99 USD", "20.98 USD"])
def test_3_a_payout_that_timed_out_is_never_compensated_and_moves_once(scene: Scene, amount: str) -> None:
    scene.deposit("50.00 USD")
    scene.wait(1)
    withdrawal = scene.pay.withdrawals.initiate("bob", amount, account_token="ba_bob")
    assert scene.effect_of(withdrawal.id).status == "unknown"
    scene.has(bob=str(Money.of("50.00 USD") - Money.of(amount)).removesuffix(" USD"))

    for _ in range(4):
        scene.wait(1)

    assert len(scene.bank.moved(Direction.WITHDRAWAL)) == 1
    assert scene.pay.withdrawals.get(withdrawal.id).status == "paid"


def test_4_a_payout_that_comes_back_is_made_good_once_and_its_account_ruled_out(scene: Scene) -> None:
    pay = scene.pay
    scene.deposit("50.00 USD")
    scene.wait(1)
    withdrawal = pay.withdrawals.initiate("bob", "20.03 USD", account_token="ba_wrong")
    pay.sim.deliver()
    scene.clock.advance(hours=3)
    told = scene.bank.drain()
    scene.deliver(*told, *told, *told)
    scene.has(bob="29.97", bob_payout_returned="20.03", a1000="29.97")

    pay.withdrawals.remint(withdrawal.id)
    pay.sim.deliver()
    scene.deliver(*told)

    scene.has(bob="50", bob_payout_returned="0", a1000="50")
    assert pay.bank_accounts.get("ba_wrong").return_code == "R03"
    with pytest.raises(BankAccountDisabled):
        pay.withdrawals.initiate("bob", "1.00 USD", account_token="ba_wrong")
    with pytest.raises(BankAccountDisabled):
        pay.deposits.initiate("bob", "1.00 USD", account_token="ba_wrong")
    pay.bank_accounts.enable("ba_wrong", reason="number corrected", approved_by="cfo")
    pay.withdrawals.initiate("bob", "1.00 USD", account_token="ba_wrong")


def test_4_what_was_planned_before_an_account_was_ruled_out_is_given_up_unsent(scene: Scene) -> None:
    pay = scene.pay
    scene.deposit("50.00 USD")
    scene.wait(1)
    pay.sim.hold_tokens()
    withdrawal = pay.withdrawals.initiate("bob", "20.00 USD", account_token="ba_late")

    pay.bank_accounts.disable("ba_late", reason="reported stolen")
    pay.sim.release_tokens()

    assert scene.bank.moved(Direction.WITHDRAWAL) == []
    assert pay.withdrawals.get(withdrawal.id).status == "returned"
    pay.withdrawals.retry_payout(withdrawal.id, account_token="ba_other")
    scene.wait(1)
    assert pay.withdrawals.get(withdrawal.id).status == "paid"


def test_4_after_an_officials_order_neither_remint_nor_a_second_payout_goes(scene: Scene) -> None:
    pay = scene.pay
    scene.deposit("50.00 USD")
    scene.wait(1)
    withdrawal = pay.withdrawals.initiate("bob", "20.00 USD", account_token="ba_bob")
    scene.wait(1)

    pay.sim.return_payout(withdrawal.id, code="R16")

    with pytest.raises(WalletFrozen):
        pay.withdrawals.remint(withdrawal.id)
    with pytest.raises(WalletFrozen):
        pay.withdrawals.retry_payout(withdrawal.id, account_token="ba_other")
    scene.has(bob_payout_returned="20", bob="0", bob_frozen="30")


def test_6_money_by_itself_waits_a_day_then_its_owner_is_found_and_it_is_minted_once(scene: Scene) -> None:
    pay, bank = scene.pay, scene.bank
    scene.deposit("5.00 USD")
    pay.sim.deliver()
    stranger = replace(
        bank.transfers()[0],
        reference="",
        provider_ref="wire-77",
        amount=Money("40.00", "USD"),
        status=RailStatus.SETTLED,
    )
    scene.deliver(*[bank.postbox.delivery(bank._event(stranger)) for _ in range(2)])
    assert list(pay.reserves.unmatched()) == []

    scene.wait(25)

    (funds,) = pay.reserves.unmatched()
    scene.has(a2900="40")
    pay.reserves.match(funds.id, party="ann")
    scene.has(ann="40", a2900="0")


def test_8_a_short_settlement_mints_what_is_left_after_the_fee(scene: Scene) -> None:
    scene.deposit("20.50 USD")

    scene.wait(1)

    scene.has(bob="20.25", a1000="20.25")


def test_9_euros_for_dollars_mint_nothing_and_are_kept_as_euros(scene: Scene) -> None:
    pay = scene.pay
    deposit = scene.deposit("20.00 USD")
    scene.bank.tell(scene.effect_of(deposit.id).id, RailStatus.SETTLED, amount=Money("18.00", "EUR"))
    pay.sim.deliver()

    (funds,) = pay.reserves.unmatched()
    assert (funds.amount, funds.status) == (Money("18.00", "EUR"), "open")
    assert list(pay.tokens.mints()) == []
    assert scene.effect_of(deposit.id).status == "needs_review"
    pay.effects.resolve(scene.effect_of(deposit.id), "failed", reason="came as euros", approved_by="cfo")
    assert pay.deposits.get(deposit.id).status == "failed"


def test_11_no_log_line_contains_an_account_token_or_a_webhook(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scene.deposit("50.00 USD", account_token="ba_canary_7717")
    scene.wait(1)
    withdrawal = scene.pay.withdrawals.initiate("bob", "20.03 USD", account_token="ba_canary_7718")
    scene.wait(3)

    with pytest.raises(BankAccountDisabled) as refusal:
        scene.pay.withdrawals.retry_payout(withdrawal.id, account_token="ba_canary_7718")

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("invoicepay")]
    told = "\n".join([*ours, str(refusal.value), str(refusal.value.to_problem())])
    assert "canary" not in told


def test_12_a_word_that_nobody_knows_neither_mints_nor_burns(scene: Scene) -> None:
    pay, bank = scene.pay, scene.bank
    scene.deposit("50.00 USD")
    scene.wait(1)
    deposit = scene.deposit("20.00 USD")
    withdrawal = pay.withdrawals.initiate("bob", "10.00 USD", account_token="ba_bob")
    pay.sim.deliver()
    before = pay.ledger.balances()

    for cause in (deposit.id, withdrawal.id):
        bank.tell(scene.effect_of(cause).id, RailStatus.NEEDS_REVIEW, reason="zapped")
    pay.sim.deliver()

    assert pay.ledger.balances() == before
    assert {scene.effect_of(cause).status for cause in (deposit.id, withdrawal.id)} == {"needs_review"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_15_a_process_that_dies_around_the_call_leaves_one_movement(scene: Scene, when: str) -> None:
    pay, bank = scene.pay, scene.bank
    bank.dies = when
    with pytest.raises(Crash):
        scene.deposit("50.00 USD")
    for _ in range(3):
        scene.wait(1)
    scene.has(bob="50")

    bank.dies = when
    with pytest.raises(Crash):
        pay.withdrawals.initiate("bob", "20.00 USD", account_token="ba_bob")
    for _ in range(3):
        scene.wait(1)

    assert [len(bank.moved(direction)) for direction in Direction] == [1, 1]
    scene.has(bob="30", a1000="30", a1050="0")
    assert next(iter(pay.withdrawals.list())).status == "paid"


def test_webhooks_lost_told_twice_and_backwards_end_alike(scene: Scene) -> None:
    for amount in ("10.96 USD", "10.97 USD", "10.00 USD"):
        scene.deposit(amount)
    for _ in range(3):
        scene.wait(1)

    scene.has(bob="31.93", a1000="31.93")


def test_a_dishonoured_return_is_kept_until_somebody_says_whose_it_is(scene: Scene) -> None:
    deposit = scene.deposit("20.68 USD", rail="bank_debit", account_token="ba_bob")
    scene.wait(1)
    scene.wait(2)
    assert scene.pay.deposits.get(deposit.id).status == "returned"

    scene.wait(48)

    (funds,) = scene.pay.reserves.unmatched()
    assert funds.amount == Money("20.68", "USD")
    scene.pay.wallets.unfreeze("bob", "USD", reason="return dishonoured")
    scene.pay.reserves.match(funds.id, party="bob")
    scene.has(bob="20.68", a2900="0")


def test_a_round_trip_over_two_banks_is_refused_while_the_deposit_is_young(scene: Scene) -> None:
    scene.deposit("50.00 USD", rail="bank_debit", account_token="ba_home")
    scene.wait(1)

    with pytest.raises(FundsNotSeasoned):
        scene.pay.withdrawals.initiate("bob", "10.00 USD", account_token="ba_away")
    scene.pay.withdrawals.initiate("bob", "10.00 USD", account_token="ba_home")
    scene.wait(24 * 8)

    scene.pay.withdrawals.initiate("bob", "40.00 USD", account_token="ba_away")
    scene.wait(1)
    scene.has(bob="0")


def test_money_in_three_parts_with_one_too_many_is_minted_once_each(scene: Scene) -> None:
    pay, bank = scene.pay, scene.bank
    deposit = scene.deposit("100.95 USD")
    pay.sim.deliver()
    reference = scene.effect_of(deposit.id).id
    parts = [("p1", "60.00"), ("p2", "40.00"), ("p3", "7.00")]
    for name, amount in (*parts, *reversed(parts)):
        bank.tell_part(reference, RailStatus.SETTLED, name, Money(amount, "USD"))
        pay.sim.deliver()
        assert pay.invariants.check() == ()

    scene.has(bob="100.95", a1000="100.95", a2900="6.05")
    later = [one for one in pay.deposits.list(party="bob") if one.parent_id == deposit.id]
    assert [str(one.received.amount) for one in later] == ["40.00", "0.95"]
    bank.tell_part(reference, RailStatus.RETURNED, "r1", Money("90.00", "USD"), return_code="R06")
    pay.sim.deliver()
    scene.has(bob_frozen="10.95", a1000="10.95")


def test_payouts_wait_for_cash_and_leave_in_order(scene: Scene) -> None:
    pay, bank = scene.pay, scene.bank
    pay.deposits.record("bob", "50.00 USD", provider="other-bank", provider_ref="w-1")
    waiting = pay.withdrawals.initiate("bob", "20.00 USD", account_token="ba_bob")

    assert bank.moved(Direction.WITHDRAWAL) == []
    assert pay.withdrawals.get(waiting.id).reason == "payout_account_short"

    bank.add_cash(Money("50.00", "USD"))
    scene.wait(1)
    scene.wait(1)
    assert pay.withdrawals.get(waiting.id).status == "paid"


@pytest.mark.parametrize("item", ELSEWHERE)
def test_the_rest_of_the_list_stands_where_it_belongs(item: str) -> None:
    path, _, name = ELSEWHERE[item].partition("::")

    assert name in _tests_of(path)


@cache
def _tests_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_13_and_14_the_days_books_are_judged_and_nothing_is_posted(scene: Scene) -> None:
    pay = scene.pay
    scene.deposit("50000.00 USD")
    scene.wait(1)
    cash = Movement(
        id="till-1",
        party_id="bob",
        flow=Flow.IN,
        instrument=Instrument.CASH,
        amount=Money("10000.01", "USD"),
        on=TODAY,
    )
    assert pay.audit.findings(TODAY) == ()

    pay.transfers.send_outside("bob", "3000.00 USD", address="0x" + "ab" * 20)
    pay.sim.deliver()
    before = pay.ledger.balances()
    found = pay.audit.findings(TODAY, others=[cash])

    assert [one.rule for one in found] == ["ctr_currency", "travel_rule_us", "travel_rule_fatf"]
    assert found[0].movement_ids == ("till-1",)
    assert "sender_name" in found[1].needs
    assert pay.audit.findings(TODAY + timedelta(days=1)) == ()
    assert pay.ledger.balances() == before


def test_a_late_success_is_kept_and_minted_only_the_normal_way(scene: Scene) -> None:
    pay, bank = scene.pay, scene.bank
    deposit = scene.deposit("20.95 USD")
    pay.sim.deliver()
    pay.sim.fail(deposit.id)
    assert pay.deposits.get(deposit.id).status == "failed"

    effect = scene.effect_of(deposit.id)
    bank.tell(effect.id, RailStatus.SETTLED)
    pay.sim.deliver()
    assert scene.effect_of(deposit.id).status == "needs_review"
    scene.has(a1050="0", bob="0")

    pay.effects.resolve(effect.id, "settled", reason="it is in the account", approved_by="cfo")
    (funds,) = pay.reserves.unmatched()
    scene.has(a2900="20.95", bob="0")
    pay.reserves.match(funds.id, party="bob")
    scene.has(bob="20.95", a2900="0")
