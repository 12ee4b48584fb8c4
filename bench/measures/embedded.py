"""SQLite with `synchronous=FULL`, against what a file on this disk takes one insert at a time."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from bench.ground import Ground
from bench.loads import FEWER, Shape, compare, run, stock
from bench.payers import in_batches, one_after_the_other
from bench.registry import at_least, measure
from bench.result import Result
from bench.stats import medians

INSERT_SECONDS = 1.0


@measure(
    "sqlite",
    "SQLite, 1,000 and 100 per call and one by one, 1 process",
    ratios=["sqlite_vs_single_insert"],
    targets=[at_least("sqlite_vs_single_insert", 2.5), at_least("sqlite_1000_per_second", 8_000)],
)
def sqlite(ground: Ground) -> Result:
    """Each size right after single inserts."""
    result, calls = Result(), ground.size.calls
    base = ground.in_files.base(stock(calls, workers=1))
    small = ground.in_files.base(stock(calls // FEWER, workers=1))
    ways = {
        "1000": (base, Shape(task=in_batches, count=calls, together=1_000, warm=100, workers=1)),
        "100": (small, Shape(task=in_batches, count=calls // FEWER, together=100, warm=100, workers=1)),
        "single": (small, Shape(task=one_after_the_other, count=calls // FEWER, workers=1)),
    }
    compare(ground, *ways["1000"], result)
    for _ in range(ground.size.runs):
        found = {"sqlite_inserts_per_second": inserts_per_second(ground.folder / "inserts.db")}
        for size, (store, shape) in ways.items():
            here = run(store, shape, result)
            found |= {f"sqlite_{size}_{name}": value for name, value in here.items()}
        result.runs.append(found)
    result.figures = medians(result.runs)
    result.take_ratio("sqlite_vs_single_insert", "sqlite_1000_per_second", "sqlite_inserts_per_second")
    return result


def inserts_per_second(path: Path) -> float:
    """How many single inserts, each made durable, one connection does in a second."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS one (id INTEGER PRIMARY KEY, name TEXT)")
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < INSERT_SECONDS:
            connection.execute("INSERT INTO one (name) VALUES (?)", (f"payment {count}",))
            count += 1
        return count / (time.perf_counter() - began)
