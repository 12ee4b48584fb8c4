"""Write a batch: each table once, inserts and updates over sets, balances last but for the audit head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Table

from invoicepay.adapters.sql import statements
from invoicepay.adapters.sql.balances import Held, move
from invoicepay.adapters.sql.schema import Place
from invoicepay.domain.audit import GENESIS, Head, chain
from invoicepay.domain.canonical import canonical
from invoicepay.domain.change import Outcome, lock_rank
from invoicepay.domain.entity import Entity
from invoicepay.domain.writes import Writes
from invoicepay.errors import ConcurrentUpdate
from invoicepay.ports.repository import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one transaction writes.

    Attributes:
        group_ids: one for each outcome: the id of its audit record, which its postings and events carry too.
        held: the accounts that the unit has locked.
        stream: the audit stream of this writer.
    """

    writes: Writes
    outcomes: Sequence[Outcome[Any]]
    group_ids: Sequence[str]
    replies: Sequence[Reply]
    held: Held
    stream: str


def apply(connection: Connection, place: Place, batch: Batch) -> None:
    """Write rows, postings, events, audit records and replies.

    Replies come first: a twin under the same key waits there, before it holds anything others want. Changed
    rows come before new ones, which may take what they give up.
    """
    _insert_replies(connection, place, batch.replies)
    _update_rows(connection, place, batch.writes.changed)
    _insert_rows(connection, place, batch.writes.added)
    _insert_postings(connection, place, batch)
    _insert_events(connection, place, batch)
    move(connection, place, batch.writes.movements, batch.held)
    _audit(connection, place, batch)


def insert_all(connection: Connection, place: Place, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of the tenant in one go."""
    if rows:
        connection.execute(statements.added(table), [{"tenant_id": place.tenant_id, **row} for row in rows])


def _insert_replies(connection: Connection, place: Place, replies: Sequence[Reply]) -> None:
    ordered = sorted(replies, key=lambda reply: (reply.operation, reply.key))
    insert_all(connection, place, place.schema.replies, [_fields(reply) for reply in ordered])


def _insert_rows(connection: Connection, place: Place, added: Iterable[Entity]) -> None:
    for kind, rows in _by_kind(added):
        kept = place.schema.kinds[kind]
        insert_all(connection, place, kept.table, [kept.shape.values(row) for row in rows])


def _update_rows(connection: Connection, place: Place, changed: Iterable[tuple[Entity, int]]) -> None:
    """Update rows that still have the version they were read with."""
    versions = {(type(row), row.id): version for row, version in changed}
    for kind, rows in _by_kind(row for row, _ in changed):
        kept = place.schema.kinds[kind]
        values = [
            kept.shape.values(row)
            | {"owner": place.tenant_id, "row_id": row.id, "row_version": versions[kind, row.id]}
            for row in rows
        ]
        if connection.execute(statements.changed(kept.table), values).rowcount != len(values):
            raise ConcurrentUpdate(kind=kind.KIND)


def _by_kind(rows: Iterable[Entity]) -> list[tuple[type[Entity], list[Entity]]]:
    """Rows by kind in the global lock order, each kind's by id."""
    kinds: dict[type[Entity], list[Entity]] = {}
    for row in rows:
        kinds.setdefault(type(row), []).append(row)
    return [(kind, sorted(kinds[kind], key=lambda row: row.id)) for kind in sorted(kinds, key=lock_rank)]


def _insert_postings(connection: Connection, place: Place, batch: Batch) -> None:
    transactions: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    for group_id, outcome in zip(batch.group_ids, batch.outcomes, strict=True):
        for posting in outcome.postings:
            transactions.append(
                {
                    "id": posting.id,
                    "group_id": group_id,
                    "rule": posting.rule,
                    "memo": posting.memo,
                    "reverses": posting.reverses,
                    "effective_at": outcome.context.now,
                    "recorded_at": outcome.context.now,
                }
            )
            entries += [
                {
                    "tx_id": posting.id,
                    "position": position,
                    "account_id": entry.account.id,
                    "side": entry.side,
                    "amount": entry.amount,
                    "asset": entry.account.asset,
                }
                for position, entry in enumerate(posting.entries)
            ]
    insert_all(connection, place, place.schema.transactions, transactions)
    insert_all(connection, place, place.schema.entries, entries)


def _insert_events(connection: Connection, place: Place, batch: Batch) -> None:
    rows = [
        {
            "id": event.id,
            "name": event.name,
            "kind": event.kind,
            "entity_id": event.entity_id,
            "seq": event.seq,
            "from_status": event.from_status,
            "to_status": event.to_status,
            "at": event.at,
            "data": event.body,
            "group_id": group_id,
            "published_at": None,
        }
        for group_id, outcome in zip(batch.group_ids, batch.outcomes, strict=True)
        for event in outcome.events
    ]
    insert_all(connection, place, place.schema.outbox, rows)


def _audit(connection: Connection, place: Place, batch: Batch) -> None:
    """Continue the stream; its head is the last lock, held only until the commit."""
    if not batch.outcomes:
        return
    head = _locked_head(connection, place, batch.stream)
    records = chain(place.tenant_id, head, batch.group_ids, batch.outcomes)
    rows = [_fields(record) | {"entity_ids": canonical(record.entity_ids)} for record in records]
    insert_all(connection, place, place.schema.audit, rows)
    place_of = {"owner": place.tenant_id, "of_stream": batch.stream}
    ended = {"position": records[-1].position, "hash": records[-1].hash}
    connection.execute(statements.moved_head(place.schema.streams), place_of | ended)


def _locked_head(connection: Connection, place: Place, stream: str) -> Head:
    table = place.schema.streams
    of_stream = {"owner": place.tenant_id, "of_stream": stream}
    found = connection.execute(statements.head(table), of_stream).one_or_none()
    if found is None:
        insert_all(connection, place, table, [{"stream": stream, "position": 0, "hash": GENESIS}])
        return Head(stream, 0, GENESIS)
    return Head(stream, found.position, found.hash)


def _fields(value: Any) -> dict[str, Any]:
    """A value's fields by name, as they are."""
    return {part.name: getattr(value, part.name) for part in fields(value)}
