"""The stage of the Circle demo: Circle's two hosts played on this machine, a treasury, and a client."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from pydantic import SecretStr

from invoicepay.adapters.circle import (
    CircleAsset,
    CircleConfig,
    CircleSetup,
    CircleTokens,
    CircleTreasury,
    MintConfig,
    set_up,
    set_up_mint,
)
from invoicepay.adapters.http import Limits
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.blocking import InvoicePay
from invoicepay.bridge import run_blocking
from invoicepay.demo.story import ChainMove, Look, Scene, Verdict
from invoicepay.domain.effects import EffectKind, EffectStatus, slot_of
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Asset, Custody, Programme, Settlement
from invoicepay.testing.simulators.circle import CircleSimulator
from invoicepay.testing.simulators.circle.transactions import Transaction
from invoicepay.testing.simulators.faults import Faults
from invoicepay.testing.simulators.server import Served

T = TypeVar("T")

ASSET: Final = "USD.usdc"
CHAIN: Final = "BASE-SEPOLIA"
HOOKS: Final = "https://host.example/webhooks/circle"
PEOPLE: Final = ("ann", "bob")
UNDER_WAY: Final = (EffectStatus.PLANNED, EffectStatus.SENDING, EffectStatus.UNKNOWN, EffectStatus.ACCEPTED)
TREASURY: Final = "the treasury"
MINT: Final = "Circle Mint"
LOOKS: Final = 100
LOOK_SECONDS: Final = 240
"""Longer than a transfer takes there."""

PROGRAMME: Final = Programme(
    assets={ASSET: Asset(ASSET, custody=Custody.CUSTODIED, settlement=Settlement.ONCHAIN)}
)


@dataclass(frozen=True, slots=True)
class CircleTime:
    """The simulated Circle's time, so that nobody waits for a chain."""

    circle: CircleSimulator

    def now(self) -> datetime:
        """The current instant of the demo, UTC."""
        return self.circle.now()


@dataclass(slots=True)
class CircleScene(Scene):
    """What the steps have at hand besides the client.

    Attributes:
        seen: transactions whose end was shown already.
    """

    circle: CircleSimulator = field(kw_only=True)
    faults: Faults = field(kw_only=True)
    made: CircleSetup = field(kw_only=True)
    tokens: CircleTokens = field(kw_only=True)
    treasury: CircleTreasury = field(kw_only=True)
    rails: SimulatedRails = field(kw_only=True)
    bank_id: str = field(kw_only=True)
    seen: set[str] = field(default_factory=set[str], kw_only=True)

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What an adapter does, to its end."""
        return run_blocking(coroutine)

    def wait(self) -> None:
        """Until Circle has told of everything that is under way."""
        for _ in range(LOOKS):
            self.pay.run_pending()
            effects = self.pay.effects.list(limit=200)
            if not any(one.status in UNDER_WAY and slot_of(one.kind) == "tokens" for one in effects):
                return
            self.circle.advance(LOOK_SECONDS)
            for delivery in self.circle.deliveries():
                if delivery.version == 2:
                    self.pay.webhooks.receive("tokens", headers=delivery.headers, body=delivery.body)

    def bank_settles(self, cause_id: str, kind: EffectKind) -> None:
        """The bank carries out what it was asked for, and tells of it."""
        self.pay.run_pending()
        (asked,) = (one for one in self.pay.effects.list(cause=cause_id) if one.kind is kind)
        self.rails.move(asked.id, BankCommand.SETTLE)
        for delivery in self.rails.drain():
            self.pay.webhooks.receive("rails", headers=delivery.headers, body=delivery.body)
        self.pay.run_pending()

    def look(self) -> Look:
        """What changed in the books and in Circle's wallets, once nothing is under way any more."""
        self.wait()
        self.circle.finish()
        return replace(Scene.look(self), chain=tuple(self._news()))

    def verdict(self) -> Verdict:
        """The books by themselves, and beside the wallets at Circle."""
        tie = self.pay.tokens.tie_out(ASSET)
        found = Scene.verdict(self)
        violations = (*found.violations, *self.circle.violations())
        return replace(found, violations=violations, supplies=((tie.books, tie.supply),))

    def _news(self) -> Iterator[ChainMove]:
        for transaction in list(self.circle.world.transactions.values()):
            is_shown = transaction.is_inbound or transaction.id in self.seen
            if transaction.state == "COMPLETE" and not is_shown:
                self.seen.add(transaction.id)
                yield self._move(transaction)

    def _move(self, transaction: Transaction) -> ChainMove:
        source, target = self._name(transaction.source), self._name(transaction.destination)
        kind = "return" if target == TREASURY else "release" if source == TREASURY else "transfer"
        return ChainMove(
            block=int(transaction.chain["blockHeight"]),
            hash=str(transaction.chain["txHash"]),
            kind="sweep" if target == MINT else kind,
            source=source,
            target=target,
            amount=Money.from_micros(transaction.amount, ASSET),
            memo=transaction.reference,
        )

    def _name(self, address: str) -> str:
        if address == self.made.treasury_address:
            return TREASURY
        if any(one["address"] == address for one in self.circle.world.deposit_addresses.values()):
            return MINT
        wallets = self.circle.world.wallets.values()
        return next((one.reference for one in wallets if one.address == address), address)


@contextmanager
def staged(url: str, tenant: str) -> Iterator[CircleScene]:
    """Play Circle on a port of this machine, open the operator's accounts there, and wire a client to it."""
    circle = CircleSimulator()
    faults, limits = Faults(circle.app()), Limits(tries=1)
    with Served(faults) as server:
        key, secret = SecretStr(circle.keys.wallets), SecretStr(str(circle.keys.entity_secret))
        made = run_blocking(set_up(key, secret, name=tenant, blockchain=CHAIN, base_url=server.url))
        config = CircleConfig(
            api_key=key,
            entity_secret=secret,
            wallet_set_id=made.wallet_set_id,
            assets=(CircleAsset(asset=ASSET, blockchain=CHAIN, treasury_wallet_id=made.treasury_wallet_id),),
            base_url=server.url,
        )
        clock = CircleTime(circle)
        tokens = CircleTokens(config, clock=clock, limits=limits)
        mint = _opened(circle, server.url, made)
        treasury, rails = CircleTreasury(mint, tokens, clock=clock, limits=limits), SimulatedRails(clock)
        circle.subscribe(2, HOOKS)
        parts: dict[str, Any] = {"rails": rails, "token": tokens, "clock": clock, "dispatch": "deferred"}
        with InvoicePay(url, tenant=tenant, programme=PROGRAMME, **parts) as pay:
            yield CircleScene(
                pay,
                asset=ASSET,
                circle=circle,
                faults=faults,
                made=made,
                tokens=tokens,
                treasury=treasury,
                rails=rails,
                bank_id=mint.bank_id,
            )
        treasury.close()
        tokens.close()


def _opened(circle: CircleSimulator, url: str, made: CircleSetup) -> MintConfig:
    """The operator's account at Mint: a person links the bank and approves the treasury's address."""
    empty = MintConfig(api_key=SecretStr(circle.keys.mint), asset=ASSET, base_url=url)
    ways = run_blocking(set_up_mint(empty, treasury_address=made.treasury_address, chain="BASE"))
    circle.approve_recipient(ways.recipient_id)
    bank_id = circle.link_bank()
    circle.finish()
    return replace(
        empty, recipient_id=ways.recipient_id, deposit_address=ways.deposit_address, bank_id=bank_id
    )
