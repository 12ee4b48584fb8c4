"""Searches: rows of one kind that meet conditions, locked after everything that is named (spec 3.4)."""

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
    func,
    literal_column,
    or_,
    tuple_,
)

from invoicepay.adapters.sql.chunks import chunks
from invoicepay.adapters.sql.load import HeldRows
from invoicepay.adapters.sql.schema import Kept, Place
from invoicepay.domain.change import Snapshot
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Find, Needs, lock_rank


def load_finds(connection: Connection, place: Place, needs: Needs, into: Snapshot, held: HeldRows) -> None:
    """Lock what searches find, after everything that is named (spec 3.4); those of one form together."""
    forms: dict[tuple[Any, ...], list[Find[Any]]] = {}
    for wanted in sorted(needs.finds, key=lambda wanted: (lock_rank(wanted.kind), repr(wanted))):
        forms.setdefault(_form(wanted), []).append(wanted)
    for alike in forms.values():
        for wanted, rows in _found_together(connection, place, alike, nowait=not held.is_empty):
            into.add_found(wanted, rows)
            held.add(rows)


def _form(wanted: Find[Any]) -> tuple[Any, ...]:
    """What searches share that one statement can answer: all but the words that fields are equal to."""
    if wanted.limit is not None or wanted.skip_locked:
        return (wanted,)
    tests = [(name, test, None if _may_vary(test, value) else value) for name, test, value in wanted.where]
    return (wanted.kind, wanted.only_read, wanted.order, *tests)


def _may_vary(test: str, value: Any) -> bool:
    return test == "eq" and isinstance(value, str) and bool(value)


def _found_together(
    connection: Connection, place: Place, alike: Sequence[Find[Any]], *, nowait: bool
) -> Iterator[tuple[Find[Any], Sequence[Entity]]]:
    """Each search of a form with its rows."""
    one = alike[0]
    if len(alike) == 1:
        yield one, found(connection, place, one, lock=True, nowait=nowait)
        return
    varying = [
        n for n, tests in enumerate(zip(*(each.where for each in alike), strict=True)) if len(set(tests)) > 1
    ]
    names = [one.where[n][0] for n in varying]
    same = [test for n, test in enumerate(one.where) if n not in varying]
    wanted = {tuple([each.where[n][2] for n in varying]): each for each in alike}
    query = _query(place, one.kind, same)
    rows: dict[tuple[Any, ...], list[Entity]] = {values: [] for values in wanted}
    for narrowed in _narrowed(connection, place.schema.kinds[one.kind], query, names, list(wanted)):
        for row in _locked(connection, place, one, narrowed, nowait=nowait):
            rows[tuple([getattr(row, name) for name in names])].append(row)
    for values, each in wanted.items():
        yield each, each.pick(rows[values])


def _narrowed(
    connection: Connection,
    kept: Kept,
    query: Select[Any],
    names: Sequence[str],
    values: Sequence[tuple[str, ...]],
) -> Iterator[Select[Any]]:
    """The query for rows whose fields have one of the values; PostgreSQL takes them as arrays."""
    columns = [kept.table.c[name] for name in names]
    exempt = [column != literal_column("''") for column in columns if column.name in kept.unique_unless_empty]
    query = query.where(*exempt)
    if connection.dialect.name != "postgresql":
        for some in chunks(values, of=len(names)):
            one = columns[0].in_([value for (value,) in some]) if len(columns) == 1 else None
            yield query.where(tuple_(*columns).in_(some) if one is None else one)
        return
    arrays = [
        bindparam(None, [str(value) for value in each], type_=ARRAY(Text()))
        for each in zip(*values, strict=True)
    ]
    given = func.unnest(*arrays).table_valued(*(f"given_{name}" for name in names)).render_derived()
    yield query.where(*(column == given.c[f"given_{column.name}"] for column in columns))


def found(
    connection: Connection, place: Place, wanted: Find[Any], *, lock: bool = False, nowait: bool = False
) -> list[Entity]:
    """The rows of a search, in its order."""
    kept = place.schema.kinds[wanted.kind]
    query = _query(place, wanted.kind, wanted.where)
    if wanted.limit is not None:
        query = query.order_by(*_order(kept, wanted.order)).limit(wanted.limit)
    if lock:
        rows = _locked(connection, place, wanted, query, nowait=nowait)
    else:
        rows = [kept.shape.read(row) for row in connection.execute(query)]
    # All rows are sorted here: SQLite would choose an index for their order instead of for the search.
    return rows if wanted.limit is not None else list(wanted.pick(rows))


def _query(place: Place, kind: type[Entity], where: Iterable[tuple[str, str, Any]]) -> Select[Any]:
    kept = place.schema.kinds[kind]
    return kept.rows.where(place.owns(kept.table), *(_condition(kept, *test) for test in where))


def _locked(
    connection: Connection, place: Place, wanted: Find[Any], query: Select[Any], *, nowait: bool
) -> list[Entity]:
    """The rows of a query, locked; SQLite's transaction holds the whole store and renders nothing here."""
    kept, read = place.schema.kinds[wanted.kind], wanted.only_read
    if wanted.limit is None and connection.dialect.name == "postgresql":
        query = query.order_by(kept.table.c.id)
    query = query.with_for_update(
        read=read,
        key_share=not read,
        of=kept.table,
        skip_locked=wanted.skip_locked,
        nowait=nowait and not wanted.skip_locked,
    )
    return [kept.shape.read(row) for row in connection.execute(query)]


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
