"""Every interleaving of every pair of operations on PostgreSQL: `python -m tests.interleavings --json`."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from random import Random

from tests.interleavings import shares
from tests.interleavings.explore import Explored
from tests.interleavings.footprints import all_pairs
from tests.interleavings.pairs import pairs


def main() -> int:
    """Explore; the answer is 1 when a schedule left what neither order leaves."""
    asked, started = _asked(), time.monotonic()
    found: list[Explored] = []
    for one in _found(asked):
        if asked.minutes and time.monotonic() - started > 60 * asked.minutes:
            break
        found.append(one)
        cut = "" if one.is_whole else ", cut short"
        say(f"  {time.monotonic() - started:5.0f} s  {one.pair.name}: {one.schedules} schedules{cut}")
        for fault in one.faults[: asked.faults]:
            say(f"    {fault}")
    seconds = time.monotonic() - started
    schedules = sum(one.schedules for one in found)
    figures = {
        "pairs": len(found),
        "schedules": schedules,
        "at_stake": sum(one.serial for one in found),
        "waited": sum(one.waits for one in found),
        "cut_short": sum(not one.is_whole for one in found),
        "faults": sum(len(one.faults) for one in found),
        "seconds": round(seconds, 1),
        "per_second": round(schedules / seconds, 1),
    }
    say(json.dumps(figures) if asked.json else ", ".join(f"{name} {n}" for name, n in figures.items()))
    return 1 if figures["faults"] or not found else 0


def say(line: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.interleavings", description=__doc__)
    parser.add_argument("--only", default="", help="pairs whose name contains this")
    parser.add_argument("--families", action="store_true", help="only pairs that were chosen by hand")
    parser.add_argument("--every", type=int, default=1, help="of so many pairs, take one")
    parser.add_argument("--most", type=int, default=2_000, help="schedules of a pair")
    parser.add_argument("--single", action="store_true", help="let every statement travel alone")
    parser.add_argument("--turns", type=int, default=None, help="how often the turn may go over")
    parser.add_argument("--minutes", type=float, default=0, help="stop after so long, whatever is left")
    parser.add_argument("--shuffle", type=int, default=0, help="a seed; takes pairs in another order")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--faults", type=int, default=1, help="faults shown of a pair")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    return parser.parse_args()


def _found(asked: argparse.Namespace) -> Iterator[Explored]:
    """Each pair, as soon as it was explored; processes with servers of their own share them out."""
    listed = pairs() if asked.families else all_pairs()
    chosen = [pair for pair in listed if asked.only in pair.name][:: asked.every]
    if asked.shuffle:
        Random(asked.shuffle).shuffle(chosen)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    options = {"most": asked.most, "single": asked.single, "most_turns": asked.turns}
    for part in range(asked.processes):
        ours = chosen[part :: asked.processes]
        context.Process(target=shares.work, args=(queue, ours, options), daemon=True).start()
    left = asked.processes
    while left:
        told = queue.get()
        if told is None:
            left -= 1
        else:
            yield told


if __name__ == "__main__":
    sys.exit(main())
