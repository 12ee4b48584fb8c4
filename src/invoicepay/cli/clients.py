"""Which client a command works with: a host's own, or one made from a URL and the environment."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from invoicepay.adapters.sealed import SealedRepository
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.blocking import InvoicePay
from invoicepay.bridge import run_blocking
from invoicepay.cli.loading import Client, client_at
from invoicepay.cli.options import ASKED, UNUSED
from invoicepay.cli.output import Misuse
from invoicepay.client.base import Core
from invoicepay.errors import StoreBehind
from invoicepay.ports.repository import Repository
from invoicepay.settings import PREFIX
from invoicepay.use_cases.providers import banks, issuers

if TYPE_CHECKING:
    from invoicepay.adapters.sql.plan import Plan

T = TypeVar("T")
Work = Callable[[AsyncInvoicePay], Coroutine[Any, Any, T]]


def answered(options: Namespace, given: Callable[[], Client] | None, work: Work[T]) -> T:
    """The result of some work with the client that is meant; one that was made here is closed afterwards."""
    pay = client_for(options, given)
    is_given = given is not None and not options.app and not options.store
    return carried_out(pay, work, stays_open=is_given)


def client_for(options: Namespace, given: Callable[[], Client] | None) -> Client:
    """The client that the options name; else the one that was given; else the environment's.

    Raises:
        Misuse: none is named anywhere, or the one made here cannot do what the command needs.
        ConfigurationError: a setting contradicts another.
        StoreBehind: the command only looks, and there are no tables of this version.
    """
    if options.app:
        return client_at(options.app)
    if given is not None and not options.store:
        return given()
    return _from_settings(settings_of(options), options.providers)


def settings_of(options: Namespace) -> dict[str, str]:
    """The environment, which also holds what installed providers are told, with what the command line says.

    Raises:
        Misuse: neither names a store.
    """
    said = {"STORE": options.store, "SCHEMA": options.schema, "TABLE_PREFIX": options.table_prefix}
    settings = {**os.environ, **{f"{PREFIX}{name}": text for name, text in said.items() if text}}
    if not settings.get(f"{PREFIX}STORE"):
        raise Misuse(
            f"name your client with --app module:name, or a store with --store URL or {PREFIX}STORE: "
            "sqlite:///pay.db or postgresql+psycopg://user@host/database"
        )
    return settings


def _from_settings(settings: dict[str, str], providers: str) -> InvoicePay:
    if providers != ASKED:  # what a command that only looks is made with needs not be fit for production
        require_tables(settings)
        settings = {**settings, f"{PREFIX}ENVIRONMENT": "development"}
    if providers == UNUSED:
        settings = {**settings, f"{PREFIX}RAILS": "", f"{PREFIX}TOKEN": ""}
    pay = InvoicePay.from_env(settings)
    wired = core_of(pay).wired
    if providers == ASKED and any(map(is_simulated, (*banks(wired), *issuers(wired)))):
        pay.close()
        raise Misuse(
            "this command asks your bank and your token network, and a client made from a store alone has "
            "simulated ones, which know nothing of your money: name your client with --app module:name, or "
            f"installed providers with {PREFIX}RAILS and {PREFIX}TOKEN"
        )
    return pay


def is_simulated(provider: object) -> bool:
    """Whether a provider is one of ours for trying things out."""
    return isinstance(provider, SimulatedRails | SimulatedTokens)


def require_tables(settings: dict[str, str]) -> None:
    """Refuse to look where there is nothing to look at; a client would make the tables in SQLite.

    Raises:
        StoreBehind: the tables are missing or older than this release.
    """
    url = settings[f"{PREFIX}STORE"]
    if url.startswith("memory"):
        return
    from invoicepay.adapters.sql.plan import Migration

    placed = {name: settings.get(f"{PREFIX}{name.upper()}", "") for name in ("schema", "table_prefix")}
    migration = Migration.at(
        url, schema=placed["schema"] or None, table_prefix=placed["table_prefix"], makes=False
    )
    try:
        _refuse_behind(run_blocking(migration.plan()))
    finally:
        run_blocking(migration.close())


async def require_tables_of(pay: AsyncInvoicePay) -> None:
    """The same for a client of the host's, before it makes them.

    Raises:
        StoreBehind: the tables are missing or older than this release.
    """
    from invoicepay.adapters.sql import SqlRepository
    from invoicepay.adapters.sql.plan import Migration

    repository = innermost(core_of(pay).deps.repository)
    if isinstance(repository, SqlRepository):
        _refuse_behind(await Migration.of(repository).plan())


def _refuse_behind(plan: Plan) -> None:
    if plan.version < plan.latest:
        there = f"version {plan.version}" if plan.version else "missing"
        raise StoreBehind(
            f"the store's tables are {there}, and this release needs version {plan.latest}",
            hint="Check that it is the right store, then run: invoicepay migrate",
        )


def core_of(pay: Client) -> Core:
    """What a client is wired with."""
    return awaiting(pay)._core


def awaiting(pay: Client) -> AsyncInvoicePay:
    """The awaiting face of a client of either kind; `carried_out` drives it as its kind needs."""
    return pay if isinstance(pay, AsyncInvoicePay) else pay._pay


def carried_out(pay: Client, work: Work[T], *, stays_open: bool) -> T:
    """The result of some work with a client, which is closed afterwards unless somebody else owns it.

    An awaiting one is closed in any case: its connections belong to the loop that ends here.
    """

    async def closing() -> T:
        face = awaiting(pay)
        try:
            return await work(face)
        finally:
            if not stays_open or isinstance(pay, AsyncInvoicePay):
                await face.close()

    return asyncio.run(closing()) if isinstance(pay, AsyncInvoicePay) else run_blocking(closing())


def innermost(repository: Repository) -> Repository:
    """The store itself, without what seals people's texts in it."""
    return innermost(repository._inner) if isinstance(repository, SealedRepository) else repository


async def tenants_of(pay: AsyncInvoicePay, named: str | None) -> tuple[str, ...]:
    """Every tenant of the store, or the one that was named.

    Raises:
        Misuse: nothing was ever written for that one, so that a misspelt name is not found in order.
    """
    tenants = await pay._core.deps.repository.tenants()
    if named is None:
        return tenants
    if named not in tenants:
        raise Misuse(f"the store has no tenant {named!r}")
    return (named,)
