"""How many statements a command takes, and that none of them reads a table from end to end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from invoicepay.use_cases import deposits, parties, payments, requests
from tests.support.sql import Stores, engine_for
from tests.support.till import Till, usd

ROWS = {"postgresql": 50_000, "sqlite": 2_000}
"""How many payments there are when plans are looked at; SQLite plans alike for any number."""

GROWN: dict[str, tuple[str, ...]] = {
    "invoices": ("id", "number"),
    "invoice_payments": ("id", "invoice_id"),
    "customer_credits": ("id", "customer_id", "source_id"),
    "parties": ("id",),
    "consumer_wallets": ("id", "party_id"),
    "ledger_accounts": ("id", "party_id"),
    "idempotency_keys": ("key",),
}
"""Tables that commands search and that grow with payments or parties, and what tells their rows apart."""


class Shop:
    """A till on a database, what it asks the database, and commands that have been carried out before."""

    def __init__(self, till: Till, engine: Engine) -> None:
        self.till, self.engine = till, engine
        self.invoice = till.issue("400.00")
        self._keys = count(1)
        till.credit("5.00")
        till.run(parties.open_wallet(till.deps, parties.OpenWallet(party_id="ann", asset="USD")))
        for command in COMMANDS.values():
            for _ in range(2):
                command(self)

    def pay(self) -> object:
        return self.till.pay(self.invoice, "1.00")

    def pay_with_a_key(self) -> object:
        command = payments.PayInvoice(invoice_id=self.invoice.id, payer_id="ann", amount=usd("1.00"))
        return self.till.run(payments.pay_invoice(self.till.deps, command, f"key {next(self._keys)}"))

    def issue(self) -> object:
        return self.till.issue("3.00", customer="ben")

    def send(self) -> object:
        command = requests.SendTransfer(payer_id="ann", payee_id="ben", amount=usd("1.00"))
        return self.till.run(requests.send_transfer(self.till.deps, command))

    def deposit(self) -> object:
        command = deposits.InitiateDeposit(
            party_id="ann", amount=usd("1.00"), rail="wire", account_token="tok_1"
        )
        return self.till.run(deposits.initiate_deposit(self.till.deps, command))

    def asked(self, command: Callable[[Shop], object]) -> list[tuple[str, Any]]:
        """Every statement of a command with its values, the beginning of a transaction left out."""
        log: list[tuple[str, Any]] = []

        def keep(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            if not statement.startswith("BEGIN"):
                log.append((statement, values))

        event.listen(self.engine, "before_cursor_execute", keep)
        try:
            command(self)
        finally:
            event.remove(self.engine, "before_cursor_execute", keep)
        return log


COMMANDS: dict[str, Callable[[Shop], object]] = {
    "pay": Shop.pay,
    "pay with a key": Shop.pay_with_a_key,
    "issue": Shop.issue,
    "send": Shop.send,
    "deposit": Shop.deposit,
}

READS = {
    "pay": "invoices! parties consumer_wallets ledger_accounts!",
    "pay with a key": "invoices! parties consumer_wallets ledger_accounts! idempotency_keys",
    "issue": "parties parties! consumer_wallets number_series! customer_credits!",
    "send": "parties consumer_wallets ledger_accounts!",
    "deposit": "parties consumer_wallets bank_accounts",
}
"""What a command reads; what is held alone ends with an exclamation mark."""

PAYS = (
    "+idempotency_keys =invoices +payment_allocations +invoice_payments +ledger_transactions"
    " +ledger_entries +outbox =ledger_accounts"
)
WRITES = {
    "pay": PAYS,
    "pay with a key": PAYS,
    "issue": "+idempotency_keys =number_series +invoices +outbox",
    "send": "+idempotency_keys +transfers +ledger_transactions +ledger_entries +outbox =ledger_accounts",
    "deposit": "+idempotency_keys +effects +deposits +outbox",
}
"""What it inserts (+) and updates (=)."""

TRAIL = "audit_streams! +audit_log =audit_streams"
"""What every command ends with."""


@contextmanager
def shop_on(url: str, stores: Stores) -> Iterator[Shop]:
    with engine_for(url) as engine:
        stores.made(url)
        yield Shop(Till(repository=stores.opened(engine).repository, screening=None), engine)


@pytest.fixture
def shop(url: str, stores: Stores) -> Iterator[Shop]:
    with shop_on(url, stores) as shop:
        yield shop


def flat(statement: str) -> str:
    return re.sub(r"\s+", " ", statement)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_takes_no_statement_that_it_does_not_need(shop: Shop, name: str) -> None:
    asked = [_word(flat(statement)) for statement, _ in shop.asked(COMMANDS[name])]

    wanted = f"{READS[name]} {WRITES[name]} {TRAIL}".split()
    if shop.engine.dialect.name == "sqlite":  # its transaction holds everything anyway
        wanted = [word.removesuffix("!") for word in wanted]
        wanted = [word for place, word in enumerate(wanted) if wanted[place - 1 : place] != [word]]
    assert asked == wanted


def _word(statement: str) -> str:
    mark, found = "", re.match(r"(INSERT INTO|UPDATE|SELECT .*? FROM) (\w+)", statement)
    assert found is not None, statement
    if not statement.startswith("SELECT"):
        mark = "+" if statement.startswith("INSERT") else "="
    return f"{mark}{found[2]}{'!' if 'FOR NO KEY UPDATE' in statement else ''}"


@pytest.fixture
def grown_shop(url: str, stores: Stores) -> Iterator[Shop]:
    """A shop with many payments, known to the planner."""
    with shop_on(url, stores) as shop:
        with shop.engine.begin() as connection:
            for table, keys in GROWN.items():
                _grow(connection, table, keys)
            connection.execute(text("ANALYZE"))
        yield shop


def _grow(connection: Connection, table: str, keys: tuple[str, ...]) -> None:
    """Copy one row many times, each copy with keys of its own."""
    columns = list(connection.execute(text(f"SELECT * FROM {table} LIMIT 1")).keys())
    values = [f"t.\"{name}\" || '-' || n" if name in keys else f't."{name}"' for name in columns]
    named, one = ", ".join(f'"{name}"' for name in columns), f"SELECT * FROM {table} LIMIT 1"
    connection.execute(
        text(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"
            f" WHERE n < {ROWS[connection.dialect.name]}) INSERT INTO {table} ({named})"
            f" SELECT {', '.join(values)} FROM ({one}) t, numbers"
        )
    )


def test_no_statement_reads_a_grown_table_from_end_to_end(grown_shop: Shop) -> None:
    asked = [
        statement
        for command in COMMANDS.values()
        for statement in grown_shop.asked(command)
        if not statement[0].startswith("INSERT")
    ]

    with grown_shop.engine.connect() as connection:
        assert _scans(connection, "SELECT * FROM invoices WHERE note = 'x'", ()), "this check sees nothing"
        whole = {
            flat(statement)[:200] for statement, values in asked if _scans(connection, statement, values)
        }

    assert len(asked) > 20
    assert whole == set()


def _scans(connection: Connection, statement: str, values: Any) -> bool:
    one = values[0] if isinstance(values, list) else values
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", one)
        return any(row.detail.startswith("SCAN") for row in plan)
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", one).scalars()
    found = plan if isinstance(plan, list) else json.loads(plan)
    return any(table in GROWN for table in _read_whole(found[0]["Plan"]))


def _read_whole(node: dict[str, Any]) -> Iterator[str]:
    """Tables that a plan reads from end to end."""
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for below in node.get("Plans", ()):
        yield from _read_whole(below)
