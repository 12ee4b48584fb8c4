"""Tempo keeps the contract of every token provider, on a real node and through a wire that breaks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from invoicepay.adapters.sql.slots import SqlSlots
from invoicepay.adapters.tempo.network import TempoToken
from invoicepay.bridge import run_blocking
from invoicepay.ports.slots import SlotStore
from invoicepay.testing.hosts import Host
from invoicepay.testing.tempo_node import TempoNode
from invoicepay.testing.tokens_contract import TokenContract, TokensBench
from tests.adapters.tempo.bench import Bench, bench_on, usd
from tests.adapters.tempo.chain import Chain, ChainSide

_tenants = count()


@pytest.fixture(scope="module")
def shared(tempo_node: TempoNode) -> Iterator[tuple[Bench, TempoToken]]:
    """One token for the tests of this file; each has a tenant, wallets and lanes of its own."""
    with bench_on(tempo_node, __name__) as bench:
        yield bench, bench.set_up()


class TestTempo(TokenContract):
    @pytest.fixture
    def slots(self, tmp_path: Path) -> SlotStore:
        return SqlSlots(f"sqlite:///{tmp_path / 'pay.db'}")

    @pytest.fixture
    def bench(self, host: Host, shared: tuple[Bench, TempoToken], slots: SlotStore) -> Iterator[TokensBench]:
        chain = Chain(*shared, tenant=f"contract-{next(_tenants)}", slots=slots)
        chain.fund("ann", "30.00")
        yield TokensBench(chain.tempo, ChainSide(chain, "ann"), usd("1.00"), "ann", "bob")
        host.run(slots.close())
        run_blocking(slots.close())
        chain.close()
