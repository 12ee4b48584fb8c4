"""Runs the demo as a person does: a process of its own, in a folder, with an output that may go away."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoicepay import InvoicePay

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "invoicepay.demo"]
DEV = [
    sys.executable,
    "-c",
    "import sys; from pathlib import Path; import dev; dev.PYTHON = Path(sys.executable); "
    "sys.exit(dev.demo(sys.argv[1:]))",
]
SECONDS = 120


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it said, line by line."""
        return self.out.splitlines()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it said, as JSON."""
        return [json.loads(line) for line in self.lines]


def run(
    folder: Path, *options: str, command: list[str] = DEMO, limit: Callable[[], None] | None = None
) -> Ended:
    """A run from beginning to end."""
    done = subprocess.run(
        [*command, *options],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        preexec_fn=limit,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def begun(folder: Path, *options: str, command: list[str] = DEMO) -> subprocess.Popen[str]:
    """A run that goes on; its process group is its own."""
    return subprocess.Popen(
        [*command, *options],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def environment() -> dict[str, str]:
    """Ours, with the checkout importable from any folder."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}


def interrupted(process: subprocess.Popen[str], lines: int, *, whole_group: bool = True) -> Ended:
    """Press Ctrl-C once the run has said so many lines."""
    assert process.stdout is not None
    said = "".join(process.stdout.readline() for _ in range(lines))
    send: Callable[[int, int], None] = os.killpg if whole_group else os.kill
    send(process.pid, signal.SIGINT)
    rest, err = process.communicate(timeout=SECONDS)
    return Ended(process.returncode, said + rest, err)


def tenants_of(file: Path) -> list[str]:
    """Every run has a tenant; SQLite and all our checks find each of them right."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        asked = "SELECT DISTINCT tenant_id FROM parties ORDER BY tenant_id"
        tenants = [tenant for (tenant,) in connection.execute(asked)]
    with InvoicePay(f"sqlite:///{file}") as pay:
        for tenant in tenants:
            assert pay.tenant(tenant).invariants.check() == ()
            assert pay.tenant(tenant).audit.verify()
    return tenants
