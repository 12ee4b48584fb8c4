"""What the hands of a storm share across processes: a clock that jumps, a bank and an issuer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Protocol, cast

from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens
from invoicepay.bridge import run_blocking
from invoicepay.ports.screening import Screened, Subject, Verdict
from tests.walks.world import Setting

WORD = b"storm"
AWAITED = {
    "rails": frozenset({"initiate_deposit", "initiate_withdrawal", "cancel", "find", "balance"}),
    "tokens": frozenset({"mint", "burn", "transfer", "find", "supply", "balance"}),
}
"""Calls of the two ports, which are awaited; everything else is plain."""


class Offset(Protocol):
    """Seconds by which the storm's time is ahead, shared by its processes."""

    value: float


class StormClock:
    """The machine's clock, ahead by what all hands together have moved it."""

    def __init__(self, offset: Offset) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """The instant, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._offset.value)

    def advance(self, *, hours: float) -> None:
        """Let time pass for everybody."""
        self._offset.value += hours * 3600


class OpenHouse:
    """Screening that lets everything pass."""

    async def screen(self, subject: Subject) -> Screened:
        """Allow."""
        return Screened(verdict=Verdict.ALLOW)


@contextmanager
def served(setting: Setting, clock: StormClock) -> Iterator[Any]:
    """A bank and an issuer in this process that other processes can call; yields their address."""
    providers = {
        "rails": SimulatedRails(clock, capabilities=setting.rails),
        "tokens": SimulatedTokens(clock, capabilities=setting.tokens),
    }
    listener, ended = Listener(authkey=WORD), threading.Event()
    doorman = threading.Thread(target=_accept, args=(listener, providers, ended))
    doorman.start()
    try:
        yield listener.address
    finally:
        ended.set()
        Client(listener.address, authkey=WORD).close()  # wakes the doorman
        doorman.join()
        listener.close()


def _accept(listener: Listener, providers: dict[str, Any], ended: threading.Event) -> None:
    """Give each caller a thread of its own, which ends when the caller has gone."""
    while True:
        caller = listener.accept()
        if ended.is_set():
            caller.close()
            return
        threading.Thread(target=_answer, args=(caller, providers), daemon=True).start()


def _answer(caller: Connection, providers: dict[str, Any]) -> None:
    while True:
        try:
            slot, name, args, kwargs = caller.recv()
        except EOFError:
            return
        try:
            result = getattr(providers[slot], name)(*args, **kwargs)
            caller.send((run_blocking(result) if name in AWAITED[slot] else result, None))
        except Exception as error:  # noqa: BLE001 - raised again by the caller
            caller.send((None, error))


KINDS = {"rails": SimulatedRails, "tokens": SimulatedTokens}


class Far:
    """A provider in another process, with the methods of the simulated one."""

    def __init__(self, address: Any, slot: str) -> None:
        self._address, self._slot = address, slot
        self._local, self._doors = threading.local(), list[Connection]()
        self.name = {"rails": "simulated-bank", "tokens": "simulated-tokens"}[slot]
        self._capabilities = self._call("capabilities")

    def capabilities(self) -> Any:
        """What it claims; never changes."""
        return self._capabilities

    def leave(self) -> None:
        """Close the doors of every thread."""
        for door in self._doors:
            door.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not hasattr(KINDS[self._slot], name):
            raise AttributeError(name)  # or it would pass for a provider with abilities that it lacks

        def plain(*args: Any, **kwargs: Any) -> Any:
            return self._call(name, *args, **kwargs)

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return plain(*args, **kwargs)

        return awaited if name in AWAITED[self._slot] else plain

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(self._local, "door"):
            self._local.door = Client(self._address, authkey=WORD)
            self._doors.append(self._local.door)
        self._local.door.send((self._slot, name, args, kwargs))
        result, error = self._local.door.recv()
        if error is not None:
            raise error
        return result


@contextmanager
def far_providers(address: Any) -> Iterator[SimControl]:
    """The commands for the providers that another process serves."""
    rails, tokens = Far(address, "rails"), Far(address, "tokens")
    yield SimControl(cast(SimulatedRails, rails), cast(SimulatedTokens, tokens))
    rails.leave()
    tokens.leave()
