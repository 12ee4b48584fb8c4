"""The least that a running programme needs on PostgreSQL: it adds rows and changes those that may change."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import Connection, text

from invoicepay.adapters.sql.migrate import named_schema, views
from invoicepay.adapters.sql.schema import APPEND_ONLY, Schema
from invoicepay.errors import ConfigurationError

_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")

RIGHTS = {
    "effect_observations": "SELECT, INSERT, UPDATE (version)",
    "outbox": "SELECT, INSERT, UPDATE (published_at, data)",
    "idempotency_keys": "SELECT, INSERT, UPDATE (body)",
    "schema_version": "SELECT",
}
"""Where rights are neither those of rows written once nor those of rows that change.

PostgreSQL lets somebody lock a row who may update a column of it: observations are locked, and a change of
one is refused by its trigger all the same. What events and answers tell of a person is emptied when the
person is erased.
"""


def restrict(connection: Connection, role: str, *, schema: str | None = None, table_prefix: str = "") -> None:
    """Give a role what a client needs, and take everything else of our tables from it; the caller commits.

    Run it as the owner of the tables, after each migration. The role must not own them, be a superuser, or
    own the schema: those can switch triggers off. Migrations go on running as the owner.

    Raises:
        ConfigurationError: no plain name, or the database is no PostgreSQL.
    """
    if connection.dialect.name != "postgresql":
        raise ConfigurationError(f"{connection.dialect.name} has no roles")
    for statement in _statements(_checked(role), named_schema(schema, table_prefix)):
        connection.execute(text(statement))


def restriction_sql(role: str, *, schema: str | None = None, table_prefix: str = "") -> str:
    """The same as a script for whoever runs DDL by hand.

    Examples:
        >>> "GRANT SELECT, INSERT ON audit_log TO shop;" in restriction_sql("shop")
        True
    """
    return "".join(f"{each};\n" for each in _statements(_checked(role), named_schema(schema, table_prefix)))


def _checked(role: str) -> str:
    if not _ROLE.fullmatch(role):
        raise ConfigurationError("a role's name takes at most 63 of a-z, 0-9 and _")
    return role


def _statements(role: str, tables: Schema) -> Iterator[str]:
    if tables.name:
        yield f"GRANT USAGE ON SCHEMA {tables.name} TO {role}"
    for table in tables.metadata.sorted_tables:
        plain = table.name.removeprefix(tables.prefix)
        yield f"REVOKE ALL ON {tables.full_name(plain)} FROM {role}"
        yield f"GRANT {_rights(plain)} ON {tables.full_name(plain)} TO {role}"
    for view in views(tables):
        yield f"REVOKE ALL ON {tables.full_name(view)} FROM {role}"
        yield f"GRANT SELECT ON {tables.full_name(view)} TO {role}"


def _rights(plain: str) -> str:
    """No DELETE and no TRUNCATE on any table: a client never forgets a row."""
    usual = "SELECT, INSERT" if plain in APPEND_ONLY else "SELECT, INSERT, UPDATE"
    return RIGHTS.get(plain, usual)
