"""A host's session or connection as the transaction that our units are parts of (ADR 0039)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine, false, inspect, text, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from invoicepay.adapters.sql.connect import spoken
from invoicepay.adapters.sql.errors import our_errors
from invoicepay.adapters.sql.parts import Hold, PartsDoor
from invoicepay.adapters.sql.schema import Schema
from invoicepay.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
    from sqlalchemy.orm import Session

    Source: TypeAlias = Session | Connection

T = TypeVar("T")

_LOOK = """
SELECT level, mark, set_config('invoicepay.bound', 'yes', true)
FROM (SELECT current_setting('transaction_isolation') AS level,
             current_setting('invoicepay.bound', true) AS mark OFFSET 0) AS before"""
"""What a transaction is, and a mark in it that ends with it, or with the savepoint in which it was set."""
_AGAIN = "Roll it back, begin another one, and call bind() with that."


def door_into(host: object, tables: Schema, *, dialect_name: str, blocks: bool) -> PartsDoor:
    """A door whose transactions are savepoints of the one that a host has open, or opens next.

    Args:
        dialect_name: what the client's own database speaks.
        blocks: whether the client is `InvoicePay`.

    Raises:
        ConfigurationError: nothing of the kind, of the other face, of another database, or closed.
    """
    if blocks:
        joined = Joined(_blocking_source(host), tables, dialect_name)
        return PartsDoor(BlockingHost(joined), dialect_name, joined.begin_to_write, joined.hold)
    awaiting = _awaiting_host(host)
    joined = Joined(_source_of(awaiting), tables, dialect_name)
    return PartsDoor(AwaitingHost(awaiting, joined), dialect_name, joined.begin_to_write, joined.hold)


class BlockingHost:
    """A host's transaction behind a `Session` or `Connection`."""

    def __init__(self, joined: Joined) -> None:
        self._joined = joined

    async def run(self, step: Callable[[Connection], T]) -> T:
        with our_errors():
            return step(self._joined.connection())


class AwaitingHost:
    """A host's transaction behind an `AsyncSession` or `AsyncConnection`."""

    def __init__(self, host: AsyncSession | AsyncConnection, joined: Joined) -> None:
        self._host, self._joined = host, joined

    async def run(self, step: Callable[[Connection], T]) -> T:
        with our_errors():
            return await self._host.run_sync(lambda _: step(self._joined.connection()))


class Joined:
    """One transaction of a host's: the one that is open when it is joined, else the next one.

    Later ones are not joined: whoever uses a session after its end would write into a transaction that nobody
    commits.

    Attributes:
        hold: what is locked in it, by clients that were bound to it before, too.
    """

    def __init__(self, source: Source, tables: Schema, dialect_name: str) -> None:
        self._source, self._tables, self._dialect_name = source, tables, dialect_name
        self._transaction: object = source.get_transaction()
        self._is_known = self._writes = False
        self.hold: Hold = Hold()

    def connection(self) -> Connection:
        """The host's connection, inside its transaction.

        Raises:
            ConfigurationError: the transaction has ended or failed, or is none that we can be part of.
        """
        if self._transaction is not None and self._source.get_transaction() is not self._transaction:
            raise ConfigurationError("the transaction that this client was bound to has ended", hint=_AGAIN)
        connection = _connection_of(self._source)
        if self._transaction is None:
            if not connection.in_transaction():
                connection.begin()
            self._transaction = self._source.get_transaction()
        if not self._is_known:
            _require_fit(connection, self._tables, self._dialect_name)
            if self._dialect_name == "postgresql":
                self.hold.is_begun = _look_at_postgres(connection)
            self._is_known = True
        return connection

    def begin_to_write(self, connection: Connection) -> None:
        """Make a borrowed transaction of SQLite's one that writes, before its first savepoint.

        Python's driver begins no transaction for a SAVEPOINT: releasing it would commit, and the host's
        rollback would take back nothing of ours. One that the host began may only read so far; asking for the
        write lock at once waits for other writers, while asking after a look fails.
        """
        if self._dialect_name != "sqlite" or self._writes:
            return
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif inspect(connection).has_table(self._tables.version.name):
            connection.execute(update(self._tables.version).values(version=0).where(false()))
        self._writes = True


def _connection_of(source: Source) -> Connection:
    """The connection, if it can still be used."""
    if not isinstance(source, Connection):
        try:
            return source.connection()
        except DBAPIError:
            raise
        except SQLAlchemyError as error:
            raise ConfigurationError(
                f"the session gives no connection: {type(error).__name__}; its transaction has failed, "
                "it was closed, or it has no engine",
                hint=_AGAIN,
            ) from error
    if source.closed or source.invalidated:
        raise ConfigurationError("the connection is closed or was lost", hint=_AGAIN)
    return source


def _require_fit(connection: Connection, tables: Schema, dialect_name: str) -> None:
    """Refuse a transaction in which our units would not be what they promise."""
    spoken_here = spoken(connection.dialect)
    if spoken_here != dialect_name:
        raise ConfigurationError(
            f"this client keeps its tables in {dialect_name}, and the transaction is one of {spoken_here}",
            hint="Make the client with the engine that the session works on: InvoicePay(engine).",
        )
    if _commits_by_itself(connection):
        raise ConfigurationError(
            "the connection commits each statement by itself (AUTOCOMMIT): there is no transaction to join",
            hint="Open the session or connection without the isolation level AUTOCOMMIT.",
        )
    if tables.name in (connection.get_execution_options().get("schema_translate_map") or {}):
        raise ConfigurationError(
            "the connection's schema_translate_map would look for our tables elsewhere",
            hint="Give the client a schema of its own that the map does not name.",
        )


def _look_at_postgres(connection: Connection) -> bool:
    """Whether a client was bound to this transaction before; the mark for the next one goes with it.

    Raises:
        ConfigurationError: it decides by rows as they were when it began.
    """
    level, mark, _ = connection.execute(text(_LOOK)).one()
    if level != "read committed":
        raise ConfigurationError(
            f"the transaction is {level}: it would decide by rows as they were when it began",
            hint="Begin it as READ COMMITTED, PostgreSQL's usual level.",
        )
    return bool(mark)


def _commits_by_itself(connection: Connection) -> bool:
    driver: Any = connection.connection.driver_connection
    level = connection.get_execution_options().get("isolation_level")
    if level is None:  # what create_engine(isolation_level=...) was given is told nowhere else
        level = getattr(connection.dialect, "_on_connect_isolation_level", None)
    return level == "AUTOCOMMIT" or getattr(driver, "autocommit", False) is True


def _blocking_source(host: object) -> Source:
    """A `Session` or `Connection`; the session of this moment behind a `scoped_session`."""
    if isinstance(host, Connection):
        return host
    from sqlalchemy.orm import Session, scoped_session

    one = host() if isinstance(host, scoped_session) else host
    if isinstance(one, Session):
        return one
    raise _no_host(host, "a Session or Connection of SQLAlchemy's", "AsyncInvoicePay")


def _awaiting_host(host: object) -> AsyncSession | AsyncConnection:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session

    one = host() if isinstance(host, async_scoped_session) else host
    if isinstance(one, AsyncSession | AsyncConnection):
        return one
    raise _no_host(host, "an AsyncSession or AsyncConnection of SQLAlchemy's", "InvoicePay")


def _source_of(host: AsyncSession | AsyncConnection) -> Source:
    """What stands behind an awaiting session or connection."""
    from sqlalchemy.ext.asyncio import AsyncSession

    source = host.sync_session if isinstance(host, AsyncSession) else host.sync_connection
    if source is None:
        raise ConfigurationError("the connection is not open yet", hint="Enter it with `async with` first.")
    return source


def _no_host(host: object, wanted: str, other: str) -> ConfigurationError:
    given = type(host).__name__
    if isinstance(host, Engine) or given == "AsyncEngine":
        return ConfigurationError(
            f"an engine has no open transaction: bind() takes {wanted}",
            hint="Pass the engine to the client: InvoicePay(engine), and bind what it opened.",
        )
    return ConfigurationError(
        f"bind() takes {wanted}, not {given}",
        hint=f"Pass the session or connection whose transaction to join; the other kind goes with {other}.",
    )
