"""Payments under load: run, measured, and compared with the same payments one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench import checks, workload
from bench.clients import AUTO
from bench.ground import Ground
from bench.places import Base, Place
from bench.result import Result
from bench.stats import latencies, medians
from bench.stock import Stock
from bench.workers import Load, Task, side_by_side
from invoicepay import Pay

WORKERS = 2
MOST_WARM = 250
FEWER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What one worker is given.

    Attributes:
        warm: paid before the clock runs, so that imports, connections and statements are ready.
        together: payments of one call, or callers at a time.
        rate: payments per second that arrive, whether or not earlier ones are done.
    """

    url: str
    name: str
    warm: Sequence[Pay]
    asked: Sequence[Pay]
    together: int = 1
    group_commit: str = AUTO
    rate: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What one worker did: answers in the order asked, and how long each call took."""

    answers: list[checks.Answer]
    seconds: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A way to pay: the worker's task, how many workers, what each is given in one run."""

    task: Task
    count: int
    together: int = 1
    warm: int = 50
    workers: int = WORKERS
    group_commit: str = AUTO
    rate: float = 0


def spread(ground: Ground) -> Base:
    """The ordinary store: invoices of many enterprises."""
    return ground.on_server.base(stock(ground.size.calls))


def hot(ground: Ground) -> Base:
    """The same number of invoices, all of one enterprise."""
    return ground.on_server.base(stock(ground.size.calls, enterprises=1))


def few(ground: Ground) -> Base:
    """The ordinary store for ways to pay that make fewer payments in the same time."""
    return ground.on_server.base(stock(ground.size.calls // FEWER))


def stock(calls: int, *, enterprises: int = 64, workers: int = WORKERS) -> Stock:
    """Enough for one run, with what is paid to warm up and the lanes' unequal lengths."""
    invoices = workers * (calls + MOST_WARM) * 11 // 10
    return Stock(invoices=invoices, enterprises=enterprises, payers=min(2_000, invoices // 10))


def run(base: Base, shape: Shape, result: Result) -> dict[str, float]:
    """One run on a copy, which is checked later."""
    name = base.place.copy(base.name)
    found = run_in(base, name, workload.all_requests(base.dues), shape)
    base.place.leave(name, result)
    return found


def run_in(base: Base, name: str, asked: Sequence[Pay], shape: Shape) -> dict[str, float]:
    """One run in a store that is there: the first payments of each lane, as many as the shape says."""
    each = shape.warm + shape.count
    lanes = [lane[:each] for lane in workload.lanes(asked, shape.workers)]
    assert all(len(lane) == each for lane in lanes), "there are too few invoices for this load"
    load = _paid(base.place, name, shape, [(lane[: shape.warm], lane[shape.warm :]) for lane in lanes])
    count = shape.count * shape.workers
    seconds = [one for paid in load.results for one in paid.seconds]
    return {"per_second": count / load.seconds, **load.micros(count), **latencies(seconds)}


def compare(ground: Ground, base: Base, shape: Shape, result: Result) -> None:
    """Pay a sample this way and tell where it differs from one by one; in a quick run once for each way."""
    if not ground.is_first(shape.task.__name__):
        return
    asked, alone = base.place.alone(base, ground.size.sample)
    lanes = workload.lanes(asked, shape.workers)
    name = base.place.copy(base.name)
    load = _paid(base.place, name, shape, [((), lane) for lane in lanes])
    answers = [one for paid in load.results for one in paid.answers]
    here = checks.Left(
        checks.by_invoice([one for lane in lanes for one in lane], answers),
        checks.books(base.place.url(name)),
    )
    result.violations += checks.differences(here, alone)
    base.place.leave(name, result)


def _paid(
    place: Place, name: str, shape: Shape, lanes: Sequence[tuple[Sequence[Pay], Sequence[Pay]]]
) -> Load:
    parts = [
        Lane(
            url=place.url(name),
            name=f"lane-{number}",
            warm=warm,
            asked=asked,
            together=shape.together,
            group_commit=shape.group_commit,
            rate=shape.rate / shape.workers,
        )
        for number, (warm, asked) in enumerate(lanes)
    ]
    return side_by_side(shape.task, parts, place.meter)


def against_anchor(ground: Ground, name: str, base: Base, shape: Shape) -> Result:
    """All runs of a load, each right after the yardstick, as the measure of that name."""
    result = Result()
    compare(ground, base, shape, result)
    for _ in range(ground.size.runs):
        result.runs.append({**ground.anchor(), **run(base, shape, result)})
    result.figures = {f"{name}_{figure}": value for figure, value in medians(result.runs).items()}
    if ground.pgbench is None:
        result.absent.append(f"{name}_vs_pgbench: there is no pgbench on this machine")
    else:
        result.take_ratio(f"{name}_vs_pgbench", f"{name}_per_second", f"{name}_pgbench_tps")
    return result
