"""Each way in which a database fails, provoked for real, arrives as one of our errors with a next step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, make_url, text
from sqlalchemy.pool import QueuePool

from invoicepay.adapters.sql import migrate_url
from invoicepay.domain.accounts import available
from invoicepay.domain.change import Snapshot
from invoicepay.domain.holds import Hold
from invoicepay.domain.needs import find, need
from invoicepay.domain.parties import Party
from invoicepay.errors import (
    AmountOutOfRange,
    ConcurrentUpdate,
    InvariantViolated,
    InvoicePayError,
    OutcomeUnknown,
    StoreBehind,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnreachable,
)
from invoicepay.testing.hosts import BlockingHost
from invoicepay.testing.samples import sample
from invoicepay.testing.store import Store
from invoicepay.testing.trail_contract import ANN, BANK
from tests.support.sql import Stores, engine_for, execute


@pytest.mark.parametrize(
    ("url", "check"),
    [
        ("postgresql://pay:hunter2@127.0.0.1:1/pay", "that it runs"),
        ("postgresql://pay:hunter2@/pay?host=/nowhere", "that it runs"),
        ("sqlite:////nowhere/at/all/pay.db", "that its folder exists"),
    ],
)
def test_a_database_that_does_not_answer_is_unreachable(stores: Stores, url: str, check: str) -> None:
    with pytest.raises(StoreUnreachable, match=check) as caught:
        stores.opened(url).found(find(Party))

    assert caught.value.retryable
    assert "hunter2" not in str(caught.value) + str(caught.value.to_problem())


def test_a_database_that_does_not_exist_is_unreachable(stores: Stores, postgres_url: str) -> None:
    with pytest.raises(StoreUnreachable):
        stores.opened(postgres_url.replace(_database(postgres_url), "nothing_here")).found(find(Party))


def test_a_table_that_went_missing_says_behind(stores: Stores, url: str) -> None:
    store = stores.made(url)
    execute(url, "DROP TABLE receipts")
    execute(url, "ALTER TABLE holds RENAME COLUMN reason TO because")

    with pytest.raises(StoreBehind, match=r"invoicepay\.migrate"):
        store.found(find(Hold))


def test_a_file_that_is_no_database_says_so(stores: Stores, tmp_path: Path) -> None:
    (tmp_path / "pay.db").write_bytes(b"something else entirely, and long enough to be read as a header" * 20)

    with pytest.raises(StoreError, match="damaged or no database"):
        stores.opened(f"sqlite:///{tmp_path / 'pay.db'}").found(find(Party))


def test_sqlite_without_the_right_to_write_says_read_only(stores: Stores, tmp_path: Path) -> None:
    stores.made(f"sqlite:///{tmp_path / 'pay.db'}").move(BANK, ANN, 5)
    engine = stores.engine(f"sqlite:///file:{tmp_path / 'pay.db'}?mode=ro&uri=true")
    store = stores.opened(engine)

    assert store.balance(ANN) == 5
    with pytest.raises(StoreReadOnly, match="this user"):
        store.move(BANK, ANN, 1)


def test_a_database_that_is_set_to_read_only_stays_so(stores: Stores, postgres_url: str) -> None:
    stores.made(postgres_url).move(BANK, ANN, 5)
    execute(postgres_url, f"ALTER DATABASE {_database(postgres_url)} SET default_transaction_read_only = on")
    store = stores.opened(postgres_url)

    assert store.balance(ANN) == 5
    with pytest.raises(StoreReadOnly):
        store.write(lambda change: change.now, keys=["k1"])


def test_a_role_without_the_right_to_write_is_read_only(stores: Stores, postgres_url: str) -> None:
    stores.made(postgres_url).move(BANK, ANN, 5)
    execute(postgres_url, "CREATE ROLE looker LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker")
    store = stores.opened(postgres_url.replace("postgres@", "looker@"))

    assert store.balance(ANN) == 5
    with pytest.raises(StoreReadOnly):
        store.write(lambda change: change.now, keys=["k1"])
    execute(postgres_url, "DROP OWNED BY looker", "DROP ROLE looker")


def _database(url: str) -> str:
    return make_url(url).database or ""


def test_a_full_disk_says_so_and_nothing_is_recorded(stores: Stores, sqlite_url: str) -> None:
    store = stores.made(sqlite_url)
    engine = stores.engine(sqlite_url)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    full = stores.engine(sqlite_url, pool_size=1)
    limit = f"PRAGMA max_page_count={pages + 1}"
    with full.connect() as connection:
        connection.exec_driver_sql(limit)
    small = stores.opened(full)

    with pytest.raises(StoreFull, match="free space"):
        small.add(*(sample(Hold, n, reason="x" * 4_000) for n in range(50)))

    assert store.found(find(Hold)) == ()


def test_another_writer_that_does_not_finish_makes_sqlite_busy(stores: Stores, sqlite_url: str) -> None:
    store = stores.made(sqlite_url)
    impatient = stores.engine(sqlite_url, connect_args={"timeout": 0.01})
    other = stores.opened(impatient)
    assert other.balance(ANN) == 0

    with engine_for(sqlite_url) as engine, engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="same key"):
            other.move(BANK, ANN, 1)

    store.move(BANK, ANN, 1)


def test_a_pool_without_a_free_connection_is_busy(stores: Stores, sqlite_url: str) -> None:
    stores.made(sqlite_url)
    engine = stores.engine(sqlite_url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01)
    store = stores.opened(engine)

    with engine.connect(), pytest.raises(StoreBusy, match="larger pool"):
        store.balance(ANN)


def test_a_lock_that_is_not_granted_is_a_concurrent_update(stores: Stores, postgres_url: str) -> None:
    store = stores.made(f"{postgres_url}&options=-c%20lock_timeout%3D50ms")
    store.add(sample(Hold, 1))

    with engine_for(postgres_url) as engine, engine.begin() as connection:
        connection.execute(text("SELECT * FROM holds FOR UPDATE"))
        with pytest.raises(ConcurrentUpdate):
            store.change(sample(Hold, 1), reason="waited")


def test_a_deadlock_is_a_concurrent_update_for_one_of_the_two(stores: Stores, postgres_url: str) -> None:
    store = stores.made(postgres_url)
    store.add(sample(Hold, 1), sample(Hold, 2))
    met = threading.Barrier(2, timeout=60)
    results: list[str] = []

    def crosswise(first: str, second: str) -> None:
        async def lock() -> None:
            async with store.repository.unit(store.tenant_id) as unit:
                seen = Snapshot(store.clock.now())
                await unit.load(need((Hold, first)), seen)
                met.wait()
                await unit.load(need((Hold, second)), seen)

        try:
            BlockingHost().run(lock())
            results.append("done")
        except ConcurrentUpdate:
            results.append("lost")

    threads = [
        threading.Thread(target=crosswise, args=pair)
        for pair in (("hold-0001", "hold-0002"), ("hold-0002", "hold-0001"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == ["done", "lost"]


def test_a_statement_that_takes_too_long_is_busy(stores: Stores, postgres_url: str) -> None:
    stores.made(postgres_url)
    store = stores.opened(f"{postgres_url}&options=-c%20statement_timeout%3D50ms")

    with pytest.raises(StoreBusy):
        in_a_unit(store, lambda connection: connection.execute(text("SELECT pg_sleep(5)")))


def test_a_connection_lost_before_the_commit_recorded_nothing(stores: Stores, postgres_url: str) -> None:
    store = stores.made(postgres_url)

    with pytest.raises(StoreUnreachable, match="nothing was recorded"):
        in_a_unit(store, terminated, lambda connection: connection.execute(text("SELECT 1")))

    store.move(BANK, ANN, 5)
    assert store.balance(ANN) == 5


def test_a_connection_lost_during_the_commit_leaves_the_outcome_unknown(
    stores: Stores, postgres_url: str
) -> None:
    store = stores.made(postgres_url)

    async def lose() -> None:
        async with store.repository.unit(store.tenant_id) as unit:
            outcomes, replies = await store.decided(
                unit, [lambda change: change.add(sample(Hold, 1))], need(), keys=["order-17"]
            )
            await unit.apply(outcomes, replies)
            await unit._link.run(terminated)  # type: ignore[attr-defined]
            await unit.commit()

    with pytest.raises(OutcomeUnknown) as caught:
        store.host.run(lose())

    assert caught.value.details["retry_same_key"] == "order-17"
    assert store.found(find(Hold)) == ()


def terminated(connection: Connection) -> None:
    """End the server's side of the connection, as a failover does."""
    with (
        engine_for(connection.engine.url.render_as_string(hide_password=False)) as engine,
        engine.begin() as other,
    ):
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other.execute(text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": backend})


def in_a_unit(store: Store, *steps: Callable[[Connection], Any]) -> None:
    async def run() -> None:
        async with store.repository.unit(store.tenant_id) as unit:
            for step in steps:
                await unit._link.run(step)  # type: ignore[attr-defined]

    store.host.run(run())


def test_a_balance_below_its_floor_is_refused_as_our_own_fault(stores: Stores, url: str) -> None:
    store = stores.made(url)

    with pytest.raises(InvariantViolated, match="floor"):
        in_a_unit(
            store,
            lambda connection: connection.execute(
                text(
                    "INSERT INTO ledger_accounts (tenant_id, id, code, asset, party_id, type, balance) "
                    "VALUES ('acme', '2000/USD/ann', 2000, 'USD', 'ann', 'L', -1)"
                )
            ),
        )


def test_a_balance_beyond_64_bits_is_out_of_range(stores: Stores, url: str) -> None:
    store = stores.made(url)
    store.move(BANK, ANN, 1)
    most = 2**63 - 1
    execute(url, f"UPDATE ledger_accounts SET balance = {most} WHERE code = 2000")

    with pytest.raises(AmountOutOfRange, match="nothing was recorded"):
        store.move(BANK, ANN, 1)

    assert store.balance(available("ann", "USD")) == most


def test_a_number_beyond_64_bits_is_out_of_range(stores: Stores, url: str) -> None:
    with pytest.raises(AmountOutOfRange):
        stores.made(url).add(sample(Party, 1, kyc_tier=2**63))


@pytest.mark.parametrize("text_of", [str, repr, lambda error: str(error.to_problem())])
def test_messages_hold_no_statement_and_no_value(
    stores: Stores, url: str, text_of: Callable[[InvoicePayError], str]
) -> None:
    store = stores.made(url)
    store.add(sample(Hold, 1, reason="secret-reason"))
    stale = store.loaded(need())
    stale.rows[Hold, "hold-0001"] = None

    with pytest.raises(ConcurrentUpdate) as caught:
        store.write(lambda change: change.add(sample(Hold, 1, reason="secret-reason")), seen=stale)

    said = f"{caught.value} {caught.value!r} {caught.value.to_problem()}"
    assert "secret-reason" not in said
    assert "INSERT" not in said


def test_both_migrations_and_calls_speak_our_errors() -> None:
    with pytest.raises(StoreUnreachable):
        migrate_url("postgresql://127.0.0.1:1/pay")
