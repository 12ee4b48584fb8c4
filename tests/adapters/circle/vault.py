"""The operator's account at the simulated Mint, its treasury wallet, and a bank that is linked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pydantic import SecretStr

from invoicepay.adapters.circle import CircleTreasury, MintConfig, set_up_mint
from invoicepay.adapters.circle.webhooks_v1 import Fetch
from invoicepay.domain.money import Money
from invoicepay.ports.treasury import TreasuryMovement, TreasuryOrder
from invoicepay.testing.hosts import Host
from invoicepay.testing.simulators.circle.notifications import TOPIC
from tests.adapters.circle.stage import ASSET, QUICK, SimulatedClock, Stage, staged


@dataclass
class Vault:
    """A treasury with a thousand dollars in its account."""

    stage: Stage
    treasury: CircleTreasury
    config: MintConfig

    def order(self, amount: str = "250.00") -> TreasuryOrder:
        return TreasuryOrder(reference="batch-7", amount=Money(amount, ASSET))

    def fund(self, amount: str = "250.00", *, key: str = "k") -> TreasuryMovement:
        return self.stage.run(self.treasury.fund(self.order(amount), idempotency_key=key))

    def pay_out(self, amount: str = "250.00", *, key: str = "k") -> TreasuryMovement:
        return self.stage.run(self.treasury.pay_out(self.order(amount), idempotency_key=key))

    def find(self, moved: TreasuryMovement) -> TreasuryMovement:
        found = self.stage.run(self.treasury.find(moved.kind, moved.provider_ref))
        assert found is not None
        return found

    def again(self, **changes: Any) -> CircleTreasury:
        """The same treasury as another process has it, or another configuration."""
        clock = SimulatedClock(self.stage.circle)
        return CircleTreasury(replace(self.config, **changes), self.stage.tokens, clock=clock, limits=QUICK)


def mint_config(stage: Stage) -> MintConfig:
    key = SecretStr(stage.circle.keys.mint)
    return MintConfig(api_key=key, asset=ASSET, base_url=stage.server.url, topics=(TOPIC,))


@contextmanager
def vaulted(host: Host | None = None) -> Iterator[Vault]:
    """An account that everything is approved and linked in."""
    with staged(host) as stage:
        circle = stage.circle
        circle.knobs.approves_recipients = True
        bare = mint_config(stage)
        made = stage.run(set_up_mint(bare, treasury_address=stage.made.treasury_address, chain="BASE"))
        config = replace(
            bare,
            recipient_id=made.recipient_id,
            deposit_address=made.deposit_address,
            bank_id=circle.link_bank(),
        )
        circle.fund_mint(1_000_000_000)
        treasury = CircleTreasury(
            config, stage.tokens, clock=SimulatedClock(circle), limits=QUICK, fetch=from_amazon(stage)
        )
        yield Vault(stage, treasury, config)
        stage.run(treasury.aclose())
        assert circle.violations() == []


def from_amazon(stage: Stage) -> Fetch:
    """What Amazon serves: the simulator's certificate, whatever is asked."""

    async def fetch(url: str) -> bytes:
        return stage.circle.certificate_pem

    return fetch
