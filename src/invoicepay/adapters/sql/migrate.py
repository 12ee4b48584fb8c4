"""The schema in numbered steps, each with what is absent before it and there after it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table, func, insert, inspect, select, text
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable

from invoicepay.adapters.sql.schema import APPEND_ONLY, Schema, schema_of
from invoicepay.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from alembic.operations import Operations

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,23}")
_LOCK = int.from_bytes(b"invpay")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `makes` names what is absent before it and there after it, tables with their columns too."""

    number: int
    name: str
    run: Callable[[Operations, Schema], None]
    makes: Callable[[Schema], set[str]]


def upgrade(
    connection: Connection, to: int | None = None, *, schema: str | None = None, table_prefix: str = ""
) -> int:
    """Bring the tables to a version (the newest unless `to` says less); the caller commits.

    Works on a connection of ours as on that of a host's own migration: `upgrade(op.get_bind())`.

    Returns:
        The version reached.

    Raises:
        ConfigurationError: no open connection, or another table has the name of one of ours; choose a table
            prefix or a schema.
        StoreError: a step did not reach its goal; nothing should be committed.
    """
    if not isinstance(connection, Connection):
        raise ConfigurationError(
            f"upgrade() takes a Connection of SQLAlchemy's, not {type(connection).__name__}",
            hint="Offline, and by hand, run what migrations.sql(dialect) prints.",
        )
    return upgrade_tables(connection, named_schema(schema, table_prefix), to)


def version(connection: Connection, *, schema: str | None = None, table_prefix: str = "") -> int:
    """The number of the last step taken; 0 when there are no tables yet."""
    return version_of(connection, named_schema(schema, table_prefix))


def include_name(*, schema: str | None = None, table_prefix: str = "") -> Callable[..., bool]:
    """Keeps the host's Alembic from dropping our tables: `context.configure(include_name=include_name())`."""
    ours = {table.name for table in named_schema(schema, table_prefix).metadata.sorted_tables}

    def is_the_hosts(name: str | None, type_: str, parent_names: Mapping[str, str | None]) -> bool:
        in_our_schema = parent_names.get("schema_name") in (schema, None)
        return not (type_ == "table" and in_our_schema and name in ours)

    return is_the_hosts


def upgrade_tables(connection: Connection, tables: Schema, to: int | None = None) -> int:
    """The same for tables that were named before."""
    if connection.dialect.name == "postgresql":
        # Before the version is read, so that of two upgrades at once the second sees what the first did.
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
    reached = version_of(connection, tables)
    for step in STEPS[reached:to]:
        _take(step, connection, tables)
        reached = step.number
    return reached


def version_of(connection: Connection, tables: Schema) -> int:
    """The number of the last step taken on these tables."""
    table = tables.version
    if not inspect(connection).has_table(table.name, schema=table.schema):
        return 0
    return int(connection.execute(select(func.coalesce(func.max(table.c.version), 0))).scalar_one())


def sql(
    dialect: str,
    *,
    after: int = 0,
    to: int | None = None,
    schema: str | None = None,
    table_prefix: str = "",
) -> str:
    """Every step as a script for whoever runs DDL by hand, for `sqlite` or `postgresql`.

    Args:
        after: the number of the last step that was taken already.
        to: the number of the last one that is wanted; the newest when left out.
    """
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    tables = named_schema(schema, table_prefix)
    script = io.StringIO()
    context = MigrationContext.configure(dialect_name=dialect, opts={"as_sql": True, "output_buffer": script})
    operations = Operations(context)
    for step in STEPS[after:to]:
        script.write(f"-- {step.number}: {step.name}\n\n")
        step.run(operations, tables)
        _record(step, operations, tables)
    return script.getvalue()


def named_schema(schema: str | None, prefix: str) -> Schema:
    """The tables under a schema and prefix whose names are plain.

    Raises:
        ConfigurationError: a name holds anything but small letters, digits and underscores.
    """
    for name in (schema, prefix):
        if name and not _NAME.fullmatch(name):
            raise ConfigurationError("schema and table_prefix take at most 24 of a-z, 0-9 and _")
    return schema_of(schema or None, prefix)


def _take(step: Step, connection: Connection, tables: Schema) -> None:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    if taken := sorted(step.makes(tables) & _present(connection, tables)):
        raise ConfigurationError(f"{taken[0]} is there and not ours: choose a table_prefix or a schema")
    operations = Operations(MigrationContext.configure(connection))
    step.run(operations, tables)
    if missing := sorted(step.makes(tables) - _present(connection, tables)):
        raise StoreError(f"migration {step.number} ({step.name}) left out {', '.join(missing)}")
    _record(step, operations, tables)


def _present(connection: Connection, tables: Schema) -> set[str]:
    """Names in the database: tables, columns, views and triggers."""
    seen = inspect(connection)
    columns = {
        f"{table}.{column['name']}"
        for (_, table), listed in seen.get_multi_columns(schema=tables.name).items()
        for column in listed
    }
    triggers = _TRIGGERS[connection.dialect.name]
    named = connection.execute(text(triggers), {"schema": tables.name} if tables.name else {"schema": None})
    return {*seen.get_table_names(tables.name), *seen.get_view_names(tables.name), *columns, *named.scalars()}


def _record(step: Step, operations: Operations, tables: Schema) -> None:
    number, name = operations.inline_literal(step.number), operations.inline_literal(step.name)
    operations.execute(insert(tables.version).values(version=number, name=name))


def _make_tables(operations: Operations, tables: Schema) -> None:
    """Step 1. A field gained after a release is left out here and added by a step of its own."""
    if tables.name and not _has_schema(operations, tables.name):
        operations.execute(CreateSchema(tables.name, if_not_exists=True))
    _make(operations, _first_tables(tables))


def _first_tables(tables: Schema) -> list[Table]:
    return [table for table in tables.metadata.sorted_tables if table not in tables.slots.all]


def _make(operations: Operations, made: Iterable[Table]) -> None:
    for table in made:
        operations.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            operations.execute(CreateIndex(index))


def _has_schema(operations: Operations, name: str) -> bool:
    """Asked first, because even IF NOT EXISTS wants the right to create schemas."""
    context = operations.get_context()
    return not context.as_sql and context.bind is not None and inspect(context.bind).has_schema(name)


def _tables_and_columns(made: Iterable[Table]) -> set[str]:
    return {name for table in made for name in (table.name, *_columns(table))}


def _columns(table: Table) -> Iterator[str]:
    return (f"{table.name}.{column.name}" for column in table.columns)


def _make_slots(operations: Operations, tables: Schema) -> None:
    """Step 3: what was signed for a chain."""
    _make(operations, tables.slots.all)


def _make_views(operations: Operations, tables: Schema) -> None:
    """Step 2: balances by entries, transitions, wallets; rows that the store itself keeps from changing."""
    dialect = operations.get_context().dialect.name
    for name, query in views(tables).items():
        operations.execute(text(f"CREATE VIEW {tables.full_name(name)} AS {query}"))
    if dialect == "postgresql":
        operations.execute(text(_REFUSE.format(function=tables.full_name("refuse_change"))))
    for table in APPEND_ONLY:
        for statement in _append_only(tables, table, dialect):
            operations.execute(text(statement))


def _append_only(tables: Schema, table: str, dialect: str) -> Iterator[str]:
    on = tables.full_name(table)
    for verb in ("update", "delete"):
        trigger = _trigger(tables, table, verb)
        if dialect == "postgresql":
            function = tables.full_name("refuse_change")
            yield f"CREATE TRIGGER {trigger} BEFORE {verb} ON {on} FOR EACH ROW EXECUTE FUNCTION {function}()"
        else:
            refusal = f"SELECT RAISE(ABORT, '{table} is append-only')"
            yield f"CREATE TRIGGER {trigger} BEFORE {verb} ON {on} BEGIN {refusal}; END"
    if dialect == "postgresql":  # SQLite has no TRUNCATE
        trigger, function = _trigger(tables, table, "truncate"), tables.full_name("refuse_change")
        each = f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        yield f"CREATE TRIGGER {trigger} BEFORE truncate ON {on} {each}"


def _views_and_triggers(tables: Schema) -> set[str]:
    triggers = {_trigger(tables, table, verb) for table in APPEND_ONLY for verb in ("update", "delete")}
    return {tables.prefix + name for name in views(tables)} | triggers


def _trigger(tables: Schema, table: str, verb: str) -> str:
    return f"{tables.prefix}{table}_refuse_{verb}"


def views(tables: Schema) -> dict[str, str]:
    """The views by name: what a person or a report reads."""
    accounts, entries, outbox = (
        tables.full_name(name) for name in ("ledger_accounts", "ledger_entries", "outbox")
    )
    return {
        "v_balance": _BALANCE.format(accounts=accounts, entries=entries),
        "state_transitions": _TRANSITIONS.format(outbox=outbox),
        "consumer_wallet_balances": _WALLETS.format(accounts=accounts),
    }


_BALANCE = """
SELECT a.tenant_id, a.id, a.code, a.asset, a.party_id, a.type, COALESCE(
  SUM(CASE WHEN (e.side = 'D') = (a.type IN ('A', 'X')) THEN e.amount ELSE -e.amount END), 0) AS balance
FROM {accounts} a LEFT JOIN {entries} e ON e.tenant_id = a.tenant_id AND e.account_id = a.id
GROUP BY a.tenant_id, a.id, a.code, a.asset, a.party_id, a.type"""

_TRANSITIONS = """
SELECT tenant_id, id, kind, entity_id, seq, name, from_status, to_status, at
FROM {outbox} WHERE from_status <> to_status"""

_WALLETS = """
SELECT tenant_id, party_id, asset,
  SUM(CASE WHEN code = 2000 THEN balance ELSE 0 END) AS available,
  SUM(CASE WHEN code = 2010 THEN balance ELSE 0 END) AS held,
  SUM(CASE WHEN code = 2020 THEN balance ELSE 0 END) AS credit_reserve,
  SUM(CASE WHEN code = 2030 THEN balance ELSE 0 END) AS frozen,
  SUM(balance) AS total
FROM {accounts} WHERE code IN (2000, 2010, 2020, 2030)
GROUP BY tenant_id, party_id, asset"""

_REFUSE = """
CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$"""

_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND :schema IS NULL",
    "postgresql": """
SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND n.nspname = COALESCE(CAST(:schema AS text), current_schema())""",
}

STEPS = (
    Step(1, "tables", _make_tables, lambda tables: _tables_and_columns(_first_tables(tables))),
    Step(2, "views, append-only rows", _make_views, _views_and_triggers),
    Step(3, "slots of a chain", _make_slots, lambda tables: _tables_and_columns(tables.slots.all)),
)
LATEST = len(STEPS)
