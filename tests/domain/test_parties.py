"""Parties and wallets: their states, and the tiers of verification."""

from itertools import product

import pytest

from invoicepay.domain.parties import (
    PARTY,
    WALLET,
    PartyCommand,
    PartyStatus,
    WalletCommand,
    WalletStatus,
    checked_tier,
)
from invoicepay.errors import InvalidInput, InvalidTransition

PARTY_STATES: tuple[PartyStatus | None, ...] = (None, *PartyStatus)
WALLET_STATES: tuple[WalletStatus | None, ...] = (None, *WalletStatus)


@pytest.mark.parametrize(
    ("state", "command"), [pair for pair in product(PARTY_STATES, PartyCommand) if pair not in PARTY.table]
)
def test_every_step_of_a_party_not_in_the_table_is_refused(
    state: PartyStatus | None, command: PartyCommand
) -> None:
    with pytest.raises(InvalidTransition):
        PARTY.after(state, command)


@pytest.mark.parametrize(
    ("state", "command"), [pair for pair in product(WALLET_STATES, WalletCommand) if pair not in WALLET.table]
)
def test_every_step_of_a_wallet_not_in_the_table_is_refused(
    state: WalletStatus | None, command: WalletCommand
) -> None:
    with pytest.raises(InvalidTransition):
        WALLET.after(state, command)


def test_a_closed_party_stays_closed_or_is_erased() -> None:
    gone = {PartyStatus.CLOSED, PartyStatus.ERASED}

    assert {after for (before, _), after in PARTY.table.items() if before in gone} == {PartyStatus.ERASED}


def test_a_wallet_can_be_frozen_and_unfrozen_for_ever() -> None:
    assert WALLET.terminal == frozenset()


@pytest.mark.parametrize("tier", [0, 3, 99])
def test_a_tier_is_a_small_whole_number(tier: int) -> None:
    assert checked_tier(tier) == tier


@pytest.mark.parametrize("tier", [-1, 100, True])
def test_another_tier_is_refused(tier: int) -> None:
    with pytest.raises(InvalidInput):
        checked_tier(tier)
