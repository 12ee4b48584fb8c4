"""Instants and dates: aware UTC or refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.domain.time import aware, date_from, from_iso, iso, plain_date
from invoicepay.errors import InvalidTime, InvoicePayError

BERLIN = timezone(timedelta(hours=1))
INSTANTS = st.datetimes(timezones=st.just(UTC))


def test_an_aware_instant_becomes_utc() -> None:
    instant = aware(datetime(2026, 1, 31, 10, tzinfo=BERLIN))

    assert instant.tzinfo is UTC
    assert instant == datetime(2026, 1, 31, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 1, 31, tzinfo=UTC).replace(tzinfo=None),
        date(2026, 1, 31),
        "2026-01-31T09:00:00Z",
        None,
        datetime.min.replace(tzinfo=BERLIN),
    ],
)
def test_naive_and_other_instants_are_refused(instant: Any) -> None:
    with pytest.raises(InvalidTime):
        aware(instant)


def test_instants_are_written_with_microseconds_and_z() -> None:
    assert iso(datetime(2026, 1, 31, 10, tzinfo=BERLIN)) == "2026-01-31T09:00:00.000000Z"


@given(INSTANTS)
def test_an_instant_is_read_back_exactly(instant: datetime) -> None:
    assert from_iso(iso(instant)) == instant


@given(INSTANTS, INSTANTS)
def test_text_order_is_time_order(one: datetime, two: datetime) -> None:
    assert (iso(one) < iso(two)) == (one < two)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T09:00:00",
        "2026-01-31",
        "2026-02-30T09:00:00Z",
        "2026-01-31T25:00:00Z",
        "2026-01-31 09:00:00Z",
        "2026-01-31T09:00:00.0000000Z",
        "2026-01-31T09:00:00z",
        "２026-01-31T09:00:00Z",
        "2026-01-31T09:00:00Z\n",
        "0001-01-01T00:00:00+23:59",
        "2" * 10**6,
        None,
    ],
    ids=lambda text: repr(text)[:12],
)
def test_other_spellings_of_an_instant_are_refused(text: Any) -> None:
    with pytest.raises(InvalidTime):
        from_iso(text)


def test_dates_are_read_from_iso_text() -> None:
    assert date_from("2028-02-29") == date(2028, 2, 29)
    assert plain_date(date(2028, 2, 29)) == date(2028, 2, 29)


@pytest.mark.parametrize(
    "text", ["2026-02-29", "20260228", "2026-W01-1", "2026-1-01", "２026-01-01", "", None]
)
def test_other_spellings_of_a_date_are_refused(text: Any) -> None:
    with pytest.raises(InvalidTime):
        date_from(text)


def test_an_instant_is_no_date() -> None:
    with pytest.raises(InvalidTime):
        plain_date(datetime(2026, 1, 31, tzinfo=UTC))


@given(st.text(max_size=40))
def test_no_text_makes_reading_an_instant_fail_in_another_way(text: str) -> None:
    for read in (from_iso, date_from):
        try:
            read(text)
        except InvoicePayError:
            continue
