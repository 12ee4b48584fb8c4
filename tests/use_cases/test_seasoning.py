"""Young deposits go back only to where they came from, and late money is told of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from invoicepay.domain.calendar import settlement_after
from invoicepay.domain.deposits import Deposit, DepositStatus
from invoicepay.domain.effects import EffectStatus
from invoicepay.domain.policies import DEFAULT_FINALITY, WIRE_CUT_OFF, Finality, Programme
from invoicepay.errors import FundsNotSeasoned
from invoicepay.use_cases import deposits, sweeps, withdrawals
from tests.support.money_desk import MoneyDesk, usd

S, D = EffectStatus, DepositStatus
YOUNG = Programme(finality={**DEFAULT_FINALITY, "wire": Finality(seasoning_days=3)})


def bring(desk: MoneyDesk, amount: str, account: str) -> Deposit:
    """A deposit from one of ann's accounts that became tokens."""
    command = deposits.InitiateDeposit(party_id="ann", amount=usd(amount), rail="wire", account_token=account)
    deposit = desk.run(deposits.initiate_deposit(desk.deps, command))
    desk.tell(deposit.id, S.SETTLED)
    desk.tell(desk.mint_of(deposit.id), S.FINAL)
    return desk.deposit(deposit.id)


def withdraw(desk: MoneyDesk, amount: str, account: str) -> None:
    command = withdrawals.InitiateWithdrawal(
        party_id="ann", amount=usd(amount), rail="wire", account_token=account
    )
    desk.run(withdrawals.initiate_withdrawal(desk.deps, command))


def test_young_tokens_go_only_to_the_account_that_they_came_from() -> None:
    desk = MoneyDesk(YOUNG)
    bring(desk, "100.00", "ba_home")

    with pytest.raises(FundsNotSeasoned) as refusal:
        withdraw(desk, "0.01", "ba_other")
    withdraw(desk, "40.00", "ba_home")

    assert refusal.value.details["free"] == "0 USD" or "0.00" in str(refusal.value.details["free"])
    assert desk.available("ann") == usd("60.00")


def test_older_tokens_go_anywhere_and_young_ones_are_spent_last() -> None:
    desk = MoneyDesk(YOUNG)
    bring(desk, "100.00", "ba_home")
    desk.clock.advance(days=7)
    bring(desk, "30.00", "ba_home")

    withdraw(desk, "100.00", "ba_other")
    with pytest.raises(FundsNotSeasoned):
        withdraw(desk, "0.01", "ba_other")

    desk.clock.advance(days=7)
    withdraw(desk, "30.00", "ba_other")


def test_tokens_of_two_accounts_do_not_mix() -> None:
    desk = MoneyDesk(YOUNG)
    bring(desk, "100.00", "ba_one")
    bring(desk, "50.00", "ba_two")

    with pytest.raises(FundsNotSeasoned):
        withdraw(desk, "50.01", "ba_two")
    withdraw(desk, "50.00", "ba_two")


def test_a_payout_that_came_back_is_not_sent_on_to_another_account_while_young() -> None:
    desk = MoneyDesk(YOUNG)
    bring(desk, "100.00", "ba_1")
    withdrawal = desk.withdraw("ann", "100.00", until=S.SETTLED)
    desk.tell(withdrawal.id, S.RETURNED, code="R03")

    retry = withdrawals.RetryPayout(withdrawal_id=withdrawal.id, account_token="ba_other")
    with pytest.raises(FundsNotSeasoned):
        desk.run(withdrawals.retry_payout(desk.deps, retry))

    desk.clock.advance(days=7)
    desk.run(withdrawals.retry_payout(desk.deps, retry))


def test_what_the_rail_calls_final_is_never_young_and_by_default_nothing_is() -> None:
    desk = MoneyDesk(YOUNG)
    deposit = bring(desk, "100.00", "ba_home")
    desk.tell(deposit.id, S.FINAL)
    withdraw(desk, "100.00", "ba_other")

    usual = MoneyDesk()
    bring(usual, "100.00", "ba_home")
    withdraw(usual, "100.00", "ba_other")


@pytest.mark.parametrize(
    ("sent", "days", "cut_off", "settled"),
    [
        ("2026-01-05T15:00", 0, None, "2026-01-05T15:00"),
        ("2026-01-10T15:00", 0, None, "2026-01-10T15:00"),  # a Saturday, around the clock
        ("2026-01-05T15:00", 0, WIRE_CUT_OFF, "2026-01-05T15:00"),
        ("2026-01-05T23:46", 0, WIRE_CUT_OFF, "2026-01-06T13:30"),  # 18:46 in New York
        ("2026-01-10T15:00", 0, WIRE_CUT_OFF, "2026-01-12T13:30"),
        ("2026-01-05T15:00", 1, None, "2026-01-06T13:30"),
        ("2026-01-10T15:00", 1, None, "2026-01-13T13:30"),  # counts as sent on Monday
        ("2026-07-02T15:00", 1, None, "2026-07-03T12:30"),  # the Friday before a Saturday holiday is open
        ("2026-11-25T15:00", 1, None, "2026-11-27T13:30"),
    ],
)
def test_settlement_is_expected_by_banking_days_and_cut_off(
    sent: str, days: int, cut_off: object, settled: str
) -> None:
    at = datetime.fromisoformat(sent).replace(tzinfo=UTC)

    expected = settlement_after(at, days, cut_off)  # type: ignore[arg-type]

    assert expected == datetime.fromisoformat(settled).replace(tzinfo=UTC)


def test_a_deposit_knows_when_it_should_be_here_and_be_tokens() -> None:
    desk = MoneyDesk()

    deposit = desk.initiate("ann", "5.00", rail="bank_debit")  # Monday, 2026-01-05

    assert deposit.expected_settlement_at == datetime(2026, 1, 6, 13, 30, tzinfo=UTC)
    assert deposit.expected_available_at == datetime(2026, 1, 13, 13, 30, tzinfo=UTC)


def test_what_a_rail_keeps_silent_about_is_told_once_and_still_booked_when_it_comes() -> None:
    desk = MoneyDesk()
    deposit = desk.initiate("ann", "5.00", rail="bank_credit")
    desk.tell(deposit.id, S.ACCEPTED)
    assert desk.run(sweeps.tell_overdue(desk.deps)) == 0

    desk.clock.advance(days=3)
    told = [desk.run(sweeps.tell_overdue(desk.deps)) for _ in range(2)]
    assert (told, desk.deposit(deposit.id).reason) == ([1, 0], "overdue")
    assert desk.events().count("deposit.overdue") == 1

    desk.tell(deposit.id, S.SETTLED)
    assert (desk.deposit(deposit.id).status, desk.deposit(deposit.id).reason) == (D.RECEIVED, "")


def test_a_payout_that_does_not_arrive_is_told_of_too() -> None:
    desk = MoneyDesk()
    desk.bring("ann", "100.00")
    withdrawal = desk.withdraw("ann", "100.00", until=S.ACCEPTED)

    desk.clock.advance(days=3)
    assert desk.run(sweeps.tell_overdue(desk.deps)) == 1
    assert desk.withdrawal(withdrawal.id).reason == "overdue"
    desk.tell(withdrawal.id, S.SETTLED)

    assert desk.withdrawal(withdrawal.id).reason == ""


def test_a_programme_without_a_rail_has_no_dates_for_it() -> None:
    desk = MoneyDesk(Programme(finality={"wire": replace(DEFAULT_FINALITY["wire"], cut_off=None)}))

    assert desk.initiate("ann", "5.00").expected_settlement_at == desk.clock.now()
