"""A process of a host: some clients, and a worker that brings on what waits; it may die at any moment."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from invoicepay import Asset, InvoicePay, Programme
from invoicepay.domain.events import Event
from invoicepay.domain.policies import Settlement
from invoicepay.errors import ConcurrencyError, StoreError, WebhookSignatureInvalid
from invoicepay.ports.rails import RailsProvider
from invoicepay.ports.tokens import TokenProvider
from invoicepay.use_cases import recover
from tests.processes.clients import PATIENCE_SECONDS, Client
from tests.processes.diary import Diary
from tests.processes.outside import ASSET, FastClock, Post
from tests.stores.surroundings import Distant, Far

TELLER = "w0"
"""The process whose handlers are told of events: each that has some is told of all."""
CLAIMS = 10
"""Effects that a worker takes at once: when it dies, these wait until its lease is over."""
EVENTS = 100
"""Events that the one teller tells at once."""
OVER = "over"
"""The flag for workers to end. Flags are files: a lock could die with the process that holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a process works.

    Attributes:
        address: of the outside.
        folder: for diaries and flags.
        settlement: how tokens move between parties, `onchain` or `ledger`.
        clients: threads that call the library in each process.
        is_reckless: planted: what may have left is sent again without asking.
    """

    url: str
    address: Any
    clock: FastClock
    folder: Path
    settlement: str = "onchain"
    clients: int = 2
    is_reckless: bool = False

    def has(self, flag: str) -> bool:
        """Whether a flag is up."""
        return (self.folder / flag).exists()

    def raise_flag(self, flag: str) -> None:
        """Tell every process."""
        (self.folder / flag).touch()

    def lower_flag(self, flag: str) -> None:
        """Take it back."""
        (self.folder / flag).unlink(missing_ok=True)

    def opened(self) -> InvoicePay:
        """A client of the library that works here."""
        return InvoicePay(
            self.url,
            rails=cast(RailsProvider, Far(self.address, "rails")),
            token=cast(TokenProvider, Far(self.address, "tokens")),
            clock=self.clock,
            programme=Programme(
                assets={ASSET: Asset(ASSET, settlement=Settlement(self.settlement))}, unknown_parties="refuse"
            ),
            dispatch="deferred",
        )


def work(place: Place, name: str) -> None:
    """Be a process until the flag is up."""
    if place.is_reckless:
        recover._may_go_again = _always  # type: ignore[assignment]
    with place.opened() as pay:
        clients = [
            Client(pay, f"{name}.{number}", place.folder, place.has) for number in range(place.clients)
        ]
        threads = [threading.Thread(target=client.live, daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        Worker(pay, name, place).live(lambda: place.has(OVER))
        for thread in threads:
            thread.join()


async def _always(*_: object) -> bool:
    return True


class Worker:
    """Takes webhooks and brings on what waits."""

    def __init__(self, pay: InvoicePay, name: str, place: Place) -> None:
        self._pay, self._diary = pay, Diary(place.folder / f"{name}.worker")
        self._limit = CLAIMS
        self._post = cast(Post, Distant(place.address, "post", Post))
        if name == TELLER:
            pay.on("*")(self._hear)
            self._limit = EVENTS

    def _hear(self, event: Event) -> None:
        """A host's handler: what it was told survives it."""
        self._diary.note(event=event.id)

    def live(self, is_over: Callable[[], bool]) -> None:
        """Work until it is over; a fault that nobody should see ends it, and is noted."""
        while not is_over():
            try:
                moved = self._turn()
                self._diary.note(moved=moved)
                if not moved:
                    time.sleep(0.05)
            except (ConcurrencyError, StoreError) as trouble:
                self._diary.note(trouble=trouble.code)
                time.sleep(PATIENCE_SECONDS)
            except Exception:  # noqa: BLE001 - told at the end
                self._diary.note(fault=traceback.format_exc(limit=-8))
                return

    def _turn(self) -> int:
        for number, slot, delivery in self._post.take(20):
            try:
                self._pay.webhooks.receive(slot, headers=delivery.headers, body=delivery.body)
            except WebhookSignatureInvalid:  # it waited for longer than its signature counts
                self._diary.note(stale=number)
            self._post.done(number)
        return self._pay.run_pending(limit=self._limit, until_quiet=False).moved
