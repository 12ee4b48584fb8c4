"""Group commit: many callers of the ordinary call, as threads and as tasks, and as payments arrive."""

from __future__ import annotations

from bench.ground import Ground
from bench.loads import (
    FEWER,
    MOST_WARM,
    WORKERS,
    Shape,
    against_anchor,
    compare,
    few,
    run,
    spread,
    stock,
)
from bench.payers import as_they_arrive, by_tasks, by_threads
from bench.registry import at_least, at_most, measure
from bench.result import Result
from bench.stats import medians

CALLERS = 1_000

RATE = 10_000
GRACE_SECONDS = 0.5


@measure(
    "group_commit",
    "pay, 2 processes with 1,000 tasks each",
    ratios=["group_commit_vs_pgbench"],
    targets=[at_least("group_commit_vs_pgbench", 3)],
)
def group_commit(ground: Ground) -> Result:
    """A thousand callers in each process."""
    shape = Shape(task=by_tasks, count=ground.size.calls, together=CALLERS, warm=MOST_WARM)
    return against_anchor(ground, "group_commit", spread(ground), shape)


@measure("group_commit_tasks", "pay, 2 processes with 1, 8, 64, 256 tasks each")
def tasks(ground: Ground) -> Result:
    """Callers as tasks."""
    return _ladder(ground, "tasks")


@measure("group_commit_threads", "pay, 2 processes with 1, 8, 64, 256 threads each")
def threads(ground: Ground) -> Result:
    """Callers as threads."""
    return _ladder(ground, "threads")


def _callers(ground: Ground, kind: str, callers: int) -> Shape:
    """Few callers get less to do, so that every step of the ladder takes about as long."""
    count = ground.size.calls // FEWER
    count = min(count, count // 10 * callers)
    task = by_tasks if kind == "tasks" else by_threads
    return Shape(task=task, count=count, together=callers, warm=min(callers, MOST_WARM))


def _ladder(ground: Ground, kind: str) -> Result:
    result, steps = Result(), {callers: _callers(ground, kind, callers) for callers in ground.size.ladder}
    compare(ground, few(ground), steps[max(steps)], result)
    for _ in range(ground.size.runs):
        found: dict[str, float] = {}
        for callers, shape in steps.items():
            here = run(few(ground), shape, result)
            found |= {
                f"{callers}_{name}": here[name] for name in ("per_second", "p50_ms", "p99_ms", "client_us")
            }
        result.runs.append(found)
    result.figures = {f"group_{kind}_{name}": value for name, value in medians(result.runs).items()}
    return result


@measure(
    "open_loop",
    "pay, 10,000 arrive each second at 2 processes, timed from when they were to arrive",
    targets=[at_least("open_loop_kept_up", 1), at_most("open_loop_p99_ms", 500)],
)
def open_loop(ground: Ground) -> Result:
    """It kept up when the last payment was done half a second after it came."""
    result = Result()
    for _ in range(ground.size.runs):
        result.runs.append(_arriving(ground, RATE, result))
    result.figures = {f"open_loop_{name}": value for name, value in medians(result.runs).items()}
    return result


@measure("open_loop_rates", "pay, from 2,000 to 6,000 arrive each second at 2 processes")
def rates(ground: Ground) -> Result:
    """The same with fewer, to find how many it keeps up with."""
    result, steps = Result(), ground.size.rates
    for _ in range(ground.size.runs):
        found: dict[str, float] = {}
        for rate in steps:
            here = _arriving(ground, rate, result)
            found |= {f"{rate}_{name}": here[name] for name in ("kept_up", "p50_ms", "p99_ms", "client_us")}
        result.runs.append(found)
    result.figures = {f"open_loop_{name}": value for name, value in medians(result.runs).items()}
    return result


def _arriving(ground: Ground, rate: int, result: Result) -> dict[str, float]:
    """One run in which so many arrive each second."""
    count = int(rate * ground.size.open_seconds) // WORKERS
    shape = Shape(task=as_they_arrive, count=count, warm=MOST_WARM, rate=rate)
    found = run(ground.on_server.base(stock(count)), shape, result)
    late = count * WORKERS / found["per_second"] - ground.size.open_seconds
    return {**found, "kept_up": float(late <= GRACE_SECONDS)}
