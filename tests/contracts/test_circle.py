"""Circle's wallets keep what the token port promises, against the simulator over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from invoicepay.domain.money import Money
from invoicepay.testing.contracts import Webhook
from invoicepay.testing.hosts import Host
from invoicepay.testing.tokens_contract import TokenContract, TokensBench
from tests.adapters.circle.stage import ASSET, HOOKS, TRANSFER, Stage, staged

SIGNED = ("X-Circle-Key-Id", "X-Circle-Signature")


class CircleFarSide:
    """Circle, played by the simulator and what stands in front of it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        subscription = stage.circle.subscribe(2, HOOKS)
        subscription.types = ("transactions.outbound",)  # the arrivals repeat what the sending side tells
        stage.circle.deliveries()

    def now(self) -> datetime:
        return self._stage.circle.now()

    def movements(self) -> int:
        return self._stage.circle.outbound()

    def lose_next_answer(self) -> None:
        self._stage.faults.drop_answer(on=TRANSFER)

    def reject_next(self) -> None:
        for wallet in self._stage.circle.world.wallets.values():
            wallet.state = "FROZEN"

    def be_unreachable(self) -> None:
        self._stage.server.close()

    def finalize(self) -> None:
        self._stage.circle.finish()

    def webhooks(self) -> list[Webhook]:
        delivered = self._stage.circle.deliveries()
        return [({name: each.headers[name] for name in SIGNED}, each.body) for each in delivered]


class TestCircleTokens(TokenContract):
    signs_time = False  # Circle delivers again for a day, so that the age of a delivery proves nothing

    @pytest.fixture
    def stage(self, host: Host) -> Iterator[Stage]:
        with staged(host) as stage:
            yield stage

    @pytest.fixture
    def bench(self, stage: Stage) -> TokensBench:
        return TokensBench(stage.tokens, CircleFarSide(stage), Money("1.25", ASSET), "ann", "bob")
