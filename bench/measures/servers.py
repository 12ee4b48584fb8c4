"""Tenants spread over two servers on the same machine, against the same load on one."""

from __future__ import annotations

from collections.abc import Sequence

from bench import workload
from bench.ground import Ground, server_settings
from bench.loads import Lane, Shape, run, spread, stock
from bench.payers import in_batches
from bench.places import Base, OnServer
from bench.registry import measure
from bench.result import Result
from bench.stats import medians
from bench.workers import side_by_side
from tests.support import postgres

TOGETHER, WARM = 1_000, 100


@measure(
    "two_servers",
    "pay_many, 1,000 per call, a process on each of two servers, against two processes on one",
    ratios=["two_servers_vs_one"],
)
def two_servers(ground: Ground) -> Result:
    """By turns. Each server has half of the cores that one has alone."""
    result, shape = Result(), Shape(task=in_batches, count=ground.size.calls, together=TOGETHER, warm=WARM)
    one = spread(ground)
    with postgres.start(durable=True, settings=server_settings()) as server:
        bases = [one, OnServer(server).base(stock(ground.size.calls))]
        for _ in range(ground.size.runs):
            alone = run(one, shape, result)["per_second"]
            result.runs.append({"per_second": _on_each(bases, shape, result), "one_per_second": alone})
        bases[1].place.check()
    result.figures = {f"two_servers_{name}": value for name, value in medians(result.runs).items()}
    result.take_ratio("two_servers_vs_one", "two_servers_per_second", "two_servers_one_per_second")
    return result


def _on_each(bases: Sequence[Base], shape: Shape, result: Result) -> float:
    """Payments per second of one process for each store; their stores are checked later."""
    names = [base.place.copy(base.name) for base in bases]
    lanes = [_lane(base, name, shape) for base, name in zip(bases, names, strict=True)]
    load = side_by_side(shape.task, lanes)
    for base, name in zip(bases, names, strict=True):
        base.place.leave(name, result)
    return shape.count * len(bases) / load.seconds


def _lane(base: Base, name: str, shape: Shape) -> Lane:
    asked = workload.all_requests(base.dues)[: shape.warm + shape.count]
    return Lane(
        url=base.place.url(name),
        name="lane-0",
        warm=asked[: shape.warm],
        asked=asked[shape.warm :],
        together=shape.together,
    )
