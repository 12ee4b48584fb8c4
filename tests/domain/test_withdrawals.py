"""Withdrawals: their table, and what the bank account receives."""

from __future__ import annotations

from itertools import product

import pytest

from invoicepay.domain.money import Money
from invoicepay.domain.withdrawals import WITHDRAWAL, Withdrawal, WithdrawalCommand, WithdrawalStatus
from invoicepay.errors import InvalidTransition

S, C = WithdrawalStatus, WithdrawalCommand


@pytest.mark.parametrize(
    ("state", "command"),
    [pair for pair in product((None, *WithdrawalStatus), WithdrawalCommand) if pair not in WITHDRAWAL.table],
)
def test_every_step_of_a_withdrawal_not_in_the_table_is_refused(
    state: WithdrawalStatus | None, command: WithdrawalCommand
) -> None:
    with pytest.raises(InvalidTransition):
        WITHDRAWAL.after(state, command)


def test_the_burn_comes_before_the_payout() -> None:
    way = [C.INITIATE, C.BURN, C.COMPLETE_BURN, C.SUBMIT_PAYOUT, C.SETTLE]

    state: WithdrawalStatus | None = None
    seen = [state := WITHDRAWAL.after(state, command) for command in way]

    assert seen == [S.HELD, S.BURNING, S.BURNED, S.PAYOUT_SUBMITTED, S.PAID]


def test_a_withdrawal_can_be_cancelled_only_while_its_tokens_are_held() -> None:
    assert [state for state in S if C.CANCEL in WITHDRAWAL.allowed(state)] == [S.HELD]


def test_a_returned_payout_has_two_ways_out() -> None:
    assert set(WITHDRAWAL.allowed(S.RETURNED)) == {C.REMINT, C.RETRY_PAYOUT}


def test_the_bank_account_receives_the_amount_less_the_fee() -> None:
    withdrawal = Withdrawal(
        id="w",
        party_id="acme",
        asset="USD",
        amount=Money("200.00", "USD"),
        fee=Money("1.00", "USD"),
        rail="wire",
        account_token="ba_1",
        status=S.HELD,
    )

    assert withdrawal.payout == Money("199.00", "USD")
