"""Lock and read what a decision needs: each kind once, in the order that every writer keeps (spec 3.4)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
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

from invoicepay.adapters.sql import statements
from invoicepay.adapters.sql.schema import Kept, Place
from invoicepay.domain.change import Find, Needs, Snapshot, lock_rank
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money
from invoicepay.ports.repository import Reply

CHUNK = 500
"""Most ids in one statement: SQLite's variables are bounded, and long lists are planned badly."""
MOST_TURNS = 3
"""Most statements that lock rows of one kind in order; more would be two, one of which does not wait."""


RowRank = tuple[tuple[int, str], str]


@dataclass(slots=True)
class HeldRows:
    """How far a unit has come in the order in which all writers lock rows.

    What comes earlier than a row already held, or is found by a search, is never waited for: so no two
    writers wait for each other. The loser is told at once, and asks for everything in order next time.
    """

    last: RowRank | None = None
    is_complete: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the unit holds nothing yet."""
        return self.last is None and not self.is_complete

    def comes_late(self, kind: type[Entity], id: str) -> bool:
        """Whether a row's turn is over."""
        return self.is_complete or (self.last is not None and (lock_rank(kind), id) < self.last)

    def add(self, rows: Iterable[Entity]) -> None:
        """Rows were locked."""
        ranks = [(lock_rank(type(row)), row.id) for row in rows]
        self.last = max([*ranks, *([self.last] if self.last else [])], default=None)


def load_rows(connection: Connection, place: Place, needs: Needs, into: Snapshot, held: HeldRows) -> None:
    """Lock rows and put them into the snapshot: each kind once, in the order of all writers (spec 3.4)."""
    for kind in sorted({kind for kind, _ in needs.rows | needs.reads}, key=lock_rank):
        alone, together = needs.wants(kind)
        into.rows.update(((kind, id), None) for id in (*alone, *together))
        for ids, is_shared in _turns(connection, alone, together):
            rows = _named(connection, place, kind, ids, held, is_shared=is_shared)
            into.rows.update(((kind, row.id), row) for row in rows)
            held.add(rows)
    into.shared |= {key for key in needs.reads - needs.rows if into.rows[key] is not None}


def _turns(
    connection: Connection, alone: Sequence[str], together: Sequence[str]
) -> list[tuple[list[str], bool]]:
    """Ids in the order in which they are locked, those in a row that are shared, or not, by one statement."""
    if connection.dialect.name != "postgresql":
        return [([*alone, *together], False)]
    mixed = sorted([*((id, False) for id in alone), *((id, True) for id in together)])
    turns = [([id for id, _ in some], shared) for shared, some in groupby(mixed, key=lambda each: each[1])]
    return turns if len(turns) <= MOST_TURNS else [(list(alone), False), (list(together), True)]


def _named(
    connection: Connection,
    place: Place,
    kind: type[Entity],
    ids: Sequence[str],
    held: HeldRows,
    *,
    is_shared: bool,
) -> list[Entity]:
    kept, dialect = place.schema.kinds[kind], connection.dialect.name
    rows: list[Entity] = []
    for some in chunks(ids):
        is_late = held.comes_late(kind, some[0])
        query = statements.locked_rows(kept.rows, kept.table, dialect, is_shared, is_late)
        rows.extend(map(kept.shape.read, connection.execute(query, statements.named(place, some))))
    return rows


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


def replies(
    connection: Connection, place: Place, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Reply]:
    """Stored answers by operation and key."""
    query = statements.answers(place.schema.replies, connection.dialect.name)
    by_operation: dict[str, list[str]] = {}
    for operation, key in keys:
        by_operation.setdefault(operation, []).append(key)
    stored = {}
    for operation, some in ((name, part) for name, all in by_operation.items() for part in chunks(all)):
        for row in connection.execute(query, statements.named(place, some, asked=operation)).mappings():
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
