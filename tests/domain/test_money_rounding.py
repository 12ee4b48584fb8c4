"""Money in parts: splitting, rounding and the guards of a command's amount."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.domain.money import (
    MAX_MICROS,
    Money,
    document_amount,
    multiply,
    percentage,
    positive,
    pro_rata,
    scale_of,
)
from invoicepay.errors import (
    AmountNotPositive,
    AmountOutOfRange,
    AmountPrecision,
    FloatAmount,
    InvalidInput,
)

ASSETS = st.sampled_from(["USD", "JPY", "BHD", "CLF", "USD.tempo"])
MODEST = st.builds(Money.from_micros, st.integers(-(10**12), 10**12), ASSETS)


def usd(text: str) -> Money:
    return Money(text, "USD")


# splitting


def test_a_hundred_over_three_gives_the_rest_to_the_first() -> None:
    assert usd("100").split(3) == (usd("33.34"), usd("33.33"), usd("33.33"))


def test_an_amount_finer_than_the_document_splits_at_micros() -> None:
    assert [part.micros for part in usd("0.000005").split(3)] == [2, 2, 1]


@given(MODEST, st.integers(1, 200))
def test_splitting_loses_nothing_and_parts_differ_by_one_unit_at_most(money: Money, parts: int) -> None:
    unit = 10 ** (6 - scale_of(money.asset))
    step = 1 if money.micros % unit else unit

    shares = [part.micros for part in money.split(parts)]

    assert len(shares) == parts
    assert sum(shares) == money.micros
    assert max(shares) - min(shares) in (0, step)
    assert all(share % step == 0 for share in shares)
    assert sorted(shares, key=abs, reverse=True) == shares


@given(MODEST, st.integers(1, 50))
def test_splitting_a_refund_mirrors_splitting_its_charge(money: Money, parts: int) -> None:
    assert (-money).split(parts) == tuple(-part for part in money.split(parts))


@pytest.mark.parametrize("parts", [0, -1, 10**9, True, 2.0, "2", None])
def test_only_a_sensible_number_of_parts_is_accepted(parts: Any) -> None:
    with pytest.raises(InvalidInput):
        usd("1").split(parts)


# rounding


@pytest.mark.parametrize(
    ("price", "quantity", "result"),
    [
        ("0.333333 USD", "3", "1.00 USD"),
        ("1.00 USD", "0.125", "0.13 USD"),
        ("1.00 USD", "0.124999", "0.12 USD"),
        ("75.63 USD", "1", "75.63 USD"),
        ("1.5 JPY", "1", "2 JPY"),
        ("0.0005 BHD", "1", "0.001 BHD"),
        ("10.00 USD", "1E+2", "1000.00 USD"),
        ("10.00 USD", "0", "0.00 USD"),
    ],
)
def test_price_times_quantity_rounds_half_up_at_the_document(price: str, quantity: str, result: str) -> None:
    assert str(multiply(Money.of(price), Decimal(quantity))) == result


def test_nineteen_percent_of_the_specification_example() -> None:
    assert percentage(usd("75.63"), Decimal("0.19")) == usd("14.37")


@given(MODEST, st.decimals(-1000, 1000, places=4))
def test_rounding_mirrors_the_sign_and_is_off_by_half_a_unit_at_most(money: Money, quantity: Decimal) -> None:
    rounded = multiply(money, quantity)
    exact = money.micros * int(quantity.scaleb(4))
    unit = 10 ** (6 - scale_of(money.asset))

    assert multiply(-money, quantity) == -rounded
    assert rounded.micros % unit == 0
    assert abs(rounded.micros * 10**4 - exact) * 2 <= unit * 10**4


@given(MODEST, st.decimals(0, 1, places=6))
def test_percentages_mirror_the_sign_and_never_exceed_the_amount_by_a_unit(
    money: Money, rate: Decimal
) -> None:
    assert percentage(-money, rate) == -percentage(money, rate)
    assert abs(percentage(money, rate).micros) <= abs(money.micros) + 10 ** (6 - scale_of(money.asset))


@pytest.mark.parametrize("rate", ["19", "-0.1", "1.000001"])
def test_a_rate_is_a_fraction(rate: str) -> None:
    with pytest.raises(InvalidInput, match=r"0\.19 is 19 %"):
        percentage(usd("1"), Decimal(rate))


@pytest.mark.parametrize(
    "factor", ["NaN", "Infinity", "1E+999999", "1E-999999", "1E+13", "0." + "0" * 12 + "1", "1" * 30]
)
def test_hostile_factors_are_refused(factor: str) -> None:
    for rounding in (multiply, percentage):
        with pytest.raises(InvalidInput):
            rounding(usd("1"), Decimal(factor))


@pytest.mark.parametrize("factor", [0.19, float("nan")])
def test_float_factors_are_refused(factor: Any) -> None:
    with pytest.raises(FloatAmount):
        multiply(usd("1"), factor)


@given(st.integers(1, 10**10), st.integers(0, 10**10), st.lists(st.integers(0, 10**10), max_size=5))
def test_crediting_in_steps_returns_exactly_the_invoiced_tax(net: int, tax: int, cuts: list[int]) -> None:
    whole = Money.from_micros((net + tax) * 10_000, "USD")
    tax_amount = Money.from_micros(tax * 10_000, "USD")
    steps = [*sorted(min(cut * 10_000, whole.micros) for cut in cuts), whole.micros]

    credited, returned = Money.zero("USD"), Money.zero("USD")
    for step in steps:
        credited = Money.from_micros(step, "USD")
        returned = returned + (pro_rata(tax_amount, credited, whole) - returned)

    assert returned == tax_amount


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        pro_rata(usd("1"), usd("0"), usd("0"))


# guards


def test_the_amount_of_a_command_is_above_zero_and_bounded() -> None:
    assert positive(usd("0.01")) == usd("0.01")
    for money in (usd("0"), -usd("1")):
        with pytest.raises(AmountNotPositive):
            positive(money)
    with pytest.raises(AmountOutOfRange):
        positive(Money.from_micros(MAX_MICROS + 1, "USD"))


@pytest.mark.parametrize(
    ("text", "fits"), [("1.23 USD", True), ("1.234 USD", False), ("1 JPY", True), ("1.5 JPY", False)]
)
def test_documents_show_no_more_decimals_than_the_currency_has(text: str, fits: bool) -> None:
    money = Money.of(text)

    if fits:
        assert document_amount(money) == money
    else:
        with pytest.raises(AmountPrecision):
            document_amount(money)
