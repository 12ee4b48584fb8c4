"""The statements of every command, built once for each table: only values change from call to call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Insert,
    Select,
    Table,
    Text,
    Update,
    any_,
    bindparam,
    func,
    insert,
    select,
    update,
)

from invoicepay.adapters.sql.schema import Place, Schema
from invoicepay.domain.parties import Party, PartyKind


def named(place: Place, ids: Sequence[str], **values: Any) -> dict[str, Any]:
    """The values of a statement about rows of a tenant."""
    return {"owner": place.tenant_id, "wanted": list(ids), **values}


def _owned(table: Table) -> ColumnElement[bool]:
    return table.c.tenant_id == bindparam("owner")


def _wanted(column: ColumnElement[Any], dialect: str) -> ColumnElement[bool]:
    """Whether a column is one of the wanted values; PostgreSQL takes them as one array."""
    if dialect == "postgresql":
        return column == any_(bindparam("wanted", type_=ARRAY(Text())))
    return column.in_(bindparam("wanted", expanding=True))


@cache
def locked_rows(rows: Select[Any], table: Table, dialect: str, is_shared: bool, is_late: bool) -> Select[Any]:
    """Rows by id, locked in the order of their ids."""
    query = rows.where(_owned(table), _wanted(table.c.id, dialect)).order_by(table.c.id)
    return query.with_for_update(read=is_shared, key_share=not is_shared, nowait=is_late)


@cache
def accounts_by_id(accounts: Table, parties: Table, dialect: str, lock: bool, nowait: bool) -> Select[Any]:
    """Id, balance and rank of accounts, locked in the order of all writers where that is asked."""
    same = (parties.c.tenant_id == accounts.c.tenant_id) & (parties.c.id == accounts.c.party_id)
    is_control = (accounts.c.party_id == "").label("is_control")
    is_business = (func.coalesce(parties.c.kind, PartyKind.USER) != PartyKind.USER).label("is_business")
    query = select(accounts.c.id, accounts.c.balance, is_control, is_business)
    query = query.select_from(accounts.outerjoin(parties, same))
    query = query.where(_owned(accounts), _wanted(accounts.c.id, dialect))
    if not lock:
        return query
    query = query.order_by(is_control, is_business, accounts.c.id)
    return query.with_for_update(key_share=True, of=accounts, nowait=nowait)


@cache
def grown(accounts: Table) -> Update:
    """Add to balances without reading them."""
    statement = update(accounts).where(_owned(accounts), accounts.c.id == bindparam("account_id"))
    return statement.values(balance=accounts.c.balance + bindparam("growth"))


@cache
def answers(replies: Table, dialect: str) -> Select[Any]:
    """Stored answers of one operation by their keys."""
    same = replies.c.operation == bindparam("asked")
    return select(replies).where(_owned(replies), same, _wanted(replies.c.key, dialect))


@cache
def added(table: Table) -> Insert:
    """Insert whole rows."""
    return insert(table)


@cache
def changed(table: Table) -> Update:
    """Update rows that still have the version they were read with."""
    same = (table.c.id == bindparam("row_id")) & (table.c.version == bindparam("row_version"))
    return update(table).where(_owned(table), same)


@cache
def head(streams: Table) -> Select[Any]:
    """The newest record of a stream, locked."""
    of_stream = streams.c.stream == bindparam("of_stream")
    query = select(streams.c.position, streams.c.hash).where(_owned(streams), of_stream)
    return query.with_for_update(key_share=True)


@cache
def moved_head(streams: Table) -> Update:
    """Let a stream end at another record."""
    return update(streams).where(_owned(streams), streams.c.stream == bindparam("of_stream"))


def read_accounts(
    connection: Connection, schema: Schema, *, lock: bool = False, nowait: bool = False
) -> Select[Any]:
    """`accounts_by_id` for a connection."""
    parties = schema.kinds[Party].table
    return accounts_by_id(schema.accounts, parties, connection.dialect.name, lock, nowait)
