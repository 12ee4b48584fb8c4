"""Deposits and reserves: their tables, and what a reserve can back."""

from __future__ import annotations

from itertools import product

import pytest

from invoicepay.domain.deposits import (
    DEPOSIT,
    RESERVE,
    UNMATCHED,
    DepositCommand,
    DepositStatus,
    Reserve,
    ReserveCommand,
    ReserveStatus,
    UnmatchedCommand,
    UnmatchedStatus,
)
from invoicepay.domain.money import Money
from invoicepay.errors import InvalidTransition

S, C = DepositStatus, DepositCommand


@pytest.mark.parametrize(
    ("state", "command"),
    [pair for pair in product((None, *DepositStatus), DepositCommand) if pair not in DEPOSIT.table],
)
def test_every_step_of_a_deposit_not_in_the_table_is_refused(
    state: DepositStatus | None, command: DepositCommand
) -> None:
    with pytest.raises(InvalidTransition):
        DEPOSIT.after(state, command)


@pytest.mark.parametrize(
    ("state", "command"),
    [pair for pair in product((None, *ReserveStatus), ReserveCommand) if pair not in RESERVE.table],
)
def test_every_step_of_a_reserve_not_in_the_table_is_refused(
    state: ReserveStatus | None, command: ReserveCommand
) -> None:
    with pytest.raises(InvalidTransition):
        RESERVE.after(state, command)


def test_the_way_in_is_initiated_pending_received_confirmed_completed() -> None:
    way = [C.INITIATE, C.ACCEPT, C.RECEIVE, C.CONFIRM, C.COMPLETE]

    state: DepositStatus | None = None
    seen = [state := DEPOSIT.after(state, command) for command in way]

    assert seen == [S.INITIATED, S.PENDING, S.RECEIVED, S.CONFIRMED, S.COMPLETED]


@pytest.mark.parametrize("state", [S.RECEIVED, S.CONFIRMED, S.COMPLETED, S.IN_REVIEW])
def test_money_that_is_here_can_be_taken_back(state: DepositStatus) -> None:
    assert DEPOSIT.after(state, C.RETURN) is S.RETURNED


@pytest.mark.parametrize("state", [S.FAILED, S.EXPIRED, S.CANCELLED, S.REJECTED])
def test_an_ended_deposit_moves_no_more(state: DepositStatus) -> None:
    assert state in DEPOSIT.terminal


def test_what_a_part_of_went_back_can_only_go_back_further() -> None:
    assert DEPOSIT.allowed(S.RETURNED) == (C.RETURN,)


def test_an_allocated_reserve_can_only_be_returned() -> None:
    assert RESERVE.allowed(ReserveStatus.ALLOCATED) == (ReserveCommand.RETURN,)


def test_unmatched_money_is_matched_once() -> None:
    assert UNMATCHED.allowed(UnmatchedStatus.OPEN) == (UnmatchedCommand.MATCH, UnmatchedCommand.RETURN)
    assert UNMATCHED.terminal == {UnmatchedStatus.MATCHED, UnmatchedStatus.RETURNED}


def test_a_reserve_backs_its_amount_less_the_fee() -> None:
    reserve = Reserve(
        id="r",
        deposit_id="d",
        party_id="ann",
        asset="USD",
        amount=Money("100.00", "USD"),
        fee=Money("1.50", "USD"),
        status=ReserveStatus.CONFIRMED,
    )

    assert reserve.mintable == Money("98.50", "USD")
