"""Whose turn it is to do a kind of work for a tenant: one row for each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, update
from sqlalchemy.dialects import postgresql, sqlite

from invoicepay.adapters.sql.schema import Place


def take_turn(
    connection: Connection, place: Place, work: str, holder: str, now: datetime, until: datetime
) -> bool:
    """Take a turn that is free, over or ours already."""
    table = place.schema.turns
    taken = {"holder": holder, "until": until}
    is_free = or_(table.c.until <= now, table.c.holder == holder)
    taking = update(table).where(place.owns(table), table.c.work == work, is_free).values(**taken)
    if connection.execute(taking.returning(table.c.holder)).first() is not None:
        return True
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    first = dialect.insert(table).values(tenant_id=place.tenant_id, work=work, **taken)
    return connection.execute(first.on_conflict_do_nothing().returning(table.c.holder)).first() is not None


def end_turn(connection: Connection, place: Place, work: str, holder: str, now: datetime) -> None:
    """Give it back; nothing happens where it is somebody else's by now."""
    table = place.schema.turns
    ours = (place.owns(table), table.c.work == work, table.c.holder == holder)
    connection.execute(update(table).where(*ours).values(until=now))
