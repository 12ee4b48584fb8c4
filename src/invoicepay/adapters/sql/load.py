"""Lock and read what a decision needs: each kind once, in the order that every writer keeps (spec 3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from invoicepay.adapters.sql import statements
from invoicepay.adapters.sql.balances import Held, asks_for, take_balances
from invoicepay.adapters.sql.blocks import array
from invoicepay.adapters.sql.chunks import chunks
from invoicepay.adapters.sql.forms import instant
from invoicepay.adapters.sql.schema import Place
from invoicepay.adapters.sql.wire import Ask, ask
from invoicepay.domain.change import Snapshot
from invoicepay.domain.entity import Entity
from invoicepay.domain.needs import Needs, lock_rank
from invoicepay.ports.repository import Reply

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

    def reach(self, kind: type[Entity], id: str) -> None:
        """A row is about to be locked."""
        rank = (lock_rank(kind), id)
        self.last = max(rank, self.last or rank)

    def add(self, rows: Iterable[Entity]) -> None:
        """Rows were locked."""
        ranks = [(lock_rank(type(row)), row.id) for row in rows]
        self.last = max([*ranks, *([self.last] if self.last else [])], default=None)


def load_named(
    connection: Connection, place: Place, needs: Needs, into: Snapshot, rows: HeldRows, accounts: Held
) -> None:
    """Lock rows, then balances, in one round trip and in the order of all writers (spec 3.4)."""
    wanted = {account.id: account for account in needs.accounts}
    kinds, asks = _asks_for_rows(connection, place, needs, into, rows)
    answers = ask(connection, [*asks, *asks_for(connection, place, list(wanted), accounts)])
    for kind, answer in zip(kinds, answers, strict=False):
        read = place.schema.kinds[kind].shape.read
        found = [read(row) for row in answer.rows]
        into.rows.update(((kind, row.id), row) for row in found)
        rows.add(found)
    into.shared |= {key for key in needs.reads - needs.rows if into.rows[key] is not None}
    take_balances(answers[len(kinds) :], wanted, into, accounts)
    rows.is_complete |= accounts.highest is not None


def _asks_for_rows(
    connection: Connection, place: Place, needs: Needs, into: Snapshot, held: HeldRows
) -> tuple[list[type[Entity]], list[Ask]]:
    """Each kind once, in the order; what is asked for twice in another order does not wait."""
    kinds: list[type[Entity]] = []
    asks: list[Ask] = []
    asked = HeldRows(held.last, held.is_complete)
    for kind in sorted({kind for kind, _ in needs.rows | needs.reads}, key=lock_rank):
        alone, together = needs.wants(kind)
        into.rows.update(((kind, id), None) for id in (*alone, *together))
        for ids, is_shared in _turns(connection, alone, together):
            for some in chunks(ids):
                kinds.append(kind)
                is_late = asked.comes_late(kind, some[0])
                asks.append(_ask_for_rows(connection, place, kind, some, is_shared, is_late))
                asked.reach(kind, some[-1])
    return kinds, asks


def _ask_for_rows(
    connection: Connection,
    place: Place,
    kind: type[Entity],
    ids: Sequence[str],
    is_shared: bool,
    is_late: bool,
) -> Ask:
    kept, dialect = place.schema.kinds[kind], connection.dialect.name
    if dialect == "postgresql":
        query = statements.locked_rows(kept.table, kept.shape.names, dialect, 0, is_shared, is_late)
        return Ask(query, (place.tenant_id, array(ids)))
    query = statements.locked_rows(kept.table, kept.shape.names, dialect, len(ids), is_shared, is_late)
    return Ask(query, (place.tenant_id, *ids))


def _turns(
    connection: Connection, alone: Sequence[str], together: Sequence[str]
) -> list[tuple[list[str], bool]]:
    """Ids in the order in which they are locked, those in a row that are shared, or not, by one statement."""
    if connection.dialect.name != "postgresql":
        return [([*alone, *together], False)]
    mixed = sorted([*((id, False) for id in alone), *((id, True) for id in together)])
    turns = [([id for id, _ in some], shared) for shared, some in groupby(mixed, key=lambda each: each[1])]
    return turns if len(turns) <= MOST_TURNS else [(list(alone), False), (list(together), True)]


def replies(
    connection: Connection, place: Place, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Reply]:
    """Stored answers by operation and key."""
    by_operation: dict[str, list[str]] = {}
    for operation, key in keys:
        by_operation.setdefault(operation, []).append(key)
    asks = [
        _ask_for_replies(connection, place, operation, some)
        for operation, all in by_operation.items()
        for some in chunks(all)
    ]
    stored = [_reply(*row) for answer in ask(connection, asks) for row in answer.rows]
    return {(reply.operation, reply.key): reply for reply in stored}


def _ask_for_replies(connection: Connection, place: Place, operation: str, keys: Sequence[str]) -> Ask:
    schema, dialect = place.schema, connection.dialect.name
    if dialect == "postgresql":
        query = statements.answers(schema.replies, schema.outbox, dialect, 0)
        return Ask(query, (place.tenant_id, operation, array(keys)))
    query = statements.answers(schema.replies, schema.outbox, dialect, len(keys))
    return Ask(query, (place.tenant_id, operation, *keys))


def _reply(operation: str, key: str, fingerprint: str, is_error: Any, body: str, recorded_at: Any) -> Reply:
    return Reply(
        operation=operation,
        key=key,
        fingerprint=fingerprint,
        is_error=bool(is_error),
        body=body,
        recorded_at=instant(recorded_at),
    )
