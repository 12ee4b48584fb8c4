"""`python -m bench`: take the measures, show what they found, and fail when a load left wrong books."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

import bench.measures  # noqa: F401 - registers the measures
from bench import report
from bench.ground import QUICK, Ground, Size
from bench.machine import machine
from bench.progress import tell, telling
from bench.records import record
from bench.registry import MEASURES, Measure
from bench.result import Result
from bench.workers import WorkerFailed

WRONG_SHOWN = 20
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the answer is 1 when a load failed or left wrong books."""
    parser = _arguments()
    asked = parser.parse_args(arguments)
    if asked.record and asked.quick:
        parser.error("--record keeps figures for the documentation, and those of --quick are too rough")
    size = QUICK if asked.quick else Size()
    size = replace(size, runs=asked.runs or size.runs, grown=asked.grown or size.grown)
    results: dict[str, Result] = {}
    with Ground(size) as ground:
        for name in asked.only or MEASURES:
            results[name] = _taken(MEASURES[name], ground)
            if not asked.quick:
                ground.check()
        ground.check()
        here = machine(ground.postgresql)
    print(report.lines(results, here) if asked.json else report.table(results))
    wrong = [fault for result in results.values() for fault in result.violations]
    for fault in wrong[:WRONG_SHOWN]:
        tell(f"WRONG {fault}")
    if asked.record and not wrong:
        record(results, here)
    return 1 if wrong else 0


def _taken(measure: Measure, ground: Ground) -> Result:
    """What a measure found; one that fails does not keep the others from being taken."""
    with telling(f"{measure.name}: {measure.shows}"):
        try:
            return measure.take(ground)
        except WorkerFailed as failed:
            return Result(violations=[f"{measure.name} failed: {failed}"])


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 dev.py bench", description="How fast the library is here.")
    parser.add_argument("--quick", action="store_true", help="one small run of each measure")
    parser.add_argument("--json", action="store_true", help="one object a line, the summary last")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(MEASURES), help=", ".join(MEASURES))
    parser.add_argument("--runs", type=_whole, metavar="N", help="runs of each measure; the median is told")
    parser.add_argument("--record", action="store_true", help="keep the figures for the documentation")
    parser.add_argument("--grown", type=_whole, metavar="N", help="payments that the grown store holds")
    return parser


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _end(*_: object) -> None:
    """Leave as after Ctrl-C when told to end, so that server and files go too."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        tell("Stopped; nothing is left behind.")
        sys.exit(INTERRUPTED)
