"""Circle's simulator behind real HTTP, faults in front of it, and the adapter wired to it."""

from __future__ import annotations

import atexit
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import SecretStr

from invoicepay.adapters.circle import CircleAsset, CircleConfig, CircleSetup, CircleTokens
from invoicepay.adapters.http import Limits
from invoicepay.domain.money import Money
from invoicepay.ports.tokens import TokenOrder
from invoicepay.testing.hosts import BlockingHost, Host
from invoicepay.testing.simulators.circle import CircleSimulator
from invoicepay.testing.simulators.circle.chains import fresh_address
from invoicepay.testing.simulators.circle.wallets import Wallet, WalletSet
from invoicepay.testing.simulators.faults import Faults
from invoicepay.testing.simulators.server import App, Receive, Scope, Send, Served

T = TypeVar("T")

CHAIN = "BASE-SEPOLIA"
ASSET = "USD.usdc"
TRANSFER = "POST /v1/w3s/developer/transactions/transfer"
HOOKS = "https://host.example/hooks"
QUICK = Limits(tries=1, total_seconds=10)
FLOAT = 1_000_000_000
PURSE = 100_000_000


@dataclass(frozen=True, slots=True)
class SimulatedClock:
    """The simulator's own time."""

    circle: CircleSimulator

    def now(self) -> datetime:
        return self.circle.now()


class Port:
    """One server for all tests of a process, since starting and ending one takes longer than a test."""

    def __init__(self) -> None:
        self._app: App | None = None
        self._server: Served | None = None
        atexit.register(self.close)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None
        await self._app(scope, receive, send)

    @property
    def url(self) -> str:
        assert self._server is not None
        return self._server.url

    def serve(self, app: App) -> None:
        """Put another application behind the port."""
        self._app = app
        if self._server is None:
            self._server = Served(self).__enter__()

    def close(self) -> None:
        """Take no connections from now on; the next test gets another server."""
        if self._server is not None:
            self._server.__exit__(None, None, None)
            self._server = None


PORT = Port()


@dataclass
class Stage:
    """Everything one test needs; `host` decides how the adapter is driven."""

    circle: CircleSimulator
    faults: Faults
    server: Port
    host: Host
    made: CircleSetup
    config: CircleConfig
    tokens: CircleTokens
    others: list[CircleTokens] = field(default_factory=list[CircleTokens])

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.host.run(coroutine)

    def order(self, work: str, amount: str = "10.00", *, reference: str = "") -> TokenOrder:
        return TokenOrder(
            reference=reference or f"eff_{work}",
            amount=Money(amount, ASSET),
            from_party="" if work == "mint" else "ann",
            to_party="" if work == "burn" else "ann" if work == "mint" else "bob",
        )

    def asked(self, line: str) -> int:
        """How many requests arrived that begin so."""
        return sum(seen.startswith(line) for seen in self.faults.seen)

    def again(self) -> CircleTokens:
        """The adapter as another process has it: it remembers nothing."""
        other = CircleTokens(self.config, clock=SimulatedClock(self.circle), limits=QUICK)
        self.others.append(other)
        return other


def planted(circle: CircleSimulator, *references: str) -> dict[str, Wallet]:
    """Wallets that were there before the story, in a set of their own; spares encrypted orders."""
    world, now = circle.world, circle.now()
    own = WalletSet(world.ids.new(), "planted", now, now)
    world.wallet_sets[own.id] = own
    found = dict[str, Wallet]()
    for reference in references:
        address = fresh_address(CHAIN, f"{own.id}/{reference}")
        wallet = Wallet(world.ids.new(), own.id, CHAIN, address, "SCA", "", reference, now, now)
        world.wallets[wallet.id] = found[reference] = wallet
    return found


@contextmanager
def staged(host: Host | None = None) -> Iterator[Stage]:
    """A treasury with a float, and two parties of whom ann holds a hundred."""
    host, circle = host or BlockingHost(), CircleSimulator()
    faults = Faults(circle.app())
    secret = SecretStr(str(circle.keys.entity_secret))
    PORT.serve(faults)
    key = SecretStr(circle.keys.wallets)
    parties, treasury = planted(circle, "ann", "bob"), planted(circle, "treasury")["treasury"]
    made = CircleSetup(
        wallet_set_id=parties["ann"].set_id,
        treasury_wallet_id=treasury.id,
        treasury_address=treasury.address,
    )
    asset = CircleAsset(asset=ASSET, blockchain=CHAIN, treasury_wallet_id=made.treasury_wallet_id)
    config = CircleConfig(
        api_key=key,
        entity_secret=secret,
        wallet_set_id=made.wallet_set_id,
        assets=(asset,),
        base_url=PORT.url,
    )
    tokens = CircleTokens(config, clock=SimulatedClock(circle), limits=QUICK)
    circle.fund(CHAIN, treasury.address, usdc=FLOAT)
    circle.fund(CHAIN, parties["ann"].address, usdc=PURSE)
    stage = Stage(circle, faults, PORT, host, made, config, tokens)
    try:
        yield stage
    finally:
        for each in (tokens, *stage.others):
            host.run(each.aclose())
