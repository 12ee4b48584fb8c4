"""Recurring invoices: occurrences from an anchor, catch-up after downtime (spec 4.7)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import count
from typing import ClassVar

from invoicepay.domain.entity import Entity
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.lines import Line
from invoicepay.errors import InvalidInput

LONGEST_PERIOD = 120
"""Most days, weeks, months or years between two occurrences."""
LATEST_START = date(2500, 1, 1)


class ScheduleStatus(StrEnum):
    """States of a schedule."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class ScheduleCommand(StrEnum):
    """What moves a schedule."""

    CREATE = "create"
    RUN = "run"
    COMPLETE = "complete"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


S, C = ScheduleStatus, ScheduleCommand
SCHEDULE: Lifecycle[ScheduleStatus, ScheduleCommand] = Lifecycle(
    "schedule",
    {
        (None, C.CREATE): S.ACTIVE,
        (S.ACTIVE, C.RUN): S.ACTIVE,
        (S.ACTIVE, C.COMPLETE): S.COMPLETED,
        (S.ACTIVE, C.PAUSE): S.PAUSED,
        (S.ACTIVE, C.CANCEL): S.CANCELLED,
        (S.PAUSED, C.RESUME): S.ACTIVE,
        (S.PAUSED, C.CANCEL): S.CANCELLED,
    },
)
"""A schedule's states (spec 4.7)."""


class Interval(StrEnum):
    """Unit of a schedule's period."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class CatchUp(StrEnum):
    """Which missed occurrences are issued after a pause or downtime.

    An occurrence is missed when its date is over. `all` issues each, `latest` only the last one that is due,
    `skip` none: only what falls on today.
    """

    ALL = "all"
    LATEST = "latest"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """A period: every `count` days, weeks, months or years from the anchor.

    Attributes:
        on_day: of a month, 31 means its last; without it the day of the start.

    Examples:
        >>> every = Every.month(day=31)
        >>> [str(every.nth_date(date(2026, 1, 31), n)) for n in range(4)]
        ['2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30']
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # what is not known is refused (S-32)

    interval: Interval
    count: int = 1
    on_day: int | None = None

    def __post_init__(self) -> None:
        if type(self.count) is not int or not 1 <= self.count <= LONGEST_PERIOD:
            raise InvalidInput(f"a period counts 1 to {LONGEST_PERIOD} days, weeks, months or years")
        if self.on_day is None:
            return
        if self.interval is not Interval.MONTH or type(self.on_day) is not int or not 1 <= self.on_day <= 31:
            raise InvalidInput("a day from 1 to 31 goes with months only")

    @classmethod
    def day(cls, count: int = 1) -> Every:
        """Every day, or every `count` days."""
        return cls(interval=Interval.DAY, count=count)

    @classmethod
    def week(cls, count: int = 1) -> Every:
        """Every week, or every `count` weeks."""
        return cls(interval=Interval.WEEK, count=count)

    @classmethod
    def month(cls, count: int = 1, *, day: int | None = None) -> Every:
        """Every month, or every `count` months, on a day that is clamped to the month's end."""
        return cls(interval=Interval.MONTH, count=count, on_day=day)

    @classmethod
    def year(cls, count: int = 1) -> Every:
        """Every year, or every `count` years; 29 February falls on the 28th in other years."""
        return cls(interval=Interval.YEAR, count=count)

    def nth_date(self, start_on: date, n: int) -> date:
        """The date of occurrence n, from the anchor and never from the date before it (spec 4.7)."""
        steps = n * self.count
        if self.interval is Interval.DAY:
            return start_on + timedelta(days=steps)
        if self.interval is Interval.WEEK:
            return start_on + timedelta(weeks=steps)
        if self.interval is Interval.YEAR:
            return _clamped(start_on.year * 12 + start_on.month - 1 + 12 * steps, start_on.day)
        return self._month(start_on, steps)

    def _month(self, start_on: date, steps: int) -> date:
        day = self.on_day or start_on.day
        month = start_on.year * 12 + start_on.month - 1
        waits = _clamped(month, day) < start_on
        return _clamped(month + waits + steps, day)


def _clamped(month: int, day: int) -> date:
    """A day of a month counted from year 0, or the month's last."""
    year, zero_based = divmod(month, 12)
    return date(year, zero_based + 1, min(day, monthrange(year, zero_based + 1)[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One date of a schedule; `n` counts from 0 and names it for good."""

    n: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Entity):
    """Issues an invoice for each occurrence n, due at `anchor + n × every`, each once (unique schedule, n).

    Attributes:
        next_n: number of the next occurrence; the first is 0.
        next_on: its local date.
        issued: invoices made so far.
        ends_on, max_count: no occurrence after that date, and none with a number from `max_count` on.
        timezone: occurrences fall on local dates of this zone.
        failure: why the library paused it; empty when somebody else did.
    """

    KIND: ClassVar[str] = "schedule"

    enterprise_id: str
    customer_id: str
    asset: str
    lines: tuple[Line, ...]
    every: Every
    start_on: date
    timezone: str
    status: ScheduleStatus = ScheduleStatus.ACTIVE
    catch_up: CatchUp = CatchUp.ALL
    due_in_days: int = 0
    next_n: int = 0
    next_on: date
    issued: int = 0
    ends_on: date | None = None
    max_count: int | None = None
    series: str = "A"
    note: str = ""
    failure: str = ""


def occurrence(schedule: Schedule, n: int) -> Occurrence | None:
    """Occurrence n, or None when the schedule ends before it."""
    if schedule.max_count is not None and n >= schedule.max_count:
        return None
    on = schedule.every.nth_date(schedule.start_on, n)
    return None if schedule.ends_on is not None and on > schedule.ends_on else Occurrence(n=n, on=on)


def due(schedule: Schedule, today: date) -> tuple[Occurrence, ...]:
    """What an active schedule must issue by a local date, in order; `catch_up` says what of the missed."""
    if schedule.status is not S.ACTIVE:
        return ()
    waiting = tuple(_until(schedule, today))
    if schedule.catch_up is CatchUp.LATEST:
        return waiting[-1:]
    if schedule.catch_up is CatchUp.SKIP:
        return tuple(one for one in waiting if one.on == today)
    return waiting


def _until(schedule: Schedule, today: date) -> Iterator[Occurrence]:
    for n in count(schedule.next_n):
        one = occurrence(schedule, n)
        if one is None or one.on > today:
            return
        yield one


def after_issuing(schedule: Schedule, issued: Occurrence) -> Schedule:
    """The schedule once an occurrence has its invoice; what lay before it is not made up for any more."""
    return _moved(replace(schedule, issued=schedule.issued + 1), issued.n + 1)


def after_skipping(schedule: Schedule, today: date) -> Schedule:
    """The schedule without the occurrences whose date is over."""
    missed = sum(1 for one in _until(schedule, today) if one.on < today)
    return _moved(schedule, schedule.next_n + missed)


def _moved(schedule: Schedule, n: int) -> Schedule:
    following = occurrence(schedule, n)
    if following is None:
        return replace(schedule, status=SCHEDULE.after(schedule.status, C.COMPLETE), next_n=n)
    status = SCHEDULE.after(schedule.status, C.RUN)
    return replace(schedule, status=status, next_n=n, next_on=following.on)
