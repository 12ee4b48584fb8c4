"""The simulated bank and issuer keep what the ports promise."""

from __future__ import annotations

from datetime import datetime

import pytest

from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens
from invoicepay.bridge import run_blocking
from invoicepay.domain.money import Money
from invoicepay.errors import ProviderRejected
from invoicepay.ports.rails import RailOrder
from invoicepay.ports.tokens import TokenOrder
from invoicepay.testing.clock import FrozenClock
from invoicepay.testing.contracts import Webhook
from invoicepay.testing.hosts import Host
from invoicepay.testing.rails_contract import RailsBench, RailsContract
from invoicepay.testing.tokens_contract import TokenContract, TokensBench
from tests.support.batches import BatchedTokens

TEN = Money.of("10.00 USD")
ORDER = RailOrder(reference="eff_1", amount=TEN, rail="instant", party_id="ann")


class SimulatedFarSide:
    """A simulated provider, played through its own commands."""

    def __init__(self, provider: SimulatedRails | SimulatedTokens, clock: FrozenClock) -> None:
        self._provider, self._clock = provider, clock
        self.lose_next_answer = provider.weather.lose_next_answer
        self.be_unreachable = provider.weather.be_unreachable

    def now(self) -> datetime:
        return self._clock.now()

    def movements(self) -> int:
        return len(self._provider.transfers())

    def reject_next(self) -> None:
        self._provider.weather.reject_next("refused")

    def webhooks(self) -> list[Webhook]:
        return [(delivery.headers, delivery.body) for delivery in self._provider.drain()]


class SimulatedBankSide(SimulatedFarSide):
    """The bank moves a transfer when told."""

    def __init__(self, rails: SimulatedRails, clock: FrozenClock) -> None:
        super().__init__(rails, clock)
        control = SimControl(rails, SimulatedTokens(clock))
        self.settle, self._return = control.settle, control.return_

    def return_(self, reference: str) -> None:
        self._return(reference, "R01")


class SimulatedIssuerSide(SimulatedFarSide):
    """The issuer finalizes when told."""

    def __init__(self, tokens: SimulatedTokens, clock: FrozenClock) -> None:
        super().__init__(tokens, clock)
        self._tokens = tokens

    def finalize(self) -> None:
        for transfer in self._tokens.transfers():
            self._tokens.finalize(transfer.reference)


def rails_bench(kind: type[SimulatedRails] = SimulatedRails) -> RailsBench:
    clock = FrozenClock()
    rails = kind(clock)
    return RailsBench(rails, SimulatedBankSide(rails, clock), ORDER)


def tokens_bench(kind: type[SimulatedTokens] = SimulatedTokens, **options: str) -> TokensBench:
    clock = FrozenClock()
    tokens = kind(clock, **options)  # type: ignore[arg-type]
    tokens.issue("ann", TEN + TEN + TEN)
    return TokensBench(tokens, SimulatedIssuerSide(tokens, clock), Money.of("1.00 USD"), "ann", "bob")


class TestSimulatedRails(RailsContract):
    def make_bench(self, host: Host) -> RailsBench:
        return rails_bench()


class TestSimulatedTokens(TokenContract):
    def make_bench(self, host: Host) -> TokensBench:
        return tokens_bench()


class TestSimulatedTokensFinalOnCommand(TokenContract):
    def make_bench(self, host: Host) -> TokensBench:
        return tokens_bench(finality="manual", custody="wallets")


class TestTokensInBatches(TokenContract):
    def make_bench(self, host: Host) -> TokensBench:
        return tokens_bench(BatchedTokens, custody="wallets")


def test_where_each_party_has_its_own_wallet_nobody_burns_another_ones_tokens() -> None:
    clock = FrozenClock()
    tokens = SimulatedTokens(clock, custody="wallets")
    tokens.issue("ann", TEN)
    order = TokenOrder(reference="eff_1", amount=TEN, from_party="bob")

    with pytest.raises(ProviderRejected):
        run_blocking(tokens.burn(order, idempotency_key="k"))

    assert run_blocking(tokens.supply("USD")) == TEN
