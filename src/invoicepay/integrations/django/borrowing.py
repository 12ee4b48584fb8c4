"""SQLAlchemy over connections that Django has opened and goes on owning."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Dialect, Engine, NullPool, make_url

from invoicepay.errors import ConfigurationError


@cache
def borrowed_engine(vendor: str, driver: str, using: str) -> Engine:
    """An engine whose connections are those of Django's alias, in whichever thread asks.

    It is put together by hand, because an engine that SQLAlchemy makes would set up each connection for
    itself: on SQLite it replaces Django's REGEXP, on PostgreSQL it adds one more listener every time.

    Raises:
        ConfigurationError: neither SQLite nor PostgreSQL through psycopg 3.
    """
    dialect, borrow = _kind(vendor, driver)

    def lent() -> Any:
        from django.db import connections

        own = connections[using]
        own.ensure_connection()
        return borrow(own.connection)

    engine = Engine(
        NullPool(lent, dialect=dialect, reset_on_return=None), dialect, make_url(f"{dialect.name}://")
    )
    with engine.connect() as connection:
        dialect.initialize(connection)
    return engine


def _kind(vendor: str, driver: str) -> tuple[Dialect, type[Borrowed]]:
    if vendor == "sqlite":
        return _dialect("sqlite+pysqlite"), Borrowed
    if vendor == "postgresql" and driver == "psycopg":
        return _dialect("postgresql+psycopg", use_native_hstore=False), BorrowedPostgres
    raise ConfigurationError(
        f"Django's database is {vendor} through {driver}: only SQLite and PostgreSQL are supported",
        hint='On PostgreSQL install psycopg 3, pip install "invoicepay[postgres]": Django prefers it.',
    )


def _dialect(name: str, **options: Any) -> Dialect:
    kind: Any = make_url(f"{name}://").get_dialect()
    dialect: Dialect = kind(dbapi=kind.import_dbapi(), **options)
    return dialect


class Borrowed:
    """A driver's connection of Django's; what would end its transaction does nothing."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def commit(self) -> None:
        """Django commits."""

    def rollback(self) -> None:
        """Django rolls back."""

    def close(self) -> None:
        """Django closes."""


class BorrowedPostgres(Borrowed):
    """The same, with cursors as psycopg makes them itself.

    Django's own bind values into the text of a statement and, without USE_TZ, return instants without a zone.
    """

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        """A cursor whose instants are aware."""
        from psycopg import Cursor, ServerCursor
        from psycopg.types.datetime import TimestamptzLoader

        kind = ServerCursor if args or "name" in kwargs else Cursor
        cursor = kind(self._own, *args, **kwargs)
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        return cursor

    def execute(self, query: Any, params: Any = None, *, prepare: bool | None = None) -> Any:
        """Execute through such a cursor, as psycopg's connections do."""
        return self.cursor().execute(query, params, prepare=prepare)
