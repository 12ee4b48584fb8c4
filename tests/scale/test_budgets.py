"""What a payment may cost, in things that can be counted: a regression shows here without a clock."""

from __future__ import annotations

import cProfile
import gc
import pstats
import sys
import tracemalloc
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine

from invoicepay import migrate
from invoicepay.adapters.sql import connect_store
from invoicepay.adapters.sql.connect import open_engine
from invoicepay.adapters.system import SystemIds
from invoicepay.bridge import run_blocking
from invoicepay.domain.invoices import Invoice
from invoicepay.use_cases import deposits, requests
from invoicepay.use_cases.invoices import issue_invoice
from invoicepay.use_cases.invoices.issue import ISSUE
from invoicepay.use_cases.payments import PayInvoice, pay_invoice
from tests.scale.crowd import BATCH, Crowd
from tests.scale.footprint import measured
from tests.scale.portable import TENANT_TABLES
from tests.scale.wire import Traffic, traced
from tests.support.sql import execute
from tests.support.till import usd

TRAFFIC = {
    "pay": Traffic(turns=5, statements=17),
    "pay with a key": Traffic(turns=6, statements=18),
    "issue": Traffic(turns=5, statements=14),
    "send": Traffic(turns=4, statements=14),
    "deposit": Traffic(turns=3, statements=12),
    "pay 100 together": Traffic(turns=21, statements=19),
    "pay 1,000 together": Traffic(turns=21, statements=21),
    "issue 1,000 together": Traffic(turns=15, statements=16),
}
"""Over the wire to PostgreSQL, for one transaction each."""

ROWS = {
    "idempotency_keys": 1,
    "invoice_payments": 1,
    "payment_allocations": 1,
    "ledger_transactions": 1,
    "ledger_entries": 2,
    "outbox": 2,
    "audit_log": 1,
}
"""Rows that one payment adds."""

WAL_BYTES = {"issue": 6_900, "pay": 8_900}
"""What PostgreSQL writes ahead for each of 1,000 together, full pages left out."""

CALLS = {"issue": 640, "pay": 440}
"""Python functions called for each of 1,000 together, in memory."""

PEAK_BYTES = 26_000
"""Most memory in use for each of 1,000 payments together, above what was in use before."""

LEFT_BYTES = 60
"""Memory that may stay in use for each payment once it is in a database: next to nothing."""

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the driver traces on Linux only")


class Counter(Crowd):
    """A crowd over an engine, and single commands that have all been carried out before."""

    def __init__(self, engine: Engine) -> None:
        repository = connect_store(engine, SystemIds().new, blocking=True)
        super().__init__(20, repository=repository, screening=None)
        self._keys = count(1)
        (self.invoice,) = self.together(ISSUE, [self.terms(0, "9000.00")])
        self.pay(self.issue(1_000))
        for command in COMMANDS.values():
            for _ in range(2):  # some is learnt when it is done for the first time
                command(self)()

    def some(self, amount: str, key: str | None = None) -> object:
        command = PayInvoice(invoice_id=self.invoice.id, payer_id=self.payers[0], amount=usd(amount))
        return self.run(pay_invoice(self.deps, command, key))

    def send(self) -> object:
        one, other = self.payers[:2]
        command = requests.SendTransfer(payer_id=one, payee_id=other, amount=usd("1.00"))
        return self.run(requests.send_transfer(self.deps, command))

    def deposit(self) -> object:
        command = deposits.InitiateDeposit(
            party_id=self.payers[0], amount=usd("1.00"), rail="wire", account_token="tok_1"
        )
        return self.run(deposits.initiate_deposit(self.deps, command))

    def pays(self, count: int) -> Callable[[], object]:
        """Invoices are made ready; paying them is what is left to do."""
        ready = self.issue(count)
        return lambda: self.pay(ready)


COMMANDS: dict[str, Callable[[Counter], Callable[[], object]]] = {
    "pay": lambda it: lambda: it.some("1.00"),
    "pay with a key": lambda it: lambda: it.some("1.00", f"key {next(it._keys)}"),
    "issue": lambda it: lambda: it.run(issue_invoice(it.deps, it.terms(1, "3.00"))),
    "send": lambda it: it.send,
    "deposit": lambda it: it.deposit,
    "pay 100 together": lambda it: it.pays(100),
    "pay 1,000 together": lambda it: it.pays(1_000),
    "issue 1,000 together": lambda it: lambda: it.issue(1_000),
}


@linux_only
def test_no_call_asks_the_store_more_than_it_may(postgres_url: str) -> None:
    migrate(postgres_url)
    engine = open_engine(postgres_url)
    with traced(engine) as traffic:
        shop = Counter(engine)

        found = {name: traffic(command(shop)) for name, command in COMMANDS.items()}

    assert {name: cost for name, cost in found.items() if not cost.is_within(TRAFFIC[name])} == {}
    assert found["pay 1,000 together"].turns == found["pay 100 together"].turns


def test_a_payment_adds_these_rows_and_no_others(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'pay.db'}"
    repository = connect_store(url, SystemIds().new, blocking=True)
    crowd = Crowd(repository=repository, screening=None)
    crowd.pay(crowd.issue(100))  # opens accounts and a stream
    ready = crowd.issue(100)
    before = _rows(url)

    crowd.pay(ready)

    added = {table: (rows - before[table]) / len(ready) for table, rows in _rows(url).items()}
    assert {table: rows for table, rows in added.items() if rows} == ROWS
    run_blocking(repository.close())


def _rows(url: str) -> dict[str, int]:
    return {table: execute(url, f"SELECT COUNT(*) FROM {table}")[0][0] for table in TENANT_TABLES}


def test_a_payment_writes_no_more_ahead_than_it_may(postgres_url: str) -> None:
    migrate(postgres_url)
    repository = connect_store(postgres_url, SystemIds().new, blocking=True)
    crowd = Crowd(repository=repository, ids=SystemIds(), screening=None)
    crowd.pay(crowd.issue(BATCH))
    ready: list[Invoice] = []

    issued = measured(postgres_url, BATCH, lambda: ready.extend(crowd.issue(BATCH)))
    paid = measured(postgres_url, BATCH, lambda: crowd.pay(ready))

    run_blocking(repository.close())
    assert {"issue": issued.wal <= WAL_BYTES["issue"], "pay": paid.wal <= WAL_BYTES["pay"]} == {
        "issue": True,
        "pay": True,
    }, (issued.wal, paid.wal)


def test_a_decision_calls_no_more_functions_than_it_may() -> None:
    crowd = Crowd(screening=None)
    crowd.pay(crowd.issue(BATCH))  # tables of the code are built on first use
    ready: list[Invoice] = []

    found = {
        "issue": _calls(lambda: ready.extend(crowd.issue(BATCH))) / BATCH,
        "pay": _calls(lambda: crowd.pay(ready)) / BATCH,
    }

    assert {name: calls for name, calls in found.items() if calls > CALLS[name]} == {}


def _calls(act: Callable[[], object]) -> int:
    profile = cProfile.Profile(builtins=False)
    profile.runcall(act)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]  # typeshed leaves it out


def test_a_batch_takes_no_more_memory_than_it_may() -> None:
    crowd = Crowd(screening=None)
    crowd.pay(crowd.issue(10))
    ready = crowd.issue(BATCH)
    gc.collect()

    tracemalloc.start()
    try:
        crowd.pay(ready)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak / BATCH <= PEAK_BYTES


def test_memory_does_not_grow_with_what_is_in_the_database(postgres_url: str) -> None:
    migrate(postgres_url)
    repository = connect_store(postgres_url, SystemIds().new, blocking=True)
    crowd = Crowd(10, repository=repository, ids=SystemIds(), screening=None)

    tracemalloc.start()
    try:
        crowd.pay(crowd.issue(300))
        before = _in_use()
        for _ in range(3):
            crowd.pay(crowd.issue(300))
        grown = _in_use() - before
    finally:
        tracemalloc.stop()
        run_blocking(repository.close())

    assert grown / 900 <= LEFT_BYTES


def _in_use() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
