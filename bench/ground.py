"""The ground that measures run on: one durable server with its yardstick, and a folder for files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from bench.anchor import Pgbench, programme
from bench.places import InFiles, OnServer
from bench.progress import telling
from tests.support import postgres

GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured.

    Attributes:
        runs: of each measure; what is told is their median.
        calls: payments of one worker in one run, to which most else is in proportion.
        sample: invoices whose payments are compared with the same payments one by one.
        scale: of pgbench.
        ladder: how many callers share a client.
        rates: payments that arrive each second, to find what the library keeps up with.
        grown: payments that a grown store holds.
    """

    runs: int = 5
    calls: int = 6_000
    sample: int = 2_000
    scale: int = 50
    anchor_seconds: int = 5
    open_seconds: float = 10
    grown: int = 200_000
    ladder: tuple[int, ...] = (1, 8, 64, 256)
    rates: tuple[int, ...] = (2_000, 3_000, 4_000, 5_000, 6_000)
    is_quick: bool = False


QUICK = Size(
    runs=1,
    calls=1_000,
    sample=300,
    scale=10,
    anchor_seconds=2,
    open_seconds=0.5,
    grown=5_000,
    ladder=(64,),
    rates=(1_000,),
    is_quick=True,
)


class Ground:
    """Starts what measures need when the first one needs it, and ends it all."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self._stack = ExitStack()
        self._compared: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def server(self) -> postgres.PostgresServer:
        """A durable server."""
        with telling("starting PostgreSQL"):
            return self._stack.enter_context(postgres.start(durable=True, settings=server_settings()))

    @property
    def postgresql(self) -> str | None:
        """The server's version, if one was needed."""
        if "server" not in vars(self):
            return None
        with self.server.connect() as connection:
            return connection.info.parameter_status("server_version")

    @cached_property
    def on_server(self) -> OnServer:
        """Stores of that server."""
        return OnServer(self.server)

    @cached_property
    def in_files(self) -> InFiles:
        """Stores that are files."""
        return InFiles(self.folder)

    @cached_property
    def folder(self) -> Path:
        """A folder for what measures leave."""
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="invoicepay-bench-")))

    @cached_property
    def pgbench(self) -> Pgbench | None:
        """The yardstick, filled and used once; None where there is no pgbench."""
        found = programme(self.server)
        if found is None:
            return None
        with telling(f"filling pgbench at scale {self.size.scale}"):
            bench = Pgbench(programme=found, server=self.server, seconds=self.size.anchor_seconds)
            bench.fill(self.size.scale)
            bench.tps()
            return bench

    def is_first(self, way: str) -> bool:
        """Whether this way to pay is to be compared: always, or in a quick run the first time."""
        is_new = way not in self._compared
        self._compared.add(way)
        return is_new or not self.size.is_quick

    def check(self) -> None:
        """Check every store that a load left."""
        for kind in ("on_server", "in_files"):
            if kind in vars(self):
                vars(self)[kind].check()

    def anchor(self) -> Mapping[str, float]:
        """The yardstick, taken now."""
        if self.pgbench is None:
            return {}
        return {"pgbench_tps": self.pgbench.tps()}


def server_settings() -> dict[str, str]:
    """What a server for payments is told, as far as this machine has the memory.

    Autovacuum looks more rarely, so that it does not fall into one run and not into the next; every store is
    vacuumed before its run.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "shared_buffers": f"{min(4 * GIB, memory // 4) // 2**20}MB",
        "max_wal_size": "16GB",
        "checkpoint_timeout": "30min",
        "wal_compression": "on",
        "jit": "off",
        "max_connections": "200",
        "autovacuum_naptime": "10min",
    }
