"""A transaction on PostgreSQL waits no more often than it must, and what was prepared or learnt is kept."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import Engine

from invoicepay import migrate
from invoicepay.adapters.sql import connect_store
from invoicepay.adapters.sql.connect import begin, open_engine
from invoicepay.adapters.sql.errors import our_commit_errors
from invoicepay.adapters.sql.wire import Answer, Ask, ask
from invoicepay.adapters.system import SystemIds
from invoicepay.errors import ConcurrentUpdate, InsufficientFunds
from invoicepay.use_cases.payments import PayInvoice, pay_invoice
from tests.scale.crowd import Crowd
from tests.scale.wire import Traffic, traced
from tests.support.sql import execute
from tests.support.till import usd

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the driver traces on Linux only")


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    migrate(postgres_url)
    engine = open_engine(postgres_url)
    yield engine
    engine.dispose()


def write(engine: Engine, *statements: str) -> Sequence[Answer]:
    with engine.connect() as connection:
        begin(connection, writes=True)
        answers = ask(connection, [Ask(statement, ()) for statement in statements], then_commit=True)
        connection.commit()
    return answers


@linux_only
def test_one_round_trip_begins_works_and_commits(engine: Engine) -> None:
    with traced(engine) as traffic:
        write(engine, "CREATE TABLE noted (number int UNIQUE)")

        cost = traffic(lambda: write(engine, "INSERT INTO noted VALUES (1)", "SELECT 1"))

    assert cost == Traffic(turns=1, statements=4)
    assert write(engine, "SELECT number FROM noted")[0].rows == [(1,)]


@linux_only
def test_nothing_to_ask_costs_nothing(engine: Engine) -> None:
    with traced(engine) as traffic, engine.connect() as connection:
        begin(connection, writes=True)

        assert traffic(lambda: ask(connection, [])) == Traffic(turns=0, statements=0)


@pytest.mark.parametrize(("writes", "level"), [(True, "read committed"), (False, "repeatable read")])
def test_a_transaction_has_the_isolation_it_was_begun_with(engine: Engine, writes: bool, level: str) -> None:
    with engine.connect() as connection:
        begin(connection, writes=writes)

        (answer,) = ask(connection, [Ask("SELECT current_setting('transaction_isolation')", ())])

    assert answer.rows == [(level,)]


def test_of_several_statements_the_one_that_failed_is_told_of(engine: Engine) -> None:
    write(engine, "CREATE TABLE noted (number int UNIQUE)", "INSERT INTO noted VALUES (1)")

    with pytest.raises(ConcurrentUpdate), our_commit_errors(["key"]):
        write(engine, "INSERT INTO noted VALUES (1)", *["SELECT 1"] * 20)

    assert write(engine, "SELECT count(*) FROM noted")[0].rows == [(1,)]


@pytest.fixture
def crowd(engine: Engine) -> Crowd:
    return Crowd(2, repository=connect_store(engine, SystemIds().new, blocking=True), screening=None)


def test_what_is_prepared_stays_after_a_refusal_a_replay_and_a_read(crowd: Crowd, engine: Engine) -> None:
    (invoice,) = crowd.issue(1)

    def pay(amount: str, key: str | None) -> object:
        command = PayInvoice(invoice_id=invoice.id, payer_id=invoice.customer_id, amount=usd(amount))
        return crowd.run(pay_invoice(crowd.deps, command, key))

    def refused() -> None:
        with pytest.raises(InsufficientFunds):
            pay("900000.00", None)

    async def read() -> object:
        async with crowd.deps.repository.reader(crowd.deps.tenant_id) as reader:
            return await reader.audit_heads()

    pay("1.00", "key")
    acts: list[Callable[[], object]] = [refused, lambda: pay("1.00", "key"), lambda: crowd.run(read())]
    found = [prepared(engine)]
    for act in acts:
        act()
        found.append(prepared(engine))

    assert min(found) == found[0] > 10


def prepared(engine: Engine) -> int:
    """How many statements the one connection of the pool has prepared."""
    with engine.connect() as connection:
        begin(connection, writes=True)
        ((count,),) = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").all()
        connection.commit()
        return int(count)


def test_accounts_that_a_restored_database_lacks_are_opened_anew(crowd: Crowd, postgres_url: str) -> None:
    for _ in range(2):  # opened by the first, found by the second
        crowd.pay(crowd.issue(2))
    again = crowd.issue(2)
    execute(postgres_url, "DELETE FROM ledger_accounts WHERE party_id IN ('acme', 'beta')")

    crowd.pay(again)

    opened = "SELECT count(*) FROM ledger_accounts WHERE party_id IN ('acme', 'beta') AND balance <> 0"
    assert execute(postgres_url, opened)[0][0] >= 2
