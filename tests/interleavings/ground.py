"""The scene in PostgreSQL, put back to where it was after every schedule, and told by what changed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg

from invoicepay import InvoicePay
from invoicepay.adapters.sql.connect import door_to
from invoicepay.adapters.sql.repository import SqlRepository
from invoicepay.adapters.system import TransactionRetry
from invoicepay.domain.ids import typeid, uuid7_bytes
from tests.crashes.ending import ID, plain
from tests.input.scene import Scene, scene
from tests.interleavings.sessions import Table, engine_of
from tests.support.outside import kept, put_back
from tests.support.postgres import PostgresServer
from tests.support.rewinding import Rewinder

SETTINGS = {"deadlock_timeout": "50ms", "max_locks_per_transaction": "256"}
LEFT_OUT = frozenset(
    {
        *("hash", "previous_hash", "data", "body", "fingerprint", "request", "provider_key", "digest"),
        *("nonce", "salt", "position"),
    }
)
"""What follows from ids, is told by the rows themselves, or drawn; and where in the trail a record stands,
for the worker's transactions may lie around somebody's call."""
KEPT = "kept"


class SessionIds:
    """Ids that follow from the session and a count, so that a schedule can be repeated."""

    def __init__(self, number: int) -> None:
        self._number, self._count = number, 0

    def new(self, prefix: str, now: datetime) -> str:
        """The next id."""
        self._count += 1
        chance = (1 << 79 | self._number << 70 | self._count << 6).to_bytes(10)
        return typeid(prefix, uuid7_bytes(int(now.timestamp() * 1000), chance))

    def nonce(self) -> str:
        """The next nonce."""
        self._count += 1
        return f"{self._number:08d}{self._count:024d}"


class Ground:
    """A database with the scene, two sessions over it, and the way back."""

    def __init__(self, scene: Scene, owner: psycopg.Connection[Any], conninfo: str) -> None:
        self.scene, self._owner, self._rewinder = scene, owner, Rewinder(owner)
        self.table = Table(owner)
        self.engines = [engine_of(session, conninfo) for session in self.table.sessions]
        self._known: frozenset[str] = frozenset()
        self.keep()

    def keep(self) -> None:
        """From now on, this is what everything goes back to."""
        self._rewinder.keep(KEPT)
        self._providers = kept(self.scene.rails, self.scene.tokens)
        self._now = self.scene.clock.now()
        texts = self._rewinder.texts()
        self._known = frozenset(found[0] for text in texts for found in ID.finditer(text))

    def go_back(self) -> None:
        """Undo whatever was done since `keep`."""
        self._rewinder.go_back(KEPT)
        put_back(self._providers, self.scene.rails, self.scene.tokens)
        self.scene.clock.set(self._now)

    def told(self) -> Mapping[str, int]:
        """Every row that is new or changed, ids that were drawn meanwhile aside; and how many went away."""
        rows, counts = self._rewinder.changed()
        told = Counter(self._line(table, row) for table, row in rows)
        told.update(f"{table}: {count} rows" for table, count in counts.items())
        return told

    def _line(self, table: str, row: Mapping[str, Any]) -> str:
        parts = [f"{name}={value}" for name, value in row.items() if name not in LEFT_OUT]
        line = plain(" ".join(parts), self._known)
        return f"{table} {_sorted_lists(line)}"

    def execute(self, statement: str) -> None:
        """Change the database itself, as its owner."""
        self._owner.execute(statement)

    def plain(self, text: str) -> str:
        """A text without ids that were drawn since `keep`."""
        return plain(text, self._known)

    def client(self, number: int, *, ids_of: int | None = None) -> InvoicePay:
        """A fresh client of a session, whose statements wait for their turn once somebody watches.

        Args:
            ids_of: whose ids it draws, where several clients of a session follow one another.
        """
        session, pay = self.table.sessions[number], self.scene.pay
        core, ids = pay._pay._core, SessionIds(number if ids_of is None else ids_of)
        repository = SqlRepository(door_to(self.engines[number], blocking=True), ids.new)
        repository._is_current = True  # looking for the tables is no part of a call
        wired = replace(
            core.wired,
            repository=repository,
            ids=ids,
            retry=TransactionRetry(session.pause),
            group_commit=None,
        )
        return InvoicePay._around(type(pay._pay)._around(replace(core, wired=wired)))

    def warm_up(self) -> None:
        """Open connections: what the driver asks first is no part of a call."""
        for number in (0, 1):
            self.client(number).parties.get("ann")

    def close(self) -> None:
        """Give connections back."""
        for engine in self.engines:
            engine.dispose()


_LIST = re.compile(r"\[[^\[\]]*\]")


def _sorted_lists(line: str) -> str:
    """Lists of ids in an order that does not depend on them."""
    return _LIST.sub(lambda found: "[" + ",".join(sorted(found[0][1:-1].split(","))) + "]", line)


@contextmanager
def ground(server: PostgresServer, *, resting: bool = False) -> Iterator[Ground]:
    """The scene in a database of its own.

    Args:
        resting: let the worker do first whatever waits.
    """
    database = server.clone()
    with ExitStack() as stack:
        stack.callback(server.drop, database)
        made = stack.enter_context(scene(server.url(database)))
        if resting:
            made.pay.sim.deliver()
            while made.pay.sim.deliver():
                pass
        owner = stack.enter_context(server.connect(database))
        built = Ground(made, owner, f"host={server.folder} user=postgres dbname={database}")
        stack.callback(built.close)
        built.warm_up()
        yield built
