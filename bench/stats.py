"""Medians and percentiles of what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed.

    Examples:
        >>> percentile([4.0, 1.0, 3.0, 2.0], 0.5), percentile([4.0, 1.0, 3.0, 2.0], 0.99)
        (2.0, 4.0)
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over the runs that have it.

    Examples:
        >>> medians([{"a": 1.0}, {"a": 3.0, "b": 5.0}, {"a": 2.0}])
        {'a': 2.0, 'b': 5.0}
    """
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: median(run[name] for run in runs if name in run) for name in names}


def latencies(seconds: Sequence[float], of: str = "") -> dict[str, float]:
    """Median and 99th percentile of durations, in milliseconds.

    Examples:
        >>> latencies([0.001, 0.003, 0.002], "batch")
        {'batch_p50_ms': 2.0, 'batch_p99_ms': 3.0}
    """
    name = f"{of}_" if of else ""
    return {
        f"{name}p50_ms": percentile(seconds, 0.50) * 1e3,
        f"{name}p99_ms": percentile(seconds, 0.99) * 1e3,
    }
