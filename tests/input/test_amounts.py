"""Amounts that are none, in every call that takes one: refused before anything is looked up (S-04, S-05)."""

from __future__ import annotations

import math
from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest

from invoicepay import Money
from invoicepay.errors import (
    AmountNotPositive,
    AmountOutOfRange,
    AmountPrecision,
    FloatAmount,
    InvalidAmount,
    InvalidInput,
    UnknownAsset,
)
from tests.input.calls import Role, make, taking
from tests.input.refusals import refused, slips
from tests.input.scene import CHAIN, Scene

AMOUNTS = taking(Role.AMOUNT)

NO_AMOUNTS: dict[str, Any] = {
    "a bool": True,
    "an int without a unit": 12,
    "bytes": b"12.00 USD",
    "a dict": {"amount": "12.00", "asset": "USD"},
    "a list": ["12.00", "USD"],
    "a Decimal without an asset": Decimal("12.50"),
    "a Decimal NaN": Decimal("NaN"),
    "no asset": "12.50",
    "nothing": "",
    "NaN": "NaN USD",
    "Infinity": "Infinity USD",
    "minus Infinity": "-Infinity USD",
    "negative": "-5.00 USD",
    "a plus sign": "+5.00 USD",
    "an exponent": "1e3 USD",
    "a huge exponent": "1E+999999 USD",
    "a tiny exponent": "1E-999999 USD",
    "an underscore": "1_000.00 USD",
    "full-width digits": "１２.００ USD",
    "Arabic digits": "١٢.00 USD",
    "a comma": "12,00 USD",
    "hexadecimal": "0x10 USD",
    "leading zeros": "007.00 USD",
    "no whole part": ".50 USD",
    "no decimals after the point": "5. USD",
    "4,300 digits": f"{'9' * 4_300} USD",
    "a million digits": f"{'9' * 1_000_000}.00 USD",
    "sub-micro": "0.0000001 USD",
    "a NUL": "1\x00.00 USD",
    "a lone surrogate": "\ud800 USD",
}

NO_ASSETS: dict[str, Any] = {
    "an unknown currency": "12.00 XXQ",
    "a lower-case currency": "12.00 usd",
    "a currency of the future": "12.00 BITCOIN",
    "an upper-case network": "12.00 USD.TEMPO",
    "an empty network": "12.00 USD.",
    "a direction override": "12.00 USD\u202e",
    "a space before": " 12.00 USD",
    "a space after": "12.00 USD ",
    "two spaces": "12.00  USD",
    "a line end": "12.00 USD\n",
}
FLOATS = {repr(number): number for number in (12.5, 1e300, math.nan, math.inf, -math.inf, 0.0)}
NOT_POSITIVE = {
    "zero": "0.00 USD",
    "zero without decimals": "0 USD",
    "zero as Money": Money.zero("USD"),
    "negative Money": Money.from_micros(-10_000, "USD"),
}
OTHERS = {"the other currency": "1.00 EUR", "another asset of the currency": f"1.00 {CHAIN}"}

SIGNED = ("reserves.reconcile",)
"""What a bank says its balance is may be anything, also less than nothing."""
OPTIONAL_FEE = ("deposits.record", "processor_fee")
POSITIVE = [pair for pair in AMOUNTS if pair[0] not in (*SIGNED, "sim.settle")]

FINE = ("transfers.receive_from_outside", *SIGNED, "sim.settle")
"""What others moved is a fact, however fine."""

OF_ANY_ASSET = (
    "deposits.initiate",
    "deposits.record",
    "reserves.top_up",
    "reserves.sweep_fees",
    "reserves.record_interest",
    "reserves.take_interest",
    "reserves.record_unmatched",
    "invoices.receive",
    "credits.grant",
    "requests.split",
    "transfers.send",
    "transfers.send_outside",
    "transfers.receive_from_outside",
    "withdrawals.initiate",
    "holds.place",
    "sim.settle",
)
"""Calls whose amount itself names the asset; the others are bound to the asset of a thing."""


@pytest.mark.parametrize(("call", "name"), AMOUNTS)
def test_what_is_no_amount_is_refused(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, NO_AMOUNTS, InvalidAmount) == {}


@pytest.mark.parametrize(("call", "name"), AMOUNTS)
def test_a_float_is_refused_with_the_right_spelling(home: Scene, call: str, name: str) -> None:
    assert '"12.50 USD"' in FloatAmount.hint
    assert slips(home, call, name, FLOATS, FloatAmount) == {}


@pytest.mark.parametrize(("call", "name"), AMOUNTS)
def test_an_asset_that_nobody_knows_is_refused(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, NO_ASSETS, UnknownAsset, InvalidAmount) == {}


@pytest.mark.parametrize(("call", "name"), [pair for pair in POSITIVE if pair != OPTIONAL_FEE])
def test_nothing_and_less_are_refused(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, NOT_POSITIVE, AmountNotPositive) == {}


def test_a_negative_fee_is_refused(home: Scene) -> None:
    with refused(home, AmountNotPositive):
        make(home, "deposits.record", processor_fee=Money.from_micros(-1_000_000, "USD"))


@pytest.mark.parametrize(("call", "name"), [pair for pair in AMOUNTS if pair[0] not in FINE])
def test_a_part_of_a_cent_is_refused(home: Scene, call: str, name: str) -> None:
    with refused(home, AmountPrecision):
        make(home, call, **{name: "0.501 USD"})


@pytest.mark.parametrize(("call", "name"), AMOUNTS)
def test_more_than_the_books_can_hold_is_refused(home: Scene, call: str, name: str) -> None:
    with refused(home, AmountOutOfRange):
        make(home, call, **{name: "9000000000.01 USD"})


@pytest.mark.parametrize(("call", "name"), [pair for pair in AMOUNTS if pair[0] not in OF_ANY_ASSET])
def test_another_asset_than_the_things_is_refused(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, OTHERS, InvalidInput) == {}


@pytest.mark.parametrize("call", [call for call in OF_ANY_ASSET if call != "sim.settle"])
def test_an_asset_that_the_programme_does_not_have_is_refused(home: Scene, call: str) -> None:
    with refused(home, UnknownAsset):
        make(home, call, amount="1.00 USD.nowhere")


def test_a_hostile_amount_costs_no_time(home: Scene) -> None:
    """The quickest of ten attempts counts, so that a busy machine does not."""
    for form in ("a huge exponent", "4,300 digits", "a million digits"):
        spent = list[float]()
        for _ in range(10):
            started = perf_counter()
            with pytest.raises(InvalidAmount):
                home.pay.deposits.initiate("ann", NO_AMOUNTS[form])
            spent.append(perf_counter() - started)

        assert min(spent) < 0.01, form


@pytest.mark.parametrize(("call", "name"), AMOUNTS)
def test_sqlite_is_not_written_either(sqlite_home: Scene, call: str, name: str) -> None:
    assert slips(sqlite_home, call, name, NO_AMOUNTS | FLOATS, InvalidAmount) == {}
