"""Lines, policies, periods, statements and deliveries that are none, or hold nonsense (S-08, S-32)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from invoicepay import Every, Line, Money, Policy
from invoicepay.domain.credit_notes import CreditedLine
from invoicepay.domain.reconciliation import StatementLine
from invoicepay.errors import InvalidInput, WebhookSignatureInvalid
from tests.input.calls import make
from tests.input.refusals import refused, slips
from tests.input.scene import CHAIN, Scene
from tests.input.test_amounts import FLOATS, NO_AMOUNTS, NO_ASSETS
from tests.input.test_texts import NO_TEXTS

WITH_LINES = ("invoices.issue", "invoices.draft", "invoices.update", "schedules.create")
GOOD = Line.of("Goods", "10.00 USD")
STATEMENT_LINE = StatementLine(ref="x", amount=Money.of("1.00 USD"), booked_on=date(2026, 1, 5))

NO_LINES: dict[str, Any] = {
    "none": [],
    "a text": "Goods",
    "a number": 12,
    "a mapping": {"Goods": "10.00 USD"},
    "a generator": iter([GOOD]),
    "a list of numbers": [1],
    "a list of texts": ["Goods"],
    "a pair too long": [("Goods", "10.00 USD", 2)],
    "a description alone": [("Goods",)],
    "an empty description": [("", "10.00 USD")],
    "two assets": [("Goods", "10.00 USD"), ("Goods", "10.00 EUR")],
    "two assets of a currency": [("Goods", "10.00 USD"), ("Goods", f"10.00 {CHAIN}")],
    "an asset that the programme does not have": [("Goods", "10.00 USD.nowhere")],
    "more taken off than charged": [Line.of("Off", "10.00 USD", quantity=-1)],
    "1,001 lines": [("Goods", "1.00 USD")] * 1_001,
    "more than the books can hold": [Line.of("Goods", "9000000000.00 USD", quantity=2)],
    "a quantity of zero": [replace(GOOD, quantity=Decimal(0))],
    "a quantity that is a float": [replace(GOOD, quantity=1.5)],  # type: ignore[arg-type]
    "a quantity that is NaN": [replace(GOOD, quantity=Decimal("NaN"))],
    "a huge exponent": [replace(GOOD, quantity=Decimal("1E+999999"))],
    "a tax above all": [replace(GOOD, tax_rate=Decimal(2))],
    "a tax below nothing": [replace(GOOD, tax_rate=Decimal("-0.1"))],
    "a tax that is a float": [replace(GOOD, tax_rate=0.19)],  # type: ignore[arg-type]
    "a price that is a text": [replace(GOOD, unit_price="10.00 USD")],  # type: ignore[arg-type]
    "a price below nothing": [replace(GOOD, unit_price=Money.from_micros(-1, "USD"))],
    "a hostile category": [replace(GOOD, tax_category="S\x00")],
}


@pytest.mark.parametrize("call", WITH_LINES)
def test_lines_that_are_none_are_refused(home: Scene, call: str) -> None:
    assert slips(home, call, "lines", NO_LINES, InvalidInput) == {}


@pytest.mark.parametrize("call", WITH_LINES)
def test_a_price_that_is_no_amount_is_refused(home: Scene, call: str) -> None:
    prices = NO_AMOUNTS | NO_ASSETS | FLOATS
    lines = {form: [("Goods", price)] for form, price in prices.items()}

    assert slips(home, call, "lines", lines, InvalidInput) == {}


@pytest.mark.parametrize("call", WITH_LINES)
def test_a_hostile_description_is_refused(home: Scene, call: str) -> None:
    pairs = {form: [(text, "1.00 USD")] for form, text in NO_TEXTS.items()}
    lines = {f"{form}, in a Line": [replace(GOOD, description=text)] for form, text in NO_TEXTS.items()}

    assert slips(home, call, "lines", pairs | lines, InvalidInput) == {}


@pytest.mark.parametrize("call", ["parties.register", "parties.set_policy"])
def test_a_policy_that_is_none_is_refused(home: Scene, call: str) -> None:
    none = {"a text": "lenient", "a dict": {"overpay": "credit"}, "a number": 1, "another thing": GOOD}

    assert slips(home, call, "policy", none, InvalidInput) == {}


@pytest.mark.parametrize(
    "terms",
    [
        {"overpay": "perhaps"},
        {"partial": 1},
        {"min_partial_micros": -1},
        {"min_partial_micros": 1.5},
        {"fee_bps": 10_001},
        {"tolerance_bps": True},
    ],
)
def test_a_policy_cannot_hold_nonsense(terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Policy(**terms)


def test_a_period_that_is_none_is_refused(home: Scene) -> None:
    none = {"a text": "month", "a number": 30, "None": None, "a dict": {"count": 1}}

    assert slips(home, "schedules.create", "every", none, InvalidInput) == {}


@pytest.mark.parametrize("terms", [{"count": 0}, {"count": 10**9}, {"count": 1.5}, {"day": 32}, {"day": 0}])
def test_a_period_cannot_hold_nonsense(terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Every.month(**terms)


def test_a_statement_that_is_none_is_refused(home: Scene) -> None:
    none = {
        "a text": "statement.csv",
        "a number": 1,
        "None": None,
        "a list of texts": ["x"],
        "another asset": [replace(STATEMENT_LINE, amount=Money.of("1.00 EUR"))],
        "an amount that is a text": [replace(STATEMENT_LINE, amount="1.00 USD")],  # type: ignore[arg-type]
        "an instant": [replace(STATEMENT_LINE, booked_on=datetime(2026, 1, 5, tzinfo=UTC))],
        "a hostile reference": [replace(STATEMENT_LINE, ref="x\x00")],
    }

    assert slips(home, "reserves.reconcile", "statement", none, InvalidInput) == {}


@pytest.mark.parametrize(
    "lines",
    [
        "1",
        1,
        [1],
        ["1"],
        [CreditedLine(position=0, quantity=Decimal(1))],
        [CreditedLine(position=2, quantity=Decimal(1))],
        [CreditedLine(position=True, quantity=Decimal(1))],
        [CreditedLine(position=1, quantity=Decimal(0))],
        [CreditedLine(position=1, quantity=Decimal(-1))],
        [CreditedLine(position=1, quantity=Decimal("NaN"))],
        [CreditedLine(position=1, quantity=0.5)],  # type: ignore[arg-type]
    ],
    ids=repr,
)
def test_credited_lines_that_are_none_are_refused(home: Scene, lines: Any) -> None:
    with refused(home, InvalidInput):
        make(home, "invoices.credit_note", lines=lines)


def test_an_amount_and_lines_at_once_are_refused(home: Scene) -> None:
    lines = [CreditedLine(position=1, quantity=Decimal(1))]

    with refused(home, InvalidInput):
        make(home, "invoices.credit_note", lines=lines, amount="10.00 USD")


DELIVERIES: dict[str, tuple[Any, Any]] = {
    "nothing": ({}, b""),
    "unsigned": ({}, b"{}"),
    "deep": ({"webhook-id": "x"}, b"[" * 100_000),
    "a huge id": ({"webhook-id": "x" * 1_000_000}, b"{}"),
    "a number as value": ({"webhook-id": 1}, b"{}"),
    "a number as name": ({1: "x"}, b"{}"),
    "no headers": (None, b"{}"),
    "a body of text": ({}, "{}"),
    "no body": ({}, None),
    "hostile headers": (
        {"webhook-id": "\ud800", "webhook-timestamp": "１", "webhook-signature": "v1,\x00"},
        b"\xff\xfe",
    ),
}


@pytest.mark.parametrize("provider", ["rails", "tokens"])
@pytest.mark.parametrize("form", DELIVERIES)
def test_a_delivery_that_is_none_is_answered_with_the_one_error(
    home: Scene, provider: str, form: str
) -> None:
    headers, body = DELIVERIES[form]

    with refused(home, WebhookSignatureInvalid):
        home.pay.webhooks.receive(provider, headers=headers, body=body)
