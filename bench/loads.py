"""Payments under load: run, measured, and compared with the same payments one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench import checks, workload
from bench.clients import blocking
from bench.ground import WORKERS, Base, Ground
from bench.registry import Result
from bench.stats import latencies, medians
from bench.stock import Stock
from bench.workers import Load, Task, side_by_side
from invoicepay import Pay


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What one worker is given.

    Attributes:
        warm: paid before the clock runs, so that imports, connections and statements are ready.
        together: payments of one call, or callers at a time.
    """

    url: str
    name: str
    warm: Sequence[Pay]
    asked: Sequence[Pay]
    together: int


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
    together: int
    warm: int
    workers: int = WORKERS


def spread(ground: Ground) -> Base:
    """The ordinary store: invoices of many enterprises."""
    return ground.base(Stock(invoices=int(WORKERS * ground.size.calls * 1.2)))


def hot(ground: Ground) -> Base:
    """The same number of invoices, all of one enterprise."""
    return ground.base(Stock(invoices=int(WORKERS * ground.size.calls * 1.2), enterprises=1))


def run(ground: Ground, base: Base, shape: Shape, result: Result) -> dict[str, float]:
    """One run; what it left wrong goes into the result."""
    each = shape.warm + shape.count
    asked = workload.lanes(workload.all_requests(base.dues), shape.workers)
    lanes = [lane[:each] for lane in asked]
    assert all(len(lane) == each for lane in lanes), "the base has too few invoices for this load"
    with ground.fresh(base) as url:
        load = _paid(ground, url, shape, [(lane[: shape.warm], lane[shape.warm :]) for lane in lanes])
        result.violations += checked(ground, url)
    count = shape.count * shape.workers
    seconds = [one for paid in load.results for one in paid.seconds]
    return {"per_second": count / load.seconds, **load.micros(count), **latencies(seconds)}


def compare(ground: Ground, base: Base, shape: Shape, result: Result) -> None:
    """Pay a sample this way and tell where it differs from one by one."""
    asked, alone = ground.alone(base)
    lanes = workload.lanes(asked, shape.workers)
    with ground.fresh(base) as url:
        load = _paid(ground, url, shape, [((), lane) for lane in lanes])
        answers = [one for paid in load.results for one in paid.answers]
        here = checks.Left(
            checks.by_invoice([one for lane in lanes for one in lane], answers), checks.books(url)
        )
        result.violations += checks.differences(here, alone) + checked(ground, url)


def _paid(
    ground: Ground, url: str, shape: Shape, lanes: Sequence[tuple[Sequence[Pay], Sequence[Pay]]]
) -> Load:
    parts = [
        Lane(url=url, name=f"lane-{number}", warm=warm, asked=asked, together=shape.together)
        for number, (warm, asked) in enumerate(lanes)
    ]
    return side_by_side(shape.task, parts, ground.meter)


def checked(ground: Ground, url: str) -> list[str]:
    """What is wrong with a store after a load."""
    ground.tidy(url.partition("?")[0].rpartition("/")[2])
    return checks.faults(url)


def in_batches(lane: Lane) -> Iterator[Any]:
    """A worker that pays many per call."""
    with blocking(lane.url, stream=lane.name) as pay:
        if lane.warm:
            pay.invoices.pay_many(lane.warm)
        yield
        answers: list[Any] = []
        seconds: list[float] = []
        for batch in workload.batches(lane.asked, lane.together):
            began = time.perf_counter()
            answers += pay.invoices.pay_many(batch)
            seconds.append(time.perf_counter() - began)
        yield Paid(answers=[checks.answer(one) for one in answers], seconds=seconds)


def against_anchor(ground: Ground, base: Base, shape: Shape, result: Result) -> dict[str, float]:
    """All runs of a load, each right after the yardstick; the medians."""
    compare(ground, base, shape, result)
    for _ in range(ground.size.runs):
        result.runs.append({**ground.anchor(), **run(ground, base, shape, result)})
    if "pgbench_tps" not in result.runs[0]:
        result.absent.append("ratio to pgbench: there is no pgbench on this machine")
    return medians(result.runs)
