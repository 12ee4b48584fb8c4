"""Circle's wallets keep what the token port promises, against the simulator over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from invoicepay.domain.money import Money
from invoicepay.testing.contracts import Webhook
from invoicepay.testing.hosts import Host
from invoicepay.testing.simulators.server import App, Receive, Scope, Send
from invoicepay.testing.tokens_contract import TokenContract, TokensBench
from invoicepay.testing.treasury_contract import TreasuryBench, TreasuryContract
from tests.adapters.circle.stage import ASSET, HOOKS, TRANSFER, Stage, staged
from tests.adapters.circle.vault import Vault, vaulted

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


class MintFarSide(CircleFarSide):
    """Mint and the wallets, played together."""

    ORDERS = (TRANSFER, "POST /v1/businessAccount/transfers", "POST /v1/businessAccount/payouts")

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        stage.circle.subscribe(1, HOOKS)
        stage.circle.deliveries()

    def movements(self) -> int:
        world = self._stage.circle.world
        sent = [transfer for transfer in world.transfers.values() if transfer.recipient]
        return super().movements() + len(sent) + len(world.payouts)

    def lose_next_answer(self) -> None:
        for order in self.ORDERS:
            self._stage.faults.drop_answer(on=order)

    def reject_next(self) -> None:
        super().reject_next()
        for order in self.ORDERS[1:]:
            self._stage.faults.order(refusing, on=order)

    def return_payout(self, provider_ref: str) -> None:
        self._stage.circle.return_payout(provider_ref, fee=250_000)

    def webhooks(self) -> list[Webhook]:
        return [({}, each.body) for each in self._stage.circle.deliveries() if each.version == 1]


async def refusing(_app: App, _scope: Scope, _receive: Receive, send: Send) -> None:
    """Mint's own way to refuse for good."""
    await send({"type": "http.response.start", "status": 400, "headers": []})
    await send({"type": "http.response.body", "body": b'{"code": 1100, "message": "refused"}'})


class TestCircleTreasury(TreasuryContract):
    @pytest.fixture
    def vault(self, host: Host) -> Iterator[Vault]:
        with vaulted(host) as vault:
            yield vault

    @pytest.fixture
    def bench(self, vault: Vault) -> TreasuryBench:
        return TreasuryBench(vault.treasury, MintFarSide(vault.stage), Money("1.25", ASSET))
