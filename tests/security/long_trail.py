"""A long audit trail on SQLite, verified from its first record: `python -m tests.security.long_trail`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from invoicepay import InvoicePay, migrate
from invoicepay.adapters.checkpoint_keys import Ed25519Key
from invoicepay.adapters.sql import look
from invoicepay.adapters.sql.connect import begin
from invoicepay.adapters.sql.schema import Place, schema_of
from invoicepay.domain.audit import AuditRecord, link
from invoicepay.domain.time import iso
from tests.support.sql import engine_for

PLACE = Place(schema_of(), "default")
KEY = Ed25519Key(bytes(range(32)))
AT_ONCE = 50_000
BUDGET_SECONDS = 60


def started(url: str) -> list[AuditRecord]:
    """A database with a payment in it, and the records that its commands left."""
    migrate(url)
    with InvoicePay(url) as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
        invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "20.00 USD")])
        pay.invoices.pay(invoice, payer="ann")
    with engine_for(url) as engine, engine.connect() as connection:
        return list(look.audit_records(connection, PLACE))


def grown(pattern: list[AuditRecord], size: int) -> Iterator[list[dict[str, Any]]]:
    """Rows that continue the stream with the same bodies under new ids, each linked to the one before."""
    head, rows = pattern[-1], list[dict[str, Any]]()
    for position in range(head.position + 1, size + 1):
        like = pattern[position % len(pattern)]
        id = f"aud_{position:026d}"
        digest = link(PLACE.tenant_id, like.stream, position, head.hash, like.body, id)
        row = asdict(like) | {"position": position, "id": id, "previous_hash": head.hash, "hash": digest}
        head = AuditRecord(**row)
        row |= {"entity_ids": json.dumps(list(like.entity_ids)), "recorded_at": iso(like.recorded_at)}
        rows.append(row | {"tenant_id": PLACE.tenant_id})
        if len(rows) == AT_ONCE or position == size:
            yield rows
            rows = []


def fill(connection: Connection, rows: list[dict[str, Any]]) -> None:
    columns = ", ".join(rows[0])
    marks = ", ".join(f":{name}" for name in rows[0])
    connection.connection.cursor().executemany(f"INSERT INTO audit_log ({columns}) VALUES ({marks})", rows)
    last = {"position": rows[-1]["position"], "hash": rows[-1]["hash"]}
    connection.execute(text("UPDATE audit_streams SET position = :position, hash = :hash"), last)


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def measure(records: int, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Grow a trail, anchor it, verify it; then edit one record in the middle and verify again."""
    url = f"sqlite:///{folder / 'trail.db'}"
    pattern, began = started(url), time.monotonic()
    with engine_for(url) as engine:
        for rows in grown(pattern, records):
            with engine.connect() as connection:
                begin(connection, writes=True)
                fill(connection, rows)
                connection.commit()
            say(f"{rows[-1]['position']:,} records after {time.monotonic() - began:.0f} s")
        with InvoicePay(url, checkpoint_keys=(KEY,)) as pay:
            anchor = pay.audit.anchor()
            assert anchor is not None
            began = time.monotonic()
            right = pay.audit.verify(anchors=[anchor])
            seconds = time.monotonic() - began
            say(f"{right.records:,} records verified in {seconds:.1f} s; faults: {len(right.faults)}")
            with engine.connect() as connection:
                begin(connection, writes=True)
                connection.execute(text("DROP TRIGGER audit_log_refuse_update"))
                spoil = "UPDATE audit_log SET actor = 'eve' WHERE position = :middle"
                connection.execute(text(spoil), {"middle": records // 2})
                connection.commit()
            wrong = pay.audit.verify(anchors=[anchor])
    return {
        "records": right.records,
        "seconds": round(seconds, 2),
        "records_per_second": round(right.records / seconds),
        "is_right": right.faults == (),
        "edit_found": wrong.faults == (f"main#{records // 2}: was edited, a column differs from its body",),
        "budget_seconds": BUDGET_SECONDS,
    }


def main(arguments: list[str]) -> int:
    """Measure as told; 1 when something was missed, or when it took longer than the budget."""
    options = argparse.ArgumentParser(prog="python -m tests.security.long_trail", description=__doc__)
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--json", action="store_true", help="only the figures, as one object")
    given = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        told = measure(given.records, Path(folder), (lambda line: None) if given.json else tell)
    tell(json.dumps(told))
    is_fine = told["is_right"] and told["edit_found"] and told["seconds"] < BUDGET_SECONDS
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
