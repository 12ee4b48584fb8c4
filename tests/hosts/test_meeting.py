"""Transactions of hosts that meet: nobody waits in a circle, and who lost is told to begin again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, insert, text
from sqlalchemy.orm import Session

from invoicepay import InvoicePay, migrate
from invoicepay.errors import ConcurrentUpdate, StoreBusy, StoreUnreachable
from tests.hosts.shop import LINES, Order, bought, counted, opened
from tests.support.postgres import PostgresServer

SOON, DEADLOCK_SECONDS = 10, 30
"""Before PostgreSQL looks for deadlocks, however busy this machine is."""


@pytest.fixture(scope="module")
def books(postgres_server: PostgresServer) -> Iterator[tuple[Engine, InvoicePay]]:
    """A database on PostgreSQL in which Ann and Ben have money, and deadlocks stay unseen for long."""
    database = postgres_server.clone()
    with postgres_server.connect() as connection:
        connection.execute(f"ALTER DATABASE {database} SET deadlock_timeout = '{DEADLOCK_SECONDS}s'")
    migrate(postgres_server.url(database))
    engine = create_engine(postgres_server.url(database))
    with opened(engine) as pay:
        pay.sim.settle(pay.deposits.initiate("ben", "100.00 USD"))
        yield engine, pay
    engine.dispose()
    postgres_server.drop(database)


def until_somebody_waits(engine: Engine) -> None:
    """Return once a statement of another session waits for a lock."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for _ in range(1_000):
            if connection.execute(waiting).scalar_one():
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_who_would_wait_in_a_circle_is_told_at_once_and_the_other_goes_on(
    books: tuple[Engine, InvoicePay],
) -> None:
    engine, pay = books
    mine, theirs = (pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES) for _ in range(2))
    with ThreadPoolExecutor(1) as thread:
        with Session(engine) as session:
            pay.bind(session).parties.register("dora")  # ends with a record in the trail, whose head we hold
            other = thread.submit(pay.invoices.pay, theirs, payer="ann")  # holds Ann's wallet, waits for us
            until_somebody_waits(engine)
            began = time.monotonic()
            with pytest.raises(ConcurrentUpdate) as lost:
                pay.bind(session).invoices.pay(mine, payer="ann")
            assert time.monotonic() - began < SOON
            assert "Roll the transaction back and begin it again" in lost.value.hint
            session.rollback()
        assert other.result(timeout=60).status == "completed"

    with Session(engine) as session, session.begin():
        again = bought(pay.bind(session))
    assert pay.invoices.get(again).status == "paid"
    assert pay.invariants.check() == ()


def test_two_transactions_of_hosts_that_want_each_others_rows_do_not_deadlock(
    books: tuple[Engine, InvoicePay],
) -> None:
    engine, pay = books
    invoices = {
        who: pay.invoices.issue(enterprise="acme", customer=who, lines=LINES) for who in ("ann", "ben")
    }

    def pays(who: str, first: Session) -> None:
        pay.bind(first).invoices.pay(invoices[who], payer=who)

    with ThreadPoolExecutor(1) as thread, Session(engine) as one, Session(engine) as two:
        tx = pay.bind(one)
        with tx.transaction() as part:  # what a part of it holds, the rest holds, too
            part.invoices.pay(invoices["ann"], payer="ann")
        other = thread.submit(pays, "ben", two)  # holds Ben's wallet, waits for the trail that we hold
        until_somebody_waits(engine)
        with pytest.raises(ConcurrentUpdate):
            tx.transfers.send("ben", "ann", "1.00 USD")
        tx.transfers.send("ann", "carol", "1.00 USD")  # what nobody else holds is still ours to move
        one.commit()
        other.result(timeout=60)
        two.commit()

    assert {pay.invoices.get(invoice).status for invoice in invoices.values()} == {"paid"}
    assert pay.invariants.check() == ()
    assert pay.audit.verify()


def test_a_connection_that_is_lost_inside_takes_back_everything(books: tuple[Engine, InvoicePay]) -> None:
    engine, pay = books
    before = counted(engine)
    with Session(engine) as session:
        tx = pay.bind(session)
        bought(tx)
        own = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        with pytest.raises(StoreUnreachable):
            bought(tx)
        session.rollback()

    assert counted(engine) == before
    with Session(engine) as session, session.begin():
        again = bought(pay.bind(session))
    assert pay.invoices.get(again).status == "paid"


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[tuple[Engine, InvoicePay]]:
    """A SQLite file whose driver does not wait for other writers."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}", connect_args={"timeout": 0})
    with opened(engine) as pay:
        yield engine, pay
    engine.dispose()


def test_on_sqlite_the_first_call_holds_the_file_until_the_host_ends(
    impatient: tuple[Engine, InvoicePay],
) -> None:
    engine, pay = impatient
    with Session(engine) as one, Session(engine) as two:
        bought(pay.bind(one))
        with pytest.raises(StoreBusy) as busy:
            bought(pay.bind(two))
        assert "begin it again" in busy.value.hint
        one.commit()
        two.rollback()
        paid = bought(pay.bind(two))
        two.commit()

    assert pay.invoices.get(paid).status == "paid"


@pytest.fixture
def begun_by_the_host(tmp_path: Path) -> Iterator[tuple[Engine, InvoicePay]]:
    """An engine as SQLAlchemy's manual advises: the driver begins nothing, a hook of the host's does."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}", connect_args={"timeout": 0})

    @event.listens_for(engine, "connect")
    def leave_it(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    with opened(engine) as pay:
        yield engine, pay
    engine.dispose()


def test_a_transaction_that_the_hosts_own_hook_begins_is_joined(
    begun_by_the_host: tuple[Engine, InvoicePay],
) -> None:
    engine, pay = begun_by_the_host
    before = counted(engine)

    with Session(engine) as session:
        bought(pay.bind(session))
        with pytest.raises(StoreBusy):  # the lock to write is ours from the first call on
            pay.parties.register("ben")
        session.rollback()

    assert counted(engine) == before


def test_whoever_writes_after_a_look_that_is_out_of_date_begins_again(
    begun_by_the_host: tuple[Engine, InvoicePay],
) -> None:
    engine, pay = begun_by_the_host
    with Session(engine) as session:
        assert session.query(Order).all() == []
        pay.parties.register("ben")
        with pytest.raises(StoreBusy) as busy:
            bought(pay.bind(session))
        assert "begin it again" in busy.value.hint


def test_a_commit_that_a_reader_holds_up_leaves_no_lock_behind(impatient: tuple[Engine, InvoicePay]) -> None:
    engine, pay = impatient  # without WAL a commit waits for readers
    with Session(engine) as session:
        session.connection().exec_driver_sql("BEGIN")
        session.query(Order).all()
        with pytest.raises(StoreBusy):
            pay.parties.register("ben")

    other = create_engine(engine.url, connect_args={"timeout": 0})
    with other.begin() as connection:
        connection.execute(insert(Order).values(item="book"))
    other.dispose()
