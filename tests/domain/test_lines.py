"""Lines: friendly values in, document totals out."""

import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.domain.lines import MAX_LINES, Line, checked, tax_groups, totals
from invoicepay.domain.money import Money
from invoicepay.errors import AmountOutOfRange, CurrencyMismatch, FloatAmount, InvalidAmount, InvalidLine
from tests.support.invoices import usd


def test_a_line_is_quantity_times_price() -> None:
    line = Line.of("Hosting", "9.99 USD", quantity=3, tax_rate="0.19")

    assert (line.net, line.quantity, line.tax_rate) == (usd("29.97"), Decimal(3), Decimal("0.19"))


def test_a_unit_price_may_be_finer_than_the_document() -> None:
    line = Line.of("Request", "0.0035 USD", quantity="1500")

    assert line.net == usd("5.25")


@pytest.mark.parametrize(
    ("price", "quantity", "net"),
    [
        ("0.01 USD", "0.5", "0.01"),
        ("0.01 USD", "0.49", "0.00"),
        ("1.005 USD", 1, "1.01"),
        ("99 JPY", "1.5", "149"),
    ],
)
def test_a_net_is_rounded_half_up_at_the_decimals_of_the_currency(
    price: str, quantity: Any, net: str
) -> None:
    line = Line.of("Part", price, quantity=quantity)

    assert line.net.amount_text == net


def test_what_is_taken_off_is_rounded_like_what_is_charged() -> None:
    charged, taken_off = Line.of("Part", "1.005 USD"), Line.of("Part", "1.005 USD", quantity=-1)

    assert charged.net + taken_off.net == usd("0")


def test_e3_tax_is_taken_of_the_net_and_the_total_is_their_sum() -> None:
    sums = totals([Line.of("Advice", "75.63 USD", tax_rate="0.19")])

    assert (sums.net, sums.tax, sums.total) == (usd("75.63"), usd("14.37"), usd("90.00"))


def test_tax_is_rounded_once_for_each_rate_and_category() -> None:
    cents = [Line.of("Part", "0.03 USD", tax_rate="0.19") for _ in range(3)]
    others = [
        Line.of("Book", "10.00 USD", tax_rate="0.07"),
        Line.of("Export", "5.00 USD", tax_rate="0.19", tax_category="E"),
    ]

    groups = tax_groups([*cents, *others])

    assert [(g.category, str(g.rate), g.net, g.tax) for g in groups] == [
        ("S", "0.19", usd("0.09"), usd("0.02")),
        ("S", "0.07", usd("10.00"), usd("0.70")),
        ("E", "0.19", usd("5.00"), usd("0.95")),
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.integers(1, 500), st.sampled_from(["0", "0.07", "0.19", "1"])),
        min_size=1,
        max_size=12,
    )
)
def test_a_total_is_always_exactly_net_and_tax(parts: list[tuple[int, int, str]]) -> None:
    lines = [
        Line.of("Part", Money.from_micros(micros, "USD"), quantity=quantity, tax_rate=rate)
        for micros, quantity, rate in parts
    ]

    sums = totals(lines)

    assert sums.total == sums.net + sums.tax
    assert sums.net == sum((line.net for line in lines), Money.zero("USD"))
    assert all(amount.micros % 10_000 == 0 for amount in (sums.net, sums.tax, sums.total))


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": 1.5},
        {"quantity": 0},
        {"quantity": "0.00"},
        {"quantity": "1e3"},
        {"quantity": " 2"},
        {"quantity": "٣"},
        {"quantity": True},
        {"quantity": Decimal("NaN")},
        {"quantity": Decimal("Infinity")},
        {"quantity": Decimal("1E+30")},
        {"quantity": 10**40},
        {"tax_rate": 0.19},
        {"tax_rate": "1.01"},
        {"tax_rate": "-0.01"},
        {"tax_rate": "19%"},
        {"tax_rate": Decimal("NaN")},
        {"tax_rate": Decimal("1E-20")},
        {"tax_category": ""},
        {"tax_category": "s"},
        {"tax_category": "STANDARD-RATE"},
        {"description": ""},
        {"description": "   "},
        {"description": "Advice\u202egpj"},
        {"description": "two\nlines"},
        {"description": "x" * 501},
        {"description": 5},
    ],
    ids=itertools.count(),
)
def test_what_is_no_line_is_refused(wrong: dict[str, Any]) -> None:
    values: dict[str, Any] = {"description": "Advice", "price": "10.00 USD", **wrong}

    with pytest.raises(InvalidLine):
        Line.of(**values)


@pytest.mark.parametrize(
    ("price", "error"), [(10.0, FloatAmount), ("10.00", InvalidAmount), ("-1 USD", InvalidAmount)]
)
def test_a_price_is_an_amount(price: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Line.of("Advice", price)


def test_a_line_that_a_host_built_itself_is_checked_all_the_same() -> None:
    line = Line(description="Advice", unit_price=usd("10.00"), tax_rate=Decimal(2))

    with pytest.raises(InvalidLine) as refused:
        checked(line)

    assert refused.value.details["field"] == "tax_rate"


def test_a_description_is_kept_composed_and_trimmed() -> None:
    line = Line.of(" Cafe\u0301 ", "2.00 USD")

    assert line.description == "Café"


def test_lines_of_two_assets_do_not_add() -> None:
    with pytest.raises(CurrencyMismatch):
        totals([Line.of("One", "1.00 USD"), Line.of("Two", "1.00 EUR")])


@pytest.mark.parametrize("count", [0, MAX_LINES + 1])
def test_an_invoice_has_a_bounded_number_of_lines(count: int) -> None:
    with pytest.raises(InvalidLine):
        totals([Line.of("One", "1.00 USD")] * count)


def test_a_discount_takes_off_but_never_below_zero() -> None:
    work, discount = Line.of("Work", "10.00 USD"), Line.of("Discount", "4.00 USD", quantity=-1)

    assert totals([work, discount]).total == usd("6.00")
    with pytest.raises(InvalidLine):
        totals([work, discount, discount, discount])


def test_a_total_beyond_the_books_is_refused() -> None:
    with pytest.raises(AmountOutOfRange):
        totals([Line.of("Ship", "5000000000 USD", quantity=2)])
