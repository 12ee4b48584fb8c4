"""Everything that the adapter ever asks of Circle, asked once or more over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from invoicepay.adapters.circle import (
    CircleAsset,
    CircleConfig,
    CircleScreening,
    CircleTokens,
    CircleTreasury,
    MintConfig,
    find_token_id,
    set_up,
    set_up_mint,
)
from invoicepay.domain.money import Money
from invoicepay.errors import ProviderRejected
from invoicepay.ports.screening import Subject
from invoicepay.ports.tokens import TokenOrder
from invoicepay.ports.treasury import TreasuryKind, TreasuryOrder
from invoicepay.testing.hosts import BlockingHost
from invoicepay.testing.simulators.circle import CircleSimulator
from invoicepay.testing.simulators.circle.notifications import TOPIC
from tests.adapters.circle.caller import CHAIN

ASSET = "USD.usdc"
HOOKS = "https://host.example/hooks"
OWN_ADDRESS = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"


@dataclass
class AdapterTour:
    """The adapter's parts on one simulator, and what each of them asks."""

    url: str
    circle: CircleSimulator
    host: BlockingHost = field(default_factory=BlockingHost)

    def run(self) -> None:
        """Ask everything."""
        config = self._set_up()
        tokens = CircleTokens(config)
        mint = self._mint()
        treasury = CircleTreasury(mint, tokens, fetch=self._amazon)
        screening = CircleScreening(config)
        try:
            self._treasury(treasury)
            self._tokens(tokens)
            self._stuck(tokens)
            self._sweep_and_pay_out(treasury)
            self._webhooks(tokens, treasury)
            self._do(screening.screen(_about(f"0x{'d' * 40}")))
            for part in (tokens, treasury):
                health = self._do(part.health())
                assert health.is_ok, health
        finally:
            for closed in (tokens, treasury, screening):
                closed.close()

    def _do(self, coroutine: Any) -> Any:
        return self.host.run(coroutine)

    def _set_up(self) -> CircleConfig:
        key = SecretStr(self.circle.keys.wallets)
        secret = SecretStr(str(self.circle.keys.entity_secret))
        made = [
            self._do(set_up(key, secret, name="tour", blockchain=CHAIN, base_url=self.url)) for _ in range(2)
        ]
        assert made[0] == made[1]
        asset = CircleAsset(
            asset=ASSET,
            blockchain=CHAIN,
            treasury_wallet_id=made[0].treasury_wallet_id,
            low_float=Money("1", ASSET),
            low_gas="0.01",
        )
        self.circle.fund(CHAIN, made[0].treasury_address, usdc=1, native=10**18)
        self.address: str = made[0].treasury_address
        return CircleConfig(
            api_key=key,
            entity_secret=secret,
            wallet_set_id=made[0].wallet_set_id,
            assets=(asset,),
            base_url=self.url,
        )

    def _mint(self) -> MintConfig:
        circle = self.circle
        empty = MintConfig(api_key=SecretStr(circle.keys.mint), base_url=self.url)
        ways = self._do(set_up_mint(empty, treasury_address=self.address, chain="BASE"))
        circle.approve_recipient(ways.recipient_id)
        again = self._do(set_up_mint(empty, treasury_address=self.address, chain="BASE"))
        assert again.recipient_id == ways.recipient_id
        bank = circle.link_bank()
        circle.subscribe(1, HOOKS)
        circle.subscribe(2, HOOKS)
        self.deposit = circle.wire_in(bank, 5_000_000_000)
        circle.finish()
        return replace(
            empty,
            recipient_id=ways.recipient_id,
            bank_id=bank,
            deposit_address=ways.deposit_address,
            topics=(TOPIC,),
        )

    def _treasury(self, treasury: CircleTreasury) -> None:
        since = self.circle.now() - timedelta(days=1)
        order = TreasuryOrder(reference="batch 1", amount=Money("1000.00", ASSET))
        moved, again = (self._do(treasury.fund(order, idempotency_key="batch-1")) for _ in range(2))
        assert moved.provider_ref == again.provider_ref
        self.circle.finish()
        self._do(treasury.find(TreasuryKind.FUND, moved.provider_ref))
        self._do(treasury.find(TreasuryKind.DEPOSIT, self.deposit))
        self._do(treasury.movements(TreasuryKind.DEPOSIT, since=since))
        assert self._do(treasury.position()).wallet == Money("1000.000001", ASSET)

    def _tokens(self, tokens: CircleTokens) -> None:
        orders: list[tuple[Callable[..., Any], TokenOrder]] = [
            (tokens.mint, _order("mint", "25.00", to_party="ann")),
            (tokens.transfer, _order("transfer", "10.00", from_party="ann", to_party="bob")),
            (tokens.burn, _order("burn", "5.00", from_party="bob")),
        ]
        for act, order in orders:
            for _ in range(2):
                self._do(act(order, idempotency_key=order.reference))
            self.circle.finish()
            assert self._do(tokens.find(order.reference)) is not None
        assert self._do(tokens.find("eff_never")) is None
        assert self._do(tokens.supply(ASSET)) == Money("20.00", ASSET)
        assert self._do(tokens.balance("bob", ASSET)) == Money("5.00", ASSET)
        assert self._do(tokens.balance("cho", ASSET)) == Money.zero(ASSET)
        config, source = tokens.config, tokens.config.assets[0].treasury_wallet_id
        found = find_token_id(
            config.api_key,
            config.entity_secret,
            wallet_id=source,
            token_address=OWN_ADDRESS,
            base_url=self.url,
        )
        assert self._do(found) == config.assets[0].token_id
        try:
            self._do(tokens.burn(_order("too much", "99.00", from_party="bob"), idempotency_key="too-much"))
        except ProviderRejected:
            return
        raise AssertionError("more than bob has was burned")

    def _stuck(self, tokens: CircleTokens) -> None:
        for how in (tokens.accelerate, tokens.cancel):
            self.circle.stick_next()
            order = _order(how.__name__, "1.00", to_party="ann")
            sent = self._do(tokens.mint(order, idempotency_key=order.reference))
            self.circle.finish()
            self._do(how(sent.provider_ref, idempotency_key=order.reference))
            self.circle.finish()
        assert self._do(tokens.supply(ASSET)) == Money("21.00", ASSET)

    def _sweep_and_pay_out(self, treasury: CircleTreasury) -> None:
        since = self.circle.now() - timedelta(days=1)
        order = TreasuryOrder(reference="batch 2", amount=Money("100.00", ASSET))
        swept = self._do(treasury.sweep(order, idempotency_key="batch-2"))
        self.circle.finish()
        paid = self._do(treasury.pay_out(order, idempotency_key="batch-3"))
        self.circle.finish()
        self.circle.return_payout(paid.provider_ref)
        self._do(treasury.find(TreasuryKind.SWEEP, swept.provider_ref))
        self._do(treasury.find(TreasuryKind.PAYOUT, paid.provider_ref))
        for kind in TreasuryKind:
            assert self._do(treasury.movements(kind, since=since)), kind

    def _webhooks(self, tokens: CircleTokens, treasury: CircleTreasury) -> None:
        for delivery in self.circle.deliveries():
            part: Any = tokens if delivery.version == 2 else treasury
            at = self.circle.now()
            self._do(part.prepare_webhook(delivery.body, delivery.headers, received_at=at))
            part.parse_webhook(delivery.body, delivery.headers, received_at=at)

    async def _amazon(self, _url: str) -> bytes:
        return self.circle.certificate_pem


def _order(reference: str, amount: str, **parties: str) -> TokenOrder:
    return TokenOrder(reference=f"eff_{reference}", amount=Money(amount, ASSET), **parties)


def _about(address: str) -> Subject:
    return Subject(action="withdrawal", party_id="ann", counterparty_id=address, amount=Money("1.00", ASSET))
