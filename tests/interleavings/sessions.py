"""Two sessions of a database that take turns: each waits before whatever it sends, until it is let on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, create_engine

MOST_SECONDS = 20
GLANCE_SECONDS = 0.002
"""How long a session may take before it is asked whether it waits for a lock."""

AT_WORK, AT_A_GATE, PAUSING, DONE = "at work", "at a gate", "pausing", "done"


class Session:
    """One side of a pair.

    Attributes:
        fine: waits before every round trip; otherwise only before a transaction begins and commits.
        single: every statement travels alone, so that the other side may come in between.
        ends: how many transactions it has ended.
        pid: the process of the server that serves it.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.name, self._table = name, table
        self.fine, self.single, self.is_watched = True, False, False
        self.state, self.at, self.pid, self.ends, self.paused_at = DONE, "", 0, 0, 0
        self.answer: Any = None
        self._may_go = False

    def arrive(self, at: str, connection: psycopg.Connection[Any]) -> None:
        """Wait to be let on, where somebody watches."""
        if self.is_watched:
            self.pid = connection.info.backend_pid
            self._wait(AT_A_GATE, at)

    async def pause(self, _seconds: float) -> None:
        """Wait as after a conflict: until the other one came on."""
        if self.is_watched:
            self.paused_at = self._table.other(self).ends
            self._wait(PAUSING, "a pause")

    def _wait(self, state: str, at: str) -> None:
        with self._table.changed:
            self.state, self.at = state, at
            self._table.changed.notify_all()
            came = self._table.changed.wait_for(lambda: self._may_go, MOST_SECONDS)
            assert came, f"{self.name} was left waiting at {at}"
            self._may_go, self.state = False, AT_WORK

    def let_on(self) -> None:
        """One step further."""
        with self._table.changed:
            self._may_go, self.state = True, AT_WORK
            self._table.changed.notify_all()

    def begin(self, act: Callable[[], Any]) -> threading.Thread:
        """Act in a thread of its own."""
        self.state, self.is_watched, self.answer, self.ends = AT_WORK, True, None, 0

        def run() -> None:
            try:
                if not self.fine:
                    self._wait(AT_A_GATE, "the start")
                self.answer = act()
            except BaseException as error:  # noqa: BLE001 - it is the answer
                self.answer = error
            with self._table.changed:
                self.state, self.is_watched = DONE, False
                self._table.changed.notify_all()

        thread = threading.Thread(target=run, name=self.name, daemon=True)
        thread.start()
        return thread

    @property
    def may_go(self) -> bool:
        """Whether letting it on would do something."""
        if self.state == PAUSING:
            other = self._table.other(self)
            return other.state == DONE or other.ends > self.paused_at
        return self.state == AT_A_GATE


class Table:
    """Where both sessions sit, and who looks after them."""

    def __init__(self, watcher: psycopg.Connection[Any]) -> None:
        self.changed = threading.Condition()
        self.sessions = (Session("first", self), Session("second", self))
        self._watcher = watcher

    def other(self, session: Session) -> Session:
        """The one across."""
        first, second = self.sessions
        return second if session is first else first

    def settle(self) -> list[Session]:
        """Wait until nobody can go on without being let; who may be let on.

        Both waiting for a lock of the other is left to the server, which ends one of them.
        """
        for _ in range(int(MOST_SECONDS / GLANCE_SECONDS)):
            with self.changed:
                self.changed.wait_for(lambda: not self._at_work(), GLANCE_SECONDS)
                busy = self._at_work()
            if not busy or (len(busy) == 1 and self._is_blocked(busy[0])):
                return self._ready()
        raise AssertionError(
            f"somebody neither waits nor comes on: {[(s.name, s.at) for s in self._at_work()]}"
        )

    def _ready(self) -> list[Session]:
        ready = [session for session in self.sessions if session.may_go]
        return ready or [session for session in self.sessions if session.state == PAUSING]

    def _at_work(self) -> list[Session]:
        return [session for session in self.sessions if session.state == AT_WORK]

    def _is_blocked(self, session: Session) -> bool:
        """Whether it waits for a lock that the other one holds, who waits for us."""
        if not session.pid or self.other(session).state == DONE:
            return False
        found = self._watcher.execute("SELECT cardinality(pg_blocking_pids(%s))", [session.pid]).fetchone()
        return bool(found and found[0])


class GatedCursor(psycopg.Cursor[Any]):
    """A cursor that waits before it sends."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        gated = cast("GatedConnection", self.connection)
        if not gated.is_piped or (query == "COMMIT" and not gated.session.fine):
            gated.arrive(str(query))
        cursor = super().execute(query, params, **options)
        if query == "COMMIT":
            gated.session.ends += 1
        return cursor

    @contextmanager
    def copy(self, statement: Any, *values: Any, **options: Any) -> Iterator[Any]:
        cast("GatedConnection", self.connection).arrive(str(statement))
        with super().copy(statement, *values, **options) as copied:
            yield copied


class GatedConnection(psycopg.Connection[Any]):
    """A connection whose round trips wait for their turn."""

    session: Session
    is_piped = False

    def arrive(self, at: str) -> None:
        """Wait where the session's grain asks for it: looks without locks count as one step, or as none."""
        is_new = self.info.transaction_status is TransactionStatus.IDLE
        is_reading = self.isolation_level is psycopg.IsolationLevel.REPEATABLE_READ
        fine = self.session.fine
        if (fine and is_new) or (not is_reading and (fine or is_new or at == "COMMIT")):
            self.session.arrive(at, self)

    @contextmanager
    def pipeline(self) -> Iterator[Any]:
        if self.session.single and self.session.is_watched:
            if self.info.transaction_status is TransactionStatus.IDLE:
                self.arrive("BEGIN")
                psycopg.Cursor(self).execute("SELECT 1")  # the driver begins a transaction before it
            yield SimpleNamespace(result_queue=[])
            return
        self.arrive("several statements")
        self.is_piped = True
        try:
            with super().pipeline() as pipeline:
                yield pipeline
        finally:
            self.is_piped = False

    def commit(self) -> None:
        if self.info.transaction_status is not TransactionStatus.IDLE:
            self.arrive("COMMIT")
            self.session.ends += 1
        super().commit()

    def rollback(self) -> None:
        if self.info.transaction_status is not TransactionStatus.IDLE:
            self.session.ends += 1
        super().rollback()


def engine_of(session: Session, conninfo: str) -> Engine:
    """An engine whose connections are this session's."""

    def connect() -> GatedConnection:
        made = GatedConnection.connect(conninfo, cursor_factory=GatedCursor)
        made.session = session
        return made

    return create_engine("postgresql+psycopg://", creator=connect, pool_size=2, max_overflow=0)
