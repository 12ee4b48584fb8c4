"""Where stores lie: databases of the one server, or SQLite files; filled once and copied for each run."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.checks import Left, faults, one_by_one
from bench.cpu import Spent, spent_by
from bench.progress import telling
from bench.result import Result
from bench.stock import Stock, lay_in
from bench.workers import side_by_side
from bench.workload import Due, all_requests
from invoicepay import Pay
from tests.support.postgres import PostgresServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A filled store that is copied and never written to."""

    place: Place
    name: str
    dues: tuple[Due, ...]


class Place(ABC):
    """Keeps stores of one kind.

    Attributes:
        writers: how many processes may fill one store side by side.
    """

    writers = 1

    def __init__(self) -> None:
        self._bases: dict[Stock, Base] = {}
        self._alone: dict[str, tuple[list[Pay], Left]] = {}
        self._left: list[tuple[str, Result]] = []

    @abstractmethod
    def new(self) -> str:
        """Make an empty store; its name."""

    @abstractmethod
    def copy(self, name: str) -> str:
        """Make a copy; its name."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove a store."""

    @abstractmethod
    def url(self, name: str) -> str:
        """How the library reaches a store."""

    @abstractmethod
    def tidy(self, name: str) -> None:
        """What the database does for itself within minutes and a short run cannot wait for."""

    def meter(self) -> Spent | None:
        """CPU that a server has spent, where there is one."""
        return None

    def base(self, stock: Stock) -> Base:
        """A store with this in it, filled when first asked for."""
        if stock not in self._bases:
            with telling(f"issuing {stock.invoices:,} invoices, {stock.enterprises} enterprise(s)"):
                name = self.new()
                dues = lay_in(self.url(name), stock, workers=self.writers)
                self.tidy(name)
                self._bases[stock] = Base(place=self, name=name, dues=tuple(dues))
        return self._bases[stock]

    def alone(self, base: Base, count: int) -> tuple[list[Pay], Left]:
        """Payments of so many invoices, and what they do one by one."""
        if base.name not in self._alone:
            asked = all_requests(base.dues[:count], seed=0)
            with telling(f"paying {len(asked):,} one by one, to compare"):
                name = self.copy(base.name)
                self._alone[base.name] = (asked, one_by_one(self.url(name), asked))
                self.drop(name)
        return self._alone[base.name]

    def leave(self, name: str, result: Result) -> None:
        """A load is over: its store waits to be checked, what is wrong with it belongs into the result."""
        self._left.append((name, result))

    def check(self) -> None:
        """Check every store that a load left, two at a time, and remove them."""
        if not self._left:
            return
        with telling(f"checking the books and trails of {len(self._left)} store(s)"):
            urls = [self.url(name) for name, _ in self._left]
            found = side_by_side(_checking, [urls[0::2], urls[1::2]]).results
        for place, (name, result) in enumerate(self._left):
            result.violations += found[place % 2][place // 2]
            self.drop(name)
        self._left.clear()


class OnServer(Place):
    """Databases of a PostgreSQL server."""

    writers = 2

    def __init__(self, server: PostgresServer) -> None:
        super().__init__()
        self._server = server

    def new(self) -> str:
        return self._server.clone()

    def copy(self, name: str) -> str:
        return self._server.clone(name)

    def drop(self, name: str) -> None:
        self._server.drop(name)

    def url(self, name: str) -> str:
        return self._server.url(name)

    def tidy(self, name: str) -> None:
        with self._server.connect(name) as connection:
            connection.execute("VACUUM ANALYZE")

    def bytes(self, name: str) -> int:
        """Disk that a store takes."""
        with self._server.connect() as connection:
            found = connection.execute("SELECT pg_database_size(%s)", (name,)).fetchone()
        assert found is not None, "a function answers with a row"
        return int(found[0])

    def meter(self) -> Spent | None:
        return spent_by(self._server.process.pid)


class InFiles(Place):
    """SQLite files in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def new(self) -> str:
        return f"{uuid.uuid4().hex}.db"

    def copy(self, name: str) -> str:
        made = self.new()
        shutil.copy(self._folder / name, self._folder / made)
        return made

    def drop(self, name: str) -> None:
        for path in self._folder.glob(f"{name}*"):
            path.unlink()

    def url(self, name: str) -> str:
        return f"sqlite:///{self._folder / name}"

    def tidy(self, name: str) -> None:
        with closing(sqlite3.connect(self._folder / name)) as connection:
            connection.execute("ANALYZE")


def _checking(urls: Sequence[str]) -> Iterator[Any]:
    """One of two workers that check."""
    yield
    found = [faults(url) for url in urls]
    yield
    yield found
