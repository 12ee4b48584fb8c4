"""Errors do not repeat what they refuse, and no text forges a line of a log (S-17, S-18)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay import InvoicePay, InvoicePayError, migrate
from invoicepay.errors import InvalidInput, StoreError, quoted
from invoicepay.ports.rails import RailStatus
from tests.input.calls import Role, make, taking
from tests.input.scene import Scene, scene
from tests.security.canaries import digits_canary, text_canary
from tests.support.sql import execute

IBAN = "DE89370400440532013000"
CARD, ACCOUNT = digits_canary("a card in another field", 16), digits_canary("an account in another field", 10)
TOKEN = text_canary("token")
CANARIES = (IBAN, CARD, ACCOUNT, TOKEN)

TYPED = (Role.TEXT, Role.WORD, Role.ASSET, Role.CURSOR, Role.KEY, Role.AMOUNT, Role.THING, Role.PARTY)
"""Parameters that take text; what is no text at all is refused by its type."""

FORMS = {
    "bare": "{}",
    "with a control character": "{}\x1b[2J",
    "with a line end": "{}\n",
    "too long": "{}" + "x" * 20_000,
    "as an amount": "{} USD",
    "as an asset": "1.00 {}",
}


@pytest.fixture(scope="module")
def home() -> Iterator[Scene]:
    """Nothing succeeds here that matters to another call."""
    with scene() as made:
        yield made


def said(error: BaseException) -> Iterator[str]:
    """Everything that an error and those behind it say to whoever prints or stores them."""
    at: BaseException | None = error
    while at is not None:
        yield from (str(at), repr(at), repr(at.args), repr(getattr(at, "__notes__", "")))
        if isinstance(at, InvoicePayError):
            yield json.dumps([at.to_problem(), at.to_record()])
        at = at.__cause__ or at.__context__


@pytest.mark.parametrize(("call", "name"), taking(*TYPED))
def test_a_refused_value_is_not_repeated(home: Scene, call: str, name: str) -> None:
    repeated = []
    for form, text in FORMS.items():
        for canary in CANARIES:
            if form == "as an amount" and canary.isdigit():
                continue  # that is an amount, and a refusal may tell it
            value = text.format(canary)
            try:
                make(home, call, **{name: value})
            except InvalidInput as error:
                if any(canary in line for line in said(error)):
                    repeated.append((form, str(error)))
            except InvoicePayError:
                pass  # there is no such thing: an id is told, for it says nothing but itself

    assert repeated == []


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("name", ["description", "unit_price", "quantity", "tax_rate", "tax_category"])
def test_a_refused_line_is_not_repeated(home: Scene, name: str, canary: str) -> None:
    line: dict[str, Any] = {"description": "Goods", "unit_price": "1.00 USD", name: f"{canary}\n"}

    with pytest.raises((InvoicePayError, TypeError)) as refusal:
        make(home, "invoices.draft", lines=[tuple(line.values())])

    assert not any(canary in text for text in said(refusal.value))


@given(st.text())
def test_only_a_short_text_with_few_digits_is_quoted(text: str) -> None:
    shown = quoted(text)

    assert not shown or (len(text) <= 12 and sum(char.isdigit() for char in text) < 8)


@pytest.mark.parametrize("canary", CANARIES)
def test_no_account_card_iban_or_token_is_quoted(canary: str) -> None:
    assert quoted(canary) == ""


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_database_that_fails_repeats_no_parameter(
    request: pytest.FixtureRequest, store: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/pay.db" if store == "sqlite" else request.getfixturevalue("postgres_url")
    migrate(url)
    with InvoicePay(url) as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        execute(url, "ALTER TABLE invoices RENAME TO elsewhere")
        with pytest.raises(StoreError) as failure:
            pay.invoices.draft(
                enterprise="acme", customer="ann", lines=[("Goods", "1.00 USD")], note=TOKEN, reference=IBAN
            )

    assert not [line for line in said(failure.value) if TOKEN in line or IBAN in line]


FORGERIES = {
    "a line end": "paid\nINFO everything is fine",
    "a carriage return": "paid\rINFO everything is fine",
    "an escape": "paid\x1b[2K\x1b[1A",
    "a direction override": "paid\u202egpj.exe",
    "a separator": "paid\u2028INFO fine",
    "a NUL": "paid\x00",
}


class Lines(logging.Handler):
    """What a log file would hold."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def log() -> Iterator[Lines]:
    lines, root = Lines(), logging.getLogger("invoicepay")
    level = root.level
    root.addHandler(lines)
    root.setLevel(logging.DEBUG)
    yield lines
    root.setLevel(level)
    root.removeHandler(lines)


@pytest.mark.parametrize("text", FORGERIES.values(), ids=FORGERIES.keys())
def test_what_a_handler_says_is_one_printable_line_of_the_log(log: Lines, text: str) -> None:
    with InvoicePay() as pay:

        @pay.on("party.registered")
        def refuse(_event: object) -> None:
            raise ValueError(text)

        pay.parties.register("ann")

    assert log.lines
    assert all(line.isprintable() for line in log.lines)


@pytest.mark.parametrize("text", FORGERIES.values(), ids=FORGERIES.keys())
def test_what_a_bank_says_is_printable_wherever_it_is_told(log: Lines, text: str) -> None:
    with InvoicePay() as pay:
        deposit = pay.deposits.initiate("ann", "5.00 USD")
        pay.sim.fail(deposit, reason=text)
        (effect,) = pay.effects.list(cause=deposit)
        told = [
            pay.deposits.get(deposit.id).reason,
            effect.review_reason,
            *(seen.provider_status for seen in pay.effects.observations(effect)),
            *log.lines,
        ]

    assert effect.status.value == RailStatus.FAILED.value
    assert all(line.isprintable() for line in told), told
