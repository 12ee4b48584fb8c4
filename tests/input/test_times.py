"""Instants without a zone, dates that are none, numbers out of bounds (S-34, S-07)."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from invoicepay.errors import InvalidInput, InvalidTime
from tests.input.calls import Role, make, taking
from tests.input.refusals import refused, slips
from tests.input.scene import Scene

NO_INSTANTS: dict[str, Any] = {
    "naive": datetime(2026, 3, 1),  # noqa: DTZ001 - the point
    "a date": date(2026, 3, 1),
    "a text": "2026-03-01T00:00:00Z",
    "a timestamp": 1_767_225_600,
    "a float": 1_767_225_600.0,
    "a bool": True,
    "before the calendar": datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    "after the calendar": datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))),
}
NO_DATES: dict[str, Any] = {
    "an instant": datetime(2026, 3, 1, tzinfo=UTC),
    "a naive instant": datetime(2026, 3, 1),  # noqa: DTZ001 - the point
    "a text": "2026-03-01",
    "a number": 20_260_301,
}
NO_NUMBERS: dict[str, Any] = {
    "a float": 1.5,
    "a whole float": 2.0,
    "NaN": math.nan,
    "a text": "1",
    "a bool": True,
    "a Decimal": Decimal(1),
    "negative": -1,
    "beyond 64 bits": 2**63,
    "4,300 digits": 10**4_300,
}
NUMBERS = [pair for pair in taking(Role.WHOLE) if pair[0] != "sim.settle"]
PAST = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE_ONLY = [pair for pair in taking(Role.INSTANT) if pair[1] not in ("at", "since", "until")]


@pytest.mark.parametrize(("call", "name"), taking(Role.INSTANT))
def test_an_instant_without_a_zone_is_refused(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, NO_INSTANTS, InvalidTime) == {}


@pytest.mark.parametrize(("call", "name"), FUTURE_ONLY)
def test_an_end_that_is_over_already_is_refused(home: Scene, call: str, name: str) -> None:
    with refused(home, InvalidInput):
        make(home, call, **{name: PAST})


@pytest.mark.parametrize(("call", "name"), taking(Role.DATE))
def test_what_is_no_date_is_refused(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, NO_DATES, InvalidTime) == {}


@pytest.mark.parametrize(("call", "name"), NUMBERS)
def test_what_is_no_whole_number_is_refused(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, NO_NUMBERS, InvalidInput) == {}


@pytest.mark.parametrize("limit", [0, 201])
@pytest.mark.parametrize(
    "call", [call for call, name in NUMBERS if name == "limit" and not call.startswith("run_pending")]
)
def test_a_page_has_one_to_two_hundred_rows(home: Scene, call: str, limit: int) -> None:
    with refused(home, InvalidInput):
        make(home, call, limit=limit)


@pytest.mark.parametrize("call", ["invoices.issue", "invoices.draft", "invoices.update", "schedules.create"])
def test_a_term_of_a_thousand_years_is_refused(home: Scene, call: str) -> None:
    with refused(home, InvalidInput):
        make(home, call, due_in_days=365_000)


@pytest.mark.parametrize(("call", "name"), [pair for pair in taking(Role.FLAG) if pair[0] != "run_pending"])
def test_what_is_neither_true_nor_false_is_refused(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, {"a text": "no", "a number": 1, "None": None}, InvalidInput) == {}
