"""What a refusal of an amount says and carries, and where exactly each bound lies (S-04, S-05)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from invoicepay.domain.money import (
    COLUMN_MAX,
    MAX_MICROS,
    MAX_PARTS,
    Money,
    document_amount,
    money_from,
    multiply,
    percentage,
    positive,
    pro_rata,
    total,
)
from invoicepay.errors import InvoicePayError

TEN, YEN = Money.of("10.00 USD"), Money.of("10 JPY")
MOST, MICRO, NOTHING = (Money.from_micros(n, "USD") for n in (MAX_MICROS, 1, 0))
JSON_FORM = 'money is written {"amount": "12.30", "asset": "USD"}, the amount as text'
TOGETHER = "USD and JPY were used together"
ASSETS: dict[str, object] = {"assets": ["USD", "JPY"]}
PARTS = f"an amount is split into 1 to {MAX_PARTS} parts"
HIGH, LOW = "the sum does not fit the books", "the amount must be greater than zero, not 0.00 USD"
PRECISE, SHARE = "0.000001 USD has more than 2 decimals", "a rate is a fraction between 0 and 1: 0.19 is 19 %"
A_MICRO: dict[str, object] = {"amount": "0.000001 USD", "decimals": 2}
MODERATE = "a quantity or rate is a finite Decimal of moderate size"
DECIMALS = "a quantity or rate has at most 12 decimals"

REFUSALS: list[tuple[Callable[[], object], str, str, dict[str, object]]] = [
    (lambda: Money.parse(YEN, asset="USD"), "currency_mismatch", "expected USD, not JPY", ASSETS),
    (lambda: TEN + YEN, "currency_mismatch", TOGETHER, ASSETS),
    (lambda: TEN < YEN, "currency_mismatch", TOGETHER, ASSETS),
    (lambda: total([YEN], "USD"), "currency_mismatch", TOGETHER, ASSETS),
    (lambda: Money.restored(5, "USD"), "invalid_amount", "an amount is text or Decimal, not int", {}),  # type: ignore[arg-type]
    (lambda: Money.of(None), "invalid_amount", "an amount is text or Decimal, not NoneType", {}),  # type: ignore[arg-type]
    (lambda: Money.of([]), "invalid_amount", "an amount is text or Decimal, not list", {}),  # type: ignore[arg-type]
    (lambda: TEN.split(0), "invalid_input", PARTS, {}),
    (lambda: TEN.split(MAX_PARTS + 1), "invalid_input", PARTS, {}),
    (lambda: Money.from_micros(COLUMN_MAX, "USD") + MICRO, "amount_out_of_range", HIGH, {}),
    (lambda: positive(NOTHING), "amount_not_positive", LOW, {"amount": "0.00 USD"}),
    (lambda: positive(MOST + MICRO), "amount_out_of_range", "", {"amount": "9000000000.000001 USD"}),
    (lambda: document_amount(MICRO), "amount_precision", PRECISE, A_MICRO),
    (lambda: percentage(TEN, Decimal("1.01")), "invalid_input", SHARE, {}),
    (lambda: pro_rata(TEN, TEN, NOTHING), "invalid_input", "nothing has no parts", {}),
    (lambda: multiply(TEN, 1.5), "float_amount", 'write Decimal("1.5"), not a float', {}),  # type: ignore[arg-type]
    (lambda: multiply(TEN, Decimal("NaN")), "invalid_amount", MODERATE, {}),
    (lambda: multiply(TEN, Decimal("1e13")), "invalid_amount", MODERATE, {}),
    (lambda: multiply(TEN, Decimal("1e-13")), "invalid_amount", MODERATE, {}),
    (lambda: multiply(TEN, Decimal("1.0000000000001")), "invalid_amount", DECIMALS, {}),
    (lambda: multiply(TEN, Decimal("1234567890123.000000000000")), "invalid_amount", DECIMALS, {}),
    (lambda: money_from({"amount": 5, "asset": "USD"}), "malformed_data", JSON_FORM, {}),
    (lambda: money_from({"amount": "5"}), "malformed_data", JSON_FORM, {}),
    (lambda: Money.of("1" * 58), "invalid_amount", "the amount is too long", {}),
]  # fmt: skip


@pytest.mark.parametrize(("made", "code", "message", "details"), REFUSALS)
def test_a_refusal_says_what_was_wrong_and_with_what(
    made: Callable[[], object], code: str, message: str, details: dict[str, object]
) -> None:
    with pytest.raises(InvoicePayError) as refused:
        made()

    error = refused.value
    assert (error.code, error.details) == (code, details)
    assert error.message == (message or error.title())


@pytest.mark.parametrize(
    ("number", "spelled"),
    [(150, "150"), (Decimal("1.50"), "1.50"), (10**40, "12.50"), (Decimal(10) ** 40, "12.50")],
)
def test_a_bare_number_is_spelled_with_an_asset_where_it_is_short(number: Any, spelled: str) -> None:
    with pytest.raises(InvoicePayError) as refused:
        Money.of(number)

    assert f'write the amount as text, "{spelled} USD"' in refused.value.message


def test_an_amount_that_cannot_be_repeated_is_called_the_amount() -> None:
    with pytest.raises(InvoicePayError) as refused:
        Money.of("DE89370400440532013000")

    assert refused.value.message == 'the amount names no asset: write the amount as "12.50 USD"'


def test_each_bound_is_still_inside() -> None:
    assert positive(MICRO) == MICRO
    assert positive(MOST) == MOST
    assert len(Money.of("0.05 USD").split(MAX_PARTS)) == MAX_PARTS
    longest = f"9000000000.000000 USD.{'a' * 32}"
    assert Money.of(longest).micros == MAX_MICROS
    assert multiply(MICRO, Decimal("1e12")).micros == 10**12
    assert multiply(TEN, Decimal("1e-12")) == NOTHING
    assert multiply(TEN, Decimal("1.000000000001")) == TEN
    assert multiply(MICRO, Decimal("123456789012.000000000000")).micros == 123_456_790_000
    assert multiply(TEN, Decimal("1e1")) == Money.of("100.00 USD")


def test_the_longest_text_is_as_long_as_an_amount_and_an_asset_can_be() -> None:
    longest = "9" * 20 + " " + "USD." + "a" * 32
    with pytest.raises(InvoicePayError, match="plain decimal number"):
        Money.of(longest)
    with pytest.raises(InvoicePayError, match="the amount is too long"):
        Money.of(longest + "a")


def test_parts_and_shares_keep_the_sign() -> None:
    assert [str(part) for part in (-TEN).split(3)] == ["-3.34 USD", "-3.33 USD", "-3.33 USD"]
    assert NOTHING.split(2) == (NOTHING, NOTHING)
    assert pro_rata(TEN, Money.of("1.00 USD"), Money.of("4.00 USD")) == Money.of("2.50 USD")
    assert pro_rata(TEN, -Money.of("1.00 USD"), -Money.of("4.00 USD")) == Money.of("2.50 USD")
    assert pro_rata(TEN, Money.of("1.00 USD"), -Money.of("4.00 USD")) == -Money.of("2.50 USD")


def test_money_is_compared_with_money_alone() -> None:
    for compare in ("__lt__", "__le__", "__gt__", "__ge__"):
        assert getattr(TEN, compare)(10) is NotImplemented
    assert hash(TEN) == hash(Money.of("10 USD")) != hash(Money.of("11 USD"))


def test_money_is_frozen_in_words() -> None:
    with pytest.raises(AttributeError, match="Money is frozen: cannot delete micros"):
        del TEN.micros
    with pytest.raises(AttributeError, match="Money is frozen: cannot set micros"):
        TEN.micros = 5


def test_the_json_schema_says_how_money_is_written_and_what_else_is_read() -> None:
    written = {
        "type": "object",
        "title": "Money",
        "properties": {
            "amount": {"type": "string", "examples": ["12.30"]},
            "asset": {
                "type": "string",
                "pattern": "^[A-Z]{3}(?:\\.[a-z][a-z0-9_-]{0,31})?$",
                "examples": ["USD"],
            },
        },
        "required": ["amount", "asset"],
        "additionalProperties": False,
    }
    adapter = TypeAdapter(Money)

    assert adapter.json_schema(mode="serialization") == written
    assert adapter.json_schema(mode="validation") == {
        "anyOf": [written, {"type": "string", "examples": ["12.30 USD"]}],
        "title": "Money",
    }


def test_pydantic_reads_and_writes_what_json_carries_and_tells_the_code_of_a_refusal() -> None:
    adapter = TypeAdapter(Money)

    assert adapter.validate_json('{"amount": "12.30", "asset": "USD"}') == Money.of("12.30 USD")
    assert adapter.dump_json(TEN) == b'{"amount":"10.00","asset":"USD"}'
    assert adapter.dump_python(TEN) is TEN
    with pytest.raises(ValueError, match="plain decimal") as refused:
        adapter.validate_python("x USD")
    (told,) = refused.value.errors()  # type: ignore[attr-defined]
    assert told["type"] == "invalid_amount"
    assert told["msg"] == "'x' is not a plain decimal number of at most 6 decimals"
    assert told["ctx"] == {"reason": told["msg"]}
