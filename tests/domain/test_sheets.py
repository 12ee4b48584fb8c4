"""CSV: what a reader gets back is what was written, and no text is a formula (S-22)."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.domain.money import Money
from invoicepay.domain.sheets import STARTS_A_FORMULA, cell, rows_csv, sheet, text_cell

FORMULAS = (
    '=HYPERLINK("http://x.test","y")',
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1,1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\0=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
)
TEXTS = (
    *FORMULAS,
    "",
    " ",
    "a,b",
    'say "hi"',
    "two\r\nlines",
    "'",
    "''",
    ";",
    "a=b",
    "\u00e9\u2713\U0001f600",
)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_back_as_it_was_or_with_a_quote_in_front(text: str) -> None:
    ((found, end),) = read(sheet([[text_cell(text), "end"]]))

    assert found == (f"'{text}" if text in FORMULAS else text)
    assert end == "end"


@given(st.lists(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=2), max_size=4))
def test_every_table_comes_back_without_a_formula(rows: list[list[str]]) -> None:
    found = read(sheet([[text_cell(text) for text in row] for row in rows]))

    assert [[text.removeprefix("'") for text in row] for row in found] == [
        [text.removeprefix("'") for text in row] for row in rows
    ]
    assert not any(text.startswith(STARTS_A_FORMULA) for row in found for text in row)


def test_every_line_ends_with_carriage_return_and_line_feed() -> None:
    assert sheet([("a", "b"), ("1", "2")]) == "a,b\r\n1,2\r\n"


class Word(StrEnum):
    MINUS = "-"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (-5, "-5"),
        (0, "0"),
        (Money.of("12.5 USD"), "12.50"),
        (-Money.of("12.5 USD"), "-12.50"),
        (Decimal("-0.19"), "-0.19"),
        (datetime(2026, 1, 5, 9, tzinfo=UTC), "2026-01-05T09:00:00.000000Z"),
        (date(2026, 1, 5), "2026-01-05"),
        (Word.MINUS, "'-"),
        ("-5", "'-5"),
        (("a", Money.of("1 USD")), '["a",{"amount":"1.00","asset":"USD"}]'),
        ({"rail": "ach"}, '{"rail":"ach"}'),
    ],
)
def test_numbers_stay_numbers_and_only_text_is_quoted(value: object, written: str) -> None:
    assert cell(value) == written


@dataclass(frozen=True)
class Row:
    id: str
    amount: Money


def test_rows_stand_below_a_header_of_their_fields_also_when_there_are_none() -> None:
    assert rows_csv(Row, []) == "id,amount\r\n"
    assert rows_csv(Row, [Row("=x", Money.of("1 USD"))]) == "id,amount\r\n'=x,1.00\r\n"
