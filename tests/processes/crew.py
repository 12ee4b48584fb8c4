"""Processes under load that can be killed and replaced, beside an outside that survives."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from invoicepay import InvoicePay, migrate
from tests.processes.clients import CALM, FULL, SHOPS, USERS, ask
from tests.processes.diary import Asked, Diary
from tests.processes.outside import ASSET, LOST, WAY_SECONDS, FastClock, Teller, Terms, keep_outside
from tests.processes.waiting import under_way
from tests.processes.worker import OVER, Place, work
from tests.stores.surroundings import Distant

WORKERS = 4
FUNDS = "400.00"
PATIENCE_SECONDS = 60.0
MOST_UNDER_WAY = 100
"""Effects and webhooks that may wait before clients are held back."""
BUSY_BYTES = 3_000
"""What some dozen commands with their answers and events leave in diaries."""
NEEDED = (
    "psycopg",
    "invoicepay.adapters.sql",
    "invoicepay.adapters.group_commit.threads",
    "invoicepay.blocking",
    "tests.processes.worker",
)
"""Imported once, in a process that does nothing else; all others are forked from it."""


def context() -> Any:
    """How processes are made: quickly, and without anything of this one."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(list(NEEDED))
    return made


@contextmanager
def outside(terms: Terms) -> Iterator[Any]:
    """The bank and the issuer in a process; yields their address."""
    ours, theirs = context().Pipe()
    process = context().Process(target=keep_outside, args=(terms, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join(PATIENCE_SECONDS)
        process.close()


@dataclass
class Crew:
    """Workers by number; each has a successor of the same name."""

    place: Place
    processes: list[BaseProcess] = field(default_factory=list[BaseProcess])
    sizes: dict[int, int] = field(default_factory=dict[int, int])

    def start(self) -> None:
        """Let all of them work."""
        self.processes = [self._started(number) for number in range(WORKERS)]

    def written(self) -> int:
        """Bytes in the diaries of all."""
        return sum(path.stat().st_size for path in self.place.folder.glob("w*"))

    def has_turned(self, number: int) -> bool:
        """Whether a worker has brought something on since it was started."""
        return self._turned(number) > self.sizes[number]

    def _turned(self, number: int) -> int:
        path = self.place.folder / f"w{number}.worker"
        return path.stat().st_size if path.exists() else 0

    def regulate(self) -> None:
        """Hold clients back while more waits than workers can do soon, however slow this machine is."""
        if under_way(self.place.url) > MOST_UNDER_WAY:
            self.place.raise_flag(FULL)
        else:
            self.place.lower_flag(FULL)

    def await_work(self, bytes_more: int = BUSY_BYTES) -> None:
        """Wait until all together have written so much more."""
        target, deadline = self.written() + bytes_more, time.monotonic() + PATIENCE_SECONDS
        while self.written() < target:
            self.regulate()
            assert time.monotonic() < deadline, "nobody works"
            time.sleep(0.1)

    def kill(self, number: int) -> None:
        """End one as a power cut would, and put another in its place."""
        dead = self.processes[number]
        assert dead.is_alive(), f"worker {number} ended by itself with {dead.exitcode}"
        dead.kill()
        dead.join(PATIENCE_SECONDS)
        dead.close()
        self.processes[number] = self._started(number)

    def end(self) -> None:
        """Let all of them come to an end."""
        self.place.raise_flag(CALM)
        self.place.raise_flag(OVER)
        for process in self.processes:
            process.join(PATIENCE_SECONDS)
            process.kill()
            process.join(PATIENCE_SECONDS)

    def _started(self, number: int) -> BaseProcess:
        self.sizes[number] = self._turned(number) + 1  # a torn line may be ended by its successor
        process: BaseProcess = context().Process(target=work, args=(self.place, f"w{number}"), daemon=True)
        process.start()
        return process


@contextmanager
def at_work(
    url: str,
    *,
    speed: float,
    settlement: str = "onchain",
    lost: int = LOST,
    way_seconds: float = WAY_SECONDS,
    **terms: Any,
) -> Iterator[Crew]:
    """A crew over an empty database in which everybody has money; yields it once it works.

    Args:
        speed: how much faster than the machine's their clock runs.
        lost, way_seconds: as in `Terms`.
        terms: more of `Place`.
    """
    migrate(url)
    clock = FastClock(time.time(), speed)
    custody = "wallets" if settlement == "onchain" else "omnibus"
    with (
        tempfile.TemporaryDirectory(prefix="processes-") as folder,
        outside(Terms(clock=clock, custody=custody, lost=lost, way_seconds=way_seconds)) as address,
    ):
        place = Place(
            url=url, address=address, clock=clock, folder=Path(folder), settlement=settlement, **terms
        )
        with place.opened() as pay:
            _fund(pay, Diary(place.folder / "funds.diary"))
        teller: Any = Distant(address, "teller", Teller)
        teller.begin_mishaps()
        teller.leave()
        crew = Crew(place)
        try:
            crew.start()
            yield crew
        finally:
            crew.end()


def _fund(pay: InvoicePay, diary: Diary) -> None:
    """Register everybody, and wait until the users' first deposits are tokens."""
    for shop in SHOPS:
        pay.parties.register(shop, kind="enterprise")
    for user in USERS:
        pay.parties.register(user)
        first = Asked(f"funds-{user}", "deposits.initiate", {"party": user, "amount": f"{FUNDS} {ASSET}"})
        diary.note(asked=first.key, call=first.call, arguments=first.arguments)
        diary.note(answered=first.key, id=ask(pay, first).id, replayed=False)
    diary.close()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while {str(pay.wallets.get(user, ASSET).available) for user in USERS} != {f"{FUNDS} {ASSET}"}:
        assert time.monotonic() < deadline, "nobody gets any money"
        pay.run_pending()
        time.sleep(0.05)
