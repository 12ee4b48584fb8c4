"""The ground that measures run on: one durable server, its yardstick, stores copied for each run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from bench.anchor import Pgbench, programme
from bench.checks import Left, one_by_one
from bench.cpu import Spent, spent_by
from bench.stock import Stock, lay_in
from bench.workload import Due, all_requests
from invoicepay import Pay
from tests.support import postgres

WORKERS = 2
GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured.

    Attributes:
        runs: of each measure; what is told is their median.
        calls: payments of one worker in one run, to which everything else is in proportion.
        grown: payments that a grown store holds.
    """

    runs: int = 5
    calls: int = 10_000
    sample: int = 2_000
    scale: int = 50
    anchor_seconds: int = 5
    grown: int = 200_000


QUICK = Size(runs=1, calls=3_000, sample=600, scale=10, anchor_seconds=2, grown=20_000)


def server_settings() -> dict[str, str]:
    """What a server for payments is told, as far as this machine has the memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "shared_buffers": f"{min(4 * GIB, memory // 4) // 2**20}MB",
        "max_wal_size": "16GB",
        "checkpoint_timeout": "30min",
        "wal_compression": "on",
        "jit": "off",
        "max_connections": "200",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A filled database that is copied and never written to."""

    database: str
    dues: tuple[Due, ...]


class Ground:
    """Starts what measures need when the first one needs it, and ends it all."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self._stack = ExitStack()
        self._bases: dict[Stock, Base] = {}
        self._alone: dict[str, tuple[list[Pay], Left]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def server(self) -> postgres.PostgresServer:
        """The server."""
        with telling("starting PostgreSQL"):
            return self._stack.enter_context(postgres.start(durable=True, settings=server_settings()))

    @cached_property
    def pgbench(self) -> Pgbench | None:
        """The yardstick, filled; None where there is no pgbench."""
        found = programme(self.server)
        if found is None:
            tell("there is no pgbench on this machine: no ratio to it can be told")
            return None
        with telling(f"filling pgbench at scale {self.size.scale}"):
            bench = Pgbench(programme=found, server=self.server, seconds=self.size.anchor_seconds)
            bench.fill(self.size.scale)
            bench.tps()
            return bench

    def anchor(self) -> Mapping[str, float]:
        """The yardstick, taken now."""
        if self.pgbench is None:
            return {}
        return {"pgbench_tps": self.pgbench.tps()}

    def meter(self) -> Spent | None:
        """CPU that the server has spent."""
        return spent_by(self.server.process.pid)

    def base(self, stock: Stock) -> Base:
        """A database with this in it, filled when first asked for."""
        if stock not in self._bases:
            with telling(f"issuing {stock.invoices:,} invoices of {stock.enterprises} enterprises"):
                name = self.server.clone()
                dues = lay_in(self.server.url(name), stock, workers=WORKERS)
                self.tidy(name)
                self._bases[stock] = Base(database=name, dues=tuple(dues))
        return self._bases[stock]

    def alone(self, base: Base) -> tuple[list[Pay], Left]:
        """Some payments of this base, and what they do one by one."""
        if base.database not in self._alone:
            asked = all_requests(base.dues[: self.size.sample], seed=0)
            with telling(f"paying {len(asked):,} one by one, to compare"), self.fresh(base) as url:
                self._alone[base.database] = (asked, one_by_one(url, asked))
        return self._alone[base.database]

    def tidy(self, database: str) -> None:
        """What autovacuum does within minutes and a short run cannot wait for."""
        with self.server.connect(database) as connection:
            connection.execute("VACUUM ANALYZE")

    @contextmanager
    def fresh(self, base: Base) -> Iterator[str]:
        """The URL of a copy, for one run."""
        name = self.server.clone(base.database)
        try:
            yield self.server.url(name)
        finally:
            self.server.drop(name)


def tell(line: str) -> None:
    """Show a line of progress at once."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Say what is done now, and how long it took."""
    started = time.monotonic()
    sys.stderr.write(f"{what} ... ")
    sys.stderr.flush()
    yield
    tell(f"{time.monotonic() - started:.1f} s")
