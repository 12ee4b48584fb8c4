"""Kills processes of a host under load again and again, and counts what was lost or took place twice.

    python -m tests.processes.kills --store postgres --kills 100

Four processes call the library and do its provider work; one at a time dies by SIGKILL and is replaced.
Providers do not recognise keys: an order that reaches them twice moves money twice. Commands and answers are
written down outside of the store, and the providers are a process of their own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from tests.processes.clients import CALM
from tests.processes.crew import PATIENCE_SECONDS, WORKERS, Crew, at_work
from tests.processes.verdict import Verdict, drained, judged
from tests.support import postgres
from tests.support.sql import execute

STORES = ("sqlite", "postgres")
SPEED = 10.0
"""A lease of two minutes passes in twelve seconds."""
MOST_DRAINING_SECONDS = 60.0
LIFE_SECONDS = (0.05, 0.35)


def quiet(_line: str) -> None:
    """Tell nobody."""


def run(
    url: str,
    *,
    kills: int,
    seed: int = 1,
    speed: float = SPEED,
    most_seconds: float = MOST_DRAINING_SECONDS,
    told: Callable[[str], None] = quiet,
    **place: Any,
) -> Verdict:
    """Kill so often under load; what was found in the end."""
    with at_work(url, speed=speed, **place) as crew:
        _strike(crew, kills, Random(seed), told)
        crew.place.raise_flag(CALM)
        verdict = drained(crew.place, time.monotonic(), most_seconds, told)
        crew.end()
        told("  looking at everything")
        judged(crew.place, verdict)
        if url.startswith("sqlite"):
            ((said,),) = execute(url, "PRAGMA integrity_check")
            verdict.faults += [] if said == "ok" else [f"SQLite says {said}"]
        return verdict


def _strike(crew: Crew, kills: int, chance: Random, told: Callable[[str], None]) -> None:
    """Kill one after the other of those that are at work."""
    crew.await_work()
    for number in range(kills):
        time.sleep(chance.uniform(*LIFE_SECONDS))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (busy := [worker for worker in range(WORKERS) if crew.has_turned(worker)]):
            if time.monotonic() > deadline:
                return  # the verdict tells why nobody works
            crew.regulate()
            time.sleep(0.1)
        crew.regulate()
        crew.kill(chance.choice(busy))
        if (number + 1) % 10 == 0:
            told(f"  {number + 1} of {kills} killed")


@contextmanager
def a_store(kind: str) -> Iterator[str]:
    """The URL of a fresh database that writes durably."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            yield f"sqlite:///{Path(folder) / 'pay.db'}"
        return
    with postgres.start(durable=True) as server:
        yield server.url(server.clone())


def say(line: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """The command; ends with 1 where something was lost, took place twice or did not end in time."""
    parser = argparse.ArgumentParser(prog="python -m tests.processes.kills", description=__doc__)
    parser.add_argument("--store", choices=STORES, default="sqlite")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--settlement", choices=("onchain", "ledger"), default="onchain")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reckless", action="store_true", help="planted: send again without asking")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    began, told = time.monotonic(), quiet if given.json else say
    with a_store(given.store) as url:
        verdict = run(
            url,
            kills=given.kills,
            seed=given.seed,
            told=told,
            settlement=given.settlement,
            is_reckless=given.reckless,
        )
    figures = {"store": given.store, "kills": given.kills, **verdict.figures()}
    say(json.dumps(figures | {"seconds": round(time.monotonic() - began, 1)}))
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
