"""Empties the texts about a party: in its rows, in what their events tell, and in stored answers (S-27)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, not_, or_, select, update

from invoicepay.adapters.sql.chunks import chunks
from invoicepay.adapters.sql.finds import among, found
from invoicepay.adapters.sql.schema import Place
from invoicepay.domain.authority import COMMANDS
from invoicepay.domain.canonical import text
from invoicepay.domain.entity import Entity
from invoicepay.domain.needs import Find
from invoicepay.domain.personal import ERASED, Texts, erased, erased_data, json_text, searches

OF_WORKERS = tuple(name for name, rule in COMMANDS.items() if rule.system and not rule.operator)


def erase(connection: Connection, place: Place, party_id: str) -> None:
    """Empty them all; what was emptied before stays so.

    The rows come first and are locked: whoever is about to tell of one has done so, or waits and reads it
    without its texts.
    """
    ids: dict[str, None] = {party_id: None}
    for texts in ERASED:
        for wanted in searches(texts, party_id, ids):
            rows = [row for some in _split(wanted) for row in found(connection, place, some, lock=True)]
            ids.update((row.id, None) for row in rows)
            _empty_rows(connection, place, texts, rows)
    for some in chunks(list(ids)):
        _empty_events(connection, place, some, ids)
    _empty_replies(connection, place, party_id, ids)


def _split(wanted: Find[Any]) -> Iterator[Find[Any]]:
    """A search for many values as several, each of which the database takes."""
    ((name, test, value),) = wanted.where
    if test != "in":
        yield wanted
        return
    for some in chunks(value):
        yield replace(wanted, where=((name, test, tuple(some)),))


def _empty_rows(connection: Connection, place: Place, texts: Texts, rows: Sequence[Entity]) -> None:
    table = place.schema.kinds[texts.kind].table
    emptied = [(row, erased(row)) for row in rows]
    values = [
        {"row": after.id, **{f"new_{name}": getattr(after, name) for name in texts.erased}}
        for before, after in emptied
        if after is not before
    ]
    _change(connection, place, table, texts.erased, ("id",), values)


def _empty_events(connection: Connection, place: Place, some: Sequence[str], ids: Collection[str]) -> None:
    table = place.schema.outbox
    query = select(table.c.id, table.c.data).where(
        place.owns(table), among(connection, table.c.entity_id, some)
    )
    told = [
        (id, data, json_text(erased_data(json.loads(data), ids))) for id, data in connection.execute(query)
    ]
    values = [{"row": id, "new_data": after} for id, before, after in told if after != before]
    _change(connection, place, table, ("data",), ("id",), values)


def _empty_replies(connection: Connection, place: Place, party_id: str, ids: Collection[str]) -> None:
    """Answers that no event tells, of which there are few.

    What hosts were answered about a party names it; what workers were answered may name only its rows.
    """
    table = place.schema.replies
    is_named = table.c.body.contains(text(party_id), autoescape=True)
    is_told = and_(table.c.body != "", table.c.operation.in_(OF_WORKERS))
    query = select(table.c.operation, table.c.key, table.c.body).where(
        place.owns(table), not_(table.c.is_error), or_(is_named, is_told)
    )
    values = [
        {"row": key, "of": operation, "new_body": after}
        for operation, key, before in connection.execute(query)
        if (after := json_text(erased_data(json.loads(before), ids))) != before
    ]
    _change(connection, place, table, ("body",), ("key", "operation"), values)


def _change(
    connection: Connection,
    place: Place,
    table: Table,
    names: Sequence[str],
    key: Sequence[str],
    values: Sequence[dict[str, Any]],
) -> None:
    """Give rows other values, each named by its key; versions stay, for nothing was decided."""
    if not values:
        return
    where = [table.c[part] == bindparam(bound) for part, bound in zip(key, ("row", "of"), strict=False)]
    changed = update(table).where(place.owns(table), *where)
    connection.execute(changed.values({name: bindparam(f"new_{name}") for name in names}), list(values))
