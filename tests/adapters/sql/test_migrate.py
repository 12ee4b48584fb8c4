"""Steps of the schema: taken once, in order, by whoever comes first; refused where they would do harm."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Integer, MetaData, Table, inspect
from sqlalchemy.exc import DBAPIError

from invoicepay.adapters.sql import migrate, migrate_url
from invoicepay.domain.needs import find
from invoicepay.domain.parties import Party
from invoicepay.errors import ConfigurationError, StoreBehind
from invoicepay.testing.samples import sample
from invoicepay.testing.trail_contract import ANN, BANK
from tests.support.sql import Stores, engine_for, execute


def test_the_steps_are_taken_once(url: str) -> None:
    assert migrate_url(url) == migrate.LATEST
    assert migrate_url(url) == migrate.LATEST

    assert execute(url, "SELECT version FROM schema_version ORDER BY version") == [(1,), (2,), (3,)]


def test_the_steps_can_be_taken_one_by_one_inside_a_hosts_migration(url: str) -> None:
    with engine_for(url) as engine, engine.begin() as connection:
        op = Operations(MigrationContext.configure(connection))

        assert migrate.version(op.get_bind()) == 0
        assert migrate.upgrade(op.get_bind(), 1) == 1
        assert migrate.version(op.get_bind()) == 1
        assert migrate.upgrade(op.get_bind()) == migrate.LATEST


def test_a_hosts_rollback_takes_the_tables_back(url: str) -> None:
    with engine_for(url) as engine:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            migrate.upgrade(connection)
            connection.rollback()

        assert inspect(engine).get_table_names() == []


@pytest.mark.usefixtures("patience")
def test_many_may_start_at_once(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        reached = list(pool.map(migrate_url, [url] * 6))

    assert reached == [migrate.LATEST] * 6


def test_sqlite_makes_its_tables_on_first_use(stores: Stores, sqlite_url: str) -> None:
    store = stores.opened(sqlite_url)

    assert store.found(find(Party)) == ()
    assert execute(sqlite_url, "SELECT max(version) FROM schema_version") == [(migrate.LATEST,)]


def test_postgres_names_the_call_that_makes_its_tables(stores: Stores, postgres_url: str) -> None:
    store = stores.opened(postgres_url)

    with pytest.raises(StoreBehind, match=r"invoicepay\.migrate\(url\)"):
        store.found(find(Party))

    migrate_url(postgres_url)
    assert store.found(find(Party)) == ()


def test_a_table_of_somebody_else_is_left_alone(url: str) -> None:
    execute(url, "CREATE TABLE invoices (id INTEGER)")

    with pytest.raises(ConfigurationError, match="invoices is there and not ours"):
        migrate_url(url)

    assert migrate_url(url, table_prefix="pay_") == migrate.LATEST
    assert execute(url, "SELECT count(*) FROM pay_invoices") == [(0,)]


@pytest.mark.parametrize("name", ["Pay", "pay-", "pay;", "1pay", "p" * 25])
def test_prefixes_are_plain_names(name: str) -> None:
    with pytest.raises(ConfigurationError):
        migrate.named_schema(None, name)


def test_sqlite_has_no_schemas(stores: Stores, sqlite_url: str) -> None:
    with pytest.raises(ConfigurationError, match="table_prefix"):
        stores.opened(sqlite_url, schema="billing")


def test_the_script_for_sqlite_makes_the_same_tables(tmp_path: Path, sqlite_url: str) -> None:
    migrate_url(sqlite_url)
    by_hand = f"sqlite:///{tmp_path / 'script.db'}"

    with sqlite3.connect(tmp_path / "script.db") as connection:
        connection.executescript(migrate.sql("sqlite"))

    names = "SELECT name FROM sqlite_master ORDER BY name"
    assert execute(by_hand, names) == execute(sqlite_url, names)
    assert migrate_url(by_hand) == migrate.LATEST


def test_the_script_for_postgres_makes_the_same_tables(postgres_url: str) -> None:
    script = migrate.sql("postgresql", schema="billing")

    with engine_for(postgres_url) as engine, engine.begin() as connection:
        connection.exec_driver_sql(script)

    assert migrate_url(postgres_url, schema="billing") == migrate.LATEST


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_transactions", "audit_log", "audit_checkpoints"])
@pytest.mark.parametrize("change", ["UPDATE {} SET tenant_id = 'other'", "DELETE FROM {}"])
def test_the_store_itself_refuses_to_change_what_is_written(
    stores: Stores, url: str, table: str, change: str
) -> None:
    store = stores.made(url)
    store.move(BANK, ANN, 5)
    store.host.run(store.repository.seal(store.tenant_id, store.clock.now()))

    with pytest.raises(DBAPIError, match="append-only"):
        execute(url, change.format(table))


def test_views_tell_balances_transitions_and_wallets(stores: Stores, url: str) -> None:
    store = stores.made(url)
    store.add(sample(Party, 1), event="party.registered")
    store.move(BANK, ANN, 5)

    assert execute(url, "SELECT id, balance FROM v_balance ORDER BY id") == [(BANK.id, 5), (ANN.id, 5)]
    assert execute(url, "SELECT kind, from_status, name FROM state_transitions") == [
        ("party", "", "party.registered")
    ]
    wallets = "SELECT party_id, asset, available, held, total FROM consumer_wallet_balances"
    assert execute(url, wallets) == [("ann", "USD", 5, 0, 5)]


def test_stored_numbers_outside_the_rules_are_refused_by_the_store(stores: Stores, url: str) -> None:
    store = stores.made(url)
    store.move(BANK, ANN, 5)

    for change in ("balance = -1", "balance = NULL"):
        with pytest.raises(DBAPIError):
            execute(url, f"UPDATE ledger_accounts SET {change} WHERE id = '{ANN.id}'")


def test_a_hosts_autogenerate_leaves_our_tables_alone(url: str) -> None:
    migrate_url(url)
    hosts = MetaData()
    Table("customers", hosts, Column("id", Integer, primary_key=True))
    with engine_for(url) as engine, engine.connect() as connection:
        options = {"include_name": migrate.include_name()}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), hosts)

    assert [difference[0] for difference in found] == ["add_table"]
