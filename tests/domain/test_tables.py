"""Answers by key are plain dicts that draw themselves, and every result of a call does."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from copy import copy
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import invoicepay
from invoicepay import Ageing, AgeingBucket, AuditRecord, Balances, InvoicePay, Listing, Money
from invoicepay.domain.accounts import available
from invoicepay.domain.codec import from_dict
from invoicepay.testing import FrozenClock

# What a host configures or asks with is given to a client; a client and a letter are no answers of a call.
NO_ANSWERS = {
    *("Asset", "Every", "Policy", "Programme", "Settings"),
    *("Contact", "Letter", "Notices", "Occasion", "Template"),
    *("CreditedLine", "Finalize", "Issue", "Movement", "Pay", "Register", "StatementLine"),
    *("Account", "AsyncInvoicePay", "InvoicePay"),
}


@pytest.fixture(scope="module")
def pay() -> Iterator[InvoicePay]:
    with InvoicePay(clock=FrozenClock("2026-01-05T09:00:00Z")) as pay:
        pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
        pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")], due_in_days=14)
        yield pay


def test_every_answer_draws_itself_in_a_notebook() -> None:
    kinds: list[Any] = [getattr(invoicepay, name) for name in invoicepay.__all__]
    answers = [kind for kind in kinds if isinstance(kind, type) and not issubclass(kind, Enum | Exception)]
    silent = [
        kind.__name__
        for kind in answers
        if not {"_repr_html_", "_repr_svg_"} & {name for base in kind.__mro__ for name in vars(base)}
    ]

    assert set(silent) <= NO_ANSWERS


def test_balances_are_a_dict_and_a_table_in_words(pay: InvoicePay) -> None:
    balances = pay.ledger.balances(party="ann")

    assert balances == {available("ann", "USD"): Money("200.00", "USD")}
    assert "spendable tokens of ann" in balances._repr_html_()
    assert balances.to_df()["balance"].tolist() == [Decimal("200.00")]


def test_open_amounts_by_age_are_a_dict_and_a_table(pay: InvoicePay) -> None:
    ageing = pay.invoices.ageing("acme")

    assert ageing["USD"][AgeingBucket.CURRENT] == Money("9.00", "USD")
    assert ageing._repr_html_().count("<tr") == 1 + len(AgeingBucket)
    assert ageing.to_df()["remaining"].sum() == Decimal("9.00")


def test_what_comes_as_a_whole_is_a_tuple_and_a_table(pay: InvoicePay) -> None:
    transactions = pay.ledger.transactions()
    frame = transactions.to_df()

    assert transactions == tuple(transactions) and transactions[0].rule == "P-01"
    assert frame["rule"].tolist() == ["P-01", "P-02", "P-03"]
    assert frame["entries"][0][0]["amount"] == 200_000_000
    assert transactions._repr_html_().count("<tr") == 4
    assert "<script" not in pay.audit.trail("ann")._repr_html_()


def test_a_listing_of_nothing_has_the_same_columns(pay: InvoicePay) -> None:
    nothing = pay.invariants.check()

    assert not nothing
    assert "rule" in nothing.to_df().columns
    assert pay.audit.trail("nobody").to_df().columns.equals(pay.audit.trail("ann").to_df().columns)


def test_a_listing_is_copied_and_sent_as_it_is(pay: InvoicePay) -> None:
    trail = pay.audit.trail("ann")
    again = pickle.loads(pickle.dumps(trail))

    assert again == trail and copy(trail) == trail
    assert again.to_df().equals(trail.to_df())


def test_nothing_open_is_drawn_as_nothing() -> None:
    assert Ageing()._repr_html_() == "<p>open by days past due: none</p>"
    assert Balances()._repr_html_() == "<p>balances: none</p>"
    assert list(Ageing().to_df().columns) == ["asset", "days_past_due", "remaining"]


def test_a_web_host_answers_with_them(pay: InvoicePay) -> None:
    app = FastAPI()

    @app.get("/ageing")
    def ageing() -> Ageing:
        return pay.invoices.ageing("acme")

    @app.get("/trail")
    def trail() -> Listing[AuditRecord]:
        return pay.audit.trail("ann")

    client = TestClient(app)
    assert client.get("/ageing").json()["USD"]["current"] == {"amount": "9.00", "asset": "USD"}
    assert from_dict(tuple[AuditRecord, ...], client.get("/trail").json()) == pay.audit.trail("ann")
