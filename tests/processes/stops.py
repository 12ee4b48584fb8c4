"""Stops PostgreSQL at once under load, again and again, and counts what was lost or told wrongly.

    python -m tests.processes.stops --stops 10

The server ends as in a crash, without a word to its sessions, and comes back over the same data. A command
whose commit was not acknowledged has to be told as unknown; one that was told as not recorded must not be
there when it is asked again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from random import Random
from typing import Any

from tests.processes.clients import CALM
from tests.processes.crew import at_work
from tests.processes.diary import UNKNOWN, Asked
from tests.processes.kills import MOST_DRAINING_SECONDS, SPEED, quiet, say
from tests.processes.verdict import Verdict, drained, judged
from tests.support import postgres
from tests.support.postgres import PostgresServer

UP_SECONDS = (0.2, 1.2)


def run(
    *,
    stops: int,
    seed: int = 1,
    speed: float = SPEED,
    most_seconds: float = MOST_DRAINING_SECONDS,
    told: Callable[[str], None] = quiet,
    **place: Any,
) -> Verdict:
    """Stop so often under load; what was found in the end."""
    server = postgres.start(durable=True)
    try:
        with at_work(server.url(server.clone()), speed=speed, **place) as crew:
            chance = Random(seed)
            for number in range(stops):
                crew.await_work()
                time.sleep(chance.uniform(*UP_SECONDS))
                server = crashed(server)
                told(f"  {number + 1} of {stops} stops")
            crew.await_work()
            crew.place.raise_flag(CALM)
            verdict = drained(crew.place, time.monotonic(), most_seconds, told)
            crew.end()
            told("  looking at everything")
            verdict.faults += wrongly_told(verdict.asked)
            return judged(crew.place, verdict)
    finally:
        server.stop()


def crashed(server: PostgresServer) -> PostgresServer:
    """The server after a crash and a recovery over the same data."""
    server.crash()
    return server.restarted()


def wrongly_told(asked: dict[str, Asked]) -> list[str]:
    """Commands that were told as not recorded, and were there when they were asked again."""
    return [
        f"{one.key} {one.call}: told {', '.join(one.troubles)}, and was recorded"
        for one in asked.values()
        if one.was_there and UNKNOWN not in one.troubles
    ]


def main() -> int:
    """The command; ends with 1 where something was lost, took place twice or was told wrongly."""
    parser = argparse.ArgumentParser(prog="python -m tests.processes.stops", description=__doc__)
    parser.add_argument("--stops", type=int, default=10)
    parser.add_argument("--settlement", choices=("onchain", "ledger"), default="onchain")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    began, told = time.monotonic(), quiet if given.json else say
    verdict = run(stops=given.stops, seed=given.seed, told=told, settlement=given.settlement)
    figures = {"stops": given.stops, **verdict.figures()}
    say(json.dumps(figures | {"seconds": round(time.monotonic() - began, 1)}))
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
