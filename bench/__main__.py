"""`python -m bench`: take the measures, show what they found, and fail when a load left wrong books."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace

import bench.measures  # noqa: F401 - registers the measures
from bench import report
from bench.ground import QUICK, Ground, Size
from bench.machine import machine
from bench.progress import tell
from bench.registry import MEASURES, Result
from bench.workers import WorkerFailed

WRONG_SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the answer is 1 when books were wrong or a load failed."""
    asked = _arguments().parse_args(arguments)
    names = asked.only or list(MEASURES)
    size = QUICK if asked.quick else Size()
    size = replace(size, runs=asked.runs or size.runs, grown=asked.grown or size.grown)
    results: dict[str, Result] = {}
    with Ground(size) as ground:
        for name in names:
            tell(f"{name}: {MEASURES[name].shows}")
            results[name] = MEASURES[name].take(ground)
            if asked.json:
                print(report.line(MEASURES[name], results[name]), flush=True)
    wrong = [fault for result in results.values() for fault in result.violations]
    for fault in wrong[:WRONG_SHOWN]:
        tell(f"WRONG {fault}")
    if asked.json:
        print(json.dumps(report.summary(results, machine())))
    else:
        print(report.table(results))
    return 1 if wrong else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 dev.py bench", description="How fast the library is here.")
    parser.add_argument("--quick", action="store_true", help="one small run of each measure")
    parser.add_argument("--json", action="store_true", help="one object a line, the summary last")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(MEASURES), help=", ".join(MEASURES))
    parser.add_argument("--runs", type=_whole, metavar="N", help="runs of each measure; the median is told")
    parser.add_argument("--grown", type=_whole, metavar="N", help="payments that the grown store holds")
    return parser


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WorkerFailed as failed:
        tell(f"a load failed:\n{failed}")
        sys.exit(1)
