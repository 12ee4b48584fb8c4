"""Tampering with a database shows, and SQL finds exactly what the domain's checks find over all rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from invoicepay.adapters.sql import connect_store, look, migrate_url
from invoicepay.adapters.sql.connect import begin
from invoicepay.adapters.sql.finds import found
from invoicepay.adapters.sql.schema import APPEND_ONLY, TABLE_NAMES, Place, schema_of
from invoicepay.adapters.sql.violations import violations
from invoicepay.adapters.system import SystemIds
from invoicepay.domain.books import Books
from invoicepay.domain.deposits import Reserve, ReserveStatus
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.invariants import CHECKS, check
from invoicepay.domain.needs import find
from invoicepay.domain.tokens import Mint, MintStatus
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.testing.hosts import BlockingHost
from invoicepay.testing.samples import sample
from invoicepay.testing.store import Store
from tests.support.desk import Desk
from tests.support.postgres import PostgresServer
from tests.support.shop import Shop
from tests.support.sql import engine_for

PLACE = Place(schema_of(), "default")
FIRST_INVOICE = "(SELECT MIN(id) FROM invoices WHERE status = 'paid')"
LAST_TX = "(SELECT MAX(tx_id) FROM ledger_entries)"

TAMPERINGS = {
    "an entry is changed": (
        "INV-01",
        f"UPDATE ledger_entries SET amount = amount + 1 WHERE tx_id = {LAST_TX} AND position = 0",
    ),
    "an entry is gone": ("INV-01", f"DELETE FROM ledger_entries WHERE tx_id = {LAST_TX} AND position = 1"),
    "all entries are gone": ("INV-01", f"DELETE FROM ledger_entries WHERE tx_id = {LAST_TX}"),
    "a balance is raised": (
        "INV-01",
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE id = '2000/USD/ann'",
    ),
    "an account is gone": ("INV-01", "DELETE FROM ledger_accounts WHERE id = '2000/USD/ann'"),
    "backing is taken": ("INV-02", "UPDATE ledger_accounts SET balance = balance - 1 WHERE code = 1000"),
    "a balance is negative": ("INV-03", "UPDATE ledger_accounts SET balance = -1 WHERE id = '2000/USD/bob'"),
    "cash is negative": ("INV-04", "UPDATE ledger_accounts SET balance = -5 WHERE code = 1050"),
    "a reserve shrank": ("INV-05", "UPDATE fiat_reserves SET amount = amount - 1"),
    "a reserve was not final": ("INV-05", "UPDATE fiat_reserves SET status = 'pending'"),
    "a mint is gone": ("INV-06", "DELETE FROM token_mints WHERE reserve_id = ''"),
    "a total is raised": ("INV-08", f"UPDATE invoices SET total = total + 1 WHERE id = {FIRST_INVOICE}"),
    "a paid invoice is open": (
        "INV-08",
        f"UPDATE invoices SET remaining = 1, applied = applied - 1 WHERE id = {FIRST_INVOICE}",
    ),
    "something is pending": ("INV-08", f"UPDATE invoices SET pending = 1 WHERE id = {FIRST_INVOICE}"),
    "a remainder is negative": (
        "INV-08",
        f"UPDATE invoices SET remaining = -1, total = total - 1 WHERE id = {FIRST_INVOICE}",
    ),
    "an open invoice is forgotten": (
        "INV-09",
        "UPDATE invoices SET status = 'uncollectible' WHERE status = 'partially_paid'",
    ),
    "an excess is raised": ("INV-10", "UPDATE invoice_payments SET excess = excess + 1 WHERE excess > 0"),
    "an allocation is gone": (
        "INV-11",
        "DELETE FROM payment_allocations WHERE id = (SELECT MIN(id) FROM payment_allocations)",
    ),
    "a fee is charged": ("INV-11", "UPDATE invoice_payments SET fee = 1"),
    "a lot is raised": ("INV-12", "UPDATE customer_credits SET remaining = remaining + 1"),
    "a used lot is open": ("INV-12", "UPDATE customer_credits SET status = 'applied' WHERE remaining > 0"),
    "a lot grew": (
        "INV-13",
        "UPDATE customer_credits SET amount = amount + 1, remaining = remaining + 1 WHERE remaining > 0",
    ),
    "a ring-fence is opened": (
        "INV-14",
        "UPDATE customer_credits SET backing = 'unsecured' WHERE backing = 'ring_fenced'",
    ),
    "a wallet is emptied": (
        "INV-15",
        "UPDATE ledger_accounts SET balance = balance - 1 WHERE id = '2000/USD/acme'",
    ),
    "a hold is released": ("INV-16", "UPDATE holds SET status = 'active'"),
    "a reserve is owed again": ("INV-17", "UPDATE fiat_reserves SET status = 'confirmed'"),
    "a payout is forgotten": ("INV-18", "UPDATE withdrawals SET status = 'burned'"),
    "a step was not allowed": (
        "INV-19",
        "UPDATE outbox SET from_status = 'void' WHERE name = 'invoice.paid'",
    ),
    "a step is missing": ("INV-19", "DELETE FROM outbox WHERE kind = 'invoice' AND from_status = 'draft'"),
    "a status came from nowhere": (
        "INV-19",
        "UPDATE invoices SET status = 'void' WHERE status = 'partially_paid'",
    ),
    "a row is gone": ("INV-19", f"DELETE FROM invoices WHERE id = {FIRST_INVOICE}"),
    "a number is there twice": ("INV-20", "UPDATE invoices SET number = 'A-0001'"),
    "a number is missing": ("INV-20", "UPDATE number_series SET next_number = next_number + 1"),
    "a reversal is there twice": (
        "INV-20",
        "UPDATE ledger_transactions SET reverses = 'ltx_1' WHERE rule = 'P-11'",
    ),
    "a payment is on another's invoice": ("INV-21", "UPDATE invoice_payments SET enterprise_id = 'other'"),
    "an allocation hangs in the air": ("INV-21", "UPDATE payment_allocations SET source_id = 'nothing'"),
    "an allocation is in another asset": ("INV-21", "UPDATE payment_allocations SET asset = 'EUR'"),
    "a payment names an invoice of nobody": (
        "INV-25",
        "UPDATE invoice_payments SET invoice_id = 'nothing'",
    ),
    "a credit comes from nothing": ("INV-25", "UPDATE customer_credits SET source_id = 'nothing'"),
    "a wallet on a chain holds tokens that nobody made": (
        "INV-24",
        "INSERT INTO chain_positions (tenant_id, id, party_id, asset, held, leaving, version, created_at, "
        "updated_at, idempotency_key) SELECT tenant_id, 'USD/ann', 'ann', 'USD', 1, 0, 1, created_at, "
        "updated_at, idempotency_key FROM invoices WHERE id = "
        f"{FIRST_INVOICE}",
    ),
    "a record is edited": (
        "INV-22",
        "UPDATE audit_log SET body = replace(body, 'ann', 'eve') WHERE body LIKE '%ann%'",
    ),
    "a record is gone": ("INV-22", "DELETE FROM audit_log WHERE position = 3"),
    "the last record is gone": (
        "INV-22",
        "DELETE FROM audit_log WHERE position = (SELECT MAX(position) FROM audit_log)",
    ),
    "the head is set back": ("INV-22", "UPDATE audit_streams SET position = position - 1"),
    "the head is gone": ("INV-22", "DELETE FROM audit_streams"),
    "a checkpoint is edited": ("INV-22", "UPDATE audit_checkpoints SET previous_hash = hash"),
    "a sealed record is rehashed": (
        "INV-22",
        "UPDATE audit_log SET hash = 'x' || substr(hash, 2) WHERE position <= 5",
    ),
    "a transaction is renamed": (
        "INV-22",
        f"UPDATE ledger_transactions SET rule = 'P-99' WHERE id = {LAST_TX}",
    ),
    "a transaction belongs to nobody": (
        "INV-22",
        f"UPDATE ledger_transactions SET group_id = '' WHERE id = {LAST_TX}",
    ),
    "a transaction is gone": ("INV-22", f"DELETE FROM ledger_transactions WHERE id = {LAST_TX}"),
}


class SqlShop(Shop):
    """The shop on a database."""

    def __init__(self, url: str) -> None:
        migrate_url(url)
        Desk.__init__(self, repository=connect_store(url, SystemIds().new, blocking=True))
        self.enterprise("acme")


def furnished(url: str) -> None:
    """Books with everything that can be tampered with, all of it right."""
    shop = SqlShop(url)
    shop.fund("ann", "500.00 USD")
    shop.fund("bob", "5.00 USD")
    shop.pay(shop.issue("80.00", tax_rate="0.19"), "100.00")
    shop.pay(shop.issue("60.00"), "20.00")
    shop.note(shop.issue("50.00"), "10.00")
    shop.void(shop.issue("7.00"))
    shop.pay(shop.issue("10.00"), "12.00")
    store = Store(BlockingHost(), shop.deps.repository, tenant_id="default")
    nothing = sample(Reserve, 0).fee
    reserve = sample(Reserve, 1, status=ReserveStatus.ALLOCATED, fee=nothing, deposit_id="")
    made = {"reserve_id": reserve.id, "withdrawal_id": "", "amount": reserve.amount}
    hold = sample(Hold, 1, status=HoldStatus.RELEASED)
    paid = {"status": WithdrawalStatus.PAID, "party_id": "ann", "fee": nothing, "hold_id": hold.id}
    store.add(
        reserve, sample(Mint, 1, status=MintStatus.PENDING, **made), hold, sample(Withdrawal, 1, **paid)
    )
    shop.run(shop.deps.repository.seal("default", shop.clock.now()))
    shop.grant("5.00")
    shop.run(shop.deps.repository.close())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("books") / "pay.db"
        url = f"sqlite:///{path}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.url(server.clone())
    furnished(url)
    with engine_for(url) as engine:
        yield engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A transaction without the store's own guards, taken back after the test."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            connection.rollback()
        begin(connection, writes=True)
        for statement in disarming(engine.dialect.name):
            connection.execute(text(statement))
        yield connection
        connection.rollback()


def disarming(dialect: str) -> Iterator[str]:
    for table in APPEND_ONLY:
        for verb in ("update", "delete"):
            on = f" ON {table}" if dialect == "postgresql" else ""
            yield f"DROP TRIGGER {table}_refuse_{verb}{on}"
    if dialect == "postgresql":
        yield "ALTER TABLE ledger_accounts DROP CONSTRAINT ck_ledger_accounts_floor"
    for index in ("uq_invoices_enterprise_id_series_number", "uq_ledger_transactions_reverses"):
        yield f"DROP INDEX {index}"


def books_of(connection: Connection) -> Books:
    """Everything that the tenant has."""
    return Books(
        tenant_id=PLACE.tenant_id,
        rows={kind: found(connection, PLACE, find(kind)) for kind in TABLE_NAMES},
        balances=look.balances(connection, PLACE),
        ledger=look.transactions(connection, PLACE),
        events=look.events(connection, PLACE),
        audit=look.audit_records(connection, PLACE),
        heads=look.heads(connection, PLACE),
        checkpoints=look.checkpoints(connection, PLACE),
    )


def test_untouched_books_break_nothing(connection: Connection) -> None:
    assert check(books_of(connection)) == ()
    assert violations(connection, PLACE) == ()


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_as_the_domain_finds_it(connection: Connection, name: str) -> None:
    rule, statement = TAMPERINGS[name]

    assert connection.execute(text(statement)).rowcount > 0

    expected = check(books_of(connection))
    judged = violations(connection, PLACE)
    assert rule in {violation.rule for violation in judged}
    assert {(v.rule, v.subject, v.difference_micros) for v in judged if v.rule != "INV-22"} == {
        (v.rule, v.subject, v.difference_micros) for v in expected if v.rule != "INV-22"
    }
    assert {v.subject for v in judged if v.rule == "INV-22"} == {
        v.subject for v in expected if v.rule == "INV-22"
    }


def test_another_tenants_fault_is_not_ours(connection: Connection) -> None:
    connection.execute(text("UPDATE ledger_accounts SET balance = -1 WHERE id = '2000/USD/bob'"))

    assert violations(connection, Place(PLACE.schema, "other")) == ()


def test_the_check_of_a_large_store_may_outlast_the_limits_of_a_call(postgres_url: str) -> None:
    migrate_url(postgres_url)
    limits = [text(f"SHOW {name}") for name in ("statement_timeout", "idle_in_transaction_session_timeout")]

    with engine_for(postgres_url) as engine, engine.connect() as connection:
        violations(connection, PLACE)
        meanwhile = [connection.execute(limit).scalar_one() for limit in limits]
        connection.rollback()
        afterwards = [connection.execute(limit).scalar_one() for limit in limits]

    assert meanwhile == ["0", "0"]
    assert afterwards == ["15s", "30s"]


def test_every_rule_that_data_can_show_is_tampered_with() -> None:
    assert {rule for rule, _ in TAMPERINGS.values()} == set(CHECKS)
