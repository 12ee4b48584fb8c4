"""Each of the operator's movements happens once, whatever goes wrong at its HTTP step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from invoicepay.adapters.circle import CircleTreasury
from invoicepay.errors import ProviderUnavailable, ProviderUnknown
from invoicepay.ports.treasury import TreasuryKind, TreasuryMovement, TreasuryStatus
from tests.adapters.circle.stage import FLOAT
from tests.adapters.circle.test_faults import FAULTS
from tests.adapters.circle.vault import Vault, vaulted

ACCOUNT = 1_000_000_000
AMOUNT = 250_000_000

Act = Callable[[CircleTreasury], Callable[..., Any]]

WAYS: dict[TreasuryKind, tuple[Act, str]] = {
    TreasuryKind.FUND: (lambda treasury: treasury.fund, "POST /v1/businessAccount/transfers"),
    TreasuryKind.PAYOUT: (lambda treasury: treasury.pay_out, "POST /v1/businessAccount/payouts"),
    TreasuryKind.SWEEP: (lambda treasury: treasury.sweep, "POST /v1/w3s/developer/transactions/transfer"),
}


def until_taken(vault: Vault, act: Act) -> TreasuryMovement:
    """The operator calls under one key until there is an answer, in turn here and in another process."""
    other = vault.again()
    try:
        for treasury in (vault.treasury, other) * 3:
            call = act(treasury)(vault.order("250.00"), idempotency_key="batch-7")
            try:
                moved: TreasuryMovement = vault.stage.run(call)
            except (ProviderUnavailable, ProviderUnknown):
                continue
            return moved
    finally:
        vault.stage.run(other.aclose())
    raise AssertionError("there was never an answer")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", WAYS)
def test_the_same_key_moves_it_once(kind: TreasuryKind, fault: str) -> None:
    act, step = WAYS[kind]
    with vaulted() as vault:
        FAULTS[fault](vault.stage.faults, step)

        moved = until_taken(vault, act)
        vault.stage.circle.finish()

        assert vault.stage.faults.pending == 0
        assert vault.find(moved).status is TreasuryStatus.FINAL
        assert figures(vault) == EXPECTED[kind]


def figures(vault: Vault) -> tuple[int, int, int, int]:
    """Movements at Mint, transactions of wallets, and what the operator has in both places."""
    world = vault.stage.circle.world
    position = vault.stage.run(vault.treasury.position())
    moves = len(world.transfers) + len(world.payouts)
    return moves, vault.stage.circle.outbound(), position.available.micros, position.wallet.micros


EXPECTED = {
    TreasuryKind.FUND: (1, 0, ACCOUNT - AMOUNT, FLOAT + AMOUNT),
    TreasuryKind.PAYOUT: (1, 0, ACCOUNT - AMOUNT, FLOAT),
    TreasuryKind.SWEEP: (1, 1, ACCOUNT + AMOUNT, FLOAT - AMOUNT),
}
