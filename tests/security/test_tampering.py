"""Whoever owns the database is found out: each column of ledger and trail, and six kinds of attack (S-29)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, Table, make_url, text, update

from invoicepay import InvoicePay, migrate
from invoicepay.adapters.checkpoint_keys import Ed25519Key
from invoicepay.adapters.sql import look
from invoicepay.adapters.sql.connect import begin
from invoicepay.adapters.sql.schema import APPEND_ONLY, Place, schema_of
from invoicepay.adapters.sql.violations import violations
from invoicepay.domain.audit import GENESIS, AuditRecord, Checkpoint, Head, link, seal
from invoicepay.use_cases.queries import VERIFIED_AT_ONCE
from tests.security import long_trail
from tests.support.postgres import PostgresServer
from tests.support.sql import engine_for

SCHEMA = schema_of()
PLACE = Place(SCHEMA, "default")
STREAM = "main"
KEY = Ed25519Key(bytes(range(32)))
GUARDED = (SCHEMA.entries, SCHEMA.transactions, SCHEMA.audit, SCHEMA.checkpoints)


def trade(pay: InvoicePay) -> None:
    """A deposit and a payment, so that every guarded table has rows."""
    pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "20.00 USD")])
    pay.invoices.pay(invoice, payer="ann", amount="12.00 USD")


@dataclass(frozen=True)
class Past:
    """A database with a past, to be copied: two anchored checkpoints, and records behind the second.

    Attributes:
        anchors: what was kept elsewhere while all was right.
    """

    url: str
    anchors: list[str]
    server: PostgresServer | None

    @contextmanager
    def copied(self, folder: Path) -> Iterator[str]:
        """The URL of a copy."""
        if self.server is None:
            shutil.copy(self.url.removeprefix("sqlite:///"), folder / "copy.db")
            yield f"sqlite:///{folder / 'copy.db'}"
            return
        name = self.server.clone(make_url(self.url).database or "")
        yield self.server.url(name)
        self.server.drop(name)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def past(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Past:
    if request.param == "sqlite":
        server, url = None, f"sqlite:///{tmp_path_factory.mktemp('past') / 'pay.db'}"
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.clone())
    migrate(url)
    with InvoicePay(url, checkpoint_keys=(KEY,)) as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        anchors = []
        for _ in range(2):
            trade(pay)
            anchor = pay.audit.anchor()
            assert anchor is not None
            anchors.append(anchor.text)
        pay.parties.register("bob")
        assert pay.audit.verify(anchors=anchors)
        assert pay.invariants.check() == ()
    return Past(url, anchors, server)


@pytest.fixture
def url(past: Past, tmp_path: Path) -> Iterator[str]:
    with past.copied(tmp_path) as url:
        yield url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The owner's own connections, with every guard of the store switched off."""
    with disarmed(url) as engine:
        yield engine


@pytest.fixture(scope="module")
def owned(past: Past, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The same on one copy, for what is taken back."""
    with past.copied(tmp_path_factory.mktemp("owned")) as url, disarmed(url) as engine:
        yield engine


@contextmanager
def disarmed(url: str) -> Iterator[Engine]:
    with engine_for(url) as engine:
        with engine.connect() as connection:
            begin(connection, writes=True)
            for statement in disarming(engine.dialect.name):
                connection.execute(text(statement))
            connection.commit()
        yield engine


def disarming(dialect: str) -> Iterator[str]:
    for table in APPEND_ONLY:
        if dialect == "postgresql":
            yield f"ALTER TABLE {table} DISABLE TRIGGER USER"
        else:
            yield from (f"DROP TRIGGER {table}_refuse_{verb}" for verb in ("update", "delete"))


def owner(engine: Engine, attack: Callable[[Connection], None]) -> None:
    """Do something to the stored rows and commit it."""
    with engine.connect() as connection:
        begin(connection, writes=True)
        attack(connection)
        connection.commit()


def faults(url: str, anchors: list[str]) -> tuple[str, ...]:
    with InvoicePay(url, checkpoint_keys=(KEY,)) as pay:
        return pay.audit.verify(anchors=anchors).faults


def test_every_column_of_ledger_and_trail_is_checked(owned: Engine) -> None:
    """Another value in any column, of the last row and in SQLite of the first as well, is a violation."""
    with owned.connect() as connection:
        begin(connection, writes=True)
        missed = [
            f"{column} of {dict(row)}"
            for table in GUARDED
            for row in edges(connection, table)
            for column in table.columns
            if not is_found(connection, table, column, row)
        ]
        connection.rollback()

    assert missed == [], missed


def is_found(connection: Connection, table: Table, column: Column[Any], row: Mapping[Any, Any]) -> bool:
    here = [part == row[part.name] for part in table.primary_key.columns]
    changed = update(table).where(*here).values({column.name: other(column.name, row[column.name])})
    savepoint = connection.begin_nested()
    assert connection.execute(changed).rowcount == 1
    places = [PLACE, Place(SCHEMA, "defaultx")] if column.name == "tenant_id" else [PLACE]
    found = any(violations(connection, place) for place in places)
    savepoint.rollback()
    return found


ROWS = {
    "an entry of no transaction": (
        "INSERT INTO ledger_entries (tenant_id, tx_id, position, account_id, side, amount, asset) "
        "VALUES ('default', 'ltx_forged', 0, '2000/USD/eve', 'C', 1, 'USD')"
    ),
    "an entry more": (
        "INSERT INTO ledger_entries SELECT tenant_id, tx_id, 9, account_id, side, amount, asset "
        "FROM ledger_entries WHERE position = 0"
    ),
    "a transaction twice": (
        "INSERT INTO ledger_transactions SELECT tenant_id, 'ltx_forged', group_id, rule, memo, '', "
        "effective_at, recorded_at FROM ledger_transactions WHERE reverses = '' LIMIT 1"
    ),
    "a record of a stream that nobody writes": (
        "INSERT INTO audit_log SELECT tenant_id, 'forged', position, id || 'x', recorded_at, actor, action, "
        "entity_ids, body, previous_hash, hash FROM audit_log WHERE position = 1"
    ),
    "a checkpoint more": (
        "INSERT INTO audit_checkpoints SELECT tenant_id, position + 9, at, heads, previous_hash, hash "
        "FROM audit_checkpoints WHERE position = 1"
    ),
}
"""What somebody adds by hand."""


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_somebody_added_is_found(owned: Engine, name: str) -> None:
    with owned.connect() as connection:
        begin(connection, writes=True)
        assert connection.execute(text(ROWS[name])).rowcount > 0

        found = violations(connection, PLACE)
        connection.rollback()

    assert found != ()


def edges(connection: Connection, table: Table) -> list[Any]:
    """The last row; in SQLite, where a check is quick, the first one too."""
    rows = connection.execute(table.select().order_by(*table.primary_key.columns)).mappings().all()
    return [rows[-1]] if connection.dialect.name == "postgresql" else [rows[0], rows[-1]]


NEXT_DIGIT = str.maketrans("0123456789", "1234567890")


def other(name: str, value: Any) -> Any:
    """Another value that the column takes."""
    if name == "side":
        return {"D": "C", "C": "D"}[value]
    if name in ("heads", "entity_ids"):
        return json.dumps([*json.loads(value), "x"]) if name == "entity_ids" else value.translate(NEXT_DIGIT)
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    return value + 100_000 if isinstance(value, int) else f"{value}x"


def records(connection: Connection) -> list[AuditRecord]:
    return list(look.audit_records(connection, PLACE, stream=STREAM))


def put(connection: Connection, changed: AuditRecord, *, at: int | None = None) -> None:
    """Write a record over the one at a position."""
    table = SCHEMA.audit
    row = {name: getattr(changed, name) for name in AuditRecord.__dataclass_fields__}
    row["entity_ids"] = json.dumps(list(changed.entity_ids))
    position = changed.position if at is None else at
    here = (PLACE.owns(table), table.c.stream == STREAM, table.c.position == position)
    connection.execute(update(table).where(*here).values(row))


def renumber(connection: Connection, above: int, by: int) -> None:
    """Move the records above a position; the highest first where they move up."""
    table = SCHEMA.audit
    positions = [record.position for record in records(connection) if record.position > above]
    for position in sorted(positions, reverse=by > 0):
        here = (PLACE.owns(table), table.c.position == position)
        connection.execute(update(table).where(*here).values(position=position + by))


def retold(record: AuditRecord) -> AuditRecord:
    """The same record about somebody else, in its text and in the columns that repeat it."""
    ids = tuple(sorted(id.replace("ann", "eve") for id in record.entity_ids))
    return replace(record, body=record.body.replace("ann", "eve"), entity_ids=ids)


def set_head(connection: Connection, last: AuditRecord) -> None:
    table = SCHEMA.streams
    connection.execute(update(table).where(PLACE.owns(table)).values(position=last.position, hash=last.hash))


def edit(connection: Connection) -> None:
    third = records(connection)[2]
    assert "ann" in third.body
    put(connection, retold(third))


def delete(connection: Connection) -> None:
    connection.execute(text("DELETE FROM audit_log WHERE position = 3"))
    renumber(connection, above=3, by=-1)
    set_head(connection, records(connection)[-1])


def insert(connection: Connection) -> None:
    renumber(connection, above=3, by=1)
    third = records(connection)[2]
    body = third.body.replace("ann", "eve")
    forged = replace(third, position=4, id="aud_forged", body=body, previous_hash=third.hash)
    digest = link("default", STREAM, 4, third.hash, body, forged.id)
    row = {name: getattr(forged, name) for name in AuditRecord.__dataclass_fields__}
    row |= {"entity_ids": json.dumps(list(forged.entity_ids)), "tenant_id": "default", "hash": digest}
    connection.execute(SCHEMA.audit.insert().values(row))
    set_head(connection, records(connection)[-1])


def reorder(connection: Connection) -> None:
    third, fourth = records(connection)[2:4]
    table = SCHEMA.audit
    for old, new in ((3, 0), (4, 3), (0, 4)):
        here = (PLACE.owns(table), table.c.position == old)
        connection.execute(update(table).where(*here).values(position=new))
    assert [record.id for record in records(connection)[2:4]] == [fourth.id, third.id]


def truncate(connection: Connection) -> None:
    """Cut everything behind the first checkpoint off, and the second checkpoint with it."""
    (first, *_) = look.checkpoints(connection, PLACE)
    (head,) = first.heads
    connection.execute(text(f"DELETE FROM audit_log WHERE position > {head.position}"))
    connection.execute(text("DELETE FROM audit_checkpoints WHERE position > 1"))
    set_head(connection, records(connection)[-1])


def rewrite(connection: Connection) -> None:
    """Tell the third record otherwise, and make every hash behind it follow, checkpoints included."""
    previous, hashes = GENESIS, {}
    for record in records(connection):
        told = retold(record) if record.position == 3 else record
        digest = link("default", STREAM, record.position, previous, told.body, record.id)
        put(connection, replace(told, previous_hash=previous, hash=digest))
        previous = hashes[record.position] = digest
    last: Checkpoint | None = None
    for point in look.checkpoints(connection, PLACE):
        heads = [Head(head.stream, head.position, hashes[head.position]) for head in point.heads]
        last = seal("default", last, heads, point.at)
        values = {
            "heads": json.dumps([[head.stream, head.position, head.hash] for head in last.heads]),
            "previous_hash": last.previous_hash,
            "hash": last.hash,
        }
        table = SCHEMA.checkpoints
        here = (PLACE.owns(table), table.c.position == point.position)
        connection.execute(update(table).where(*here).values(values))
    set_head(connection, records(connection)[-1])


def behead(connection: Connection) -> None:
    connection.execute(text("DELETE FROM audit_streams"))
    connection.execute(text("DELETE FROM audit_checkpoints"))


@pytest.mark.parametrize("attack", [edit, delete, insert, reorder, behead])
def test_the_chain_alone_shows_edits_deletions_insertions_and_another_order(
    url: str, engine: Engine, attack: Callable[[Connection], None]
) -> None:
    owner(engine, attack)

    found = faults(url, anchors=[])

    assert any(fault.startswith(f"{STREAM}") for fault in found), found


@pytest.mark.parametrize(
    ("attack", "told"),
    [
        (truncate, "checkpoint 2: was anchored, and is gone"),
        (rewrite, "checkpoint 1: is not the one that was anchored"),
    ],
)
def test_only_an_anchor_shows_a_cut_end_and_a_past_that_was_written_anew(
    past: Past, url: str, engine: Engine, attack: Callable[[Connection], None], told: str
) -> None:
    owner(engine, attack)

    assert faults(url, anchors=[]) == (), "the attack was made well: the chain itself agrees"
    assert told in faults(url, past.anchors)


def test_an_anchor_of_a_key_that_is_not_ours_proves_nothing(past: Past, url: str) -> None:
    with InvoicePay(url, checkpoint_keys=(Ed25519Key(bytes(32), key_id=KEY.key_id),)) as pay:
        assert pay.audit.verify(anchors=past.anchors).faults == (
            "anchor 1: no key of ours signed it for this tenant",
            "anchor 2: no key of ours signed it for this tenant",
        )


def test_an_anchor_outlives_the_rotation_of_its_key(past: Past, url: str) -> None:
    newer, old = Ed25519Key(bytes(32)), Ed25519Key(public=KEY.public)

    with InvoicePay(url, checkpoint_keys=(newer, old)) as pay:
        anchor = pay.audit.anchor()

        assert anchor is not None
        assert anchor.key_id == newer.key_id
        assert pay.audit.verify(anchors=[*past.anchors, anchor])


def test_a_trail_of_many_pages_is_verified_page_by_page(tmp_path: Path) -> None:
    told = long_trail.measure(2 * VERIFIED_AT_ONCE + 1, tmp_path, lambda line: None)

    assert told["records"] == 2 * VERIFIED_AT_ONCE + 1
    assert told["is_right"]
    assert told["edit_found"]
