"""The one JSON text of a value says what the codec says, for every class that it has a writer for."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from invoicepay import InvoicePay, Line
from invoicepay.domain.canonical import canonical
from invoicepay.domain.codec import encode
from invoicepay.domain.entity import Entity, evolve, kinds_of
from invoicepay.domain.schedules import Every
from invoicepay.errors import MalformedData
from invoicepay.testing.clock import FrozenClock


def told_by_the_codec(value: object) -> str:
    return json.dumps(encode(value), sort_keys=True, separators=(",", ":"))


@pytest.fixture(scope="module")
def rows() -> list[Any]:
    """Rows of many kinds, with texts that JSON has to escape."""
    pay = InvoicePay(clock=FrozenClock("2026-01-05T09:00:00Z"))
    pay.sim.settle(pay.deposits.initiate("ann", "500.00 USD"))
    lines = [
        Line.of('Wire "A", 3\\4\u00e9\U0001f600', "12.345678 USD", tax_rate="0.19"),
        Line.of("Seat", "9.00 USD"),
    ]
    invoice = pay.invoices.issue(
        enterprise="acme",
        customer="ann",
        lines=lines,
        note="a / and \u00df",
        expires_at=datetime(2027, 1, 1, tzinfo=UTC),
    )
    payment = pay.invoices.pay(invoice, payer="ann", amount="30.00 USD")
    request = pay.requests.create(requester="bob", payer="ann", amount="1.00 USD", note="\u00fc")
    schedule = pay.schedules.create(
        enterprise="acme",
        customer="ann",
        lines=lines,
        every=Every.month(day=31),
        start_on=datetime(2027, 1, 31, tzinfo=UTC).date(),
    )
    withdrawal = pay.withdrawals.initiate("ann", "2.00 USD", account_token="tok_1")
    return [invoice, pay.invoices.get(invoice), payment, request, schedule, withdrawal, *pay.credits.list()]


def test_a_row_has_the_text_that_the_codec_gives_it(rows: list[Any]) -> None:
    assert len({type(row) for row in rows}) > 5

    for row in rows:
        assert canonical(row) == told_by_the_codec(row)


def test_values_in_containers_have_the_same_text_as_alone(rows: list[Any]) -> None:
    assert canonical({"rows": rows, "a": (1, None, True)}) == told_by_the_codec(
        {"rows": rows, "a": (1, None, True)}
    )


def test_what_has_no_stored_form_is_refused() -> None:
    with pytest.raises(MalformedData):
        canonical({"rate": 0.19})


def test_a_row_evolves_like_a_replaced_one(rows: list[Any]) -> None:
    for row in rows:
        assert evolve(row, version=9, idempotency_key="k") == replace(row, version=9, idempotency_key="k")
        assert row.version != 9


def test_no_kind_of_row_does_anything_when_it_is_made() -> None:
    assert kinds_of(Entity)

    def below(kind: type[Entity]) -> list[type[Entity]]:
        return [kind, *(deeper for one in kind.__subclasses__() for deeper in below(one))]

    assert not [kind for kind in below(Entity) if hasattr(kind, "__post_init__")]
