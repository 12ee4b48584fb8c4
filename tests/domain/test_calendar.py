"""The banking calendar: holidays by rule, weekends, deadlines."""

from datetime import UTC, date, datetime

import pytest

from invoicepay.domain.calendar import (
    bank_date,
    banking_days_after,
    extended_return_deadline,
    holidays,
    is_banking_day,
    opening_after,
)


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2026, 7, 3), True),  # 4 July 2026 is a Saturday: the Friday before stays open
        (date(2027, 6, 18), True),
        (date(2027, 12, 24), True),
        (date(2027, 7, 5), False),  # 4 July 2027 is a Sunday: the Monday after is closed
        (date(2026, 7, 4), False),
        (date(2026, 11, 26), False),
        (date(2026, 5, 25), False),
        (date(2026, 1, 1), False),
        (date(2026, 11, 11), False),
        (date(2026, 7, 12), False),
    ],
)
def test_a_day_is_a_banking_day_or_not(day: date, is_open: bool) -> None:
    assert is_banking_day(day) is is_open


@pytest.mark.parametrize(
    ("settled", "second"),
    [
        (date(2026, 7, 1), date(2026, 7, 3)),
        (date(2026, 7, 2), date(2026, 7, 6)),
        (date(2026, 11, 25), date(2026, 11, 30)),
        (date(2026, 12, 31), date(2027, 1, 5)),
    ],
)
def test_the_second_banking_day_skips_weekends_and_holidays(settled: date, second: date) -> None:
    assert banking_days_after(settled, 2) == second


def test_every_year_has_eleven_holidays_none_of_them_on_a_sunday() -> None:
    for year in range(2020, 2100):
        days = holidays(year)

        assert len(days) == 11
        assert not any(day.weekday() == 6 for day in days)


def test_the_holidays_of_2026_are_those_the_federal_reserve_lists() -> None:
    assert sorted(day.strftime("%m-%d") for day in holidays(2026)) == [
        "01-01", "01-19", "02-16", "05-25", "06-19", "07-04", "09-07", "10-12", "11-11", "11-26", "12-25",
    ]  # fmt: skip


def test_an_unauthorised_debit_can_come_back_until_the_banking_day_after_sixty_days() -> None:
    assert extended_return_deadline(date(2026, 7, 2)) == date(2026, 9, 1)


def test_no_days_means_at_once_even_on_a_sunday() -> None:
    sunday = datetime(2026, 7, 12, 15, tzinfo=UTC)

    assert opening_after(sunday, 0) == sunday


def test_finality_is_reached_when_the_banks_open_in_new_york() -> None:
    assert opening_after(datetime(2026, 7, 1, 15, tzinfo=UTC), 2) == datetime(2026, 7, 3, 12, 30, tzinfo=UTC)
    assert opening_after(datetime(2026, 12, 1, 15, tzinfo=UTC), 1) == datetime(
        2026, 12, 2, 13, 30, tzinfo=UTC
    )


def test_an_instant_after_midnight_utc_is_still_the_day_before_to_the_banks() -> None:
    assert bank_date(datetime(2026, 7, 2, 3, tzinfo=UTC)) == date(2026, 7, 1)
