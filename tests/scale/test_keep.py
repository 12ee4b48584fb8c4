"""What may leave a database, what must stay, and which check says so when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from invoicepay import InvoicePay, migrate
from invoicepay.adapters.sql.schema import APPEND_ONLY
from tests.scale.pages import shown
from tests.support.postgres import PostgresServer
from tests.support.sql import engine_for, execute
from tests.walks.draw import RandomDraw
from tests.walks.moves import MOVES
from tests.walks.walking import come_to_rest, started, step

FORGET = shown("keep-and-archive.md", "forget_keys")[0]
BOOKS = ("acme", "beta")

MUST_STAY = {
    "published events": (
        "DELETE FROM outbox WHERE published_at IS NOT NULL AND kind IN ('invoice', 'payment')",
        "INV-09",
    ),
    "audit records": ("DELETE FROM audit_log WHERE position < 20", "INV-22"),
    "postings": ("DELETE FROM ledger_entries; DELETE FROM ledger_transactions", "INV-01"),
    "payments": ("DELETE FROM invoice_payments WHERE status = 'completed'", "INV-19"),
    "allocations": ("DELETE FROM payment_allocations", "INV-11"),
    "effects": ("DELETE FROM effects", "INV-19"),
    "applied webhooks": ("DELETE FROM webhook_inbox WHERE status = 'applied'", "INV-19"),
}
"""What some would like to delete, and a rule that is broken then."""

MAY_LEAVE = {
    "what providers said of effects at rest": "DELETE FROM effect_observations",
    "limits of days that are over": "DELETE FROM limit_counters",
}


@dataclass(frozen=True)
class Past:
    """A database with a past, to make others like."""

    server: PostgresServer
    name: str
    books: dict[str, str]

    def without(self, statement: str) -> str:
        """The URL of one in which something is gone, whatever the store says to that."""
        url = self.server.url(self.server.clone(self.name))
        execute(url, *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in APPEND_ONLY))
        execute(url, *statement.split(";"))
        return url


@pytest.fixture(scope="module")
def past(postgres_server: PostgresServer) -> Iterator[Past]:
    """Every kind of row, nothing in flight, every event published."""
    name = postgres_server.clone()
    url = postgres_server.url(name)
    migrate(url)
    world, draw = started(url), RandomDraw(7)
    for move in [*MOVES.values()] * 2 + draw.random.choices(list(MOVES.values()), k=60):
        step(world, move, draw)
    come_to_rest(world)
    world.close()
    with InvoicePay(url) as pay:
        pay.on("*")(lambda event: None)
        pay.parties.register("zoe")
        invoice = pay.invoices.issue(enterprise="acme", customer="zoe", lines=[("Goods", "3.00 USD")])
        pay.invoices.record_external(invoice, "3.00 USD")
        pay.audit.seal()
        books = {owner: pay.ledger.enterprise_csv(owner) for owner in BOOKS}
    yield Past(postgres_server, name, books)
    postgres_server.drop(name)


@pytest.mark.parametrize("what", MUST_STAY)
def test_what_must_stay_is_missed(past: Past, what: str) -> None:
    statement, rule = MUST_STAY[what]

    with InvoicePay(past.without(statement)) as pay:
        assert rule in {violation.rule for violation in pay.invariants.check()}


@pytest.mark.parametrize("what", MAY_LEAVE)
def test_what_may_leave_is_not_missed(past: Past, what: str) -> None:
    with InvoicePay(past.without(MAY_LEAVE[what])) as pay:
        assert_nothing_is_missed(pay, past)


def test_keys_are_forgotten_after_their_time_and_not_before(past: Past) -> None:
    url = past.without("UPDATE idempotency_keys SET recorded_at = recorded_at - interval '400 days'")
    with InvoicePay(url) as pay:
        pay.parties.register("eve", idempotency_key="today")

        with engine_for(url) as engine:
            forgotten = FORGET(engine, "default", days=30, at_once=100)

        assert forgotten > 100
        assert [row.key for row in execute(url, "SELECT key FROM idempotency_keys")] == ["today"]
        assert pay.parties.register("eve", idempotency_key="today").replayed
        assert_nothing_is_missed(pay, past)


def assert_nothing_is_missed(pay: InvoicePay, past: Past) -> None:
    """Every check passes, every book is what it was."""
    assert pay.invariants.check() == ()
    assert pay.audit.verify()
    assert {owner: pay.ledger.enterprise_csv(owner) for owner in BOOKS} == past.books
