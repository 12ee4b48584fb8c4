"""The yardstick: pgbench's TPC-B-like transaction on the same server at the same time."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.postgres import PostgresServer

CLIENTS, THREADS = 8, 2
DATABASE = "pgbench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pgbench:
    """A filled pgbench database and the programme that uses it."""

    programme: Path
    server: PostgresServer
    seconds: int

    def tps(self) -> float:
        """Transactions per second of one run."""
        load = ["-b", "tpcb-like", "-M", "prepared", "-c", str(CLIENTS), "-j", str(THREADS)]
        told = self._run(*load, "-T", str(self.seconds))
        found = re.search(r"^tps = ([\d.]+)", told, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"pgbench told no rate:\n{told}")
        return float(found[1])

    def fill(self, scale: int) -> None:
        """Make its database and tables."""
        with self.server.connect() as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        self._run("-i", "-I", "dtGvp", "-q", "-s", str(scale))

    def _run(self, *arguments: str) -> str:
        where = ["-h", str(self.server.folder), "-U", "postgres", DATABASE]
        done = subprocess.run(
            [self.programme, *arguments, *where], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"pgbench failed:\n{done.stderr}")
        return done.stdout


def programme(server: PostgresServer) -> Path | None:
    """The pgbench that came with the server, or else the newest one of this machine."""
    on_path = shutil.which("pgbench")
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"), reverse=True)
    candidates = [server.binaries / "pgbench", *([Path(on_path)] if on_path else []), *packaged]
    return next((path for path in candidates if path.exists()), None)
