"""The tables that grow with payments, divided by month as the documentation shows, keep every promise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import DBAPIError

from invoicepay import InvoicePay, migrate
from invoicepay.adapters.sql import connect_store
from invoicepay.adapters.sql.schema import APPEND_ONLY
from invoicepay.adapters.system import SystemIds
from invoicepay.ports.repository import Repository
from invoicepay.testing.clock import FrozenClock
from invoicepay.testing.repository_contract import RepositoryContract
from tests.scale.apart import Apart, lane
from tests.scale.pages import shown
from tests.support.postgres import PostgresServer
from tests.support.sql import engine_for, execute

TABLES, DIVIDE, ADD_MONTH = shown("keep-and-archive.md", "BY_MONTH", "divide", "add_month")
MONTHS = tuple(datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3, 4))


def divide(url: str) -> None:
    """Divide every table of the page by month."""
    with engine_for(url) as engine, engine.begin() as connection:
        for table in TABLES:
            DIVIDE(connection, table, MONTHS[0])
            for month in MONTHS:
                ADD_MONTH(connection, table, month)


@pytest.fixture(scope="module")
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with divided tables for all tests that need no other; each has tenants of its own."""
    name = postgres_server.clone()
    migrate(postgres_server.url(name))
    divide(postgres_server.url(name))
    yield postgres_server.url(name)
    postgres_server.drop(name)


class TestDivided(Apart, RepositoryContract):
    @pytest.fixture
    def repository(self, url: str, prefix: str) -> Repository:
        return lane(connect_store(url, SystemIds().new, blocking=True), prefix)


def parts(url: str, table: str) -> dict[str, int]:
    """Rows by part; empty parts are left out."""
    count = f"SELECT tableoid::regclass::text AS part, COUNT(*) AS rows FROM {table} GROUP BY 1"
    return {row.part: row.rows for row in execute(url, count)}


def trade(pay: InvoicePay, clock: FrozenClock, months: int) -> None:
    """An invoice and a payment in each of some months, a handler that takes every event, a sealed trail."""
    pay.on("*")(lambda event: None)
    for _ in range(months):
        pay.sim.settle(pay.deposits.initiate("ann", "30.00 USD"))
        invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "20.00 USD")])
        pay.invoices.pay(invoice, payer="ann", amount="21.00 USD")
        pay.audit.seal()
        clock.advance(days=31)


@pytest.mark.parametrize("is_filled", [False, True], ids=["from day one", "later"])
def test_money_goes_on_through_months_and_lies_in_their_parts(postgres_url: str, is_filled: bool) -> None:
    migrate(postgres_url)
    clock = FrozenClock("2026-01-05T09:00:00Z")
    with InvoicePay(postgres_url, clock=clock) as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        trade(pay, clock, 1 if is_filled else 0)
        divide(postgres_url)
        trade(pay, clock, 4 if is_filled else 5)

        assert pay.invariants.check() == ()
        assert pay.audit.verify()
        assert str(pay.wallets.get("acme").available) == "100.00 USD"
        assert str(pay.ledger.enterprise_book("acme").balance(1500)) == "105.00 USD"
    for table in TABLES:
        assert parts(postgres_url, table).keys() == {
            f"{table}_first",
            *(f"{table}_{month:%Y_%m}" for month in MONTHS),
            f"{table}_later",
        }
    assert migrate(postgres_url) == migrate(postgres_url)


def test_every_part_refuses_to_change_what_is_written_once(url: str) -> None:
    clock = FrozenClock("2026-02-05T09:00:00Z")
    with InvoicePay(url, clock=clock, tenant="strict") as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        trade(pay, clock, 1)

    for table in TABLES.keys() & set(APPEND_ONLY):
        assert f"{table}_2026_02" in parts(url, table)
        for statement in (f"DELETE FROM {table}", f"UPDATE {table}_2026_02 SET tenant_id = 'x'"):
            with pytest.raises(DBAPIError, match="append-only"):
                execute(url, statement)
