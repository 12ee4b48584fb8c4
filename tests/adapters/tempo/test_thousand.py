"""The measuring command, small: how many transactions payments take in either mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from invoicepay.testing.tempo_node import TempoNode
from tests.adapters.tempo.thousand import measured, shop

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("mode", "transactions", "transfers"), [("onchain", 2, 64), ("netted", 1, 5)], ids=["onchain", "netted"]
)
def test_sixty_four_payments_take_two_transactions_and_their_nets_take_one(
    tempo_node: TempoNode, tmp_path: Path, mode: str, transactions: int, transfers: int
) -> None:
    with shop(mode, tempo_node, f"sqlite:///{tmp_path / 'pay.db'}", payers=1) as one:
        figures = measured(one, invoices=64)

    assert (figures.transactions, figures.transfers) == (transactions, transfers)
    assert figures.setup_transactions == 2, "a mint and an approval"
