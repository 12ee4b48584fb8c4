"""PostgreSQL databases that cannot be used: each says what to do next, and the books are right afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from psycopg import sql
from sqlalchemy import make_url

from invoicepay import InvoicePay, migrate
from invoicepay.errors import StoreBehind, StoreReadOnly, StoreUnreachable
from tests.stores.trouble import FACES, PASSWORD, Business, send, trouble
from tests.support import postgres
from tests.support.postgres import PostgresServer
from tests.support.sql import execute


@pytest.fixture
def business(postgres_url: str) -> Business:
    """A business in a database of its own."""
    made = Business(postgres_url)
    made.open()
    return made


def as_role(url: str, role: str, password: str = "") -> str:
    """The same database, entered as somebody else."""
    login = f"{role}:{quote(password)}@" if password else f"{role}@"
    return url.replace("postgres@", login)


@contextmanager
def role(server: PostgresServer, name: str, *grants: str, url: str = "") -> Iterator[str]:
    """A role of the server for a while, with what it may do in a database."""
    with server.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
    try:
        if grants:
            execute(url, *grants)
        yield name
    finally:
        if grants:
            execute(url, f"DROP OWNED BY {name}")
        with server.connect() as connection:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.mark.parametrize("face", FACES)
def test_a_database_without_our_tables(postgres_url: str, face: str) -> None:
    with trouble(StoreBehind, names="invoicepay.migrate"):
        Business(postgres_url, face).send()

    migrate(postgres_url)
    Business(postgres_url).open()


def test_a_database_that_a_migration_is_missing(business: Business) -> None:
    execute(
        business.url, "DELETE FROM schema_version WHERE version = (SELECT max(version) FROM schema_version)"
    )

    with trouble(StoreBehind, names="invoicepay.migrate"):
        business.send()


def test_a_database_that_lost_a_column(business: Business) -> None:
    with InvoicePay(business.url) as pay:
        send(pay, "order-0")
        execute(business.url, "ALTER TABLE transfers RENAME COLUMN note TO remark")

        with trouble(StoreBehind, names="invoicepay.migrate"):
            send(pay)

    execute(business.url, "ALTER TABLE transfers RENAME COLUMN remark TO note")
    business.send()
    assert business.received() == "2.00 USD"


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(
    "where", ["127.0.0.1:1/pay", "nowhere.invalid/pay", "/pay?host=/nowhere", "[::1]:1/pay?connect_timeout=2"]
)
def test_a_server_that_is_not_there(where: str, face: str) -> None:
    with trouble(StoreUnreachable, names="check that it runs") as caught:
        Business(f"postgresql://ann:{PASSWORD}@{where}", face).send()

    assert caught.value.retryable


def test_migrating_a_server_that_is_not_there() -> None:
    with trouble(StoreUnreachable, names="check that it runs"):
        migrate(f"postgresql://ann:{PASSWORD}@127.0.0.1:1/pay")


@pytest.mark.parametrize("face", FACES)
def test_a_database_that_is_not_there(postgres_url: str, face: str) -> None:
    database = make_url(postgres_url).database or ""

    with trouble(StoreUnreachable, names="no such database"):
        Business(postgres_url.replace(database, "nothing_here"), face).send()


def test_a_role_that_is_not_there(postgres_url: str) -> None:
    with trouble(StoreUnreachable, names="check the names in the URL"):
        Business(as_role(postgres_url, "ghost", PASSWORD)).send()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("password", [PASSWORD, ""])
def test_a_wrong_password(
    postgres_server: PostgresServer, postgres_url: str, face: str, password: str
) -> None:
    with role(postgres_server, "locked") as name, asked_for_passwords(postgres_server, name):
        with postgres_server.connect() as connection:
            connection.execute("ALTER ROLE locked PASSWORD 'the-right-one'")

        with trouble(StoreUnreachable, names="check user and password"):
            Business(as_role(postgres_url, name, password), face).send()


@contextmanager
def asked_for_passwords(server: PostgresServer, name: str) -> Iterator[None]:
    """The server asks one role for its password; everybody else goes on unasked."""
    rules = server.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all {name} scram-sha-256\n{before}")
    server.reload()
    try:
        yield
    finally:
        rules.write_text(before)
        server.reload()


@pytest.mark.parametrize("face", FACES)
def test_a_role_that_may_only_look(postgres_server: PostgresServer, business: Business, face: str) -> None:
    grant = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker"
    with role(postgres_server, "looker", grant, url=business.url) as name:
        url = as_role(business.url, name)

        with trouble(StoreReadOnly, names="grant it SELECT, INSERT"):
            Business(url, face).send()
        with InvoicePay(url) as pay:
            assert str(pay.wallets.get("bob").available) == "0.00 USD"

    business.send()
    assert business.received() == "1.00 USD"


def test_a_role_that_may_not_even_look(postgres_server: PostgresServer, business: Business) -> None:
    with (
        role(postgres_server, "blind") as name,
        trouble(StoreReadOnly, names="grant it SELECT, INSERT"),
        InvoicePay(as_role(business.url, name)) as pay,
    ):
        pay.wallets.get("bob")


def test_a_role_that_may_not_make_tables(postgres_server: PostgresServer, postgres_url: str) -> None:
    with (
        role(postgres_server, "guest") as name,
        trouble(StoreReadOnly, names="grant it"),
    ):
        migrate(as_role(postgres_url, name))

    with trouble(StoreBehind, names="invoicepay.migrate"):
        Business(postgres_url).send()


@pytest.mark.parametrize("face", FACES)
def test_a_standby_that_only_reads(postgres_server: PostgresServer, business: Business, face: str) -> None:
    database = sql.Identifier(make_url(business.url).database or "")
    set_read_only = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(database)
    with postgres_server.connect() as connection:
        connection.execute(set_read_only)

    with trouble(StoreReadOnly, names="connect to the primary"):
        Business(business.url, face).send()
    assert business.received() == "0.00 USD"

    with postgres_server.connect() as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(database))
    business.send()
    assert business.received() == "1.00 USD"


def test_a_server_that_ended_our_connections_is_asked_again(
    postgres_server: PostgresServer, business: Business
) -> None:
    with InvoicePay(business.url) as pay:
        send(pay, "order-1")
        end_connections(postgres_server, business)

        send(pay, "order-2")

    assert business.received() == "2.00 USD"


def end_connections(server: PostgresServer, business: Business) -> None:
    """What a failover or an administrator does."""
    database = make_url(business.url).database
    with server.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (database,)
        )


def test_a_server_that_went_away_and_came_back() -> None:
    with postgres.start() as server:
        business = Business(server.url(server.clone()))
        business.open()
        with InvoicePay(business.url) as pay:
            send(pay, "order-1")
            server.halt()

            with trouble(StoreUnreachable, names="check that it runs"):
                send(pay, "order-2")

            with server.restarted():
                send(pay, "order-2")
                assert business.received() == "2.00 USD"
