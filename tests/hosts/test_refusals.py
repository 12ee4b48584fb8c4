"""What cannot be joined is refused with a sentence that says why and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from invoicepay import AsyncInvoicePay, InvoicePay
from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.sealed import FieldKeys
from invoicepay.adapters.system import SystemIds
from invoicepay.errors import ConfigurationError, StoreBehind
from tests.hosts.shop import LINES, SETTINGS, Order, bought


@pytest.fixture
def here(tmp_path: Path) -> Engine:
    return create_engine(f"sqlite:///{tmp_path / 'shop.db'}")


def client(engine: Engine) -> InvoicePay:
    return InvoicePay(engine, **SETTINGS)


def refused(pay: Any, host: Any) -> str:
    """What the first call on a bound copy, or binding itself, is refused with."""
    with pytest.raises(ConfigurationError) as caught:
        bought(pay.bind(host))
    assert caught.value.hint
    return f"{caught.value} {caught.value.hint}"


def test_what_is_in_memory_has_no_transaction_to_share(here: Engine) -> None:
    with Session(here) as session:
        assert "InvoicePay(engine)" in refused(InvoicePay(), session)
        repository = MemoryRepository(SystemIds().new)
        keys = FieldKeys("k1", {"k1": bytes(range(32))})
        assert "MemoryRepository" in refused(InvoicePay(repository=repository, cipher=keys), session)


@pytest.mark.parametrize("host", [None, "session", object()])
def test_what_is_no_session_or_connection(here: Engine, host: Any) -> None:
    assert type(host).__name__ in refused(client(here), host)


def test_an_engine_has_no_open_transaction(here: Engine) -> None:
    assert "no open transaction" in refused(client(here), here)


def test_a_session_of_the_other_face(here: Engine) -> None:
    awaiting = create_async_engine("sqlite+aiosqlite://")

    assert "AsyncInvoicePay" in refused(client(here), AsyncSession(awaiting))
    assert "not AsyncConnection" in refused(client(here), awaiting.connect())
    with Session(here) as session, pytest.raises(ConfigurationError, match="not Session"):
        AsyncInvoicePay(awaiting, **SETTINGS).bind(session)  # type: ignore[arg-type]


def test_an_awaiting_connection_that_was_not_entered() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")

    with pytest.raises(ConfigurationError, match="not open yet"):
        AsyncInvoicePay(engine, **SETTINGS).bind(engine.connect())


def test_a_closed_connection(here: Engine) -> None:
    connection = here.connect()
    connection.close()

    assert "closed" in refused(client(here), connection)


def test_a_closed_session(here: Engine) -> None:
    session = Session(here, close_resets_only=False)
    session.close()

    assert "closed" in refused(client(here), session)


def test_a_session_whose_transaction_has_failed(here: Engine) -> None:
    pay = client(here)
    Order.metadata.create_all(here)
    with Session(here) as session:
        session.add_all([Order(id=1, item="a"), Order(id=2, item="b")])
        session.commit()
        session.add(Order(id=1, item="twice"))
        with pytest.raises(IntegrityError):
            session.flush()
        assert "failed" in refused(pay, session)


def test_a_session_without_an_engine(here: Engine) -> None:
    assert "no engine" in refused(client(here), Session())


def test_a_copy_whose_transaction_has_ended(here: Engine) -> None:
    with Session(here) as session:
        tx = client(here).bind(session)
        bought_nothing = tx.invoices.list()
        session.commit()
        with pytest.raises(ConfigurationError, match="has ended"):
            tx.invoices.list()
    assert list(bought_nothing.items) == []


@pytest.mark.parametrize("where", ["engine", "connection", "session"])
def test_a_connection_that_commits_by_itself(tmp_path: Path, postgres_url: str, where: str) -> None:
    for url in (f"sqlite:///{tmp_path / 'shop.db'}", postgres_url):
        level = {"isolation_level": "AUTOCOMMIT"} if where == "engine" else {}
        engine = create_engine(url, **level)
        pay = client(engine)
        with Session(engine) as session:
            options = {} if where == "engine" else {"isolation_level": "AUTOCOMMIT"}
            connection = session.connection(execution_options=options)
            assert "AUTOCOMMIT" in refused(pay, connection if where == "connection" else session)
        engine.dispose()


def test_a_driver_that_was_told_to_commit_by_itself(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        connection.connection.driver_connection.autocommit = True  # type: ignore[union-attr]
        assert "AUTOCOMMIT" in refused(client(engine), connection)
    engine.dispose()


def test_another_database_than_the_clients(here: Engine, postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with Session(engine) as session:
        assert "keeps its tables in sqlite" in refused(client(here), session)
    engine.dispose()


def test_a_schema_map_that_names_our_tables(here: Engine) -> None:
    pay = client(here)
    mapped = here.execution_options(schema_translate_map={None: "main"})

    with Session(mapped) as session:
        assert "schema_translate_map" in refused(pay, session)
    elsewhere = here.execution_options(schema_translate_map={"theirs": "main"})
    with Session(elsewhere) as session:
        bought_here = pay.bind(session).invoices.issue(enterprise="acme", customer="ann", lines=LINES)
    assert bought_here.status == "open"


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_postgresqls_stricter_levels(postgres_url: str, level: str) -> None:
    engine = create_engine(postgres_url, isolation_level=level)
    with Session(engine) as session:
        assert level.lower() in refused(client(engine), session)
    engine.dispose()


def test_tables_that_are_missing_on_postgresql(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with Session(engine) as session:
        with pytest.raises(StoreBehind):
            bought(client(engine).bind(session))
        assert session.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()


def test_a_copy_inside_a_transaction_is_not_bound_again(here: Engine) -> None:
    pay = client(here)
    with Session(here) as session, pay.transaction() as tx, pytest.raises(ConfigurationError):
        tx.bind(session)


def test_a_transaction_of_ours_that_has_ended(here: Engine) -> None:
    with client(here).transaction() as tx:
        pass

    with pytest.raises(ConfigurationError, match="closed"):
        tx.invoices.list()
