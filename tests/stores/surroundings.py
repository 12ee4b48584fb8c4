"""What the hands of a storm share across processes: a clock that jumps, a bank and an issuer."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Protocol, cast

from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens
from invoicepay.bridge import run_blocking
from invoicepay.ports.screening import Screened, Subject, Verdict
from tests.walks.world import Setting

WORD = b"storm"


class Offset(Protocol):
    """Seconds by which the storm's time is ahead, shared by its processes."""

    value: float

    def get_lock(self) -> AbstractContextManager[Any]:
        """Held while it is changed."""
        ...


class StormClock:
    """The machine's clock, ahead by what all hands together have moved it."""

    def __init__(self, offset: Offset) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """The instant, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._offset.value)

    def advance(self, *, hours: float) -> None:
        """Let time pass for everybody; of two who do so at once, neither may put the clock back."""
        with self._offset.get_lock():
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
    with serving(providers) as address:
        yield address


def at_once() -> None:
    """A way that takes no time."""


@contextmanager
def serving(parts: Mapping[str, Any], way: Callable[[], None] = at_once) -> Iterator[Any]:
    """Things in this process that other processes can call by name; yields their address.

    Args:
        way: what each call does on its way here, and its answer on its way back.
    """
    listener, ended = Listener(authkey=WORD, backlog=64), threading.Event()
    doorman = threading.Thread(target=_accept, args=(listener, parts, way, ended))
    doorman.start()
    try:
        yield listener.address
    finally:
        ended.set()
        with suppress(OSError, EOFError):
            Client(listener.address, authkey=WORD).close()  # wakes the doorman
        doorman.join()
        listener.close()


def _accept(
    listener: Listener, parts: Mapping[str, Any], way: Callable[[], None], ended: threading.Event
) -> None:
    """Give each caller a thread of its own, which ends when the caller has gone."""
    while not ended.is_set():
        try:
            caller = listener.accept()
        except (OSError, EOFError, AuthenticationError):
            continue  # it died at the door
        threading.Thread(target=_answer, args=(caller, parts, way), daemon=True).start()


def _answer(caller: Connection, parts: Mapping[str, Any], way: Callable[[], None]) -> None:
    said: tuple[Any, Exception | None]
    with caller, suppress(OSError, EOFError):  # the caller has gone, perhaps without hearing the answer
        while True:
            part, name, args, kwargs = caller.recv()
            way()
            try:
                result = getattr(parts[part], name)(*args, **kwargs)
                said = (run_blocking(result) if inspect.iscoroutine(result) else result, None)
            except Exception as error:  # noqa: BLE001 - raised again by the caller
                said = (None, error)
            way()
            caller.send(said)


KINDS = {"rails": SimulatedRails, "tokens": SimulatedTokens}


class Distant:
    """A thing that another process serves, with the plain methods of its kind."""

    def __init__(self, address: Any, part: str, kind: type) -> None:
        self._address, self._part, self._kind = address, part, kind
        self._local, self._doors = threading.local(), list[Connection]()

    def leave(self) -> None:
        """Close the doors of every thread."""
        for door in self._doors:
            door.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or not hasattr(self._kind, name):
            raise AttributeError(name)  # or it would pass for a provider with abilities that it lacks

        def plain(*args: Any, **kwargs: Any) -> Any:
            return self._call(name, *args, **kwargs)

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return plain(*args, **kwargs)

        return awaited if inspect.iscoroutinefunction(getattr(self._kind, name)) else plain

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(self._local, "door"):
            self._local.door = Client(self._address, authkey=WORD)
            self._doors.append(self._local.door)
        self._local.door.send((self._part, name, args, kwargs))
        result, error = self._local.door.recv()
        if error is not None:
            raise error
        return result


class Far(Distant):
    """A provider in another process, with the methods of the simulated one."""

    def __init__(self, address: Any, slot: str) -> None:
        super().__init__(address, slot, KINDS[slot])
        self.name = {"rails": "simulated-bank", "tokens": "simulated-tokens"}[slot]
        self._capabilities = self._call("capabilities")

    def capabilities(self) -> Any:
        """What it claims; never changes."""
        return self._capabilities


@contextmanager
def far_providers(address: Any) -> Iterator[SimControl]:
    """The commands for the providers that another process serves."""
    rails, tokens = Far(address, "rails"), Far(address, "tokens")
    yield SimControl([cast(SimulatedRails, rails)], [cast(SimulatedTokens, tokens)])
    rails.leave()
    tokens.leave()
