"""Due dates in a database: what is read and written for them, and two workers at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text

from invoicepay import Event, InvoicePay, Issue, Pay, Programme, migrate
from invoicepay.testing.clock import FrozenClock

OPEN = Programme(unknown_parties="register")
DUE = date(2026, 1, 31)


def opened(url: Any, clock: FrozenClock) -> InvoicePay:
    return InvoicePay(url, clock=clock, programme=OPEN, dispatch="deferred", group_commit="off")


def issue(pay: InvoicePay, count: int) -> list[str]:
    asked = [
        Issue(enterprise="acme", customer="ann", lines=[("Seat", "1.00 USD")], due_on=DUE)
        for _ in range(count)
    ]
    return [invoice.id for invoice in pay.invoices.issue_many(asked) if not isinstance(invoice, Exception)]


@pytest.mark.usefixtures("patience")
def test_workers_at_once_tell_of_each_invoice_once_and_of_no_paid_one(url: str) -> None:
    migrate(url)
    clock = FrozenClock("2026-01-05T09:00:00Z")
    with opened(url, clock) as pay, opened(url, clock) as other:
        deposit = pay.deposits.initiate("ann", "500.00 USD")
        pay.run_pending()
        pay.sim.settle(deposit)
        pay.run_pending()
        ids = issue(pay, 120)
        pay.invoices.pay_many([Pay(id, payer="ann") for id in ids[:60]])
        clock.set("2026-02-01T00:00:00Z")
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda one: one.run_pending(), (pay, other)))

        told = [
            event.entity_id
            for id in ids
            for event in pay.audit.history(id)
            if event.name == "invoice.overdue"
        ]
        assert told == ids[60:]
        assert pay.run_pending().due == 0
        assert pay.invariants.check() == ()


def test_the_search_reads_by_index_what_is_due_and_nothing_that_was(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 'pay.db'}"
    migrate(url)
    engine, searches = create_engine(url), list[tuple[str, Any]]()

    @event.listens_for(engine, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "overdue_check_at" in statement.partition("WHERE")[2]:
            searches.append((statement, parameters))

    clock = FrozenClock("2026-01-05T09:00:00Z")
    with opened(engine, clock) as pay:
        told = list[str]()

        @pay.on("invoice.overdue")
        def hear(happened: Event) -> None:
            told.append(happened.entity_id)

        ids = issue(pay, 3)
        clock.set("2026-02-01T00:00:00Z")
        pay.run_pending()
        with engine.connect() as connection:
            statement, parameters = searches[0]
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            waiting = connection.execute(
                text("SELECT count(*) FROM invoices WHERE overdue_check_at IS NOT NULL")
            ).scalar_one()

    assert told == ids
    assert "ix_invoices_overdue_check_at" in str(plan)
    assert "TEMP B-TREE FOR ORDER BY" not in str(plan)  # only equal instants are put in order
    assert waiting == 0
    engine.dispose()
