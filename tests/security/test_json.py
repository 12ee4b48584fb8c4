"""JSON from outside: bounded before anything is built of it, and never a float (S-06, S-08)."""

from __future__ import annotations

import json
import time
import tracemalloc
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay import InvoicePay, Money
from invoicepay.domain.money import MAX_MICROS
from invoicepay.domain.strict_json import MOST_DIGITS, MOST_KEYS, strict_json
from invoicepay.errors import WebhookSignatureInvalid

REFUSED: dict[str, bytes] = {
    "a hundred thousand brackets": b"[" * 100_000,
    "brackets that are closed": b"[" * 100_000 + b"]" * 100_000,
    "objects in objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a whole number of 21 digits": b"9" * (MOST_DIGITS + 1),
    "a whole number of 5,000 digits": b"[" + b"9" * 5_000 + b"]",
    "a negative one": b"-" + b"9" * (MOST_DIGITS + 1),
    "an exponent without measure": b"1E+1000000",
    "a tiny exponent": b"1e-999",
    "a fraction of 5,000 digits": b"0." + b"1" * 5_000,
    "NaN": b'{"amount": NaN}',
    "Infinity": b"[Infinity]",
    "minus Infinity": b"-Infinity",
    "a key twice": b'{"amount": "1.00", "amount": "2.00"}',
    "a key twice in another spelling": b'{"amount": "1.00", "\\u0061mount": "2.00"}',
    "a thousand and one keys": json.dumps({str(n): 0 for n in range(MOST_KEYS + 1)}).encode(),
    "the first half of a pair": b'{"name": "\\ud800"}',
    "the second half of a pair": b'["\\udc00x"]',
    "a half as a key": b'{"\\ud83d": 1}',
    "a mark of byte order": b'\xef\xbb\xbf{"a": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-16 without a mark": '{"a": 1}'.encode("utf-16-be"),
    "UTF-32": "{}".encode("utf-32"),
    "Latin-1": '{"a": "\xe4"}'.encode("latin-1"),
    "an overlong zero": b'"\xc0\x80"',
    "a raw control character": b'"a\x00b"',
    "a comma too many": b"[1,]",
    "another value behind": b"{}{}",
    "leading zeros": b"[007]",
    "a plus": b"[+1]",
    "hexadecimal": b"[0x10]",
    "full-width digits": "[１２]".encode(),
    "Arabic digits": "[١٢]".encode(),
    "single quotes": b"{'a': 1}",
    "nothing": b"",
}

READ: dict[bytes, Any] = {
    b'{"amount": 9007199254740993.25}': {"amount": Decimal("9007199254740993.25")},
    b"[0.1, -2.50, 1e2]": [Decimal("0.1"), Decimal("-2.50"), Decimal("1E+2")],
    b"[18446744073709551615, -9223372036854775808]": [2**64 - 1, -(2**63)],
    b'["\\ud83d\\ude00", "\\\\ud800", "\xf0\x9f\x98\x80"]': ["😀", "\\ud800", "😀"],
    b'{"name": "\\ud83d\\ude00", "rate": 0.5}': {"name": "😀", "rate": Decimal("0.5")},
    b"-" + b"9" * MOST_DIGITS: -(10**MOST_DIGITS - 1),
    b"0." + b"1" * 20 + b"e-99": Decimal("0." + "1" * 20 + "e-99"),
    json.dumps({str(n): n for n in range(MOST_KEYS)}).encode(): {str(n): n for n in range(MOST_KEYS)},
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_body_is_refused_and_costs_nothing(name: str) -> None:
    started = time.perf_counter()

    with pytest.raises(ValueError, match=r"^this is no JSON$"):
        strict_json(REFUSED[name])

    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize("body", READ, ids=range(len(READ)))
def test_numbers_and_texts_are_read_exactly(body: bytes) -> None:
    assert strict_json(body) == READ[body]


@given(st.integers(0, MAX_MICROS), st.sampled_from(["USD", "EUR.my_bank-2", "JPY"]))
def test_an_amount_survives_json_to_the_micro(micros: int, asset: str) -> None:
    money = Money.from_micros(micros, asset)
    told = {"text": str(money), "micros": money.micros}

    read = strict_json(json.dumps(told).encode())

    assert (Money.of(read["text"]), Money.from_micros(read["micros"], asset)) == (money, money)


@pytest.mark.parametrize("first", [b"[", b'{"a": "', b" ", b"\xff"], ids=range(4))
@pytest.mark.parametrize("size", [256 * 1024 + 1, 10 * 1024 * 1024])
def test_a_body_above_the_cap_is_refused_before_anything_is_built_of_it(first: bytes, size: int) -> None:
    body = first * (size // len(first))
    with InvoicePay() as pay:
        tracemalloc.start()
        try:
            refused = [_is_refused(pay, provider, body) for provider in ("rails", "tokens")]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert refused == [True, True]
    assert peak < 20 * 1024 * 1024


def _is_refused(pay: InvoicePay, provider: str, body: bytes) -> bool:
    """Without pytest.raises: whoever looks into what that catches builds texts of the body."""
    try:
        pay.webhooks.receive(provider, headers={"x-signature": "t=1,v1=0"}, body=body)
    except WebhookSignatureInvalid:
        return True
    return False
