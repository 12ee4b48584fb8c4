"""`pay.health()` on both faces: the store and its version, the providers, and what cannot be asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from invoicepay import AsyncInvoicePay, InvoicePay, migrate
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.system import SystemClock
from invoicepay.errors import NotAllowed, StoreBehind
from invoicepay.ports.health import NOT_TOLD, Check, Health
from invoicepay.ports.screening import Screened, Subject, Verdict


class Silent(SimulatedTokens):
    """Tokens whose provider has no word for its health."""

    health = None  # type: ignore[assignment]


class Broken(SimulatedRails):
    """Rails whose health check has a defect."""

    async def health(self) -> Health:
        raise ZeroDivisionError("secret detail")


class Screener:
    """A screening that tells of its health, and it is not good."""

    async def screen(self, subject: Subject) -> Screened:
        return Screened(verdict=Verdict.ALLOW)

    async def health(self) -> Health:
        return Health("lists", (Check("fresh", False, "lists of 9 days ago"),))


def test_everything_simulated_is_well() -> None:
    with InvoicePay() as pay:
        seen = pay.health()

    assert seen.is_ok
    assert [part.provider for part in seen.parts] == ["memory", "simulated-bank", "simulated-tokens"]


def test_the_awaiting_face_tells_the_same() -> None:
    async def look() -> bool:
        async with AsyncInvoicePay() as pay:
            return (await pay.health()).is_ok

    assert asyncio.run(look())


def test_a_provider_that_is_down_is_not_ok_and_the_others_are_told_all_the_same() -> None:
    clock = SystemClock()
    rails = SimulatedRails(clock)
    with InvoicePay(rails=rails, token=SimulatedTokens(clock)) as pay:
        rails.weather.be_unreachable()

        seen = pay.health()

    assert not seen.is_ok
    assert seen.rails.failed == (Check("reachable", False, "simulated"),)
    assert seen.store.is_ok
    assert seen.token.is_ok


def test_a_provider_without_a_health_check_is_not_told_and_counts_as_ok() -> None:
    clock = SystemClock()
    with InvoicePay(rails=SimulatedRails(clock), token=Silent(clock)) as pay:
        seen = pay.health()

    assert seen.token.checks == (Check("health", True, NOT_TOLD),)
    assert seen.is_ok


def test_a_health_check_that_breaks_is_a_failed_check_without_its_words() -> None:
    clock = SystemClock()
    with InvoicePay(rails=Broken(clock), token=SimulatedTokens(clock)) as pay:
        seen = pay.health()

    assert seen.rails.failed == (Check("health", False, "the look failed with ZeroDivisionError"),)


def test_screening_is_told_where_there_is_one() -> None:
    with InvoicePay(screening=Screener()) as pay:
        seen = pay.health()

    assert seen.screening is not None
    assert not seen.is_ok


def test_sqlite_tells_the_version_of_its_tables(tmp_path: Path) -> None:
    with InvoicePay(f"sqlite:///{tmp_path}/pay.db") as pay:
        seen = pay.health()

    assert [(check.name, check.is_ok) for check in seen.store.checks] == [
        ("reachable", True),
        ("schema_version", True),
    ]


def test_a_store_that_cannot_be_opened_is_not_reachable(tmp_path: Path) -> None:
    with InvoicePay(f"sqlite:///{tmp_path}/missing/pay.db") as pay:
        seen = pay.health()

    assert [(check.name, check.is_ok) for check in seen.store.checks] == [("reachable", False)]
    assert seen.rails.is_ok


def test_postgres_without_tables_is_reachable_and_behind(postgres_url: str) -> None:
    with InvoicePay(postgres_url) as pay:
        before = pay.health()
        migrate(postgres_url)
        after = pay.health()

    assert [(check.name, check.is_ok) for check in before.store.checks] == [
        ("reachable", True),
        ("schema_version", False),
    ]
    assert StoreBehind.__name__ not in before.store.checks[1].detail
    assert after.is_ok


def test_a_party_is_not_told() -> None:
    with InvoicePay() as pay, pytest.raises(NotAllowed):
        pay.acting_as("ann").health()
