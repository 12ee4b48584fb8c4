"""What is written once stays: triggers refuse changes, and a programme's role may make none (S-28)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from invoicepay import InvoicePay, migrate
from invoicepay.adapters.sql.roles import restrict, restriction_sql
from invoicepay.adapters.sql.schema import APPEND_ONLY, schema_of
from invoicepay.errors import ConfigurationError
from tests.security.test_tampering import trade
from tests.support.postgres import PostgresServer
from tests.support.sql import engine_for, execute

TABLES = [table.name for table in schema_of().metadata.sorted_tables]
OWNER, RUNNER = "books_owner", "books_runner"

CHANGES = {"UPDATE": "UPDATE {} SET tenant_id = 'x'", "DELETE": "DELETE FROM {}", "TRUNCATE": "TRUNCATE {}"}

FORBIDDEN = {
    **{f"{verb} {table}": change.format(table) for table in APPEND_ONLY for verb, change in CHANGES.items()},
    **{f"DELETE {table}": f"DELETE FROM {table}" for table in TABLES},
    **{f"TRUNCATE {table}": f"TRUNCATE {table}" for table in TABLES},
    "another request under a key": "UPDATE idempotency_keys SET fingerprint = ''",
    "another past": "UPDATE outbox SET name = 'invoice.paid'",
    "another version": "UPDATE schema_version SET version = 9",
    "a trigger off": "ALTER TABLE audit_log DISABLE TRIGGER USER",
    "a trigger gone": "DROP TRIGGER audit_log_refuse_update ON audit_log",
    "another function": "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql "
    "AS $$ BEGIN RETURN NEW; END $$",
    "triggers off for the session": "SET session_replication_role = replica",
    "a table gone": "DROP TABLE audit_log",
    "another column": "ALTER TABLE ledger_entries ADD COLUMN note text",
}
"""What the programme's role must not be able to do, whoever has taken the programme over."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Books with rows in every guarded table."""
    is_sqlite = request.param == "sqlite"
    made: str = f"sqlite:///{tmp_path / 'pay.db'}" if is_sqlite else request.getfixturevalue("postgres_url")
    migrate(made)
    traded(made)
    return made


def traded(url: str) -> None:
    with InvoicePay(url) as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        trade(pay)
        pay.audit.seal()


def test_the_store_refuses_every_change_of_what_is_written_once_even_to_its_owner(url: str) -> None:
    verbs = ["UPDATE", "DELETE"] if url.startswith("sqlite") else list(CHANGES)

    for table in APPEND_ONLY:
        assert execute(url, f"SELECT count(*) > 0 FROM {table}")[0][0], table
        for verb in verbs:
            with pytest.raises(DBAPIError, match="append-only"):
                execute(url, CHANGES[verb].format(table))


@pytest.fixture
def runner_url(postgres_server: PostgresServer, postgres_url: str) -> Iterator[str]:
    """A database of a role that is no superuser, as the restricted role of a programme reaches it."""
    database = postgres_url.partition("@/")[2].partition("?")[0]
    for role in (OWNER, RUNNER):
        execute(postgres_url, f"CREATE ROLE {role} LOGIN")
    execute(
        postgres_url, f"ALTER DATABASE {database} OWNER TO {OWNER}", f"ALTER SCHEMA public OWNER TO {OWNER}"
    )
    owner_url = postgres_url.replace("//postgres@", f"//{OWNER}@")
    migrate(owner_url)
    with engine_for(owner_url) as engine, engine.begin() as connection:
        restrict(connection, RUNNER)
    yield postgres_url.replace("//postgres@", f"//{RUNNER}@")
    execute(postgres_url, f"ALTER DATABASE {database} OWNER TO postgres")
    execute(postgres_url, f"DROP OWNED BY {RUNNER}", f"DROP OWNED BY {OWNER}")
    for role in (OWNER, RUNNER):
        execute(postgres_url, f"DROP ROLE {role}")


def test_the_programmes_role_does_the_programmes_work_and_nothing_else(runner_url: str) -> None:
    with InvoicePay(runner_url) as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        trade(pay)
        pay.on("*")(lambda event: None)
        pay.run_pending()
        pay.withdrawals.initiate("acme", "5.00 USD", account_token="acc-1")
        pay.run_pending()
        assert pay.audit.seal() is not None
        assert pay.audit.verify()
        assert pay.invariants.check() == ()
        assert pay.health().is_ok

    for name, statement in FORBIDDEN.items():
        assert is_refused(runner_url, statement), name


def is_refused(url: str, statement: str) -> bool:
    try:
        execute(url, statement)
    except DBAPIError as error:
        return "permission denied" in str(error) or "must be owner" in str(error)
    return False


@pytest.mark.parametrize("role", ["", "Shop", "shop; DROP", "1shop", "s" * 64])
def test_a_role_has_a_plain_name(role: str) -> None:
    with pytest.raises(ConfigurationError):
        restriction_sql(role)


def test_sqlite_has_no_roles(tmp_path: Path) -> None:
    with (
        engine_for(f"sqlite:///{tmp_path / 'pay.db'}") as engine,
        engine.connect() as connection,
        pytest.raises(ConfigurationError, match="no roles"),
    ):
        restrict(connection, RUNNER)


def test_the_script_names_schema_and_prefix_everywhere() -> None:
    script: list[Any] = restriction_sql("shop", schema="billing", table_prefix="pay_").splitlines()

    assert script[0] == "GRANT USAGE ON SCHEMA billing TO shop;"
    assert all(" ON billing.pay_" in line for line in script[1:])
    assert not [line for line in script if "DELETE" in line or "TRUNCATE" in line]
