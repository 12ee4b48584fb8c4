"""The ordinary call: one caller, several processes, and what sharing transactions costs who is alone."""

from __future__ import annotations

from dataclasses import replace

from bench.ground import Ground
from bench.loads import FEWER, Shape, against_anchor, compare, few, run
from bench.payers import one_after_the_other
from bench.registry import at_least, at_most, measure
from bench.result import Result
from bench.stats import medians

PROCESSES = 4


@measure("single", "pay, 1 process with 1 caller")
def single(ground: Ground) -> Result:
    """One caller."""
    result, shape = Result(), _one(ground, workers=1)
    result.runs += [run(few(ground), shape, result) for _ in range(ground.size.runs)]
    result.figures = {f"single_{name}": value for name, value in medians(result.runs).items()}
    return result


@measure(
    "single_4_processes",
    "pay, 4 processes with 1 caller each",
    ratios=["single_4_processes_vs_pgbench"],
    targets=[at_least("single_4_processes_vs_pgbench", 0.5)],
)
def single_4_processes(ground: Ground) -> Result:
    """Four callers that share nothing but the server."""
    return against_anchor(ground, "single_4_processes", few(ground), _one(ground, workers=PROCESSES))


@measure(
    "group_commit_alone",
    "pay, 1 caller, group commit on against off",
    ratios=["group_commit_one_caller_p50"],
    targets=[at_most("group_commit_one_caller_p50", 1.10)],
)
def group_commit_alone(ground: Ground) -> Result:
    """On and off, by turns."""
    result, shape = Result(), _one(ground, workers=1)
    compare(ground, few(ground), shape, result)
    for _ in range(ground.size.runs):
        p50 = {
            f"{choice}_p50_ms": run(few(ground), replace(shape, group_commit=choice), result)["p50_ms"]
            for choice in ("on", "off")
        }
        result.runs.append(p50)
    result.figures = {f"group_commit_{name}": value for name, value in medians(result.runs).items()}
    result.take_ratio("group_commit_one_caller_p50", "group_commit_on_p50_ms", "group_commit_off_p50_ms")
    return result


def _one(ground: Ground, *, workers: int) -> Shape:
    return Shape(task=one_after_the_other, count=ground.size.calls // (FEWER * workers), workers=workers)
