"""What a status means for an order and for a question, and what `Retry-After` asks for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from invoicepay.adapters.http import Answer, judge, retry_after_seconds
from invoicepay.errors import ProviderError, ProviderUnavailable, ProviderUnknown


def answer(status: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, b"", provider="acme", operation="transfer")


def verdict(status: int, *, is_order: bool) -> type[ProviderError] | None:
    try:
        judge(answer(status), is_order=is_order)
    except ProviderError as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("statuses", "order", "question"),
    [
        ((200, 201, 202, 204), None, None),
        ((400, 404, 409, 410, 422), None, None),
        ((401, 403, 429), ProviderUnavailable, ProviderUnavailable),
        ((100, 101, 301, 302, 303, 307, 308, 408), ProviderUnknown, ProviderUnavailable),
        ((500, 501, 502, 503, 504, 520, 599), ProviderUnknown, ProviderUnavailable),
        ((0, 600, 999), ProviderUnknown, ProviderUnavailable),
    ],
)
def test_a_status_means_the_same_everywhere(
    statuses: tuple[int, ...], order: type[ProviderError] | None, question: type[ProviderError] | None
) -> None:
    found = {(verdict(each, is_order=True), verdict(each, is_order=False)) for each in statuses}

    assert found == {(order, question)}


def test_the_error_names_provider_operation_status_pause_and_request() -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        judge(answer(429, retry_after="30", x_request_id="r-1"), is_order=True)

    assert caught.value.message == "acme answered 429 to transfer"
    assert caught.value.details == {
        "status": 429,
        "operation": "transfer",
        "request_id": "r-1",
        "retry_after_seconds": 30,
    }


def test_refused_credentials_are_told_in_words() -> None:
    with pytest.raises(ProviderUnavailable, match="acme refused our credentials for transfer"):
        judge(answer(401), is_order=False)


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 5 ", 5),
        ("99999999999", 999_999),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
        ("x" * 10_000, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(asked: str, seconds: int | None) -> None:
    assert retry_after_seconds(answer(503, retry_after=asked), now=NOON) == seconds


def test_a_date_is_compared_with_the_clock_of_the_provider() -> None:
    both = answer(503, retry_after="Sun, 01 Mar 2026 12:00:30 GMT", date="Sun, 01 Mar 2026 12:00:10 GMT")

    assert retry_after_seconds(both) == 20
    assert retry_after_seconds(answer(503, retry_after="Sun, 01 Mar 2026 12:00:30 GMT")) is None
