"""The stage of the Tempo demo: a chain on this machine, two tokens on it, and a client that moves them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import SecretStr

from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.adapters.sql.slots import SqlSlots
from invoicepay.adapters.system import SystemClock, blocking_sleep, fresh_secret
from invoicepay.adapters.tempo import (
    LOCAL,
    LocalKeys,
    Tempo,
    TempoAccounts,
    TempoRpc,
    TempoToken,
    TokenPlan,
    sender_to,
    set_up,
)
from invoicepay.blocking import InvoicePay
from invoicepay.bridge import run_blocking
from invoicepay.demo.story import Look, Scene, Verdict
from invoicepay.demo.tempo_explorer import Explorer
from invoicepay.domain.deposits import Deposit
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, slot_of
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Asset, Programme, Settlement
from invoicepay.domain.resending import SHORTEST_LOOK
from invoicepay.errors import ConfigurationError
from invoicepay.testing.tempo_node import FUNDED_KEY, NodeUnavailable, TempoNode

AT_ONCE: Final = "USD.tempo"
"""Each payment of it is a transfer on the chain."""
NETTED: Final = "USD.daily"
"""Payments of it stay in the books, and a run moves the net on the chain."""
LOOKS: Final = 600
PEOPLE: Final = ("ann", "bob", "cho")

PROGRAMME: Final = Programme(
    assets={
        AT_ONCE: Asset(AT_ONCE, settlement=Settlement.ONCHAIN),
        NETTED: Asset(NETTED, settlement=Settlement.NETTED),
    }
)


class HurriedClock:
    """The machine's time, moved on where a person would only wait for the next look at the chain."""

    def __init__(self) -> None:
        self._machine, self._ahead = SystemClock(), timedelta()

    def now(self) -> datetime:
        """The current instant of the demo, UTC."""
        return self._machine.now() + self._ahead

    def skip(self, time: timedelta) -> None:
        """Move on."""
        self._ahead += time


@dataclass(slots=True)
class TempoScene(Scene):
    """What the steps have at hand besides the client."""

    tempo: Tempo = field(kw_only=True)
    rails: SimulatedRails = field(kw_only=True)
    rpc: TempoRpc = field(kw_only=True)
    tokens: list[TempoToken] = field(kw_only=True)
    explorer: Explorer = field(kw_only=True)
    clock: HurriedClock = field(kw_only=True)
    wires: int = 0

    def wait(self) -> None:
        """Until the chain has told of everything that is under way."""
        for _ in range(LOOKS):
            self.pay.run_pending()
            effects = self.pay.effects.list(limit=200)
            if not any(_is_under_way(one) for one in effects):
                return
            self.clock.skip(SHORTEST_LOOK)
            run_blocking(blocking_sleep(0.05))

    def look(self) -> Look:
        """What changed in the books, and on the chain, once nothing is under way any more."""
        self.wait()
        return replace(Scene.look(self), chain=tuple(run_blocking(self.explorer.news())))

    def verdict(self) -> Verdict:
        """The books by themselves, and beside the chain."""
        ties = [self.pay.tokens.tie_out(asset) for asset in PROGRAMME.assets]
        return replace(Scene.verdict(self), supplies=tuple((tie.books, tie.supply) for tie in ties))

    def wired(self, party_id: str, amount: str) -> Deposit:
        """A wire arrives at the bank for a party."""
        self.rails.add_cash(Money.of(amount))
        self.wires += 1
        return self.pay.deposits.record(party_id, amount, provider="bank", provider_ref=f"wire-{self.wires}")

    def bank_pays(self, withdrawal_id: str) -> None:
        """The bank carries out a payout and tells of it."""
        (payout,) = (
            one for one in self.pay.effects.list(cause=withdrawal_id) if one.kind is EffectKind.PAYOUT
        )
        self.rails.move(payout.id, BankCommand.SETTLE)
        for delivery in self.rails.drain():
            self.pay.webhooks.receive("rails", headers=delivery.headers, body=delivery.body)


def _is_under_way(effect: Effect) -> bool:
    """Whether it brings itself to an end; what the bank has accepted waits for the bank."""
    on_chain = slot_of(effect.kind) == "tokens" and effect.status is EffectStatus.ACCEPTED
    return on_chain or effect.status in (EffectStatus.PLANNED, EffectStatus.SENDING, EffectStatus.UNKNOWN)


@contextmanager
def staged(url: str, tenant: str) -> Iterator[TempoScene]:
    """Start a chain, make both tokens, and wire a client to it; the chain ends with the block.

    Raises:
        ConfigurationError: no Tempo node can be had on this machine.
    """
    accounts, clock, hurried = TempoAccounts(), SystemClock(), HurriedClock()
    keys = LocalKeys(fresh_secret(), fixed={accounts.fees: SecretStr(FUNDED_KEY)})
    with _node() as node:
        rpc, rails = TempoRpc(sender_to(node.url)), SimulatedRails(hurried)
        plans = [
            TokenPlan(asset=asset, tenant=tenant, name=f"Demo dollar, {code.settlement}", symbol="DEMO")
            for asset, code in PROGRAMME.assets.items()
        ]
        tokens = [run_blocking(set_up(rpc, keys, LOCAL, plan, accounts=accounts)) for plan in plans]
        slots = SqlSlots(url, tenant_id=tenant)
        tempo = Tempo(rpc, keys, LOCAL, tokens, slots=slots, accounts=accounts, tenant_id=tenant, clock=clock)
        parts: dict[str, Any] = {"rails": rails, "token": tempo, "clock": hurried}
        with InvoicePay(url, tenant=tenant, programme=PROGRAMME, **parts) as pay:
            explorer = Explorer(rpc, tokens, _names(tempo, keys, accounts))
            yield TempoScene(
                pay,
                asset=AT_ONCE,
                tempo=tempo,
                rails=rails,
                rpc=rpc,
                tokens=tokens,
                explorer=explorer,
                clock=hurried,
            )
        run_blocking(slots.close())
        rpc.close()


@contextmanager
def _node() -> Iterator[TempoNode]:
    """A running node.

    Raises:
        ConfigurationError: there is none; the message says why.
    """
    node = TempoNode()
    try:
        node.__enter__()
    except NodeUnavailable as error:
        hint = "Without --tempo the demo needs no chain."
        raise ConfigurationError(str(error), hint=hint) from error
    try:
        yield node
    finally:
        node.__exit__(None, None, None)


def _names(tempo: Tempo, keys: LocalKeys, accounts: TempoAccounts) -> dict[str, str]:
    """The addresses that the demo shows by name."""
    wallets = {run_blocking(tempo.wallets.address_of(party)): party for party in ("acme", *PEOPLE)}
    return {**wallets, run_blocking(keys.address(accounts.issuer)): "the issuer"}
