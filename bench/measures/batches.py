"""Many payments per call."""

from __future__ import annotations

from bench.ground import Ground
from bench.loads import Shape, against_anchor, in_batches, spread
from bench.registry import Result, at_least, at_most, measure


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
    return _many(ground, "pay_many", 1_000)


@measure(
    "pay_many_100",
    "pay_many, 100 per call, 2 processes",
    ratios=["pay_many_100_vs_pgbench"],
    targets=[at_least("pay_many_100_vs_pgbench", 3), at_most("pay_many_100_p99_ms", 80)],
)
def pay_many_100(ground: Ground) -> Result:
    """A hundred per call."""
    return _many(ground, "pay_many_100", 100)


def _many(ground: Ground, name: str, size: int) -> Result:
    result = Result()
    shape = Shape(task=in_batches, count=ground.size.calls, together=size, warm=min(size, 100))
    found = against_anchor(ground, spread(ground), shape, result)
    result.figures = {f"{name}_{figure}": value for figure, value in found.items()}
    if "pgbench_tps" in found:
        result.ratios[f"{name}_vs_pgbench"] = found["per_second"] / found["pgbench_tps"]
    return result
