"""Kill a process at every boundary of every operation: `python -m tests.crashes --json`."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator

from tests.crashes import shares
from tests.crashes.matrix import Tally
from tests.crashes.stage import STORES
from tests.crashes.stories import stories
from tests.walks.walking import operations


def main() -> int:
    """Kill and heal; the answer is 1 when an end differs or an operation was never killed."""
    asked, started, whole = _asked(), time.monotonic(), Tally()
    for name, tally in _tallies(asked):
        whole.join(tally)
        seconds = time.monotonic() - started
        say(f"  {seconds:5.0f} s  {name}: {tally.count} cells, {len(tally.faults)} faults")
        for fault in tally.faults[: asked.faults]:
            say(f"      {fault}")
    is_whole = not asked.only and asked.keys != "forgotten"  # the latter leaves out what has no orders
    never = sorted(operations() - whole.operations) if is_whole else []
    figures = {
        "store": asked.store,
        "cells": whole.count,
        "operations": len(whole.operations),
        "faults": len(whole.faults),
        "never": never,
        "boundaries": dict(sorted(whole.by_boundary().items())),
        "seconds": round(time.monotonic() - started, 1),
    }
    say(json.dumps(figures) if asked.json else ", ".join(f"{name} {n}" for name, n in figures.items()))
    return 1 if whole.faults or never else 0


def say(line: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crashes", description=__doc__)
    parser.add_argument("--store", choices=STORES, default="memory")
    parser.add_argument("--every", type=int, default=1, help="of so many boundaries, take one")
    parser.add_argument("--only", default="", help="stories whose name contains this")
    parser.add_argument("--keys", choices=("known", "forgotten", "both"), default="both")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--faults", type=int, default=5, help="lines shown of a story's faults")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    return parser.parse_args()


def _tallies(asked: argparse.Namespace) -> Iterator[tuple[str, Tally]]:
    """Each story's tally, as soon as it is there; processes share the stories out."""
    chosen = [number for number, story in enumerate(stories()) if asked.only in story.name]
    ways = {"known": (False,), "forgotten": (True,), "both": (False, True)}[asked.keys]
    jobs = [
        (asked.store, forget, chosen[part :: asked.processes], asked.every)
        for forget in ways
        for part in range(asked.processes)
    ]
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    running: list[multiprocessing.process.BaseProcess] = []
    left = len(jobs)
    while left:
        while jobs and len(running) < asked.processes:
            running.append(context.Process(target=shares.work, args=(queue, *jobs.pop(0)), daemon=True))
            running[-1].start()
        told = queue.get()
        if told is None:
            left -= 1
            running = [process for process in running if process.is_alive()]
        else:
            yield told


if __name__ == "__main__":
    sys.exit(main())
