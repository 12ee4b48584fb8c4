"""Searches: rows of one kind that meet conditions, locked after everything that is named (spec 3.4)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Text,
    and_,
    any_,
    bindparam,
    false,
    literal_column,
    or_,
)

from invoicepay.adapters.sql.load import HeldRows
from invoicepay.adapters.sql.schema import Kept, Place
from invoicepay.domain.change import Find, Needs, Snapshot, lock_rank
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money


def load_finds(connection: Connection, place: Place, needs: Needs, into: Snapshot, held: HeldRows) -> None:
    """Lock what searches find, after everything that is named (spec 3.4)."""
    for wanted in sorted(needs.finds, key=lambda wanted: (lock_rank(wanted.kind), repr(wanted))):
        rows = found(connection, place, wanted, lock=True, nowait=not held.is_empty)
        into.add_found(wanted, rows)
        held.add(rows)


def found(
    connection: Connection, place: Place, wanted: Find[Any], *, lock: bool = False, nowait: bool = False
) -> list[Entity]:
    """The rows of a search, in its order."""
    kept = place.schema.kinds[wanted.kind]
    conditions = [_condition(kept, *test) for test in wanted.where]
    query = kept.rows.where(place.owns(kept.table), *conditions)
    if wanted.limit is not None:
        query = query.order_by(*_order(kept, wanted.order)).limit(wanted.limit)
    elif lock and connection.dialect.name == "postgresql":
        query = query.order_by(kept.table.c.id)
    if lock:  # SQLite's transaction holds the whole store and renders nothing here
        nowait = nowait and not wanted.skip_locked
        read = wanted.only_read
        query = query.with_for_update(
            read=read, key_share=not read, skip_locked=wanted.skip_locked, nowait=nowait
        )
    rows = [kept.shape.read(row) for row in connection.execute(query)]
    # All rows are sorted here: SQLite would choose an index for their order instead of for the search.
    return rows if wanted.limit is not None else list(wanted.pick(rows))


def among(connection: Connection, column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether a text column is one of the values; PostgreSQL takes them as one array."""
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(values), type_=ARRAY(Text())))
    return column.in_(values)


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
