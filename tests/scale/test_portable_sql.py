"""Every statement that reaches PostgreSQL, and every definition, keeps the rules for many servers (D10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import make_url

from invoicepay import Asset, InvoicePay, Programme, migrate
from invoicepay.adapters.sql import connect_store
from invoicepay.adapters.sql.migrate import sql
from invoicepay.adapters.sql.schema import APPEND_ONLY, ROOM_LEFT
from invoicepay.adapters.sql.slots import SqlSlots
from invoicepay.adapters.system import SystemIds
from invoicepay.bridge import run_blocking
from invoicepay.domain.policies import Settlement
from invoicepay.ports.slots import MoveState, SlotState, Verdict
from invoicepay.testing.slots_contract import FIRST, LANE, a_move
from tests.scale.crowd import Crowd
from tests.scale.portable import EVERYWHERE, SCHEMA, STATEMENTS, TENANT_TABLES, Rule, broken, tables
from tests.scale.recording import Recording, recorded
from tests.support.postgres import PostgresServer
from tests.walks.draw import RandomDraw
from tests.walks.moves import MOVES
from tests.walks.walking import check, come_to_rest, started, step

AT_RANDOM = 120
TYPES = {"BIGINT", "BOOLEAN", "DATE", "TEXT", 'TEXT COLLATE "C"', "TIMESTAMP WITH TIME ZONE"}

WRONG = {
    "advisory locks": "SELECT pg_try_advisory_xact_lock(7)",
    "LISTEN and NOTIFY": "NOTIFY paid",
    "LOCK TABLE": "LOCK invoices IN SHARE MODE",
    "deferrable constraints": "SET CONSTRAINTS ALL DEFERRED",
    "exclusion constraints": "CREATE TABLE rooms (tenant_id text, EXCLUDE USING gist (tenant_id WITH =))",
    "stored generated columns": "CREATE TABLE x (a int, b int GENERATED ALWAYS AS (a + 1) STORED)",
    "numbers drawn by the store": "CREATE TABLE x (id bigserial)",
    "stored procedures and blocks": "CALL settle()",
    "system columns": "SELECT ctid FROM invoices WHERE tenant_id = $1",
    "placement": "CREATE TABLE x (id text) PARTITION BY RANGE (id)",
    "a forgotten tenant": "SELECT i.id FROM invoices i JOIN parties p ON p.id = i.id WHERE p.tenant_id = $1",
    "definitions while money moves": "CREATE TEMPORARY TABLE moved (id text)",
    "SKIP LOCKED outside of work queues": (
        "SELECT id FROM invoices WHERE tenant_id = $1 FOR UPDATE SKIP LOCKED"
    ),
    "strange functions": "SELECT settle(id) FROM invoices WHERE tenant_id = $1",
    "two writes to one table in one statement": (
        "WITH a AS (UPDATE holds SET reason = '' WHERE tenant_id = $1 AND id = 'a' RETURNING id) "
        "UPDATE holds SET reason = '' WHERE tenant_id = $1 AND id = 'b'"
    ),
    "writing from a union": (
        "UPDATE ledger_accounts AS a SET balance = a.balance + d.x "
        "FROM (SELECT id, x FROM one UNION ALL SELECT id, x FROM two) AS d "
        "WHERE a.tenant_id = $1 AND a.id = d.id"
    ),
}
"""For each rule a statement that breaks it and no other."""

FORGETFUL = (
    "DELETE FROM holds WHERE id = $1",
    "UPDATE holds SET reason = $1 WHERE id = $1",
    "UPDATE holds SET reason = $1 WHERE tenant_id = $1 OR id = $1",
    "UPDATE holds SET reason = d.r FROM unnest($1::text[]) AS d(id, r) WHERE holds.id = d.id",
    "INSERT INTO holds (id) VALUES ($1)",
    "INSERT INTO holds SELECT * FROM unnest($1::text[])",
    "COPY holds (id) FROM STDIN",
    "COPY holds FROM STDIN",
    "SELECT tenant_id, id FROM holds",
    "SELECT h.id FROM holds h WHERE h.tenant_id = $1 AND h.id IN (SELECT hold_id FROM withdrawals)",
    "SELECT SUM(x.amount) FROM (SELECT tenant_id, amount FROM holds) x WHERE x.amount > 0",
)
CAREFUL = (
    "SELECT id FROM holds WHERE tenant_id = $1 AND id = $1 FOR NO KEY UPDATE NOWAIT",
    "SELECT h.id FROM holds h LEFT JOIN parties p ON p.tenant_id = h.tenant_id AND p.id = h.owner_id "
    "WHERE (h.tenant_id = $1) AND h.id IN (SELECT id FROM effects WHERE tenant_id = $1)",
    "SELECT SUM(x.amount) FROM (SELECT tenant_id, amount FROM holds) x WHERE x.tenant_id = $1",
    "UPDATE holds SET reason = d.r FROM unnest($1::text[]) AS d(id, r) WHERE holds.tenant_id = $1",
    "INSERT INTO holds (tenant_id, id) SELECT $1, d.id FROM unnest($1::text[]) AS d(id)",
    "INSERT INTO holds (tenant_id, id) VALUES ($1, $1) ON CONFLICT DO NOTHING",
    "COPY holds (tenant_id, id) FROM STDIN",
    "SELECT id FROM effects WHERE tenant_id = $1 FOR NO KEY UPDATE SKIP LOCKED",
)


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with tables, for the tests of this file together."""
    name = postgres_server.clone()
    migrate(postgres_server.url(name))
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(scope="module")
def sent(postgres_server: PostgresServer, database: str) -> Recording:
    """What a walk, large batches, a client and its worker send."""
    with recorded(postgres_server, database) as recording:
        _walk(database)
        _buy_together(database)
        _look_around(database)
        _settle_net(database)
        _tell_outside(database)
        _use_slots(database)
    return recording


def _walk(url: str) -> None:
    """Every move twice, then at random; every check, and a worker until nothing is left to do."""
    world, draw = started(url), RandomDraw(7)
    for move in [*MOVES.values()] * 2 + draw.random.choices(list(MOVES.values()), k=AT_RANDOM):
        step(world, move, draw)
    come_to_rest(world)
    check(world)
    world.close()


def _buy_together(url: str) -> None:
    """So many rows that a store may choose another way to write them."""
    repository = connect_store(url, SystemIds().new, blocking=True, stream="crowd")
    crowd = Crowd(repository=repository, ids=SystemIds(), tenant_id="crowd")
    crowd.pay(crowd.issue(400))
    run_blocking(repository.close())


def _look_around(url: str) -> None:
    """What a person asks a client."""
    with InvoicePay(url, tenant="crowd") as pay:
        pay.on("*")(lambda event: None)
        pay.run_pending_everywhere()
        invoice = next(iter(pay.invoices.list(enterprise="acme", limit=2)))
        pay.invoices.credit_note(invoice, "1.00 USD", disposition="credit")
        pay.payments.list(invoice=invoice)
        pay.wallets.get("acme")
        pay.audit.seal()
        pay.audit.trail(invoice)
        pay.audit.history(invoice)
        assert pay.audit.verify()
        pay.ledger.balances(party="acme", at=datetime.now(UTC))
        pay.ledger.transactions(about=invoice)
        pay.ledger.enterprise_book("acme")
        pay.reserves.audit()
        assert pay.invariants.check() == ()


def _settle_net(url: str) -> None:
    """A netted asset, money from outside, and a bank account that is ruled out and verified again."""
    netted = Programme(assets={"USD": Asset("USD", settlement=Settlement.NETTED)})
    with InvoicePay(url, tenant="netted", programme=netted) as pay:
        pay.parties.register("ann")
        pay.parties.register("acme", kind="enterprise")
        pay.sim.settle(pay.deposits.initiate("ann", "9.00 USD", account_token="ba_ann").id)
        invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "2.00 USD")])
        pay.invoices.pay(invoice, payer="ann")
        run = pay.tokens.settle("USD")
        pay.run_pending()
        assert [each.id for each in pay.tokens.settlements(asset="USD")] == [run.id]
        assert pay.tokens.tie_out("USD").is_tied_out
        for_nothing = {"enterprise": "acme", "payer": "ann", "amount": "1.00 USD"}
        pay.invoices.receive("", **for_nothing, provider="bank", provider_ref="wire 1")
        pay.bank_accounts.disable("ba_ann", reason="reported stolen")
        pay.bank_accounts.enable("ba_ann", reason="verified anew", approved_by="second")
        pay.bank_accounts.list(party="ann")
        pay.effects.stop("simulated-bank", reason="their page is red")
        pay.effects.resume("simulated-bank", reason="green again", approved_by="second")
        pay.effects.switches(status="stopped")


def _tell_outside(url: str) -> None:
    """An endpoint that nobody listens at."""
    with InvoicePay(url, tenant="netted", webhook_secret=b"w" * 32, allow_local_webhooks=True) as pay:
        began = datetime.now(UTC)
        endpoint = pay.webhook_endpoints.create(url="http://127.0.0.1:9/hooks", events=["invoice.*"])
        pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "2.00 USD")])
        assert pay.webhook_deliveries.list(endpoint=endpoint, status="pending")
        pay.webhook_deliveries.replay_range(endpoint, since=began, until=datetime.now(UTC))
        pay.webhook_endpoints.list(status="enabled")


def _use_slots(url: str) -> None:
    """What is recorded of transactions on a chain."""
    slots, at = SqlSlots(url, tenant_id="crowd"), datetime.now(UTC)
    taken = run_blocking(slots.take(LANE, [a_move("a"), a_move("b")], at=at))
    assert taken
    run_blocking(slots.keep(taken.key, FIRST, at=at))
    failed = Verdict(reference="a", state=MoveState.FAILED)
    run_blocking(slots.settle(taken.key, SlotState.REVERTED, [failed], at=at))
    again = run_blocking(slots.take(LANE, taken.moves, at=at, after=taken.key))
    found = run_blocking(slots.find(["a", "b"]))
    assert found["b"] == again
    assert len(run_blocking(slots.open(LANE))) == len(run_blocking(slots.open())) == 2
    assert run_blocking(slots.lanes()) == {LANE: 2}
    run_blocking(slots.close())


def test_every_statement_keeps_the_rules(sent: Recording) -> None:
    found = {statement: rules for statement in sent.statements if (rules := broken(statement))}

    assert found == {}


def test_the_recording_is_about_every_table(sent: Recording) -> None:
    read, written = set[str](), set[str]()
    for statement in sent.statements:
        (read if statement.startswith(("SELECT", "WITH")) else written).update(tables(statement))

    assert TENANT_TABLES - read == {"turns"}  # taken by the write that finds it free
    assert TENANT_TABLES - written == set()


def test_the_recording_sees_what_goes_past_sqlalchemy(postgres_server: PostgresServer, database: str) -> None:
    folder, name = str(postgres_server.folder), make_url(database).database
    with (
        recorded(postgres_server, database) as recording,
        psycopg.connect(host=folder, user="postgres", dbname=name) as raw,
        raw.cursor().copy("COPY holds (id) FROM STDIN"),
    ):
        raw.cancel()

    assert [broken(statement) for statement in recording.statements] == [["a forgotten tenant"]]


def test_only_a_migration_takes_an_advisory_lock(
    postgres_server: PostgresServer, database: str, sent: Recording
) -> None:
    with recorded(postgres_server, database) as recording:
        migrate(database)

    locks = [statement for statement in recording.statements if "advisory" in statement]
    assert len(locks) == 1
    assert [statement for statement in sent.counts if "advisory" in statement] == []


def test_every_definition_keeps_the_rules() -> None:
    assert {each: rules for each in definitions() if (rules := broken(each, EVERYWHERE))} == {}


def test_the_only_code_in_the_store_refuses_changes_of_what_is_written_once() -> None:
    code = [each for each in definitions() if re.match(r"CREATE (?:FUNCTION|TRIGGER|PROCEDURE)", each)]

    (function,) = (each for each in code if each.startswith("CREATE FUNCTION"))
    assert "RAISE EXCEPTION" in function and not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE)\b", function)
    guarded = {re.search(r" ON (\w+) ", each)[1] for each in code if each is not function}  # type: ignore[index]
    assert guarded == set(APPEND_ONLY)


def test_the_only_storage_option_leaves_room_beside_rows_that_change() -> None:
    options = {each: re.findall(r"\)\s+WITH (\(.*\))$", each) for each in definitions()}
    told = {name: f"(fillfactor = {room})" for name, room in ROOM_LEFT.items()}

    found = {statement.split()[2]: given for statement, given in options.items() if given}
    assert found == {name: [option] for name, option in told.items()}


def test_every_key_and_index_starts_with_the_tenant() -> None:
    for table in SCHEMA.metadata.sorted_tables:
        if table is SCHEMA.version:
            continue
        keys = [list(table.primary_key.columns), *(list(index.columns) for index in table.indexes)]
        assert {key[0].name for key in keys} == {"tenant_id"}, table.name
        assert table.foreign_keys == set(), f"{table.name}: a shard checks references by its invariants"


def test_columns_have_types_that_every_engine_has() -> None:
    kinds = {
        match[1]
        for each in definitions()
        for match in re.finditer(r"\t\"?\w+\"? ([A-Z][^,]*?)(?: NOT NULL)?,", each)
    }

    assert kinds <= TYPES


@pytest.mark.parametrize("rule", EVERYWHERE, ids=lambda rule: rule.name)
def test_whatever_breaks_a_rule_is_caught(rule: Rule) -> None:
    assert broken(WRONG[rule.name], EVERYWHERE) == [rule.name]


@pytest.mark.parametrize("rule", STATEMENTS, ids=lambda rule: rule.name)
def test_a_statement_that_breaks_a_rule_for_statements_is_caught(rule: Rule) -> None:
    assert broken(WRONG[rule.name]) == [rule.name]


@pytest.mark.parametrize("statement", FORGETFUL)
def test_a_statement_that_forgets_the_tenant_somewhere_is_caught(statement: str) -> None:
    assert broken(statement) == ["a forgotten tenant"]


@pytest.mark.parametrize("statement", CAREFUL)
def test_a_careful_statement_passes(statement: str) -> None:
    assert broken(statement) == []


def test_a_statement_that_cannot_be_read_is_no_pass() -> None:
    assert broken("UPDATE holds SET (((") != []


def definitions() -> list[str]:
    """Every statement of the migrations, as they are written for a database administrator."""
    script = re.sub(r"^--.*$", "", sql("postgresql"), flags=re.MULTILINE)
    return [each.strip() for each in re.split(r";\n\n", script) if each.strip()]
