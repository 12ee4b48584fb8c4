"""Stores on real databases for tests: a SQLite file or a PostgreSQL database of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from invoicepay.adapters import system
from invoicepay.adapters.sql import connect, connect_store, migrate_url
from invoicepay.adapters.sql.connect import open_engine
from invoicepay.adapters.system import SystemIds
from invoicepay.testing.hosts import BlockingHost
from invoicepay.testing.store import Store


def wait_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever waits for a lock wait on, in stores that are opened from now on.

    SQLite serves who comes by before who waits: among many writers one may wait until all others are done,
    and on a busy machine that is longer than a host is made to wait.
    """
    busy, *others = connect.SQLITE_PRAGMAS
    assert busy.startswith("busy_timeout=")
    monkeypatch.setattr(connect, "SQLITE_PRAGMAS", ("busy_timeout=60000", *others))
    for limit in ("lock_timeout", "statement_timeout"):
        monkeypatch.setitem(connect.POSTGRES_SETTINGS, limit, "60s")
    monkeypatch.setattr(system, "PATIENCE_SECONDS", 60)


class Stores:
    """Opens stores and engines, and closes them all after the test."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def made(self, url: str, **options: Any) -> Store:
        """A store with tables behind a URL, driven blocking."""
        migrate_url(url)
        return self.opened(url, **options)

    def opened(self, store: str | Engine, **options: Any) -> Store:
        """A store as it is, behind a URL or an engine."""
        repository = connect_store(store, SystemIds().new, blocking=True, **options)
        self._stack.callback(lambda: BlockingHost().run(repository.close()))
        return Store(BlockingHost(), repository)

    def engine(self, url: str, **options: Any) -> Engine:
        """An engine as a host makes it."""
        engine = create_engine(url, **options)
        self._stack.callback(engine.dispose)
        return engine

    def close(self) -> None:
        """Give every connection back."""
        self._stack.close()


@contextmanager
def engine_for(url: str) -> Iterator[Engine]:
    """An engine for looking behind the repository's back."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def execute(url: str, *statements: str) -> list[Any]:
    """Run statements and commit; the rows of the last one that has any."""
    rows: list[Any] = []
    with engine_for(url) as engine, engine.begin() as connection:
        for statement in statements:
            result = connection.execute(text(statement))
            rows = list(result) if result.returns_rows else rows
    return rows
