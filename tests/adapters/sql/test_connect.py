"""How databases are opened: the settings that money needs, for our own engines and for a host's."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from invoicepay.adapters.sql.connect import BlockingDoor, begin, door_to, open_async_engine, open_engine
from invoicepay.errors import ConfigurationError
from invoicepay.testing.hosts import BlockingHost
from invoicepay.testing.trail_contract import ANN, BANK
from tests.support.sql import Stores, engine_for


@pytest.mark.parametrize(
    ("url", "blocking", "driver"),
    [
        ("sqlite:///pay.db", True, "sqlite+pysqlite"),
        ("sqlite+aiosqlite:///pay.db", True, "sqlite+pysqlite"),
        ("sqlite:///pay.db", False, "sqlite+aiosqlite"),
        ("postgres://host/pay", True, "postgresql+psycopg"),
        ("postgresql://host/pay", True, "postgresql+psycopg"),
        ("postgresql+psycopg://host/pay", False, "postgresql+psycopg"),
    ],
)
def test_the_url_names_the_database_and_we_choose_the_driver(url: str, blocking: bool, driver: str) -> None:
    engine = open_engine(url) if blocking else open_async_engine(url).sync_engine

    assert engine.url.drivername == driver
    assert engine.dialect.is_async is not blocking


@pytest.mark.parametrize(
    "url", ["mysql://host/pay", "sqlite://", "sqlite:///:memory:", "pay.db", "", "sqlite:pay.db"]
)
def test_other_urls_are_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:///"):
        door_to(url, blocking=True)


def test_an_engine_for_another_database_is_refused(stores: Stores) -> None:
    engine = stores.engine("sqlite://")
    engine.dialect.name = "oracle"

    with pytest.raises(ConfigurationError, match="oracle"):
        door_to(engine, blocking=True)


def test_an_engine_with_another_driver_is_refused(stores: Stores) -> None:
    engine = stores.engine("postgresql+psycopg://host/pay")
    engine.dialect.driver = "psycopg2"

    with pytest.raises(ConfigurationError, match=r"postgresql\+psycopg"):
        door_to(engine, blocking=True)


def test_sqlite_waits_and_writes_durably(sqlite_url: str) -> None:
    with engine_for(sqlite_url) as engine, engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }

    assert settings == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000, "foreign_keys": 1}


def test_awaiting_sqlite_has_the_same_settings(sqlite_url: str) -> None:
    async def journal_mode() -> str:
        engine = open_async_engine(sqlite_url)
        async with engine.connect() as connection:
            found = await connection.exec_driver_sql("PRAGMA journal_mode")
            mode: str = found.scalar_one()
        await engine.dispose()
        return mode

    assert asyncio.run(journal_mode()) == "wal"


def test_postgres_waits_for_locks_and_statements_only_so_long(postgres_url: str) -> None:
    with engine_for(postgres_url) as engine, engine.connect() as connection:
        settings = [
            connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in (
                "lock_timeout",
                "statement_timeout",
                "idle_in_transaction_session_timeout",
                "timezone",
            )
        ]

    assert settings == ["5s", "15s", "30s", "UTC"]


def test_the_urls_own_settings_win(postgres_url: str) -> None:
    with (
        engine_for(f"{postgres_url}&options=-c%20lock_timeout%3D7s") as engine,
        engine.connect() as connection,
    ):
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "7s"
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "15s"


def test_units_lock_row_by_row_and_readers_see_one_snapshot(postgres_url: str) -> None:
    with engine_for(postgres_url) as engine:
        for writes, level in ((True, "read committed"), (False, "repeatable read")):
            with engine.connect() as connection:
                begin(connection, writes=writes)

                assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == level


def test_a_unit_on_sqlite_holds_the_write_lock_from_its_start(sqlite_url: str) -> None:
    with engine_for(sqlite_url) as engine, engine.connect() as one, engine.connect() as other:
        begin(one, writes=True)
        begin(other, writes=False)
        other.exec_driver_sql("PRAGMA busy_timeout=1")
        other.rollback()

        with pytest.raises(DBAPIError, match="locked"):
            begin(other, writes=True)


def plain_sqlite(path: Path) -> Engine:
    """As a host makes it without thinking of us."""
    return create_engine(f"sqlite:///{path}")


def hooked_sqlite(path: Path) -> Engine:
    """As SQLAlchemy's manual says: the driver begins nothing, a hook begins what may only read."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


@pytest.fixture(params=[plain_sqlite, hooked_sqlite])
def host_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine: Engine = request.param(tmp_path / "host.db")
    yield engine
    engine.dispose()


def test_an_engine_of_the_hosts_begins_writing_units_at_once_too(stores: Stores, host_engine: Engine) -> None:
    store = stores.opened(host_engine)
    store.move(BANK, ANN, 5)

    with host_engine.connect() as one, host_engine.connect() as other:
        begin(one, writes=True)
        other.exec_driver_sql("PRAGMA busy_timeout=1")
        other.rollback()
        with pytest.raises(DBAPIError, match="locked"):
            begin(other, writes=True)

    assert store.balance(ANN) == 5


def test_an_engine_of_the_hosts_stays_open(host_engine: Engine) -> None:
    door = BlockingDoor(host_engine, is_ours=False)
    with host_engine.connect():
        pass
    pool = host_engine.pool

    BlockingHost().run(door.close())

    assert host_engine.pool is pool


def test_a_child_process_opens_connections_of_its_own(stores: Stores, url: str) -> None:
    store = stores.made(url)
    store.move(BANK, ANN, 5)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other tests' threads do not live in the child
        child = os.fork()
    if child == 0:
        is_right = False
        try:
            store.move(BANK, ANN, 7)
            is_right = store.balance(ANN) == 12
        finally:
            os._exit(0 if is_right else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert store.balance(ANN) == 12
    store.write(lambda change: change.now, keys=["the parent's connection is its own"])
