"""Inside a host's transaction: its commit keeps everything, its rollback leaves nothing of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine, insert, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from invoicepay import InvoicePay, Money
from invoicepay.adapters.sealed import FieldKeys
from invoicepay.errors import InsufficientFunds, InvalidInput, StoreBehind
from tests.hosts.shop import LINES, SETTINGS, Order, bought, counted


def test_the_hosts_rollback_leaves_nothing_of_ours(engine: Engine, pay: InvoicePay) -> None:
    before = counted(engine)

    with Session(engine) as session:
        session.add(Order(item="book"))
        bought(pay.bind(session))
        session.rollback()

    assert counted(engine) == before


def test_the_hosts_commit_keeps_all_of_it(engine: Engine, pay: InvoicePay) -> None:
    before = counted(engine)

    with Session(engine) as session, session.begin():
        session.add(Order(item="book"))
        paid = bought(pay.bind(session))

    after = counted(engine)
    assert pay.invoices.get(paid).status == "paid"
    assert after["shop_orders"] == before["shop_orders"] + 1
    assert after["invoice_payments"] == before["invoice_payments"] + 1
    assert pay.audit.verify()
    assert pay.invariants.check() == ()


@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_a_connection_is_joined_as_a_session_is(engine: Engine, pay: InvoicePay, ends: str) -> None:
    before = counted(engine)

    with engine.connect() as connection:
        connection.execute(insert(Order).values(item="book"))
        bought(pay.bind(connection))
        getattr(connection, ends)()

    assert (counted(engine) == before) is (ends == "rollback")


def test_a_transaction_that_is_not_begun_yet_is_begun_by_the_first_call(
    engine: Engine, pay: InvoicePay
) -> None:
    before = counted(engine)

    with engine.connect() as connection:
        bought(pay.bind(connection))
    with Session(engine) as session:
        bought(pay.bind(session))

    assert counted(engine) == before


def test_an_error_that_leaves_the_hosts_block_takes_our_rows_along(engine: Engine, pay: InvoicePay) -> None:
    before = counted(engine)

    def checkout() -> None:
        with Session(engine) as session, session.begin():
            tx = pay.bind(session)
            invoice = tx.invoices.issue(enterprise="acme", customer="poor", lines=LINES)
            tx.invoices.pay(invoice, payer="poor")

    with pytest.raises(InsufficientFunds):
        checkout()

    assert counted(engine) == before


def test_a_refused_call_leaves_the_hosts_transaction_as_it_was(engine: Engine, pay: InvoicePay) -> None:
    with Session(engine) as session, session.begin():
        session.add(Order(item="lamp"))
        tx = pay.bind(session)
        invoice = tx.invoices.issue(enterprise="acme", customer="poor", lines=LINES)
        with pytest.raises(InsufficientFunds):
            tx.invoices.pay(invoice, payer="poor")
        with pytest.raises(InvalidInput):
            tx.invoices.pay(invoice, payer="poor", amount="0 USD")
        session.add(Order(item="bulb"))

    assert pay.invoices.get(invoice).status == "open"
    with Session(engine) as session:
        items = session.query(Order.item).filter(Order.item.in_(["lamp", "bulb"]))
        assert sorted(items) == [("bulb",), ("lamp",)]


def test_a_statement_that_fails_takes_back_its_call_and_nothing_else(engine: Engine, pay: InvoicePay) -> None:
    with Session(engine) as session, session.begin():
        tx = pay.bind(session)
        first = tx.invoices.issue(enterprise="acme", customer="ann", lines=LINES)
        session.execute(text("ALTER TABLE holds RENAME TO holds_elsewhere"))
        with pytest.raises(StoreBehind):
            tx.holds.place("ann", "1.00 USD", payee="acme")
        session.execute(text("ALTER TABLE holds_elsewhere RENAME TO holds"))
        second = tx.invoices.issue(enterprise="acme", customer="ann", lines=LINES)

    assert {pay.invoices.get(first).status, pay.invoices.get(second).status} == {"open"}


def test_a_savepoint_of_the_hosts_takes_back_what_was_done_since(engine: Engine, pay: InvoicePay) -> None:
    with Session(engine) as session, session.begin():
        tx = pay.bind(session)
        kept = bought(tx)
        savepoint = session.begin_nested()
        tx.parties.register("carol", kind="user")
        tx.transfers.send("ann", "carol", "1.00 USD")
        savepoint.rollback()
        tx.parties.register("carol", kind="user")
        tx.transfers.send("ann", "carol", "2.00 USD")

    assert pay.invoices.get(kept).status == "paid"
    assert pay.wallets.get("carol").available == Money("2.00", "USD")
    assert pay.invariants.check() == ()


def test_calls_of_one_transaction_see_each_other_and_a_key_is_replayed(
    engine: Engine, pay: InvoicePay
) -> None:
    with Session(engine) as session, session.begin():
        tx = pay.bind(session)
        made = tx.invoices.issue(enterprise="acme", customer="ann", lines=LINES, idempotency_key="order-7")
        again = tx.invoices.issue(enterprise="acme", customer="ann", lines=LINES, idempotency_key="order-7")
        assert (again.id, again.replayed) == (made.id, True)
        assert tx.invoices.get(made).total == Money("49.00", "USD")
        assert made.id in [row.id for row in tx.invoices.list(customer="ann")]


def test_what_a_call_leads_to_outside_waits_until_somebody_runs_it(engine: Engine, pay: InvoicePay) -> None:
    with Session(engine) as session, session.begin():
        deposit = pay.bind(session).deposits.initiate("ann", "5.00 USD")
    (effect,) = pay.effects.list(cause=deposit)
    assert effect.status == "planned"

    pay.run_pending()

    assert pay.effects.get(effect).status == "accepted"


def test_the_bound_copy_may_be_of_another_tenant_or_actor(engine: Engine, pay: InvoicePay) -> None:
    with Session(engine) as session, session.begin():
        tx = pay.bind(session)
        theirs = tx.tenant("other").invoices.issue(enterprise="acme", customer="ann", lines=LINES)
        mine = tx.acting_as("acme").invoices.issue(enterprise="acme", customer="ann", lines=LINES)

    assert pay.tenant("other").invoices.get(theirs).status == "open"
    assert "acme" in {entry.actor for entry in pay.audit.trail(mine)}


def test_closing_the_bound_copy_closes_nothing_of_the_hosts(engine: Engine, pay: InvoicePay) -> None:
    with Session(engine) as session, session.begin():
        with pay.bind(session) as tx:
            bought(tx)
        session.add(Order(item="book"))
        made = bought(pay.bind(session))

    assert pay.invoices.get(made).status == "paid"


def test_tables_that_the_first_call_makes_on_sqlite_come_and_go_with_the_hosts_transaction(
    sqlite_engine: Engine,
) -> None:
    pay = InvoicePay(sqlite_engine, **SETTINGS)
    made = []
    for ends in ("rollback", "commit"):
        with Session(sqlite_engine) as session:
            tx = pay.bind(session)
            made.append(tx.invoices.issue(enterprise="acme", customer="ann", lines=LINES).id)
            getattr(session, ends)()
        assert ("invoices" in counted(sqlite_engine)) is (ends == "commit")

    assert [invoice.id for invoice in pay.invoices.list()] == made[1:]


def test_a_dry_run_inside_takes_back_its_own_part_only(engine: Engine, pay: InvoicePay) -> None:
    with Session(engine) as session, session.begin():
        tx = pay.bind(session)
        kept = tx.invoices.issue(enterprise="acme", customer="ann", lines=LINES)
        with tx.dry_run() as trial:
            trial.invoices.pay(kept, payer="ann")
            tried = trial.invoices.get(kept).status
        inside = tx.invoices.get(kept).status
        tx.invoices.send(kept)

    assert (tried, inside, pay.invoices.get(kept).status) == ("paid", "open", "open")
    assert "invoices.pay" in str(trial.explain())


def test_texts_are_sealed_in_a_hosts_transaction_as_elsewhere(sqlite_engine: Engine) -> None:
    keys = FieldKeys("k1", {"k1": bytes(range(32))})
    pay = InvoicePay(sqlite_engine, cipher=keys, **SETTINGS)

    with Session(sqlite_engine) as session, session.begin():
        made = pay.bind(session).invoices.issue(enterprise="acme", customer="ann", lines=LINES)

    assert pay.invoices.get(made).lines[0].description == "Hosting"
    with sqlite_engine.connect() as connection:
        (stored,) = connection.execute(text("SELECT lines FROM invoices")).scalars()
    assert "Hosting" not in stored


def test_a_session_that_joins_a_transaction_of_a_test_is_joined_in_its_turn(
    engine: Engine, pay: InvoicePay
) -> None:
    before = counted(engine)

    with engine.connect() as connection:
        outer = connection.begin()
        if engine.dialect.name == "sqlite":  # SQLAlchemy's manual: its driver begins nothing for a savepoint
            connection.exec_driver_sql("BEGIN")
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            bought(pay.bind(session))
            session.commit()  # ends the session's savepoint
        outer.rollback()

    assert counted(engine) == before


@pytest.fixture
def scoped(engine: Engine) -> Iterator[scoped_session[Session]]:
    """What Flask-SQLAlchemy calls `db.session`."""
    session = scoped_session(sessionmaker(engine))
    yield session
    session.remove()


def test_a_scoped_session_is_joined_as_the_session_of_the_moment(
    pay: InvoicePay, scoped: scoped_session[Session]
) -> None:
    app = Flask(__name__)

    @app.teardown_appcontext
    def remove(_error: BaseException | None) -> None:
        scoped.remove()

    @app.post("/orders/<outcome>")
    def checkout(outcome: str) -> str:
        scoped.add(Order(item=outcome))
        invoice = pay.bind(scoped).invoices.issue(enterprise="acme", customer="ann", lines=LINES)
        if outcome == "kept":
            scoped.commit()
        return invoice.id

    client = app.test_client()
    lost, kept = client.post("/orders/lost").text, client.post("/orders/kept").text

    ids = [invoice.id for invoice in pay.invoices.list(customer="ann", limit=200)]
    assert kept in ids
    assert lost not in ids
