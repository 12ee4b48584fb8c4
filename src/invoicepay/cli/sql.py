"""The command `sql`: the tables as a script."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable

from invoicepay.adapters.sql.migrate import STEPS, sql
from invoicepay.adapters.sql.roles import restriction_sql
from invoicepay.cli.loading import Client
from invoicepay.cli.output import Answer, Misuse
from invoicepay.settings import PREFIX


def run(options: Namespace, _client: Callable[[], Client] | None) -> Answer:
    """Print the steps; no database is asked."""
    if options.schema and options.dialect == "sqlite":
        raise Misuse("SQLite has no schemas: use --table-prefix")
    if options.role and options.dialect == "sqlite":
        raise Misuse("SQLite has no roles: leave --role out")
    schema = options.schema or os.environ.get(f"{PREFIX}SCHEMA") or None
    prefix = options.table_prefix or os.environ.get(f"{PREFIX}TABLE_PREFIX", "")
    if options.dialect == "sqlite":
        schema = None
    script = sql(options.dialect, after=options.after, to=options.to, schema=schema, table_prefix=prefix)
    if options.role:
        script += restriction_sql(options.role, schema=schema, table_prefix=prefix)
    steps = [{"number": step.number, "name": step.name} for step in STEPS[options.after : options.to]]
    told = {"dialect": options.dialect, "steps": steps, "sql": script}
    return Answer(ok=True, told=told, text=script.rstrip())
