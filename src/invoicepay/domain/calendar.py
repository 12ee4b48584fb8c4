"""Banking days of the Federal Reserve: weekends and eleven holidays by rule, no table to keep up to date."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6
BANK_ZONE = "America/New_York"
OPENING = time(8, 30)
"""When the banks settle what was sent the day before, in `BANK_ZONE`."""
UNAUTHORISED_RETURN_DAYS = 60

_FIXED = ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))
_FLOATING = (
    (1, MONDAY, 3),
    (2, MONDAY, 3),
    (5, MONDAY, -1),
    (9, MONDAY, 1),
    (10, MONDAY, 2),
    (11, THURSDAY, 4),
)


@lru_cache(maxsize=128)
def holidays(year: int) -> frozenset[date]:
    """The days of a year on which the Federal Reserve is closed besides weekends.

    A holiday on a Sunday closes the Monday after it; one on a Saturday does not close the Friday before.
    """
    fixed = (date(year, month, day) for month, day in _FIXED)
    observed = (day + timedelta(days=1) if day.weekday() == SUNDAY else day for day in fixed)
    floating = (_nth(year, month, weekday, n) for month, weekday, n in _FLOATING)
    return frozenset((*observed, *floating))


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th such weekday of a month; -1 is the last."""
    if n < 0:
        following = date(year, month + 1, 1)
        return following - timedelta(days=(following.weekday() - weekday - 1) % 7 + 1)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def is_banking_day(day: date) -> bool:
    """Whether the banks settle on that day."""
    return day.weekday() < SATURDAY and day not in holidays(day.year)


def banking_days_after(day: date, count: int) -> date:
    """The `count`-th banking day after a day; the day itself for 0."""
    while count:
        day += timedelta(days=1)
        count -= is_banking_day(day)
    return day


def bank_date(instant: datetime) -> date:
    """The day that an instant is to the banks."""
    return instant.astimezone(ZoneInfo(BANK_ZONE)).date()


def opening_after(instant: datetime, count: int) -> datetime:
    """Opening of the `count`-th banking day after an instant, in UTC; the instant itself for 0.

    Rails that settle around the clock use 0 and ignore the calendar.
    """
    if not count:
        return instant
    day = banking_days_after(bank_date(instant), count)
    return datetime.combine(day, OPENING, ZoneInfo(BANK_ZONE)).astimezone(UTC)


def settlement_after(instant: datetime, count: int, cut_off: time | None = None) -> datetime:
    """When the banks settle what is sent now: `count` banking days on, at opening.

    What comes after the cut-off, in `BANK_ZONE`, or on no banking day counts as sent on the next one. With
    neither days nor a cut-off the rail settles around the clock: the instant itself.
    """
    if not count and cut_off is None:
        return instant
    local = instant.astimezone(ZoneInfo(BANK_ZONE))
    is_today = is_banking_day(local.date()) and (cut_off is None or local.time() <= cut_off)
    if is_today and not count:
        return instant
    day = banking_days_after(local.date(), count if is_today else count + 1)
    return datetime.combine(day, OPENING, ZoneInfo(BANK_ZONE)).astimezone(UTC)


def extended_return_deadline(settled_on: date) -> date:
    """Last day on which a bank may send back a debit that its customer calls unauthorised."""
    return banking_days_after(settled_on + timedelta(days=UNAUTHORISED_RETURN_DAYS), 1)
