"""What a refusal of a line says and carries, and where exactly each bound lies (S-04, S-05)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from invoicepay.domain.lines import DESCRIPTION_LENGTH, MAX_LINES, Line, checked, tax_groups, totals
from invoicepay.domain.money import MAX_MICROS, Money
from invoicepay.domain.sums import summed
from invoicepay.errors import InvoicePayError
from tests.support.invoices import usd

MOST = Money.from_micros(MAX_MICROS, "USD")
CENT = usd("0.01")
UNIT_PRICE = "the unit_price of a line is not negative; a negative quantity takes off"
QUANTITY = "the quantity of a line is a Decimal other than zero"
RATE = "the tax_rate of a line is a fraction between 0 and 1: 0.19 is 19 %"
CATEGORY = "the tax_category of a line is a code of 1 to 10 capitals and digits"
MODERATE = "quantity or tax rate: a quantity or rate is a finite Decimal of moderate size"
PLAIN_RATE = 'the tax_rate of a line is a plain number such as "2.5"'
DECIMALS = "quantity or tax rate: a quantity or rate has at most 12 decimals"
ADVICE: dict[str, object] = {"description": "Advice"}


def built(**facts: Any) -> Callable[[], object]:
    """A line that a host made itself, checked."""
    return lambda: checked(Line(**{"description": "Advice", "unit_price": usd("10.00"), **facts}))


def of(**values: Any) -> Callable[[], object]:
    return lambda: Line.of(**{"description": "Advice", "price": "10.00 USD", **values})


def field(name: str) -> dict[str, object]:
    return {"field": name}


REFUSALS: list[tuple[Callable[[], object], str, dict[str, object]]] = [
    (built(unit_price=-CENT), UNIT_PRICE, field("unit_price")),
    (built(quantity=Decimal(0)), QUANTITY, field("quantity")),
    (built(quantity=Decimal("-0.0")), QUANTITY, field("quantity")),
    (built(quantity=Decimal("NaN")), QUANTITY, field("quantity")),
    (built(quantity=Decimal("sNaN")), QUANTITY, field("quantity")),
    (built(quantity=Decimal("Infinity")), QUANTITY, field("quantity")),
    (built(quantity=1), QUANTITY, field("quantity")),
    (built(quantity=Decimal("1E+13")), MODERATE, ADVICE),
    (built(quantity=Decimal("1E-13")), MODERATE, ADVICE),
    (built(quantity=Decimal("1.0000000000001")), DECIMALS, ADVICE),
    (built(tax_rate=Decimal("1.000001")), RATE, field("tax_rate")),
    (built(tax_rate=Decimal("-0.000001")), RATE, field("tax_rate")),
    (built(tax_rate=Decimal("NaN")), RATE, field("tax_rate")),
    (built(tax_rate=0), RATE, field("tax_rate")),
    (built(tax_rate=Decimal("1E-13")), MODERATE, ADVICE),
    (built(tax_category="ABCDEFGHIJK"), CATEGORY, field("tax_category")),
    (built(tax_category="9S"), CATEGORY, field("tax_category")),
    (built(tax_category="S\n"), CATEGORY, field("tax_category")),
    (built(tax_category=b"S"), CATEGORY, field("tax_category")),
    (built(unit_price=MOST, quantity=Decimal(1_100_000)), "the line comes to more than the books hold", {}),
    (built(description=""), "the description of a line says what is charged", field("description")),
    (built(description=" "), "the description of a line says what is charged", field("description")),
    (of(quantity=1.5), 'the quantity of a line is written as text: "1.5", not as a float', field("quantity")),
    (of(tax_rate=0.1), 'the tax_rate of a line is written as text: "0.1", not as a float', field("tax_rate")),
    (of(quantity=True), "the quantity of a line is text, int or Decimal, not bool", field("quantity")),
    (of(tax_rate=None), "the tax_rate of a line is text, int or Decimal, not NoneType", field("tax_rate")),
    (of(quantity="1e3"), 'the quantity of a line is a plain number such as "2.5"', field("quantity")),
    (of(quantity="1" * 13), 'the quantity of a line is a plain number such as "2.5"', field("quantity")),
    (of(tax_rate="19%"), PLAIN_RATE, field("tax_rate")),
    (of(tax_rate="0." + "1" * 13), PLAIN_RATE, field("tax_rate")),
]  # fmt: skip


@pytest.mark.parametrize(("made", "message", "details"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_refusal_of_a_line_names_the_field_and_the_rule(
    made: Callable[[], object], message: str, details: dict[str, object]
) -> None:
    with pytest.raises(InvoicePayError) as refused:
        made()

    error = refused.value
    assert (error.code, error.message, error.details) == ("invalid_line", message, details)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("x" * (DESCRIPTION_LENGTH + 1), f"at most {DESCRIPTION_LENGTH}"), (5, "text"), ("a\nb", "control")],
    ids=range(3),
)
def test_a_hostile_description_is_refused_by_name(text: Any, reason: str) -> None:
    with pytest.raises(InvoicePayError, match=f"description.*{reason}") as refused:
        Line.of(text, "1.00 USD")

    assert (refused.value.code, refused.value.details) == ("invalid_line", {"field": "description"})


def test_a_line_of_a_description_and_a_price_is_one_piece_at_the_standard_category_without_tax() -> None:
    assert Line.of("Advice", "10.00 USD") == Line(
        description="Advice",
        unit_price=usd("10.00"),
        quantity=Decimal(1),
        tax_rate=Decimal(0),
        tax_category="S",
    )


@pytest.mark.parametrize(
    "facts",
    [
        {"unit_price": Money.zero("USD")},
        {"quantity": Decimal(-1)},
        {"quantity": Decimal("1E-12")},
        {"quantity": Decimal("1E+12"), "unit_price": Money.from_micros(1, "USD")},
        {"tax_rate": Decimal(1)},
        {"tax_rate": Decimal("1E-12")},
        {"tax_category": "A"},
        {"tax_category": "ABC_DE-F90"},
        {"description": "x" * DESCRIPTION_LENGTH},
        {"unit_price": MOST},
    ],
    ids=range(10),
)
def test_each_bound_of_a_line_is_still_inside(facts: dict[str, Any]) -> None:
    line = Line(**{"description": "Advice", "unit_price": usd("10.00"), **facts})

    assert checked(line) is line


@pytest.mark.parametrize("text", ["9" * 12, "-" + "9" * 12, "1." + "1" * 12, "007", 7, Decimal("0.5")])
def test_a_quantity_is_read_from_what_is_plain(text: Any) -> None:
    assert Line.of("Part", "0.01 JPY.a", quantity=text).quantity == Decimal(text)


def test_a_checked_line_has_its_text_in_stored_form_and_the_rest_as_it_was() -> None:
    line = Line(
        description=" Cafe\u0301 ", unit_price=usd("2.00"), quantity=Decimal(3), tax_rate=Decimal("0.07")
    )

    stored = checked(line)

    assert stored == Line.of("Café", "2.00 USD", quantity=3, tax_rate="0.07")


def lines(*prices: str, rate: str = "0", **values: Any) -> list[Line]:
    return [Line.of("Part", price, tax_rate=rate, **values) for price in prices]


TAKEN_OFF = [Line.of("Part", "1.00 USD"), Line.of("Off", "2.00 USD", quantity=-1)]
UNTAXED = [Line.of("Part", "5.00 USD"), Line.of("Off", "1.00 USD", quantity=-1, tax_rate="0.20")]
NO_SUM = "the lines take off more than they charge"
NO_LINES = f"an invoice has 1 to {MAX_LINES} lines"
HIGH = "amount_out_of_range"

REFUSED_TOTALS: list[tuple[list[Line], str, str, dict[str, object]]] = [
    ([], "invalid_line", NO_LINES, {"lines": 0}),
    (lines("0.01 USD") * (MAX_LINES + 1), "invalid_line", NO_LINES, {"lines": MAX_LINES + 1}),
    (TAKEN_OFF, "invalid_line", NO_SUM, {"net": "-1.00 USD", "tax": "0.00 USD"}),
    (UNTAXED, "invalid_line", NO_SUM, {"net": "4.00 USD", "tax": "-0.20 USD"}),
    (lines("9000000000 USD", "0.01 USD"), HIGH, "", {"total": "9000000000.01 USD"}),
    (lines("9000000000 USD", rate="0.5"), HIGH, "", {"total": "13500000000.00 USD"}),
    (lines("1.00 USD", "1.00 JPY"), "currency_mismatch", "", {"assets": ["USD", "JPY"]}),
    (lines("1.00 USD", "1.00 USD", "1.00 EUR"), "currency_mismatch", "", {"assets": ["USD", "EUR"]}),
]


@pytest.mark.parametrize(
    ("several", "code", "message", "details"), REFUSED_TOTALS, ids=range(len(REFUSED_TOTALS))
)
def test_a_refusal_of_totals_says_what_the_lines_came_to(
    several: list[Line], code: str, message: str, details: dict[str, object]
) -> None:
    with pytest.raises(InvoicePayError) as refused:
        totals(several)

    error = refused.value
    assert (error.code, error.message) == (code, message or error.title())
    assert error.details == details


def test_each_bound_of_totals_is_still_inside() -> None:
    assert totals(lines("0.01 USD") * MAX_LINES).total == usd("10.00")
    assert totals([Line.of("Part", "1.00 USD"), Line.of("Off", "1.00 USD", quantity=-1)]).total == usd("0")
    assert totals(lines("4500000000 USD", rate="1")).total == MOST
    assert totals(lines("9000000000 USD")).total == MOST


def test_equal_rates_written_differently_are_one_group() -> None:
    (group,) = tax_groups([*lines("1.00 USD", rate="0.190"), *lines("2.00 USD", rate="0.19")])

    assert (group.category, group.rate, group.net, group.tax) == (
        "S",
        Decimal("0.19"),
        usd("3.00"),
        usd("0.57"),
    )


@pytest.mark.parametrize(
    ("amounts", "sums"),
    [
        ([], {}),
        ([("a", 1)], {"a": 1}),
        ([("a", 1), ("b", 10), ("a", 2), ("a", -7)], {"a": -4, "b": 10}),
        ([("a", 5), ("a", -5)], {"a": 0}),
    ],
)
def test_sums_are_kept_apart_by_key(amounts: list[tuple[str, int]], sums: dict[str, int]) -> None:
    assert summed(amounts) == sums
