"""The command `migrate`: a plan of what the tables lack, and carrying it out."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from invoicepay.adapters.sql import SqlRepository
from invoicepay.adapters.sql.plan import Migration, Plan, place_at
from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.bridge import run_blocking
from invoicepay.cli.clients import answered, core_of, innermost, settings_of
from invoicepay.cli.loading import Client
from invoicepay.cli.output import Answer, Misuse
from invoicepay.errors import ConfigurationError
from invoicepay.settings import MEMORY, PREFIX


def run(options: Namespace, given: Callable[[], Client] | None) -> Answer:
    """Show or take the steps that the tables lack."""
    if options.app or (given is not None and not options.store):
        return answered(options, given, lambda pay: _of_client(options, pay))
    return run_blocking(_at_url(options, settings_of(options)))


async def _of_client(options: Namespace, pay: AsyncInvoicePay) -> Answer:
    core = core_of(pay)
    repository = innermost(core.wired.repository)
    if not isinstance(repository, SqlRepository):
        raise Misuse(f"{core.place} has no tables to migrate")
    return await _answered(Migration.of(repository), options, core.place)


async def _at_url(options: Namespace, settings: dict[str, str]) -> Answer:
    url = settings[f"{PREFIX}STORE"]
    if url.startswith("memory"):
        raise ConfigurationError(f"{MEMORY} has no tables to migrate")
    migration = Migration.at(
        url,
        schema=settings.get(f"{PREFIX}SCHEMA") or None,
        table_prefix=settings.get(f"{PREFIX}TABLE_PREFIX", ""),
        makes=not options.dry_run,
    )
    try:
        return await _answered(migration, options, place_at(url))
    finally:
        await migration.close()


async def _answered(migration: Migration, options: Namespace, place: str) -> Answer:
    plan = await migration.plan(to=options.to, role=options.role)
    reached = plan.version
    if not options.dry_run:
        reached = await migration.apply(to=options.to, role=options.role)
    told: dict[str, Any] = {
        "store": place,
        "dialect": plan.dialect,
        "is_dry_run": options.dry_run,
        "from": plan.version,
        "to": plan.steps[-1][0] if options.dry_run and plan.steps else reached,
        "latest": plan.latest,
        "steps": [{"number": number, "name": name} for number, name in plan.steps],
        "role": options.role,
        "sql": plan.script,
    }
    return Answer(ok=True, told=told, text=_text(plan, told))


def _text(plan: Plan, told: dict[str, Any]) -> str:
    if plan.is_ahead:
        return (
            f"{told['store']}: the tables are at version {plan.version}, made by a later release; this one "
            f"knows {plan.latest}. Nothing to do."
        )
    steps = "".join(f"\n  {number}  {name}" for number, name in plan.steps)
    if told["is_dry_run"]:
        head = f"-- {told['store']}: at version {plan.version}, would be brought to {told['to']}"
        return f"{head}\n\n{plan.script}".rstrip()
    if not plan.steps:
        done = f"{told['store']}: at version {plan.version}, nothing to do."
    else:
        done = f"{told['store']}: brought from version {plan.version} to {told['to']}.{steps}"
    return f"{done}\nThe role {told['role']} has the rights of a client." if told["role"] else done
