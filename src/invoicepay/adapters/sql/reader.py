"""Looks at committed rows of one tenant: one snapshot, no locks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, select

from invoicepay.adapters.sql.connect import Link
from invoicepay.adapters.sql.load import among, chunks, found
from invoicepay.adapters.sql.schema import Place
from invoicepay.adapters.sql.violations import violations
from invoicepay.domain.accounts import Account, AccountType, Booked, Entry, Posting, account_of
from invoicepay.domain.audit import AuditRecord, Checkpoint, Head
from invoicepay.domain.change import Find
from invoicepay.domain.entity import E
from invoicepay.domain.events import Event
from invoicepay.domain.invariants import Violation

T = TypeVar("T")
_GROWN_BY_DEBIT = (AccountType.ASSET.value, AccountType.EXPENSE.value)


class SqlReader:
    """A look through one transaction that only reads."""

    def __init__(self, link: Link, place: Place) -> None:
        self._link, self._place = link, place

    async def _look(self, step: Callable[[Connection, Place], T]) -> T:
        return await self._link.run(lambda connection: step(connection, self._place))

    async def find(self, wanted: Find[E]) -> tuple[E, ...]:
        rows = await self._look(lambda connection, place: found(connection, place, wanted))
        return cast("tuple[E, ...]", tuple(rows))

    async def balances(
        self,
        accounts: Iterable[Account] | None = None,
        *,
        party_id: str | None = None,
        at: datetime | None = None,
    ) -> Mapping[Account, int]:
        named = None if accounts is None else {account.id: account for account in accounts}
        return await self._look(
            lambda connection, place: _balances(connection, place, named, party_id=party_id, at=at)
        )

    async def transactions(
        self, *, memo: str | None = None, group_id: str | None = None, after: str = "", limit: int = 200
    ) -> tuple[Booked, ...]:
        wanted = {"memo": memo, "group_id": group_id}
        return await self._look(
            lambda connection, place: _transactions(connection, place, wanted, after=after, limit=limit)
        )

    async def events(
        self, *, entity_id: str | None = None, unpublished: bool = False, after: str = "", limit: int = 200
    ) -> tuple[Event, ...]:
        table = self._place.schema.outbox
        query = select(table).where(self._place.owns(table), table.c.id > after).limit(limit)
        if unpublished:
            query = query.where(table.c.published_at.is_(None))
        if entity_id is not None:
            query = query.where(table.c.entity_id == entity_id).order_by(table.c.seq)
        return await self._all(query.order_by(table.c.id), _event)

    async def audit_records(
        self, *, stream: str, after: int = 0, limit: int = 500
    ) -> tuple[AuditRecord, ...]:
        table = self._place.schema.audit
        query = select(table).where(
            self._place.owns(table), table.c.stream == stream, table.c.position > after
        )
        return await self._all(query.order_by(table.c.position).limit(limit), _audit_record)

    async def audit_trail(self, entity_id: str) -> tuple[AuditRecord, ...]:
        table, outbox = self._place.schema.audit, self._place.schema.outbox
        steps = select(outbox.c.group_id).where(self._place.owns(outbox), outbox.c.entity_id == entity_id)
        query = select(table).where(self._place.owns(table), table.c.id.in_(steps)).order_by(table.c.id)
        return await self._all(query, _audit_record)

    async def audit_heads(self) -> tuple[Head, ...]:
        return await self._look(heads)

    async def checkpoints(self) -> tuple[Checkpoint, ...]:
        return await self._look(checkpoints)

    async def violations(self) -> tuple[Violation, ...]:
        return await self._look(violations)

    async def _all(self, query: Select[Any], read: Callable[[Row[Any]], T]) -> tuple[T, ...]:
        return await self._link.run(lambda connection: tuple(map(read, connection.execute(query))))


def heads(connection: Connection, place: Place) -> tuple[Head, ...]:
    """The newest record of every stream, by name."""
    table = place.schema.streams
    query = select(table.c.stream, table.c.position, table.c.hash).where(place.owns(table))
    return tuple(Head(*row) for row in connection.execute(query.order_by(table.c.stream)))


def checkpoints(connection: Connection, place: Place) -> tuple[Checkpoint, ...]:
    """Sealed heads, oldest first."""
    table = place.schema.checkpoints
    query = select(table).where(place.owns(table)).order_by(table.c.position)
    return tuple(map(_checkpoint, connection.execute(query)))


def _balances(
    connection: Connection,
    place: Place,
    named: Mapping[str, Account] | None,
    *,
    party_id: str | None,
    at: datetime | None,
) -> dict[Account, int]:
    table = place.schema.accounts
    query = _current(place) if at is None else _as_of(place, at)
    if named is None:
        if party_id is not None:
            query = query.where(table.c.party_id == party_id)
        return {account_of(id): int(balance) for id, balance in connection.execute(query)}
    balances = dict.fromkeys(named.values(), 0)
    for some in chunks(list(named)):
        for id, balance in connection.execute(query.where(among(connection, table.c.id, some))):
            balances[named[id]] = int(balance)
    return balances


def _current(place: Place) -> Select[Any]:
    table = place.schema.accounts
    return select(table.c.id, table.c.balance).where(place.owns(table))


def _as_of(place: Place, at: datetime) -> Select[Any]:
    """Balances as the sum of entries in effect at an instant."""
    accounts, entries, booked = place.schema.accounts, place.schema.entries, place.schema.transactions
    same_tenant = (entries.c.tenant_id == accounts.c.tenant_id) & (booked.c.tenant_id == accounts.c.tenant_id)
    return (
        select(accounts.c.id, func.sum(growth(accounts.c.type, entries.c.side, entries.c.amount)))
        .join_from(accounts, entries, entries.c.account_id == accounts.c.id)
        .join(booked, booked.c.id == entries.c.tx_id)
        .where(place.owns(accounts), same_tenant, booked.c.effective_at <= at)
        .group_by(accounts.c.id)
    )


def growth(
    type: ColumnElement[str], side: ColumnElement[str], amount: ColumnElement[int]
) -> ColumnElement[int]:
    """What an entry adds to its account."""
    grows = ((side == "D") & type.in_(_GROWN_BY_DEBIT)) | ((side == "C") & type.not_in(_GROWN_BY_DEBIT))
    return case((grows, amount), else_=-amount)


def _transactions(
    connection: Connection, place: Place, wanted: Mapping[str, str | None], *, after: str, limit: int
) -> tuple[Booked, ...]:
    table = place.schema.transactions
    query = select(table).where(place.owns(table), table.c.id > after)
    query = query.where(*(table.c[name] == value for name, value in wanted.items() if value is not None))
    rows = connection.execute(query.order_by(table.c.id).limit(limit)).all()
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


def _entries(connection: Connection, place: Place, ids: list[str]) -> dict[str, list[Entry]]:
    table = place.schema.entries
    entries: dict[str, list[Entry]] = {id: [] for id in ids}
    for some in chunks(ids):
        query = select(table).where(place.owns(table), among(connection, table.c.tx_id, some))
        for row in connection.execute(query.order_by(table.c.tx_id, table.c.position)):
            entries[row.tx_id].append(Entry(account_of(row.account_id), row.side, row.amount))
    return entries


def _event(row: Row[Any]) -> Event:
    return Event(
        id=row.id,
        name=row.name,
        kind=row.kind,
        entity_id=row.entity_id,
        seq=row.seq,
        from_status=row.from_status,
        to_status=row.to_status,
        at=row.at,
        data=json.loads(row.data),
    )


def _audit_record(row: Row[Any]) -> AuditRecord:
    return AuditRecord(
        id=row.id,
        stream=row.stream,
        position=row.position,
        recorded_at=row.recorded_at,
        actor=row.actor,
        action=row.action,
        entity_ids=tuple(json.loads(row.entity_ids)),
        body=row.body,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )


def _checkpoint(row: Row[Any]) -> Checkpoint:
    return Checkpoint(
        position=row.position,
        at=row.at,
        heads=tuple(Head(*head) for head in json.loads(row.heads)),
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
