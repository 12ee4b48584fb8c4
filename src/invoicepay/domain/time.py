"""Instants and dates: aware UTC inside, one text form outside."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from invoicepay.errors import InvalidTime

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_INSTANT_LENGTH = 32
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def aware(instant: datetime, field: str = "the instant") -> datetime:
    """The same instant in UTC (spec 1.3, S-34).

    Raises:
        InvalidTime: the datetime is naive, or no datetime at all.
    """
    if not isinstance(instant, datetime):
        raise InvalidTime(f"{field} is a datetime, not {type(instant).__name__}", field=field)
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise InvalidTime(f"{field} has no time zone", field=field)
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise InvalidTime(f"{field} is outside the calendar", field=field) from error


def iso(instant: datetime) -> str:
    """UTC with microseconds and Z, so that text order is time order: 2026-01-31T09:00:00.000000Z."""
    if instant.tzinfo is not UTC:
        instant = aware(instant)
    return f"{instant.isoformat(timespec='microseconds')[:26]}Z"


def from_iso(text: str, field: str = "the instant") -> datetime:
    """Read an RFC 3339 instant with its offset.

    Raises:
        InvalidTime: the text has another form, or names no offset.
    """
    if not isinstance(text, str) or len(text) > _INSTANT_LENGTH or not _INSTANT.fullmatch(text):
        raise InvalidTime(f"{field} is written like 2026-01-31T09:00:00Z", field=field)
    try:
        return aware(datetime.fromisoformat(text), field)
    except ValueError as error:
        raise InvalidTime(f"{field} is not in the calendar", field=field) from error


def plain_date(day: date, field: str = "the date") -> date:
    """A calendar date.

    Raises:
        InvalidTime: it is something else, for example an instant.
    """
    if not isinstance(day, date) or isinstance(day, datetime):
        raise InvalidTime(f"{field} is a date, not {type(day).__name__}", field=field)
    return day


def date_from(text: str, field: str = "the date") -> date:
    """Read an ISO date: 2026-01-31.

    Raises:
        InvalidTime: the text has another form or names no day.
    """
    if not isinstance(text, str) or len(text) != len("2026-01-31") or not _DATE.fullmatch(text):
        raise InvalidTime(f"{field} is written like 2026-01-31", field=field)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidTime(f"{field} is not in the calendar", field=field) from error


def zone(name: str, field: str = "the time zone") -> ZoneInfo:
    """The time zone of an IANA name: "Europe/Berlin".

    Raises:
        InvalidTime: no such zone is known here.
    """
    # What is raised inside repeats the name, which errors do not (S-17).
    with suppress(ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        return ZoneInfo(name)
    raise InvalidTime(f"{field} is an IANA name such as Europe/Berlin", field=field)


def local_date(instant: datetime, timezone: str) -> date:
    """The calendar date of an instant in a zone: what a due date is compared with (spec 1.3)."""
    return aware(instant).astimezone(zone(timezone)).date()
