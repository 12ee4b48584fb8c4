"""Schedules: dates from the anchor, and which of them are due."""

from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.domain.lines import Line
from invoicepay.domain.schedules import (
    SCHEDULE,
    CatchUp,
    Every,
    Interval,
    Schedule,
    ScheduleCommand,
    ScheduleStatus,
    after_issuing,
    after_skipping,
    due,
    occurrence,
)
from invoicepay.domain.time import local_date
from invoicepay.errors import InvalidInput, InvalidTransition

JANUARY = date(2026, 1, 31)


def a_schedule(every: Every | None = None, **facts: Any) -> Schedule:
    every = every or Every.month(day=31)
    start_on = facts.setdefault("start_on", JANUARY)
    return Schedule(
        **{
            "id": "sch_1",
            "enterprise_id": "acme",
            "customer_id": "ann",
            "asset": "USD",
            "lines": (Line.of("Pro plan", "29.00 USD"),),
            "every": every,
            "timezone": "UTC",
            "next_on": every.nth_date(start_on, 0),
            **facts,
        }
    )


def dates(every: Every, start_on: date, count: int) -> list[str]:
    return [str(every.nth_date(start_on, n)) for n in range(count)]


@pytest.mark.parametrize(
    ("state", "command"),
    [pair for pair in product([None, *ScheduleStatus], ScheduleCommand) if pair not in SCHEDULE.table],
    ids=str,
)
def test_every_transition_not_in_the_table_is_refused(
    state: ScheduleStatus | None, command: ScheduleCommand
) -> None:
    with pytest.raises(InvalidTransition):
        SCHEDULE.after(state, command)


class TestDates:
    def test_month_ends_are_clamped_from_the_anchor_and_come_back(self) -> None:
        assert dates(Every.month(day=31), JANUARY, 5) == [
            "2026-01-31",
            "2026-02-28",
            "2026-03-31",
            "2026-04-30",
            "2026-05-31",
        ]

    def test_a_leap_february_has_29_days(self) -> None:
        assert dates(Every.month(), date(2028, 1, 31), 2) == ["2028-01-31", "2028-02-29"]

    def test_without_a_day_the_starts_day_counts(self) -> None:
        assert dates(Every.month(), date(2026, 1, 30), 3) == ["2026-01-30", "2026-02-28", "2026-03-30"]

    def test_a_day_that_is_over_waits_for_the_next_month(self) -> None:
        assert dates(Every.month(3, day=15), JANUARY, 2) == ["2026-02-15", "2026-05-15"]

    def test_weeks_days_and_years_count_on(self) -> None:
        assert dates(Every.week(2), JANUARY, 2) == ["2026-01-31", "2026-02-14"]
        assert dates(Every.day(30), JANUARY, 2) == ["2026-01-31", "2026-03-02"]
        assert dates(Every.year(), date(2024, 2, 29), 5) == [
            "2024-02-29",
            "2025-02-28",
            "2026-02-28",
            "2027-02-28",
            "2028-02-29",
        ]

    @given(
        st.dates(date(2000, 1, 1), date(2100, 1, 1)),
        st.integers(1, 24),
        st.one_of(st.none(), st.integers(1, 31)),
        st.integers(0, 60),
    )
    def test_no_date_lies_before_the_start_and_each_is_later_than_the_last(
        self, start_on: date, count: int, day: int | None, n: int
    ) -> None:
        every = Every.month(count, day=day)

        assert every.nth_date(start_on, n) >= start_on
        assert every.nth_date(start_on, n + 1) > every.nth_date(start_on, n)

    @pytest.mark.parametrize("count", [0, -1, 121, 1.5])
    def test_a_period_counts_a_bounded_whole_number(self, count: Any) -> None:
        with pytest.raises(InvalidInput):
            Every.day(count)

    @pytest.mark.parametrize("day", [0, 32, 1.5])
    def test_a_month_has_days_1_to_31(self, day: Any) -> None:
        with pytest.raises(InvalidInput):
            Every.month(day=day)

    def test_a_day_goes_with_months_only(self) -> None:
        with pytest.raises(InvalidInput):
            Every(interval=Interval.WEEK, on_day=3)


class TestWhatIsDue:
    APRIL = date(2026, 4, 30)

    def ns(self, schedule: Schedule, today: date) -> list[int]:
        return [one.n for one in due(schedule, today)]

    def test_nothing_is_due_before_the_date(self) -> None:
        assert self.ns(a_schedule(), date(2026, 1, 30)) == []

    def test_everything_missed_is_made_up_for(self) -> None:
        assert self.ns(a_schedule(), self.APRIL) == [0, 1, 2, 3]

    def test_latest_makes_up_for_the_last_only(self) -> None:
        assert self.ns(a_schedule(catch_up=CatchUp.LATEST), self.APRIL) == [3]

    def test_skip_issues_what_falls_on_today_only(self) -> None:
        schedule = a_schedule(catch_up=CatchUp.SKIP)

        assert (self.ns(schedule, self.APRIL), self.ns(schedule, date(2026, 5, 1))) == ([3], [])

    @pytest.mark.parametrize(
        "status", [ScheduleStatus.PAUSED, ScheduleStatus.COMPLETED, ScheduleStatus.CANCELLED]
    )
    def test_only_an_active_schedule_issues(self, status: ScheduleStatus) -> None:
        assert self.ns(a_schedule(status=status), self.APRIL) == []

    def test_a_schedule_ends_on_its_last_date_or_after_so_many(self) -> None:
        assert self.ns(a_schedule(ends_on=date(2026, 3, 31)), self.APRIL) == [0, 1, 2]
        assert self.ns(a_schedule(max_count=2), self.APRIL) == [0, 1]

    def test_the_zone_decides_which_date_it_is(self) -> None:
        evening = datetime(2026, 1, 30, 23, 30, tzinfo=UTC)

        assert self.ns(a_schedule(), local_date(evening, "Europe/Berlin")) == [0]
        assert self.ns(a_schedule(), local_date(evening, "America/New_York")) == []


class TestMovingOn:
    def test_the_next_date_follows_what_was_issued(self) -> None:
        schedule = a_schedule()
        (first,) = due(schedule, JANUARY)

        after = after_issuing(schedule, first)

        assert (after.next_n, str(after.next_on), after.issued) == (1, "2026-02-28", 1)

    def test_what_lies_before_the_latest_is_not_made_up_for_any_more(self) -> None:
        schedule = a_schedule(catch_up=CatchUp.LATEST)
        (last,) = due(schedule, date(2026, 4, 30))

        assert after_issuing(schedule, last).next_n == 4

    def test_the_last_occurrence_completes_the_schedule(self) -> None:
        schedule = a_schedule(max_count=1)
        (only,) = due(schedule, JANUARY)

        after = after_issuing(schedule, only)

        assert after.status is ScheduleStatus.COMPLETED
        assert occurrence(after, after.next_n) is None

    def test_skipping_stops_before_today(self) -> None:
        after = after_skipping(a_schedule(catch_up=CatchUp.SKIP), date(2026, 3, 31))

        assert (after.next_n, str(after.next_on), after.issued) == (2, "2026-03-31", 0)

    def test_skipping_past_the_end_completes_the_schedule(self) -> None:
        after = after_skipping(a_schedule(catch_up=CatchUp.SKIP, max_count=2), date(2026, 3, 31))

        assert after.status is ScheduleStatus.COMPLETED
