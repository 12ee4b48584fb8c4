"""What lies outside of us and survives us: a bank and an issuer in a process of their own, and their post."""

from __future__ import annotations

import threading
import time
import zlib
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from random import Random
from typing import Any

from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens, bank, chain
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.adapters.simulated.weather import Delivery
from invoicepay.ports.rails import Direction, RailStatus, RailTransfer
from tests.stores.surroundings import serving

ASSET = "USD"
WAY_SECONDS = 0.008
"""How long a way is, unless a test says so."""
REPEAT_SECONDS = 1.0
"""After so long without a 2xx a webhook comes again."""
LOST, TWICE = 20, 20
"""Webhooks in a hundred that never come, unless a test says so, and that come twice."""


@dataclass(frozen=True, slots=True)
class FastClock:
    """The machine's clock, running ahead so that leases and grace periods pass sooner; equal everywhere.

    Attributes:
        began: seconds since the epoch at which both clocks showed the same.
        speed: seconds that pass here during one of the machine's.
    """

    began: float
    speed: float

    def now(self) -> datetime:
        """The instant, UTC."""
        return datetime.fromtimestamp(self.began + (time.time() - self.began) * self.speed, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the providers promise.

    Attributes:
        custody: `wallets` keeps tokens by party, `omnibus` in one place.
        is_careful: they move money once per key; without that, every order that reaches them moves some.
        lost: webhooks in a hundred that never come.
        way_seconds: the longest that a call or its answer is on its way; half of that on average.
    """

    clock: FastClock
    custody: str = "wallets"
    is_careful: bool = False
    seed: int = 1
    lost: int = LOST
    way_seconds: float = WAY_SECONDS


class Post:
    """Webhooks on their way: some are lost, some doubled, and one that is not answered comes again."""

    def __init__(self, sim: SimControl, chance: Random, lost: int) -> None:
        self._sim, self._chance, self._lost = sim, chance, lost
        self._lock, self._numbers = threading.Lock(), 0
        self._waiting: deque[tuple[int, str, Delivery]] = deque()
        self._offered: dict[int, tuple[float, str, Delivery]] = {}

    def take(self, most: int) -> list[tuple[int, str, Delivery]]:
        """The next deliveries; each is offered again until it is `done`."""
        with self._lock:
            self._collect()
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            for number, slot, delivery in taken:
                self._offered[number] = (time.monotonic(), slot, delivery)
            return taken

    def done(self, number: int) -> None:
        """It was answered with 2xx."""
        with self._lock:
            self._offered.pop(number, None)

    def _collect(self) -> None:
        for slot, delivery in self._sim.webhooks():
            drawn = self._chance.randrange(100)
            for _ in range(0 if drawn < self._lost else 2 if drawn < self._lost + TWICE else 1):
                self._numbers += 1
                self._waiting.append((self._numbers, slot, delivery))
        before = time.monotonic() - REPEAT_SECONDS
        for number, (at, slot, delivery) in list(self._offered.items()):
            if at < before:
                del self._offered[number]
                self._waiting.append((number, slot, delivery))


class Teller:
    """Brings the bank's transfers to an end: most settle, some fail, some payouts come back."""

    def __init__(self, rails: SimulatedRails) -> None:
        self._rails, self._ended = rails, set[str]()
        self._has_mishaps = False

    def begin_mishaps(self) -> None:
        """From now on not everything goes well."""
        self._has_mishaps = True

    def act(self) -> None:
        """Move each transfer one step on."""
        for transfer in self._rails.transfers():
            if transfer.provider_ref not in self._ended:
                self._bring_on(transfer)

    def _bring_on(self, transfer: RailTransfer) -> None:
        fate = zlib.crc32(transfer.reference.encode()) % 20 if self._has_mishaps else 20
        if transfer.status is RailStatus.PENDING:
            command = BankCommand.FAIL if fate == 0 else BankCommand.SETTLE
        elif transfer.status is RailStatus.SETTLED:
            comes_back = fate == 1 and transfer.direction is Direction.WITHDRAWAL
            command = BankCommand.RETURN if comes_back else BankCommand.FINALIZE
        else:
            self._ended.add(transfer.provider_ref)
            return
        self._rails.move(
            transfer.reference, command, return_code="R03" if command is BankCommand.RETURN else ""
        )


def keep_outside(terms: Terms, pipe: Connection) -> None:
    """Be the outside until the pipe is closed; first says at which address."""
    rails = SimulatedRails(
        terms.clock,
        capabilities=replace(bank.CAPABILITIES, deduplicates=terms.is_careful, absent_grace_seconds=20),
    )
    tokens = SimulatedTokens(
        terms.clock,
        custody=terms.custody,
        capabilities=replace(chain.CAPABILITIES, deduplicates=terms.is_careful, absent_grace_seconds=20),
    )
    post, teller = Post(SimControl(rails, tokens), Random(terms.seed), terms.lost), Teller(rails)
    parts: dict[str, Any] = {"rails": rails, "tokens": tokens, "post": post, "teller": teller}
    with serving(parts, lambda: time.sleep(Random().random() * terms.way_seconds)) as address:
        pipe.send(address)
        while not pipe.poll(0.03):
            teller.act()
