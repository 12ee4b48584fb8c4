"""The TilliPay adapter keeps what the port promises, over real HTTP, as the gateway is known and assumed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.adapters.tillipay import TilliPayProfile
from invoicepay.testing.hosts import Host
from invoicepay.testing.rails_contract import RailsBench, RailsContract
from tests.adapters.tillipay.desk import desk


class TestTilliPayAsAssumed(RailsContract):
    signs_time = False

    @pytest.fixture
    def bench(self, host: Host) -> Iterator[RailsBench]:
        with desk() as made:
            yield RailsBench(made.rails, made, made.order())
            host.run(made.rails.aclose())


class TestTilliPayAsKnown(RailsContract):
    signs_time = False

    @pytest.fixture
    def bench(self, host: Host) -> Iterator[RailsBench]:
        with desk(TilliPayProfile.known(), envelope="wrapped") as made:
            yield RailsBench(made.rails, made, made.order(rail="card"))
            host.run(made.rails.aclose())
