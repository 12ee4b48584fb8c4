"""When an outcome without an answer is told of, and that nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from invoicepay.domain.alarms import RAISED_AFTER, alarm_at
from invoicepay.domain.effects import Alarm

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_a_warning_comes_after_fifteen_minutes_and_a_page_after_four_hours() -> None:
    assert dict(RAISED_AFTER) == {Alarm.WARNING: timedelta(minutes=15), Alarm.PAGE: timedelta(hours=4)}


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), Alarm.NONE),
        (timedelta(minutes=15, microseconds=-1), Alarm.NONE),
        (timedelta(minutes=15), Alarm.WARNING),
        (timedelta(hours=4, microseconds=-1), Alarm.WARNING),
        (timedelta(hours=4), Alarm.PAGE),
        (timedelta(days=9), Alarm.PAGE),
    ],
)
def test_the_loudest_alarm_that_is_due_counts(age: timedelta, expected: Alarm) -> None:
    assert alarm_at(NOON, NOON + age) is expected
