"""Recurring invoices: occurrences from an anchor, catch-up after downtime (spec 4.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.entity import Entity
from invoicepay.domain.lines import Line


class ScheduleStatus(StrEnum):
    """States of a schedule."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Interval(StrEnum):
    """Unit of a schedule's period."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class CatchUp(StrEnum):
    """Which missed occurrences are issued after a pause or downtime."""

    ALL = "all"
    LATEST = "latest"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """A period: every `count` days, weeks, months or years, from the anchor, clamped to month end."""

    interval: Interval
    count: int = 1
    day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Entity):
    """Issues an invoice for each occurrence n, due at `anchor + n × every`, each once (unique schedule, n).

    Attributes:
        next_n: number of the next occurrence; the first is 0.
        ends_on, max_count: no occurrence after that date, and no more than so many.
        timezone: occurrences fall on local dates of this zone.
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
    note: str = ""
