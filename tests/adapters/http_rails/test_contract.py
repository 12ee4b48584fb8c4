"""The bank of the example keeps the promises of its port, over real sockets and in both kinds of host."""

from collections.abc import Iterator
from inspect import getsource

import pytest

from examples.acme_bank import AcmeBank
from invoicepay import Money
from invoicepay.ports.rails import RailOrder
from invoicepay.testing.hosts import Host
from invoicepay.testing.rails_contract import RailsBench, RailsContract
from tests.adapters.http_rails.far_side import FarSide


class TestAcmeBank(RailsContract):
    signs_time = False

    @pytest.fixture(autouse=True)
    def _ended(self) -> Iterator[None]:
        self.banks = list[FarSide]()
        yield
        for bank in self.banks:
            bank.end()

    def make_bench(self, host: Host) -> RailsBench:
        bank = FarSide()
        self.banks.append(bank)
        order = RailOrder(
            reference="eff_1",
            amount=Money.of("10.00 USD"),
            rail="instant",
            party_id="ann",
            account_token="ba_ann",
        )
        return RailsBench(bank.rails(), bank, order)


def test_the_example_has_fewer_than_forty_lines() -> None:
    lines = [line for line in getsource(AcmeBank).splitlines() if line.strip()]

    assert len(lines) < 40
