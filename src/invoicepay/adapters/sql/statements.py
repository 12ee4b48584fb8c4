"""The text of the statements of every command, built once for each table: only values change.

Values come in the order in which a statement names them; PostgreSQL takes many as one array, written by
`arrays.array`. Every condition starts with the tenant.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Table

from invoicepay.adapters.sql.rows import Day, Flag, Instant, Micros
from invoicepay.adapters.sql.schema import Schema
from invoicepay.domain.parties import Party, PartyKind

Names = tuple[str, ...]

_TYPES = ((Instant, "timestamptz"), (Day, "date"), (Flag, "boolean"), ((Micros, BigInteger), "bigint"))


def mark(dialect: str) -> str:
    """How a statement marks a value."""
    return "%s" if dialect == "postgresql" else "?"


def _listed(names: Sequence[str], before: str = "") -> str:
    return ", ".join(f'{before}"{name}"' for name in names)


def _among(column: str, dialect: str, count: int) -> str:
    """Whether a column is one of the wanted values."""
    if dialect == "postgresql":
        return f"{column} = ANY(%s::text[])"
    return f"{column} IN ({', '.join('?' * count)})"


def _typed(table: Table, name: str) -> str:
    """PostgreSQL's name of a column's type."""
    kind = table.c[name].type
    return next((named for types, named in _TYPES if isinstance(kind, types)), "text")


@cache
def locked_rows(table: Table, names: Names, dialect: str, count: int, is_shared: bool, is_late: bool) -> str:
    """Rows by tenant and ids, locked in the order of their ids."""
    query = (
        f"SELECT {_listed(names)} FROM {table.fullname}"
        f" WHERE tenant_id = {mark(dialect)} AND {_among('id', dialect, count)} ORDER BY id"
    )
    if dialect != "postgresql":
        return query
    return f"{query} FOR {'SHARE' if is_shared else 'NO KEY UPDATE'}{' NOWAIT' if is_late else ''}"


@cache
def accounts_by_id(
    accounts: Table, parties: Table, dialect: str, count: int, lock: bool, nowait: bool
) -> str:
    """Id, balance and rank of accounts by tenant and ids, locked in the order of all writers if asked."""
    query = (
        "SELECT a.id, a.balance, a.party_id = '' AS is_control,"
        f" coalesce(p.kind, '{PartyKind.USER}') <> '{PartyKind.USER}' AS is_business"
        f" FROM {accounts.fullname} a LEFT JOIN {parties.fullname} p"
        " ON p.tenant_id = a.tenant_id AND p.id = a.party_id"
        f" WHERE a.tenant_id = {mark(dialect)} AND {_among('a.id', dialect, count)}"
    )
    if dialect != "postgresql" or not lock:
        return query
    return (
        f"{query} ORDER BY is_control, is_business, a.id FOR NO KEY UPDATE OF a{' NOWAIT' if nowait else ''}"
    )


@cache
def answers(replies: Table, outbox: Table, dialect: str, count: int) -> str:
    """Stored answers by tenant, operation and keys; the text of a result may stand with its event."""
    value = mark(dialect)
    return (
        "SELECT r.operation, r.key, r.fingerprint, r.is_error, coalesce(o.data, r.body), r.recorded_at"
        f" FROM {replies.fullname} AS r LEFT JOIN {outbox.fullname} AS o"
        " ON o.tenant_id = r.tenant_id AND o.id = r.event_id"
        f" WHERE r.tenant_id = {value} AND r.operation = {value} AND {_among('r.key', dialect, count)}"
    )


@cache
def added(table: Table, names: Names, dialect: str, count: int = 1) -> str:
    """Insert whole rows, the values of one after the values of another."""
    one = f"({', '.join([mark(dialect)] * len(names))})"
    return f"INSERT INTO {table.fullname} ({_listed(names)}) VALUES {', '.join([one] * count)}"


@cache
def opened(table: Table, names: Names, dialect: str, count: int = 1) -> str:
    """Insert rows unless somebody else did."""
    return f"{added(table, names, dialect, count)} ON CONFLICT DO NOTHING"


@cache
def copied(table: Table, names: Names) -> str:
    """Insert rows that follow as a block."""
    return f"COPY {table.fullname} ({_listed(names)}) FROM STDIN"


@cache
def changed(table: Table, names: Names, dialect: str) -> str:
    """Change columns of a row, by id, the version that it was read with, and tenant."""
    value = mark(dialect)
    sets = ", ".join(f'"{name}" = {value}' for name in names)
    return (
        f"UPDATE {table.fullname} SET {sets} WHERE id = {value} AND version = {value} AND tenant_id = {value}"
    )


@cache
def changed_together(table: Table, names: Names) -> str:
    """The same on PostgreSQL for many rows: arrays of new values, of ids, of versions; the tenant last."""
    sets = ", ".join(f'"{name}" = d."{name}"' for name in names)
    arrays = ", ".join(f"%s::{_typed(table, name)}[]" for name in (*names, "id", "version"))
    return (
        f"UPDATE {table.fullname} t SET {sets}"
        f" FROM unnest({arrays}) d({_listed(names)}, row_id, row_version)"
        " WHERE t.tenant_id = %s AND t.id = d.row_id AND t.version = d.row_version"
    )


@cache
def grown(accounts: Table, dialect: str) -> str:
    """Add to a balance without reading it, by id and tenant."""
    value = mark(dialect)
    return (
        f"UPDATE {accounts.fullname} SET balance = balance + {value}"
        f" WHERE id = {value} AND tenant_id = {value}"
    )


@cache
def grown_together(accounts: Table) -> str:
    """The same on PostgreSQL for many: arrays of growths and of ids; the tenant last."""
    return (
        f"UPDATE {accounts.fullname} t SET balance = t.balance + d.growth"
        " FROM unnest(%s::bigint[], %s::text[]) d(growth, row_id)"
        " WHERE t.tenant_id = %s AND t.id = d.row_id"
    )


@cache
def head(streams: Table, dialect: str) -> str:
    """The newest record of a stream, by tenant and stream, locked."""
    value, locked = mark(dialect), " FOR NO KEY UPDATE" if dialect == "postgresql" else ""
    return (
        f"SELECT position, hash FROM {streams.fullname}"
        f" WHERE tenant_id = {value} AND stream = {value}{locked}"
    )


@cache
def moved_head(streams: Table, dialect: str) -> str:
    """Let a stream end at another record: position, hash, tenant, stream."""
    value = mark(dialect)
    return (
        f"UPDATE {streams.fullname} SET position = {value}, hash = {value}"
        f" WHERE tenant_id = {value} AND stream = {value}"
    )


def read_accounts(
    connection: Connection, schema: Schema, count: int, *, lock: bool = False, nowait: bool = False
) -> Any:
    """`accounts_by_id` for a connection."""
    dialect = connection.dialect.name
    many = 0 if dialect == "postgresql" else count
    return accounts_by_id(schema.accounts, schema.kinds[Party].table, dialect, many, lock, nowait)
