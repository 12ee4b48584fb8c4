"""Lock and read what a decision needs: each kind once, in the order that every writer keeps (spec 3.4)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    false,
    literal_column,
    or_,
    select,
)

from invoicepay.adapters.sql.schema import Kept, Place
from invoicepay.domain.change import Find, Needs, Snapshot, lock_rank
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Party, Wallet
from invoicepay.ports.repository import Reply

CHUNK = 500
"""Most ids in one statement: SQLite's variables are bounded, and long lists are planned badly."""


SHARED = (Party, Wallet)
"""Kinds that every payment reads and hardly anybody changes: readers do not exclude each other."""


def load_rows(connection: Connection, place: Place, needs: Needs, into: Snapshot) -> None:
    """Lock rows and what searches find, and put them into the snapshot."""
    for kind in sorted({kind for kind, _ in needs.rows} | {f.kind for f in needs.finds}, key=lock_rank):
        kept = place.schema.kinds[kind]
        ids = sorted(id for named, id in needs.rows if named is kind)
        into.rows.update(((kind, id), None) for id in ids)
        rows = list(_named(connection, place, kept, ids))
        for wanted in sorted((f for f in needs.finds if f.kind is kind), key=repr):
            rows.extend(found(connection, place, wanted, lock=True))
            into.finds.add(wanted)
        into.rows.update(((kind, row.id), row) for row in rows)


def _named(connection: Connection, place: Place, kept: Kept, ids: Sequence[str]) -> Iterator[Entity]:
    table = kept.table
    query = kept.rows.where(place.owns(table))
    for some in chunks(ids):
        named = query.where(among(connection, table.c.id, some)).order_by(table.c.id)
        yield from map(kept.shape.read, connection.execute(_locked(kept, named)))


def found(connection: Connection, place: Place, wanted: Find[Any], *, lock: bool = False) -> list[Entity]:
    """The rows of a search, in its order."""
    kept = place.schema.kinds[wanted.kind]
    conditions = [_condition(kept, *test) for test in wanted.where]
    query = kept.rows.where(place.owns(kept.table), *conditions)
    if wanted.limit is not None:
        query = query.order_by(*_order(kept, wanted.order)).limit(wanted.limit)
    elif lock and connection.dialect.name == "postgresql":
        query = query.order_by(kept.table.c.id)
    if lock:
        query = _locked(kept, query, skip_locked=wanted.skip_locked)
    rows = [kept.shape.read(row) for row in connection.execute(query)]
    # All rows are sorted here: SQLite would choose an index for their order instead of for the search.
    return rows if wanted.limit is not None else list(wanted.pick(rows))


def replies(
    connection: Connection, place: Place, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Reply]:
    """Stored answers by operation and key."""
    table = place.schema.replies
    by_operation: dict[str, list[str]] = {}
    for operation, key in keys:
        by_operation.setdefault(operation, []).append(key)
    stored = {}
    for operation, some in ((name, part) for name, all in by_operation.items() for part in chunks(all)):
        query = select(table).where(
            place.owns(table), table.c.operation == operation, among(connection, table.c.key, some)
        )
        for row in connection.execute(query).mappings():
            values = {name: value for name, value in row.items() if name != "tenant_id"}
            stored[operation, row["key"]] = Reply(**values)
    return stored


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """The values in parts that fit one statement."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def among(connection: Connection, column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether a text column is one of the values; PostgreSQL takes them as one array."""
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(values), type_=ARRAY(Text())))
    return column.in_(values)


def _locked(kept: Kept, query: Select[Any], *, skip_locked: bool = False) -> Select[Any]:
    """Lock the rows; SQLite's transaction holds the whole store and renders nothing here."""
    if kept.shape.kind in SHARED:
        return query.with_for_update(read=True)
    return query.with_for_update(key_share=True, skip_locked=skip_locked)


def _order(kept: Kept, names: Sequence[str]) -> Iterator[ColumnElement[Any]]:
    """The order of a search, the id last: absent values last when ascending, first when descending."""
    nullable = {part.name for part in kept.shape.fields if part.nullable}
    for name in names if "id" in names else (*names, "id"):
        column = kept.table.c[name.removeprefix("-")]
        order = column.desc() if name.startswith("-") else column.asc()
        if column.name in nullable:
            order = order.nulls_first() if name.startswith("-") else order.nulls_last()
        yield order


def _condition(kept: Kept, name: str, test: str, value: Any) -> ColumnElement[bool]:
    column = kept.table.c[name]
    condition = _compared(column, test, value)
    if isinstance(value, Money):
        return and_(kept.table.c.asset == value.asset, condition)
    if test == "eq" and value and name in kept.unique_unless_empty:
        return and_(condition, column != literal_column("''"))  # said aloud, the index may be used
    return condition


def _compared(column: ColumnElement[Any], test: str, value: Any) -> ColumnElement[bool]:
    """One condition with the meaning it has in Python, absent values included."""
    if test == "in":
        return _any_of(column, list(value))
    if value is None:
        return column.is_(None) if test == "eq" else column.is_not(None)
    return _TESTS[test](column, value)


_TESTS: dict[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "eq": operator.eq,
    "ne": lambda column, value: column.is_distinct_from(value),
    "le": operator.le,
    "lt": operator.lt,
    "ge": operator.ge,
    "gt": operator.gt,
}


def _any_of(column: ColumnElement[Any], values: list[Any]) -> ColumnElement[bool]:
    given = [value for value in values if value is not None]
    is_one = column.in_(given) if given else false()
    return is_one if len(given) == len(values) else or_(is_one, column.is_(None))
