"""Committed rows as values: balances, ledger transactions, events, audit records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from invoicepay.adapters.sql.chunks import chunks
from invoicepay.adapters.sql.finds import among
from invoicepay.adapters.sql.schema import Place
from invoicepay.domain.accounts import Account, AccountType, Booked, Entry, Posting, account_of
from invoicepay.domain.audit import GENESIS, AuditRecord, Checkpoint, Head
from invoicepay.domain.events import Event

_GROWN_BY_DEBIT = (AccountType.ASSET.value, AccountType.EXPENSE.value)


def balances(
    connection: Connection,
    place: Place,
    accounts: Iterable[Account] | None = None,
    *,
    party_id: str | None = None,
    at: datetime | None = None,
) -> dict[Account, int]:
    """Micros by account; accounts asked for by name are always there."""
    table = place.schema.accounts
    query = _stored(place) if at is None else _as_of(place, at)
    if accounts is None:
        if party_id is not None:
            query = query.where(table.c.party_id == party_id)
        return {account_of(id): int(balance) for id, balance in connection.execute(query)}
    named = {account.id: account for account in accounts}
    sums = dict.fromkeys(named.values(), 0)
    for some in chunks(list(named)):
        for id, balance in connection.execute(query.where(among(connection, table.c.id, some))):
            sums[named[id]] = int(balance)
    return sums


def _stored(place: Place) -> Select[Any]:
    table = place.schema.accounts
    return select(table.c.id, table.c.balance).where(place.owns(table))


def _as_of(place: Place, at: datetime) -> Select[Any]:
    """Balances as the sums of entries in effect at an instant."""
    accounts, entries, booked = place.schema.accounts, place.schema.entries, place.schema.transactions
    return (
        select(accounts.c.id, func.sum(growth(accounts.c.type, entries.c.side, entries.c.amount)))
        .join_from(accounts, entries, accounts.c.id == entries.c.account_id)
        .join(booked, booked.c.id == entries.c.tx_id)
        .where(place.owns(accounts), place.owns(entries), place.owns(booked), booked.c.effective_at <= at)
        .group_by(accounts.c.id)
    )


def growth(
    type: ColumnElement[str], side: ColumnElement[str], amount: ColumnElement[int]
) -> ColumnElement[int]:
    """What an entry adds to its account."""
    grows = ((side == "D") & type.in_(_GROWN_BY_DEBIT)) | ((side == "C") & type.not_in(_GROWN_BY_DEBIT))
    return case((grows, amount), else_=-amount)


def transactions(
    connection: Connection,
    place: Place,
    *,
    memo: str | None = None,
    group_id: str | None = None,
    party_id: str | None = None,
    after: str = "",
    limit: int | None = None,
) -> tuple[Booked, ...]:
    """Ledger transactions ordered by id."""
    table = place.schema.transactions
    query = select(table).where(place.owns(table), table.c.id > after).order_by(table.c.id).limit(limit)
    if memo is not None:
        query = query.where(table.c.memo == memo)
    if group_id is not None:
        query = query.where(table.c.group_id == group_id)
    if party_id is not None:
        query = query.where(table.c.id.in_(_of_party(place, party_id)))
    return booked(connection, place, query)


def booked(connection: Connection, place: Place, query: Select[Any]) -> tuple[Booked, ...]:
    """The ledger transactions of a query over their table, with their entries."""
    rows = connection.execute(query).all()
    entries = _entries(connection, place, [row.id for row in rows])
    return tuple(
        Booked(
            posting=Posting(row.rule, tuple(entries[row.id]), row.memo, row.reverses, row.id),
            group_id=row.group_id,
            effective_at=row.effective_at,
            recorded_at=row.recorded_at,
        )
        for row in rows
    )


def _of_party(place: Place, party_id: str) -> Select[Any]:
    entries, accounts = place.schema.entries, place.schema.accounts
    own = select(accounts.c.id).where(place.owns(accounts), accounts.c.party_id == party_id)
    return select(entries.c.tx_id).where(place.owns(entries), entries.c.account_id.in_(own))


def _entries(connection: Connection, place: Place, ids: list[str]) -> dict[str, list[Entry]]:
    table = place.schema.entries
    entries: dict[str, list[Entry]] = {id: [] for id in ids}
    for some in chunks(ids):
        query = select(table).where(place.owns(table), among(connection, table.c.tx_id, some))
        for row in connection.execute(query.order_by(table.c.tx_id, table.c.position)):
            entries[row.tx_id].append(Entry(account_of(row.account_id), row.side, row.amount))
    return entries


def events(
    connection: Connection,
    place: Place,
    *,
    entity_id: str | None = None,
    seq: int | None = None,
    unpublished: bool = False,
    after: str = "",
    limit: int | None = None,
) -> tuple[Event, ...]:
    """Events ordered by id, or by `seq` when they are one entity's."""
    table = place.schema.outbox
    query = select(table).where(place.owns(table), table.c.id > after).limit(limit)
    if unpublished:
        query = query.where(table.c.published_at.is_(None))
    if seq is not None:
        query = query.where(table.c.seq == seq)
    if entity_id is not None:
        query = query.where(table.c.entity_id == entity_id).order_by(table.c.seq)
    return told(connection, query.order_by(table.c.id))


def told(connection: Connection, query: Select[Any]) -> tuple[Event, ...]:
    """The events of a query over their table."""
    return tuple(map(_event, connection.execute(query).mappings()))


def _event(row: Mapping[Any, Any]) -> Event:
    values = {name: row[name] for name in _EVENT}
    return Event(**values | {"data": json.loads(row["data"])})


def audit_records(
    connection: Connection,
    place: Place,
    *,
    stream: str | None = None,
    after: int = 0,
    limit: int | None = None,
) -> tuple[AuditRecord, ...]:
    """Audit records of one stream, or of all one after the other."""
    table = place.schema.audit
    query = select(table).where(place.owns(table), table.c.position > after).limit(limit)
    if stream is not None:
        query = query.where(table.c.stream == stream)
    ordered = query.order_by(table.c.stream, table.c.position)
    return tuple(map(_audit_record, connection.execute(ordered).mappings()))


def audit_trail(connection: Connection, place: Place, entity_id: str) -> tuple[AuditRecord, ...]:
    """Every record that changed the entity: an event knows the record of the command that made it."""
    table, outbox = place.schema.audit, place.schema.outbox
    steps = select(outbox.c.group_id).where(place.owns(outbox), outbox.c.entity_id == entity_id)
    query = select(table).where(place.owns(table), table.c.id.in_(steps)).order_by(table.c.id)
    return tuple(map(_audit_record, connection.execute(query).mappings()))


def _audit_record(row: Mapping[Any, Any]) -> AuditRecord:
    values = {name: row[name] for name in _AUDIT}
    return AuditRecord(**values | {"entity_ids": tuple(json.loads(row["entity_ids"]))})


def heads(connection: Connection, place: Place, *, lock: bool = False) -> tuple[Head, ...]:
    """The newest record of every stream, by name."""
    table = place.schema.streams
    query = select(table.c.stream, table.c.position, table.c.hash).where(place.owns(table))
    query = query.order_by(table.c.stream)
    found = connection.execute(query.with_for_update(key_share=True) if lock else query)
    return tuple(Head(*row) for row in found)


def every_head(connection: Connection, place: Place) -> tuple[Head, ...]:
    """The same, and one at 0 for every stream that has records and whose head somebody removed."""
    known = heads(connection, place)
    names = {head.stream for head in known}
    written = _streams(connection, place)
    lost = [Head(stream, 0, GENESIS) for stream in written if stream not in names]
    return tuple(sorted([*known, *lost], key=lambda head: head.stream))


def _streams(connection: Connection, place: Place) -> list[str]:
    """The streams that have records, each found by one step in the key: few streams have many records."""
    stream, names = place.schema.audit.c.stream, list[str]()
    first = select(stream).where(place.owns(place.schema.audit)).order_by(stream).limit(1)
    following = first
    while (name := connection.execute(following).scalar()) is not None:
        names.append(name)
        following = first.where(stream > name)
    return names


def checkpoints(connection: Connection, place: Place, *, latest: bool = False) -> tuple[Checkpoint, ...]:
    """Sealed heads, oldest first, or only the latest."""
    table = place.schema.checkpoints
    query = select(table).where(place.owns(table)).order_by(table.c.position)
    if latest:
        query = query.order_by(None).order_by(table.c.position.desc()).limit(1)
    return tuple(map(_checkpoint, connection.execute(query).mappings()))


def _checkpoint(row: Mapping[Any, Any]) -> Checkpoint:
    values = {name: row[name] for name in _CHECKPOINT}
    return Checkpoint(**values | {"heads": tuple(Head(*head) for head in json.loads(row["heads"]))})


_EVENT, _AUDIT, _CHECKPOINT = (
    tuple(part.name for part in fields(kind)) for kind in (Event, AuditRecord, Checkpoint)
)
