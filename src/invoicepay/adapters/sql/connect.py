"""The two doors to a database: a blocking engine and an awaiting one, behind the same few steps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    closing,
    contextmanager,
)
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from invoicepay.adapters.sql.errors import our_commit_errors, our_errors
from invoicepay.adapters.sql.forks import keep_home, leave_inherited
from invoicepay.adapters.sql.idle import look_before_use
from invoicepay.adapters.sql.writing import Sending
from invoicepay.errors import ConfigurationError, MissingExtra

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

T = TypeVar("T")

SQLITE_PRAGMAS = (
    "busy_timeout=5000",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "wal_autocheckpoint=20000",
    "cache_size=-65536",
)
"""Durable; the log of 80 MB is worked off in one go, and 64 MiB of pages are kept at hand."""
POSTGRES_SETTINGS = {
    "lock_timeout": "5s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
}
POSTGRES_CONNECT_SECONDS = "10"
_DRIVERS = {"sqlite": ("pysqlite", "aiosqlite"), "postgresql": ("psycopg", "psycopg")}


class Link(Protocol):
    """One open transaction on one connection."""

    async def run(self, step: Callable[[Connection], T]) -> T:
        """The result of a step of SQL; its errors are ours."""
        ...

    async def commit(self, keys: Sequence[str] = (), last: Sending | None = None) -> None:
        """Make everything durable, what waits to be sent included.

        Args:
            keys: those of the commands, should the answer get lost.
        """
        ...

    async def leave(self) -> None:
        """End a transaction that wrote nothing.

        PostgreSQL's driver forgets all prepared statements on a rollback, but keeps them on a commit.
        """
        ...


class Door(Protocol):
    """Opens transactions; leaving one that writes without a commit forgets it."""

    @property
    def dialect_name(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    def link(self, *, writes: bool) -> AbstractAsyncContextManager[Link]:
        """A transaction that may write, or a consistent look."""
        ...

    async def close(self) -> None:
        """Give connections back, where the engine is ours."""
        ...


class BlockingDoor:
    """A door through an `Engine`: every step has ended when its call returns."""

    def __init__(self, engine: Engine, *, is_ours: bool) -> None:
        self.dialect_name: str = spoken(engine.dialect)
        self._engine, self._is_ours, self._is_closed = engine, is_ours, False
        keep_home(engine, is_ours=is_ours)

    @asynccontextmanager
    async def link(self, *, writes: bool) -> AsyncIterator[BlockingLink]:
        leave_inherited(self._engine)
        with our_errors():
            connection = self._engine.connect()
        with closing(connection):
            with our_errors():
                begin(connection, writes=writes)
            link = BlockingLink(connection)
            try:
                yield link
                if not writes:
                    await link.leave()
            finally:
                if self._is_closed:
                    close_for_good(connection)

    async def close(self) -> None:
        if self._is_ours:
            self._is_closed = True
            self._engine.dispose()


class BlockingLink:
    """A transaction on a `Connection`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def run(self, step: Callable[[Connection], T]) -> T:
        with our_errors():
            return step(self._connection)

    async def commit(self, keys: Sequence[str] = (), last: Sending | None = None) -> None:
        with our_commit_errors(keys):
            if last:
                last.flush(then_commit=True)
            _commit(self._connection)

    async def leave(self) -> None:
        if self._connection.dialect.name == "postgresql":
            with our_errors():
                self._connection.commit()


class AwaitingDoor:
    """A door through an `AsyncEngine`: a step runs as one piece, its waits give the loop back."""

    def __init__(self, engine: AsyncEngine, *, is_ours: bool) -> None:
        self.dialect_name: str = spoken(engine.dialect)
        self._engine, self._is_ours, self._is_closed = engine, is_ours, False
        keep_home(engine.sync_engine, is_ours=is_ours)

    @asynccontextmanager
    async def link(self, *, writes: bool) -> AsyncIterator[AwaitingLink]:
        leave_inherited(self._engine.sync_engine)
        async with AsyncExitStack() as stack:
            with our_errors():
                connection = await stack.enter_async_context(self._engine.connect())
                await connection.run_sync(lambda inner: begin(inner, writes=writes))
            link = AwaitingLink(connection)
            try:
                yield link
                if not writes:
                    await link.leave()
            finally:
                if self._is_closed:
                    await connection.run_sync(close_for_good)

    async def close(self) -> None:
        if self._is_ours:
            self._is_closed = True
            await self._engine.dispose()


class AwaitingLink:
    """A transaction on an `AsyncConnection`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def run(self, step: Callable[[Connection], T]) -> T:
        with our_errors():
            return await self._connection.run_sync(step)

    async def commit(self, keys: Sequence[str] = (), last: Sending | None = None) -> None:
        with our_commit_errors(keys):
            if last:
                await self._connection.run_sync(lambda _: last.flush(then_commit=True))
            await self._connection.run_sync(_commit)

    async def leave(self) -> None:
        if self._connection.dialect.name == "postgresql":
            with our_errors():
                await self._connection.commit()


def close_for_good(connection: Connection) -> None:
    """Close a connection whose pool was emptied meanwhile: back there nobody would close it any more."""
    if not connection.closed and not connection.invalidated:
        connection.invalidate()


def _commit(connection: Connection) -> None:
    """Commit, and close a connection to SQLite where that failed.

    Its transaction may be open still, as with a journal that is no WAL while somebody reads; SQLAlchemy takes
    it for ended, and would give it to the next caller with all its locks.
    """
    try:
        connection.commit()
    except BaseException:
        if connection.dialect.name == "sqlite":
            close_for_good(connection)
        raise


def begin(connection: Connection, *, writes: bool) -> None:
    """Begin a transaction of the right kind on a fresh connection.

    SQLite takes the write lock at once, because a transaction that reads first cannot always get it later.
    PostgreSQL locks row by row when writing, and looks at one snapshot when reading.
    """
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level="READ COMMITTED" if writes else "REPEATABLE READ")
        connection.begin()  # what goes past SQLAlchemy belongs to its transaction, too
        return
    connection.begin()
    if _is_begun(connection):  # a hook of the host's own engine has begun a transaction that only reads
        connection.exec_driver_sql("ROLLBACK")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _is_begun(connection: Connection) -> bool:
    driver: Any = connection.connection.driver_connection
    return bool(driver.in_transaction)


def door_to(store: str | URL | Engine | AsyncEngine, *, blocking: bool) -> Door:
    """A door to a database by URL or through an engine of the host's.

    Raises:
        ConfigurationError: the URL or the engine is none we can use.
        MissingExtra: the driver is not installed.
    """
    if isinstance(store, Engine):
        return BlockingDoor(store, is_ours=False)
    if not isinstance(store, str | URL):
        return AwaitingDoor(store, is_ours=False)
    if blocking:
        return BlockingDoor(open_engine(store), is_ours=True)
    return AwaitingDoor(open_async_engine(store), is_ours=True)


def open_engine(store: str | URL) -> Engine:
    """A blocking engine with our settings."""
    url = _url(store, blocking=True)
    with _driver_for(url, "postgres"):
        engine = create_engine(url, **_options(url))
    return _prepared(engine)


def open_async_engine(store: str | URL) -> AsyncEngine:
    """An awaiting engine with our settings."""
    url = _url(store, blocking=False)
    with _driver_for(url, "postgres,async" if url.get_backend_name() == "postgresql" else "async"):
        from sqlalchemy.ext.asyncio import create_async_engine

        engine = create_async_engine(url, **_options(url))
    _prepared(engine.sync_engine)
    return engine


def _url(store: str | URL, *, blocking: bool) -> URL:
    try:
        url = make_url(store)
    except ArgumentError as error:
        raise ConfigurationError("the store's URL cannot be read: write sqlite:///pay.db") from error
    backend = _supported("postgresql" if url.drivername == "postgres" else url.get_backend_name())
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        raise ConfigurationError("SQLite needs a file here: sqlite:///pay.db; use memory:// to keep nothing")
    return url.set(drivername=f"{backend}+{_DRIVERS[backend][0 if blocking else 1]}")


def _supported(backend: str) -> str:
    if backend not in _DRIVERS:
        raise ConfigurationError(
            f"{backend} is not supported: use sqlite:///file or postgresql://host/database"
        )
    return backend


def spoken(dialect: Dialect) -> str:
    """What a host's engine speaks; on PostgreSQL through the one driver that we know (ADR 0021)."""
    backend = _supported(dialect.name)
    if backend == "postgresql" and dialect.driver != "psycopg":
        raise ConfigurationError(f"the engine's driver is {dialect.driver}: use postgresql+psycopg://")
    return backend


@contextmanager
def _driver_for(url: URL, extra: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise MissingExtra(extra, needed_for=url.drivername) from error


def _options(url: URL) -> dict[str, Any]:
    """Options of an engine of ours; what the URL says itself wins."""
    options: dict[str, Any] = {"hide_parameters": True}
    if url.get_backend_name() == "postgresql":
        settings = [f"-c {name}={value}" for name, value in POSTGRES_SETTINGS.items()]
        asked = url.query.get("options", "")
        options["connect_args"] = {
            "options": " ".join([*settings, *([asked] if isinstance(asked, str) else asked)]).strip(),
            "connect_timeout": url.query.get("connect_timeout", POSTGRES_CONNECT_SECONDS),
        }
    return options


def _prepared(engine: Engine) -> Engine:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
    else:
        look_before_use(engine)
    return engine


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
