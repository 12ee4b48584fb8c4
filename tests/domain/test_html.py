"""Values draw themselves in a notebook: escaped, without scripts, in the colours of the theme."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from invoicepay import InvoicePay, Line, Policy
from invoicepay.domain.html import card, listing
from invoicepay.domain.shown import Shown
from invoicepay.errors import InsufficientFunds
from invoicepay.testing.clock import FrozenClock

HOSTILE = "<script>alert(1)</script> & \"'"


@pytest.fixture(scope="module")
def pay() -> Iterator[InvoicePay]:
    """A little of everything that a notebook shows."""
    with InvoicePay(clock=FrozenClock("2026-01-05T09:00:00Z")) as pay:
        pay.parties.register("acme", kind="enterprise", policy=Policy(fee_bps=10))
        pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
        yield pay


@pytest.fixture(scope="module")
def shown(pay: InvoicePay) -> list[Shown]:
    """One of each kind of result."""
    invoice = pay.invoices.issue(
        enterprise="acme", customer="ann", lines=[Line.of(HOSTILE, "120.00 USD")], note=HOSTILE
    )
    payment = pay.invoices.pay(invoice, payer="ann", amount="150.00 USD")
    report = pay.reserves.audit()
    return [
        invoice,
        payment,
        report,
        report.figures,
        pay.reserves.reconcile(bank_balance="1.00 USD"),
        pay.wallets.get("ann"),
        pay.parties.get("acme"),
        pay.audit.verify(),
        pay.audit.trail(invoice.id)[0],
        pay.audit.history(invoice.id)[0],
        pay.ledger.enterprise_book("acme"),
        pay.run_pending(),
        invoice.lines[0],
    ]


def test_what_people_wrote_is_shown_and_never_run(shown: list[Shown]) -> None:
    drawn = "".join(value._repr_html_() for value in shown)

    assert "<script" not in drawn
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;&#x27;" in drawn


def test_tables_are_well_formed_and_load_nothing(shown: list[Shown]) -> None:
    for value in shown:
        drawn = value._repr_html_()

        assert drawn.count("<table") == drawn.count("</table>") > 0
        assert drawn.count("<tr") == drawn.count("</tr>")
        assert not re.search(r"<(?:script|style|link|img|iframe)|https?:|\bon\w+=", drawn)


def test_text_takes_its_colour_from_the_theme(shown: list[Shown]) -> None:
    for value in shown:
        assert not re.search(r"(?<![-\w])(?:color|background)", value._repr_html_())


def test_a_card_shows_what_a_person_asks_for_and_no_bookkeeping(shown: list[Shown]) -> None:
    drawn = card(shown[0])

    assert ">A-0001</td>" in drawn
    assert ">open</td>" in drawn
    assert ">120.00 USD</td>" in drawn
    assert "idempotency" not in drawn
    assert "schedule id" not in drawn  # nothing is shown of a field that holds nothing


def test_a_report_shows_its_findings(shown: list[Shown]) -> None:
    tied_out = shown[4]._repr_html_()

    assert "INV-07" in tied_out
    assert ">no</td>" in tied_out


def test_a_listing_has_a_column_for_what_any_row_holds(pay: InvoicePay) -> None:
    invoices = [
        pay.invoices.issue(enterprise="acme", customer="ben", lines=[("Seat", "9.00 USD")], note=note)
        for note in ("", "second")
    ]

    drawn = listing(invoices, caption="Invoices", note="more follow")

    assert drawn.count('<th scope="col"') == drawn.count("<td") / 2
    assert ">note</th>" in drawn
    assert ">reference</th>" not in drawn
    assert drawn.endswith("more follow</p>")


def test_a_listing_of_nothing_says_so() -> None:
    assert listing([], caption="Invoices") == "<p>Invoices: none</p>"


def test_a_result_is_written_as_json_ready_values(shown: list[Shown]) -> None:
    wallet = shown[5].to_dict()

    assert wallet["available"] == {"amount": "50.00", "asset": "USD"}
    assert wallet["status"] == "active"
    assert shown[0].to_dict()["created_at"] == "2026-01-05T09:00:00.000000Z"


def test_a_run_is_written_with_what_it_could_not_do() -> None:
    with InvoicePay() as pay:

        @pay.on("deposit.*")
        def refuse(_event: object) -> None:
            raise RuntimeError("no")

        pay.deposits.initiate("ann", "1.00 USD")
        summary = pay.run_pending()

    refused = replace(summary, refusals=(InsufficientFunds(),))
    assert refused.to_dict()["refusals"][0]["code"] == "insufficient_funds"
    assert "insufficient_funds: The available balance" in refused._repr_html_()
    assert summary.to_dict()["undelivered"][0]["error"] == "RuntimeError: no"
    assert "RuntimeError: no" in summary._repr_html_()
