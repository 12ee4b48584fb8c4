"""What a payment leaves in PostgreSQL, in bytes: `python -m tests.scale.footprint --payments 20000`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from invoicepay import migrate
from invoicepay.adapters.sql import connect_store
from invoicepay.adapters.system import SystemClock, SystemIds
from invoicepay.bridge import run_blocking
from invoicepay.domain.invoices import Invoice
from tests.scale.crowd import Crowd
from tests.support import postgres
from tests.support.sql import execute

WARM_UP = 2_000

_SIZES = """
SELECT relname AS name, pg_table_size(relid) AS rows, pg_indexes_size(relid) AS indexes,
  pg_stat_get_tuples_inserted(relid) AS inserted, pg_stat_get_tuples_updated(relid) AS updated,
  pg_stat_get_tuples_hot_updated(relid) AS hot
FROM pg_statio_user_tables"""
_WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one table got.

    Attributes:
        rows, indexes: bytes.
        inserted, updated, hot: counts of rows; `hot` updates touch no index.
    """

    rows: float
    indexes: float
    inserted: float
    updated: float
    hot: float


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes and rows for each of so many calls."""

    calls: int
    wal: float
    tables: dict[str, Share]

    @property
    def disk(self) -> float:
        """Bytes in tables and indexes."""
        return sum(share.rows + share.indexes for share in self.tables.values())


def measured(url: str, calls: int, act: Callable[[], object]) -> Footprint:
    """What `act`, which makes so many calls, adds to a database; each number is for one call."""
    before, wal = _tables(url), _wal(url)
    act()
    written, after = _wal(url) - wal, _tables(url)
    shares = {
        name: Share(**{part: (now[part] - before[name][part]) / calls for part in now})
        for name, now in after.items()
    }
    return Footprint(calls, written / calls, {name: each for name, each in shares.items() if any(_all(each))})


def _all(share: Share) -> tuple[float, ...]:
    return tuple(asdict(share).values())


def _tables(url: str) -> dict[str, dict[str, int]]:
    rows = execute(url, _SIZES)
    return {row.name: {part: int(getattr(row, part)) for part in Share.__slots__} for row in rows}


def _wal(url: str) -> int:
    (row,) = execute(url, _WAL)
    return int(row.bytes)


def of_payments(url: str, payments: int, first: str = "") -> dict[str, Footprint]:
    """What issuing so many invoices leaves, and then paying them; a thousand to a transaction.

    Args:
        first: a statement before anything is written.
    """
    migrate(url)
    if first:
        execute(url, first)
    # Each transaction has a session of its own, because counts are told when a session ends.
    engine = create_engine(url, poolclass=NullPool)
    repository = connect_store(engine, SystemIds().new, blocking=True)
    crowd = Crowd(500, repository=repository, ids=SystemIds(), clock=SystemClock(), screening=None)
    crowd.pay(crowd.issue(WARM_UP))
    open_invoices: list[Invoice] = []
    found = {
        "issue": measured(url, payments, lambda: open_invoices.extend(crowd.issue(payments))),
        "pay": measured(url, payments, lambda: crowd.pay(open_invoices)),
    }
    run_blocking(repository.close())
    return found


def table(name: str, found: Footprint) -> str:
    """Lines for a person."""
    lines = [
        f"{name}: {found.disk:,.0f} bytes of disk, {found.wal:,.0f} bytes of WAL; {found.calls:,} times",
        f"  {'table':22} {'rows':>8} {'indexes':>8} {'inserted':>9} {'updated':>8} {'hot':>5}",
    ]
    for title, share in sorted(found.tables.items(), key=lambda item: -item[1].rows - item[1].indexes):
        hot = f"{share.hot / share.updated:.0%}" if share.updated else ""
        sizes = f"{share.rows:8,.0f} {share.indexes:8,.0f} {share.inserted:9.2f} {share.updated:8.2f}"
        lines.append(f"  {title:22} {sizes} {hot:>5}")
    return "\n".join(lines)


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.footprint", description=__doc__)
    parser.add_argument("--payments", type=int, default=20_000)
    parser.add_argument("--first", default="", help="a statement before anything is written")
    parser.add_argument("--json", action="store_true", help="one object instead of tables")
    asked = parser.parse_args()
    with postgres.start(durable=True) as server:
        found = of_payments(server.url(server.clone()), asked.payments, asked.first)
    if asked.json:
        sys.stdout.write(json.dumps({name: asdict(each) for name, each in found.items()}) + "\n")
    else:
        sys.stdout.write("\n".join(table(name, each) for name, each in found.items()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
