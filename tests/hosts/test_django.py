"""Inside Django's transaction, on both databases: commit keeps everything, rollback leaves nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from invoicepay import InvoicePay
from invoicepay.errors import ConfigurationError, InsideTransaction, InsufficientFunds
from invoicepay.integrations.django import atomic, sqlalchemy_connection
from invoicepay.integrations.django.borrowing import borrowed_engine
from tests.hosts.shop import LINES, SETTINGS, bought, counted
from tests.support.postgres import PostgresServer

django = pytest.importorskip("django")
from django.conf import settings  # noqa: E402 - what follows needs Django
from django.db import connections, transaction  # noqa: E402

ALIASES = {"default": "sqlite", "books": "postgresql"}


@pytest.fixture(scope="module")
def urls(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[dict[str, str]]:
    """A Django project with a SQLite file and a PostgreSQL database, both migrated by Django."""
    database = postgres_server.clone()
    path = tmp_path_factory.mktemp("django") / "shop.db"
    host = create_engine(postgres_server.url(database)).url.query["host"]
    engine = "django.db.backends."
    settings.configure(
        INSTALLED_APPS=["tests.hosts.django_shop"],
        USE_TZ=True,
        DATABASES={
            "default": {"ENGINE": f"{engine}sqlite3", "NAME": path},
            "books": {
                "ENGINE": f"{engine}postgresql",
                "NAME": database,
                "USER": "postgres",
                "HOST": host,
                "TIME_ZONE": "America/Chicago",
            },
        },
    )
    django.setup()
    from django.core.management import call_command

    for alias in ALIASES:
        call_command("migrate", database=alias, verbosity=0)
    yield {"default": f"sqlite:///{path}", "books": postgres_server.url(database)}
    connections.close_all()
    borrowed_engine.cache_clear()
    postgres_server.drop(database)


@pytest.fixture(scope="module", params=list(ALIASES), ids=list(ALIASES.values()))
def using(request: pytest.FixtureRequest, urls: dict[str, str]) -> str:
    """The alias of one of the two databases."""
    assert request.param in urls
    alias: str = request.param
    return alias


@pytest.fixture(scope="module")
def engine(using: str, urls: dict[str, str]) -> Iterator[Engine]:
    """Another way to the same database, to look at it from outside."""
    engine = create_engine(urls[using])
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def pay(using: str, urls: dict[str, str]) -> Iterator[InvoicePay]:
    """The project's client; Ann has money."""
    with InvoicePay(urls[using], **SETTINGS) as pay:
        pay.sim.settle(pay.deposits.initiate("ann", "2000.00 USD"))
        yield pay


def ordered(item: str, using: str) -> Any:
    """What the host writes itself."""
    from tests.hosts.django_shop.models import Order

    return Order.objects.using(using).create(item=item)


def test_djangos_migrations_make_our_tables_too(engine: Engine, pay: InvoicePay) -> None:
    assert {"django_shop_order", "invoices", "schema_version"} <= counted(engine).keys()
    assert pay.health().store.is_ok


def test_the_end_of_the_block_commits_both(using: str, engine: Engine, pay: InvoicePay) -> None:
    before = counted(engine)

    with atomic(pay, using) as tx:
        ordered("book", using)
        paid = bought(tx)

    after = counted(engine)
    assert pay.invoices.get(paid).status == "paid"
    assert after["django_shop_order"] == before["django_shop_order"] + 1
    assert pay.audit.verify()
    assert pay.invariants.check() == ()


def test_an_error_takes_back_both(using: str, engine: Engine, pay: InvoicePay) -> None:
    before = counted(engine)

    def checkout() -> None:
        with atomic(pay, using) as tx:
            ordered("book", using)
            bought(tx)
            invoice = tx.invoices.issue(enterprise="acme", customer="poor", lines=LINES)
            tx.invoices.pay(invoice, payer="poor")

    with pytest.raises(InsufficientFunds):
        checkout()

    assert counted(engine) == before


def test_djangos_own_rollback_takes_back_ours(using: str, engine: Engine, pay: InvoicePay) -> None:
    before = counted(engine)

    with atomic(pay, using) as tx:
        bought(tx)
        transaction.set_rollback(True, using=using)

    assert counted(engine) == before


def test_a_block_inside_djangos_is_a_savepoint_of_it(using: str, engine: Engine, pay: InvoicePay) -> None:
    before = counted(engine)

    with transaction.atomic(using=using):
        ordered("kept", using)
        with suppress(ZeroDivisionError), atomic(pay, using) as tx:
            bought(tx)
            ordered("lost", using)
            raise ZeroDivisionError
        with atomic(pay, using) as tx:
            kept = bought(tx)

    after = counted(engine)
    assert after["django_shop_order"] == before["django_shop_order"] + 1
    assert after["invoice_payments"] == before["invoice_payments"] + 1
    assert pay.invoices.get(kept).status == "paid"


def test_a_refused_call_leaves_djangos_transaction_as_it_was(
    using: str, engine: Engine, pay: InvoicePay
) -> None:
    before = counted(engine)

    with atomic(pay, using) as tx:
        invoice = tx.invoices.issue(enterprise="acme", customer="poor", lines=LINES)
        with pytest.raises(InsufficientFunds):
            tx.invoices.pay(invoice, payer="poor")
        ordered("on account", using)

    assert pay.invoices.get(invoice).status == "open"
    assert counted(engine)["django_shop_order"] == before["django_shop_order"] + 1


def test_provider_work_waits_for_the_commit_and_may_follow_it_at_once(using: str, pay: InvoicePay) -> None:
    with atomic(pay, using) as tx:
        deposit = tx.deposits.initiate("ann", "5.00 USD")
        (effect,) = tx.effects.list(cause=deposit)
        transaction.on_commit(pay.run_pending, using=using)
        with pytest.raises(InsideTransaction):
            tx.run_pending()

    assert (effect.status, pay.effects.get(effect).status) == ("planned", "accepted")


def test_instants_are_the_same_whatever_zone_django_keeps(using: str, pay: InvoicePay) -> None:
    with atomic(pay, using) as tx:
        invoice = tx.invoices.issue(enterprise="acme", customer="ann", lines=LINES)
        inside = tx.invoices.get(invoice)

    outside = pay.invoices.get(invoice)
    assert (inside.created_at, inside.due_on) == (invoice.created_at, invoice.due_on)
    assert (outside.created_at, outside.updated_at) == (inside.created_at, inside.updated_at)


def test_django_goes_on_with_its_connection_as_before(using: str, pay: InvoicePay) -> None:
    with atomic(pay, using) as tx:
        bought(tx)

    with connections[using].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM invoices WHERE customer_id = %s", ["ann"])
        assert cursor.fetchone()[0] > 0
    from tests.hosts.django_shop.models import Order

    assert list(Order.objects.using(using).filter(item__iregex="^nobody$")) == []
    assert connections[using].get_autocommit()


def test_every_thread_has_djangos_connection_of_its_own(using: str, pay: InvoicePay) -> None:
    made: list[str] = []

    def checkout() -> None:
        try:
            with atomic(pay, using) as tx:
                made.append(bought(tx))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=checkout) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()

    assert [pay.invoices.get(id).status for id in made] == ["paid"] * 3


def test_outside_of_atomic_there_is_nothing_to_join(using: str) -> None:
    with pytest.raises(ConfigurationError, match="no transaction of Django's is open"):
        sqlalchemy_connection(using).__enter__()


def test_a_client_that_keeps_its_tables_elsewhere_is_refused(using: str, urls: dict[str, str]) -> None:
    other = next(url for alias, url in urls.items() if alias != using)
    for store, said in ((other, "keeps its tables in"), ("memory://", "no database")):
        with (
            InvoicePay(store, **SETTINGS) as elsewhere,
            pytest.raises(ConfigurationError, match=said),
            atomic(elsewhere, using) as tx,
        ):
            tx.invoices.list()


@pytest.mark.parametrize(("vendor", "driver"), [("mysql", "MySQLdb"), ("postgresql", "psycopg2")])
def test_another_database_or_driver_is_refused(vendor: str, driver: str) -> None:
    with pytest.raises(ConfigurationError, match="only SQLite and PostgreSQL") as refused:
        borrowed_engine(vendor, driver, "default")

    assert "psycopg 3" in refused.value.hint
