"""Mints and burns: their tables."""

from __future__ import annotations

from itertools import product

import pytest

from invoicepay.domain.tokens import (
    BURN,
    LIVE_MINTS,
    MINT,
    BurnCommand,
    BurnStatus,
    MintCommand,
    MintStatus,
)
from invoicepay.errors import InvalidTransition

M, C = MintStatus, MintCommand


@pytest.mark.parametrize(
    ("state", "command"),
    [pair for pair in product((None, *MintStatus), MintCommand) if pair not in MINT.table],
)
def test_every_step_of_a_mint_not_in_the_table_is_refused(
    state: MintStatus | None, command: MintCommand
) -> None:
    with pytest.raises(InvalidTransition):
        MINT.after(state, command)


@pytest.mark.parametrize(
    ("state", "command"),
    [pair for pair in product((None, *BurnStatus), BurnCommand) if pair not in BURN.table],
)
def test_every_step_of_a_burn_not_in_the_table_is_refused(
    state: BurnStatus | None, command: BurnCommand
) -> None:
    with pytest.raises(InvalidTransition):
        BURN.after(state, command)


def test_a_failed_mint_is_submitted_again_and_an_unknown_one_only_resolved() -> None:
    assert MINT.allowed(M.FAILED) == (C.SUBMIT,)
    assert set(MINT.allowed(M.UNKNOWN)) == {C.SUBMIT, C.COMPLETE, C.FAIL}


def test_only_a_mint_that_was_never_sent_is_cancelled() -> None:
    assert [state for state in M if C.CANCEL in MINT.allowed(state)] == [M.PENDING]


def test_tokens_may_still_appear_under_every_mint_that_has_not_ended() -> None:
    assert {M.PENDING, M.SUBMITTED, M.UNKNOWN} == LIVE_MINTS


def test_completed_tokens_stay_completed() -> None:
    assert {M.COMPLETED, M.CANCELLED} == MINT.terminal
    assert {BurnStatus.COMPLETED, BurnStatus.FAILED} == BURN.terminal
