"""What somebody new gets wrong is answered with what is wrong and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from invoicepay import Invoice, InvoicePay, Line, migrate
from invoicepay.errors import (
    FloatAmount,
    InvalidAmount,
    InvalidIdentifier,
    InvalidInput,
    InvalidLine,
    InvoicePayError,
    NotFound,
    StoreBehind,
    StoreUnreachable,
    UnknownAsset,
)

LINES = [("Hosting", "120.00 USD")]
Mistake = Callable[[InvoicePay, Invoice], Any]


@pytest.fixture(scope="module")
def pay() -> Iterator[InvoicePay]:
    with InvoicePay() as pay:
        pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
        yield pay


@pytest.fixture(scope="module")
def invoice(pay: InvoicePay) -> Invoice:
    return pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES)


def paying(amount: Any) -> Mistake:
    return lambda pay, invoice: pay.invoices.pay(invoice, payer="ann", amount=amount)


def issuing(lines: Any) -> Mistake:
    return lambda pay, _: pay.invoices.issue(enterprise="acme", customer="ann", lines=lines)


MISTAKES: list[tuple[str, Mistake, type[InvoicePayError], str]] = [
    ("a float", paying(150.0), FloatAmount, 'write the amount as text, "150.00 USD"'),
    ("a whole number", paying(150), InvalidAmount, 'write the amount as text, "150 USD"'),
    ("a Decimal", paying(Decimal("150.00")), InvalidAmount, 'write the amount as text, "150.00 USD"'),
    ("no currency", paying("150"), InvalidAmount, "'150' names no asset"),
    ("a sign for it", paying("$150"), InvalidAmount, "'$150' names no asset"),
    ("a comma", paying("1,500.00 USD"), InvalidAmount, "'1,500.00' is not a plain decimal number"),
    ("small letters", paying("150.00 usd"), UnknownAsset, "not 'usd'"),
    ("the other order", paying("USD 150.00"), UnknownAsset, "not '150.00'"),
    ("plain text for lines", issuing("Hosting"), InvalidInput, "lines is a list, not str"),
    ("one line without a list", issuing(Line.of("Hosting", "1.00 USD")), InvalidInput, "lines is a list"),
    ("one pair without a list", issuing(("Hosting", "1.00 USD")), InvalidLine, "a line is a Line, or"),
    ("a line with its rate", issuing([("Hosting", "1.00 USD", "0.19")]), InvalidLine, "a line is a Line, or"),
    ("a line as a dict", issuing([{"price": "1.00 USD"}]), InvalidLine, "a line is a Line, or"),
    ("no lines", issuing([]), InvalidLine, "1 to 1000 lines"),
    (
        "one payer without a list",
        lambda pay, _: pay.requests.split("ann", "10.00 USD", payers="ben"),
        InvalidInput,
        "payers is a list, not str",
    ),
    (
        "a state that is none",
        lambda pay, _: pay.invoices.list(status="payed"),
        InvalidInput,
        "status is one of draft, open, partially_paid, paid, ",
    ),
    (
        "a schedule's state that is none",
        lambda pay, _: pay.schedules.list(status="on"),
        InvalidInput,
        "status is one of active, ",
    ),
    (
        "a role that is none",
        lambda pay, _: pay.acting_as("ann", role="admin"),
        InvalidInput,
        "role is one of party, operator",
    ),
    (
        "a rail that is none",
        lambda pay, _: pay.deposits.initiate("ann", "1.00 USD", rail="sepa"),
        InvalidInput,
        "known: instant, wire",
    ),
    ("nothing for an id", lambda pay, _: pay.invoices.get(None), InvalidIdentifier, "not NoneType"),  # type: ignore[arg-type]
    (
        "an id of another kind",
        lambda pay, invoice: pay.deposits.get(invoice.id),
        NotFound,
        "there is no deposit inv_",
    ),
    (
        "an amount that is not there",
        lambda pay, invoice: pay.invoices.pay(invoice, payer="ben"),
        InvoicePayError,
        "ben is short of 120.00 USD",
    ),
    ("a run of none", lambda pay, _: pay.run_pending(limit=0), InvalidInput, "limit lies between 1 and"),
]


@pytest.mark.parametrize(
    ("mistake", "kind", "says"), [case[1:] for case in MISTAKES], ids=[case[0] for case in MISTAKES]
)
def test_a_mistake_is_answered_with_what_to_write(
    pay: InvoicePay, invoice: Invoice, mistake: Mistake, kind: type[InvoicePayError], says: str
) -> None:
    with pytest.raises(kind) as caught:
        mistake(pay, invoice)

    assert says in caught.value.message
    assert caught.value.hint


def test_an_unknown_party_is_told_how_it_becomes_known(tmp_path: Path) -> None:
    with InvoicePay(f"sqlite:///{tmp_path / 'pay.db'}") as pay:
        with pytest.raises(NotFound, match="no enterprise acme") as caught:
            pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES)
        assert 'parties.register(id, kind="enterprise")' in caught.value.hint

        pay.parties.register("ann")
        with pytest.raises(NotFound, match="ann is no enterprise but a user"):
            pay.invoices.issue(enterprise="ann", customer="bob", lines=LINES)


def test_a_misspelt_party_has_no_empty_wallet(tmp_path: Path) -> None:
    with InvoicePay(f"sqlite:///{tmp_path / 'pay.db'}") as pay:
        pay.parties.register("ann")

        assert not pay.wallets.get("ann").total
        with pytest.raises(NotFound, match="no party anne"):
            pay.wallets.get("anne")


def test_a_folder_that_does_not_exist_is_named_as_the_cause(tmp_path: Path) -> None:
    pay = InvoicePay(f"sqlite:///{tmp_path / 'missing' / 'pay.db'}")

    with pytest.raises(StoreUnreachable, match="check that its folder exists"):
        pay.invoices.list()


def test_a_database_without_tables_names_the_call_that_makes_them(postgres_url: str) -> None:
    with InvoicePay(postgres_url) as pay:
        with pytest.raises(StoreBehind, match=r"call invoicepay.migrate\(url\) once"):
            pay.parties.register("ann")

        migrate(postgres_url)
        assert pay.parties.register("ann").id == "ann"


def test_no_server_at_the_address_is_said_without_the_password() -> None:
    with InvoicePay("postgresql://ann:s3cret@localhost:1/pay") as pay:
        with pytest.raises(StoreUnreachable, match="no database answers") as caught:
            pay.parties.register("ann")

        assert "s3cret" not in f"{caught.value!r}{caught.value.to_problem()}{pay!r}"


def test_settling_what_the_bank_was_not_asked_for_yet_says_who_asks_it() -> None:
    with InvoicePay(dispatch="deferred") as pay:
        deposit = pay.deposits.initiate("ann", "50.00 USD")

        with pytest.raises(NotFound, match="not asked about") as refused:
            pay.sim.settle(deposit)

    assert "pay.run_pending() first" in refused.value.hint
