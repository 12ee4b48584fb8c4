"""Write a batch: each table once, inserts and updates over sets, balances last but for the audit head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import attrgetter, is_not
from typing import Any

from sqlalchemy import Connection

from invoicepay.adapters.sql import statements
from invoicepay.adapters.sql.balances import Held, move
from invoicepay.adapters.sql.erase import erase
from invoicepay.adapters.sql.forms import Row, instant_text
from invoicepay.adapters.sql.schema import Kept, Place
from invoicepay.adapters.sql.writing import Sending
from invoicepay.domain.audit import GENESIS, Head, by_stream, chain
from invoicepay.domain.canonical import series, text
from invoicepay.domain.change import Outcome
from invoicepay.domain.entity import Entity
from invoicepay.domain.needs import RowKey, lock_rank
from invoicepay.domain.writes import Writes
from invoicepay.ports.repository import Reply

_REPLY = ("tenant_id", "operation", "key", "fingerprint", "is_error", "body", "event_id", "recorded_at")
_TRANSACTION = ("tenant_id", "id", "group_id", "rule", "memo", "reverses", "effective_at", "recorded_at")
_ENTRY = ("tenant_id", "tx_id", "position", "account_id", "side", "amount", "asset")
_EVENT = (
    "tenant_id", "id", "name", "kind", "entity_id", "from_status", "to_status", "data", "group_id", "seq",
    "at",
)  # fmt: skip
_RECORD = (
    "tenant_id", "stream", "position", "id", "recorded_at", "actor", "action", "entity_ids", "body",
    "previous_hash", "hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one transaction writes.

    Attributes:
        read: changed rows as they were loaded.
        group_ids: one for each outcome: the id of its audit record, which its postings and events carry too.
        held: the accounts that the unit has locked.
        stream: the audit stream of this writer.
    """

    writes: Writes
    read: Mapping[RowKey, Entity]
    outcomes: Sequence[Outcome[Any]]
    group_ids: Sequence[str]
    replies: Sequence[Reply]
    held: Held
    stream: str


def apply(connection: Connection, place: Place, batch: Batch) -> Sending:
    """Write rows, postings, events, audit records and replies.

    Replies come first: a twin under the same key waits there, before it holds anything others want. Changed
    rows come before new ones, which may take what they give up.

    Returns:
        The audit stream's new head, which may travel together with the commit.
    """
    sending = Sending(connection)
    _insert_replies(sending, place, batch)
    _update_rows(sending, place, batch)
    _insert_rows(sending, place, batch.writes.added)
    _insert_postings(sending, place, batch)
    _insert_events(sending, place, batch)
    _erase(sending, place, batch.outcomes)
    move(sending, place, batch.writes.movements, batch.held)
    _audit(sending, place, batch)
    return sending


def _insert_replies(sending: Sending, place: Place, batch: Batch) -> None:
    """A result whose text one of the events carries already is not written twice."""
    told = {id(event.body): event.id for event in batch.writes.events}
    rows: list[Row] = [
        (
            place.tenant_id,
            reply.operation,
            reply.key,
            reply.fingerprint,
            "1" if reply.is_error else "0",
            "" if id(reply.body) in told else reply.body,
            told.get(id(reply.body), ""),
            instant_text(reply.recorded_at),
        )
        for reply in sorted(batch.replies, key=attrgetter("operation", "key"))
    ]
    sending.insert(place.schema.replies, _REPLY, rows)


def _insert_rows(sending: Sending, place: Place, added: Iterable[Entity]) -> None:
    for kind, rows in _by_kind(added):
        kept = place.schema.kinds[kind]
        write = kept.shape.write
        sending.insert(kept.table, kept.shape.columns, [write(place.tenant_id, row) for row in rows])


def _update_rows(sending: Sending, place: Place, batch: Batch) -> None:
    """Update rows that still have the version they were read with."""
    for kind, rows in _by_kind(row for row, _ in batch.writes.changed):
        kept = place.schema.kinds[kind]
        before = [batch.read[kind, row.id] for row in rows]
        places = _changed(kept, before, rows)
        names = tuple(kept.shape.names[place] for place in places)
        write = kept.shape.writer_of(names)
        values = [
            (*write("", row)[1:], row.id, str(read.version)) for row, read in zip(rows, before, strict=True)
        ]
        sending.update(
            statements.changed(kept.table, names, sending.dialect),
            lambda table=kept.table, names=names: statements.changed_together(table, names),  # type: ignore[misc]
            values,
            place.tenant_id,
            kind=kind.KIND,
        )


def _changed(kept: Kept, before: Sequence[Entity], after: Sequence[Entity]) -> list[int]:
    """Places of the columns that any of the rows changed; an untouched field is the same object."""
    values = attrgetter(*kept.shape.names)
    every = range(len(kept.shape.names))
    changed: set[int] = set()
    for old, new in zip(before, after, strict=True):
        changed.update(compress(every, map(is_not, values(old), values(new))))
    return sorted(changed)


def _by_kind(rows: Iterable[Entity]) -> list[tuple[type[Entity], list[Entity]]]:
    """Rows by kind in the global lock order, each kind's by id."""
    kinds: dict[type[Entity], list[Entity]] = {}
    for row in rows:
        kinds.setdefault(type(row), []).append(row)
    return [(kind, sorted(kinds[kind], key=attrgetter("id"))) for kind in sorted(kinds, key=lock_rank)]


def _insert_postings(sending: Sending, place: Place, batch: Batch) -> None:
    tenant_id = place.tenant_id
    transactions: list[Row] = []
    entries: list[Row] = []
    for group_id, outcome in zip(batch.group_ids, batch.outcomes, strict=True):
        now = instant_text(outcome.context.now)
        for posting in outcome.postings:
            id = posting.id
            transactions.append(
                (tenant_id, id, group_id, posting.rule, posting.memo, posting.reverses, now, now)
            )
            for position, entry in enumerate(posting.entries):
                account = entry.account
                entries.append(
                    (tenant_id, id, str(position), account.id, entry.side, str(entry.amount), account.asset)
                )
    sending.insert(place.schema.transactions, _TRANSACTION, transactions)
    sending.insert(place.schema.entries, _ENTRY, entries)


def _insert_events(sending: Sending, place: Place, batch: Batch) -> None:
    rows: list[Row] = [
        (
            place.tenant_id,
            event.id,
            event.name,
            event.kind,
            event.entity_id,
            event.from_status,
            event.to_status,
            event.body,
            group_id,
            str(event.seq),
            instant_text(event.at),
        )
        for group_id, outcome in zip(batch.group_ids, batch.outcomes, strict=True)
        for event in outcome.events
    ]
    sending.insert(place.schema.outbox, _EVENT, rows)


def _erase(sending: Sending, place: Place, outcomes: Iterable[Outcome[Any]]) -> None:
    for outcome in outcomes:
        if outcome.erases:
            sending.flush()
            erase(sending.connection, place, outcome.erases)


def _audit(sending: Sending, place: Place, batch: Batch) -> None:
    """Continue the streams; their heads are the last locks, held only until the commit."""
    if not batch.outcomes:
        sending.flush()
    for stream, ids, outcomes in by_stream(batch.group_ids, batch.outcomes, batch.stream):
        _continue(sending, place, stream, ids, outcomes)


def _continue(
    sending: Sending, place: Place, stream: str, ids: Sequence[str], outcomes: Sequence[Outcome[Any]]
) -> None:
    tenant_id = place.tenant_id
    head = _locked_head(sending, place, stream)
    records = chain(tenant_id, head, ids, outcomes)
    rows: list[Row] = [
        (
            tenant_id,
            record.stream,
            str(record.position),
            record.id,
            instant_text(record.recorded_at),
            record.actor,
            record.action,
            series([text(id) for id in record.entity_ids]),
            record.body,
            record.previous_hash,
            record.hash,
        )
        for record in records
    ]
    sending.insert(place.schema.audit, _RECORD, rows)
    last = records[-1]
    moved = statements.moved_head(place.schema.streams, sending.dialect)
    sending.add(moved, (str(last.position), last.hash, tenant_id, stream))


def _locked_head(sending: Sending, place: Place, stream: str) -> Head:
    table = place.schema.streams
    sending.add(statements.head(table, sending.dialect), (place.tenant_id, stream))
    found = sending.flush().rows
    if not found:
        start = (place.tenant_id, stream, "0", GENESIS)
        sending.insert(table, ("tenant_id", "stream", "position", "hash"), [start])
        return Head(stream, 0, GENESIS)
    ((position, digest),) = found
    return Head(stream, position, digest)
