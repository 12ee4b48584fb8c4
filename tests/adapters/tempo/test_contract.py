"""Tempo keeps the contract of every token provider, on a real node and through a wire that breaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from invoicepay.adapters.sql.slots import SqlSlots
from invoicepay.adapters.tempo.network import TempoToken
from invoicepay.bridge import run_blocking
from invoicepay.ports.slots import SlotStore
from invoicepay.testing.hosts import Host
from invoicepay.testing.tokens_contract import TokenContract, TokensBench
from tests.adapters.tempo.bench import Bench, usd
from tests.adapters.tempo.chain import Chain, ChainSide


class TestTempo(TokenContract):
    @pytest.fixture
    def slots(self, tmp_path: Path) -> SlotStore:
        return SqlSlots(f"sqlite:///{tmp_path / 'pay.db'}")

    @pytest.fixture
    def bench(
        self,
        host: Host,
        shared: tuple[Bench, TempoToken],
        slots: SlotStore,
        request: pytest.FixtureRequest,
    ) -> Iterator[TokensBench]:
        chain = Chain(*shared, tenant=request.node.nodeid, slots=slots)
        chain.fund("ann", "30.00")
        yield TokensBench(chain.tempo, ChainSide(chain, "ann"), usd("1.00"), "ann", "bob")
        host.run(slots.close())
        run_blocking(slots.close())
        chain.close()
