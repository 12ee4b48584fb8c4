"""The command `doctor`: what is wrong with an installation, each with its next step."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime

from invoicepay.adapters.sql import SqlRepository
from invoicepay.adapters.sql.plan import Migration
from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.blocking import InvoicePay
from invoicepay.cli import machine, waiting
from invoicepay.cli.clients import answered, core_of, innermost, is_simulated, settings_of, tenants_of
from invoicepay.cli.findings import FAIL, OK, WARN, Finding, failed
from invoicepay.cli.loading import Client
from invoicepay.cli.output import Answer, Misuse, table
from invoicepay.client.base import Core
from invoicepay.errors import ConfigurationError, InvoicePayError, StoreError
from invoicepay.ports.health import Health
from invoicepay.ports.runtime import SharesClock
from invoicepay.settings import PREFIX, PRODUCTION
from invoicepay.use_cases.providers import banks, issuers

SKEW_WARNS_SECONDS, SKEW_FAILS_SECONDS = 1.0, 30.0
"""How far this machine's clock may be from the store's: leases end by the store's, documents go by ours."""


def run(options: Namespace, given: Callable[[], Client] | None) -> Answer:
    """Look at everything; what cannot be looked at is a finding, too."""
    found = [*machine.findings(), *_of_client(options, given)]
    told = {"checks": [asdict(one) for one in found]}
    return Answer(ok=all(one.status != FAIL for one in found), told=told, text=_text(found))


def _of_client(options: Namespace, given: Callable[[], Client] | None) -> list[Finding]:
    found: list[Finding] = []
    if not options.app and given is None:
        try:
            found += _fitness(settings_of(options))
        except Misuse as nothing:
            return [Finding("store", WARN, "no store was looked at", f"To look at one: {nothing}")]
    try:
        return found + answered(options, given, lambda pay: _looked(pay, options.tenant))
    except StoreError as error:
        return [*found, failed("store", error)]
    except (InvoicePayError, Misuse) as error:
        return [*found, failed("client", error)]
    except Exception as error:  # noqa: BLE001 - a module of the host's may raise anything, and quote anything
        step = "Run the module by itself, with python -m, to see where."
        return [*found, Finding("client", FAIL, f"{type(error).__name__} was raised on the way", step)]


def _fitness(settings: Mapping[str, str]) -> list[Finding]:
    """Whether a client can be made for production, where that is what the settings say."""
    if settings.get(f"{PREFIX}ENVIRONMENT") != PRODUCTION:
        return []
    try:
        InvoicePay.from_env(settings).close()
    except ConfigurationError as error:
        return [failed("production", error)]
    return [Finding("production", OK, "a client made from the settings is fit for it")]


async def _looked(pay: AsyncInvoicePay, tenant: str | None) -> list[Finding]:
    """The store first: without it nothing else can be looked at."""
    core = core_of(pay)
    store = await _store(core)
    if store.status == FAIL:
        return [store]
    found = [store, await _clock(core), *await _providers(pay)]
    return found + [one async for one in waiting.findings(core, await tenants_of(pay, tenant))]


async def _store(core: Core) -> Finding:
    repository = innermost(core.deps.repository)
    if not isinstance(repository, SqlRepository):
        return Finding("store", OK, core.place)
    plan = await Migration.of(repository).plan()
    if plan.is_ahead:
        detail = f"{core.place}: tables at version {plan.version}, this release knows {plan.latest}"
        return Finding("store", WARN, detail, "Upgrade invoicepay here, too.")
    if plan.version < plan.latest:
        detail = f"{core.place}: tables at version {plan.version}, this release needs {plan.latest}"
        return Finding("store", FAIL, detail, "Run: invoicepay migrate")
    return Finding("store", OK, f"{core.place}: tables at version {plan.version}")


async def _clock(core: Core) -> Finding:
    """This machine's against the store's, where the store has one of its own."""
    store = core.deps.repository
    shared = await store.shared_clock() if isinstance(store, SharesClock) else None
    if shared is None:
        return Finding("clock", OK, "the store tells no time of its own")
    return skew(core.deps.clock.now(), shared.now())


def skew(ours: datetime, stores: datetime) -> Finding:
    """How far two clocks are apart, and whether that is too far."""
    seconds = (ours - stores).total_seconds()
    detail = f"this machine is {abs(seconds):.3f} s {'ahead of' if seconds > 0 else 'behind'} the store"
    if abs(seconds) < SKEW_WARNS_SECONDS:
        return Finding("clock", OK, detail)
    status = WARN if abs(seconds) < SKEW_FAILS_SECONDS else FAIL
    return Finding(
        "clock", status, detail, "Let both machines follow a time server (chrony, systemd-timesyncd)."
    )


async def _providers(pay: AsyncInvoicePay) -> list[Finding]:
    health, wired = await pay.health(), core_of(pay).wired
    parts = [("rails", health.rails, banks(wired)), ("token", health.token, issuers(wired))]
    found = [
        one
        for name, told, asked in parts
        for one in _part(name, told, simulated=any(map(is_simulated, asked)))
    ]
    if health.screening is not None:
        found += _part("screening", health.screening, simulated=False)
    return found


def _part(name: str, told: Health, *, simulated: bool) -> Iterator[Finding]:
    if simulated:
        detail = f"{told.provider} is simulated; to have your own looked at, name your client with --app"
        yield Finding(name, OK, detail)
        return
    for check in told.failed:
        step = f'Look at its status page. To send nothing more: pay.effects.stop("{told.provider}", ...)'
        yield Finding(name, FAIL, f"{told.provider}: {check.name}: {check.detail}", step)
    if told.is_ok:
        seen = ", ".join(f"{check.name} {check.detail}".strip() for check in told.checks)
        yield Finding(name, OK, f"{told.provider}: {seen}")


def _text(found: list[Finding]) -> str:
    lines = table(("", "", ""), ((one.status, one.name, one.detail) for one in found)).splitlines()[1:]
    told: list[str] = []
    for line, one in zip(lines, found, strict=True):
        told += [line, *([f"      → {one.next_step}"] if one.next_step else [])]
    failures = sum(one.status == FAIL for one in found)
    warnings = sum(one.status == WARN for one in found)
    return "\n".join([*told, "", f"{failures} failed, {warnings} to look at soon."])
