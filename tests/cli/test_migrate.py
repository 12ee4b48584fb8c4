"""`invoicepay migrate` shows a plan and carries it out; `invoicepay sql` prints it for others to run."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import create_engine, text

from invoicepay import AsyncInvoicePay, InvoicePay
from invoicepay.adapters.sql.migrate import LATEST, STEPS
from tests.cli.books import Shell
from tests.support.sql import execute


def test_a_plan_shows_the_steps_and_their_sql_and_changes_nothing(shell: Shell) -> None:
    code, plan = shell.json("migrate", "--store", "sqlite:///new.db", "--dry-run")

    assert code == 0
    assert (plan["from"], plan["to"], plan["latest"]) == (0, LATEST, LATEST)
    assert [step["name"] for step in plan["steps"]] == [step.name for step in STEPS]
    assert "CREATE TABLE invoices" in plan["sql"]
    assert list(shell.folder.iterdir()) == []


def test_the_sql_of_a_plan_makes_what_the_command_makes(shell: Shell) -> None:
    _, plan = shell.json("migrate", "--store", "sqlite:///by_command.db", "--dry-run")
    shell.json("migrate", "--store", "sqlite:///by_command.db")

    with closing(sqlite3.connect(shell.folder / "by_hand.db")) as connection:
        connection.executescript(plan["sql"])

    def made(name: str) -> list[tuple[str, str]]:
        with closing(sqlite3.connect(shell.folder / name)) as connection:
            rows = connection.execute("SELECT type, name FROM sqlite_master ORDER BY type, name")
            return [(kind, name) for kind, name in rows]

    assert made("by_hand.db") == made("by_command.db")


def test_steps_are_taken_one_after_the_other_and_once(shell: Shell) -> None:
    store = ("--store", "sqlite:///new.db")

    _, first = shell.json("migrate", *store, "--to", "1")
    _, plan = shell.json("migrate", *store, "--dry-run")
    _, rest = shell.json("migrate", *store)
    _, again = shell.json("migrate", *store)

    assert (first["from"], first["to"]) == (0, 1)
    assert (plan["from"], [step["number"] for step in plan["steps"]]) == (1, list(range(2, LATEST + 1)))
    assert "CREATE TABLE invoices" not in plan["sql"]
    assert (rest["from"], rest["to"]) == (1, LATEST)
    assert (again["from"], again["to"], again["steps"], again["sql"]) == (LATEST, LATEST, [], "")


def test_tables_of_a_later_release_are_left_alone(shell: Shell) -> None:
    url = shell.url
    execute(
        f"sqlite:///{shell.folder / 'pay.db'}", f"INSERT INTO schema_version VALUES ({LATEST + 1}, 'later')"
    )

    code, out, _ = shell.text("migrate", "--store", url)

    assert code == 0
    assert "a later release" in out


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["--store", "memory://"], "memory:// has no tables to migrate"),
        (["--store", "sqlite:///x.db", "--to", "99"], "there is no step 99"),
        (["--store", "sqlite:///x.db", "--role", "shop"], "sqlite has no roles"),
        (["--store", "sqlite:///x.db", "--schema", "billing"], "SQLite has no schemas"),
        (["--store", "mysql://db/shop"], "mysql is not supported"),
    ],
)
def test_what_cannot_be_migrated_is_a_mistake_of_the_line(shell: Shell, line: list[str], why: str) -> None:
    code, out, err = shell.text("migrate", *line)

    assert (code, out) == (2, "")
    assert why in err
    assert list(shell.folder.iterdir()) == []


@pytest.mark.parametrize("face", [InvoicePay, AsyncInvoicePay])
def test_the_tables_of_a_client_are_migrated_where_the_client_has_them(
    shell: Shell, face: type[InvoicePay] | type[AsyncInvoicePay]
) -> None:
    client = face("sqlite:///new.db", table_prefix="pay_")

    code, answer = shell.json("migrate", client=lambda: client)

    assert (code, answer["to"]) == (0, LATEST)
    assert execute(f"sqlite:///{shell.folder / 'new.db'}", "SELECT COUNT(*) FROM pay_invoices") == [(0,)]


def test_a_client_in_memory_has_no_tables(shell: Shell) -> None:
    code, _, err = shell.text("migrate", client=InvoicePay)

    assert code == 2
    assert "memory:// has no tables" in err


def test_postgresql_is_migrated_and_its_role_gets_a_clients_rights(shell: Shell, postgres_url: str) -> None:
    store = ("--store", postgres_url, "--schema", "billing", "--table-prefix", "pay_")
    execute(postgres_url, "CREATE ROLE shop_of_the_command")
    try:
        behind, refusal = shell.json("verify", *store)
        _, plan = shell.json("migrate", *store, "--role", "shop_of_the_command", "--dry-run")
        code, answer = shell.json("migrate", *store, "--role", "shop_of_the_command")
        rights = execute(
            postgres_url,
            "SELECT privilege_type FROM information_schema.role_table_grants "
            "WHERE grantee = 'shop_of_the_command' AND table_name = 'pay_audit_log' ORDER BY 1",
        )
    finally:
        execute(postgres_url, "DROP OWNED BY shop_of_the_command", "DROP ROLE shop_of_the_command")

    assert (behind, refusal["error"]["code"]) == (1, "store_behind")
    assert "GRANT SELECT, INSERT ON billing.pay_audit_log TO shop_of_the_command" in plan["sql"]
    assert (code, answer["from"], answer["to"]) == (0, 0, LATEST)
    assert rights == [("INSERT",), ("SELECT",)]
    assert shell.json("verify", *store)[0] == 0


def test_the_script_of_sql_makes_tables_that_are_up_to_date(shell: Shell, postgres_url: str) -> None:
    _, script, _ = shell.text("sql", "--schema", "billing", "--role", "postgres")

    engine = create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text(script.replace(":", r"\:")))
    engine.dispose()

    code, answer = shell.json("migrate", "--store", postgres_url, "--schema", "billing")
    assert (code, answer["from"], answer["steps"]) == (0, LATEST, [])


def test_sql_prints_what_is_asked_for(shell: Shell) -> None:
    _, answer = shell.json(
        "sql", "--dialect", "sqlite", "--after", "1", "--to", "2", "--table-prefix", "pay_"
    )

    assert [step["number"] for step in answer["steps"]] == [2]
    assert "pay_v_balance" in answer["sql"]
    assert "CREATE TABLE" not in answer["sql"]


@pytest.mark.parametrize(("option", "what"), [("--schema", "schemas"), ("--role", "roles")])
def test_sqlite_has_neither_schemas_nor_roles(shell: Shell, option: str, what: str) -> None:
    code, _, err = shell.text("sql", "--dialect", "sqlite", option, "shop")

    assert code == 2
    assert f"SQLite has no {what}" in err
