"""Many payments per call: batches of a thousand and a hundred, one hot enterprise, a store that has grown."""

from __future__ import annotations

from bench import workload
from bench.ground import Ground
from bench.growing import grow
from bench.loads import Shape, against_anchor, compare, hot, run, run_in, spread, stock
from bench.payers import in_batches
from bench.registry import at_least, at_most, measure
from bench.result import Result
from bench.stats import medians

THOUSAND, HUNDRED = 1_000, 100


@measure(
    "pay_many",
    "pay_many, 1,000 per call, 2 processes",
    ratios=["pay_many_vs_pgbench"],
    targets=[
        at_least("pay_many_vs_pgbench", 4),
        at_least("pay_many_per_second", 10_000),
        at_most("pay_many_client_us", 60),
        at_most("pay_many_server_us", 90),
    ],
)
def pay_many(ground: Ground) -> Result:
    """A thousand per call."""
    return against_anchor(ground, "pay_many", spread(ground), _many(ground, THOUSAND))


@measure(
    "pay_many_100",
    "pay_many, 100 per call, 2 processes",
    ratios=["pay_many_100_vs_pgbench"],
    targets=[at_least("pay_many_100_vs_pgbench", 3), at_most("pay_many_100_p99_ms", 80)],
)
def pay_many_100(ground: Ground) -> Result:
    """A hundred per call."""
    return against_anchor(ground, "pay_many_100", spread(ground), _many(ground, HUNDRED))


@measure(
    "hot",
    "pay_many, 1,000 per call, all to one enterprise",
    ratios=["hot_vs_spread"],
    targets=[at_least("hot_vs_spread", 0.85)],
)
def hot_enterprise(ground: Ground) -> Result:
    """One enterprise against sixty-four, by turns."""
    result, shape = Result(), _many(ground, THOUSAND)
    compare(ground, hot(ground), shape, result)
    for _ in range(ground.size.runs):
        ordinary = run(spread(ground), shape, result)["per_second"]
        here = run(hot(ground), shape, result)
        result.runs.append({**here, "spread_per_second": ordinary})
    result.figures = {f"hot_{name}": value for name, value in medians(result.runs).items()}
    result.take_ratio("hot_vs_spread", "hot_per_second", "hot_spread_per_second")
    return result


@measure(
    "grown",
    "pay_many, 1,000 per call, a store that holds many payments against one that holds none",
    ratios=["grown_vs_empty"],
    targets=[at_least("grown_vs_empty", 0.6)],
)
def grown_store(ground: Ground) -> Result:
    """Both by turns. The grown store is too large to copy: each run pays other invoices of it."""
    result, shape, place = Result(), _many(ground, THOUSAND), ground.on_server
    wanted = stock(ground.size.calls * ground.size.runs)
    base = place.base(wanted)
    asked = workload.all_requests(base.dues)
    turns = [asked[turn :: ground.size.runs] for turn in range(ground.size.runs)]
    name = grow(place, base, wanted, ground.size.grown)
    for turn in turns:
        empty = run(base, shape, result)["per_second"]
        here = run_in(base, name, turn, shape)
        result.runs.append({**here, "empty_per_second": empty, "gib": place.bytes(name) / 2**30})
    place.leave(name, result)
    result.figures = {f"grown_{figure}": value for figure, value in medians(result.runs).items()}
    result.figures["grown_payments"] = ground.size.grown
    result.take_ratio("grown_vs_empty", "grown_per_second", "grown_empty_per_second")
    return result


def _many(ground: Ground, size: int) -> Shape:
    return Shape(task=in_batches, count=ground.size.calls, together=size, warm=100)
