"""Requests and answers as values: strict JSON, and reprs and errors that show nothing."""

from __future__ import annotations

import time
import traceback
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from invoicepay.adapters.http import Answer, Redactor, Request
from invoicepay.adapters.http.messages import header_map

CANARY = "canary-6f3a"


def read(body: bytes) -> Any:
    return Answer(200, {}, body).json()


def test_fractions_are_decimals_and_integers_are_whole() -> None:
    value = read(b'{"a": 9007199254740993.25, "b": 12345678901234567890, "c": "x"}')

    assert value == {"a": Decimal("9007199254740993.25"), "b": 12345678901234567890, "c": "x"}
    assert type(value["a"]) is Decimal


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a": 1',
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": ' + b"9" * 5_000 + b"}",
        b"[" * 200_000,
        '{"a": 1}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"\xff\xfe",
    ],
    ids=range(11),
)
def test_what_is_no_plain_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match="this is no JSON"):
        read(body)


def test_the_error_of_an_answer_that_is_no_json_holds_nothing_of_it() -> None:
    answer = Answer(200, {}, f'{{"token": "{CANARY}", '.encode())

    with pytest.raises(ValueError, match="no JSON") as caught:
        answer.json()

    error = caught.value
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert error.__context__ is None
    assert CANARY not in told


def test_reprs_show_nothing_of_what_is_sent_or_received() -> None:
    request = Request(
        "POST",
        f"/accounts/{CANARY}",
        operation="transfer",
        query={"account": CANARY},
        headers={"X-Api-Key": SecretStr(CANARY), "Authorization": CANARY},
        json={"pan": CANARY},
        content=CANARY.encode(),
    )
    answer = Answer(200, {"set-cookie": CANARY}, CANARY.encode())

    assert [repr(request), repr(answer)] == ["<Request POST transfer>", "<Answer 200, 11 bytes>"]
    assert str([request, answer]).count(CANARY) == 0


def test_headers_are_found_whatever_their_case() -> None:
    found = header_map([("X-Request-ID", "r"), ("A", "1"), ("a", "2")])

    assert dict(found) == {"x-request-id": "r", "a": "1, 2"}
    assert Answer(200, found, b"").request_id == "r"


def test_a_redactor_takes_out_every_secret_it_was_told() -> None:
    redactor = Redactor([SecretStr(CANARY), b"as-bytes-1", "as-text-1", "abc"])
    redactor.learn("learned-later")

    scrubbed = redactor.scrub(f"{CANARY} as-bytes-1 as-text-1 learned-later abc")

    assert scrubbed == "[redacted] [redacted] [redacted] [redacted] abc"
    assert repr(redactor) == "<Redactor of 4 secrets>"


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "000123456789",
        "12345678",
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "NO9386011117947",
    ],
)
def test_a_redactor_takes_out_account_and_card_numbers_that_nobody_told_it(number: str) -> None:
    assert Redactor().scrub(f"account {number}, refused") == "account [redacted], refused"


@pytest.mark.parametrize(
    "text", ["order 4711 of 2026-03-01", "R02 at 12:30", "12.50 USD", "on 2026 03 01", "tx 0x12ab34cd56"]
)
def test_a_redactor_leaves_other_words(text: str) -> None:
    assert Redactor().scrub(text) == text


@pytest.mark.parametrize("text", ["1" * 100_000, "1 " * 50_000, "AB12 " * 20_000, "A" * 100_000])
def test_a_redactor_is_quick_with_anything(text: str) -> None:
    redactor = Redactor([CANARY])
    started = time.process_time()

    redactor.scrub(text)

    assert time.process_time() - started < 0.05
