"""An invoice as a page: all of it is there, none of it is markup, and what can be paid has a code."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser

import pytest

from invoicepay import Contact, Html, Invoice, InvoicePay, Line, Notices
from invoicepay.adapters.mail import ConsoleNotifier
from invoicepay.errors import NotFound
from invoicepay.testing.clock import FrozenClock

EVIL = '<script>alert("1")</script>'


@pytest.fixture
def pay() -> InvoicePay:
    people = {
        "acme": Contact(name="Acme & Sons", postal_address=("Mill Road 1", "VAT <7>")),
        "ann": Contact(name=EVIL),
    }
    notices = Notices(ConsoleNotifier(), contacts=lambda party, tenant: people.get(party))
    pay = InvoicePay(clock=FrozenClock("2026-01-31T23:30:00Z"), notices=notices)
    pay.parties.register("acme", kind="enterprise", timezone="Europe/Berlin")
    pay.sim.settle(pay.deposits.initiate("ann", "500.00 USD"))
    return pay


def issue(pay: InvoicePay) -> Invoice:
    lines = [
        Line.of("Hosting " + EVIL, "100.00 USD", quantity="1.50", tax_rate="0.19"),
        Line.of("Books", "20.00 USD", tax_rate="0.07"),
        Line.of("Discount", "10.00 USD", quantity=-1),
    ]
    return pay.invoices.issue(
        enterprise="acme", customer="ann", lines=lines, due_on=date(2026, 2, 14), note=EVIL, reference="PO 7"
    )


def words(page: str) -> str:
    """What a reader sees."""
    seen = list[str]()

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            seen.append(data.strip())

    Reader().feed(page)
    return " ".join(filter(None, seen))


def test_everything_of_the_invoice_is_on_the_page(pay: InvoicePay) -> None:
    seen = words(pay.invoices.html(issue(pay)))

    for said in (
        "Invoice A-0001",
        "Acme & Sons",
        "Mill Road 1",
        "VAT <7>",
        "Issued 1 February 2026",  # in Berlin it is February already
        "Due 14 February 2026",
        "Your reference PO 7",
        "1.5 100.00 USD 19 % 150.00 USD",
        "-1 10.00 USD 0 % -10.00 USD",
        "Net 160.00 USD",
        "Tax 19 % of 150.00 USD 28.50 USD",
        "Tax 7 % of 20.00 USD 1.40 USD",
        "Total 189.90 USD",
        "To pay 189.90 USD",
        "Scan to pay 189.90 USD:",
    ):
        assert said in seen, said


def test_no_word_of_it_becomes_markup_and_nothing_is_loaded(pay: InvoicePay) -> None:
    page = pay.invoices.html(issue(pay))

    assert page.count("&lt;script&gt;") == 3
    assert not re.search(r"<script|javascript:|\bsrc=|href=|url\(|@import", page)
    assert isinstance(page, Html) and page._repr_html_() == page


def test_what_was_paid_is_said_and_nothing_is_left_to_scan(pay: InvoicePay) -> None:
    invoice = issue(pay)
    pay.invoices.pay(invoice, payer="ann", amount="100.00 USD")
    part = words(pay.invoices.html(invoice))
    pay.invoices.pay(invoice, payer="ann")
    whole = pay.invoices.html(invoice)

    assert "Paid 100.00 USD To pay 89.90 USD" in part
    assert "<h1>Invoice A-0001 (paid)</h1>" in whole
    assert "To pay 0.00 USD" in words(whole)
    assert "<svg" not in whole


def test_a_draft_and_a_void_one_say_so_and_cannot_be_paid(pay: InvoicePay) -> None:
    draft = pay.invoices.draft(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
    void = issue(pay)
    pay.invoices.void(void)
    pages = [pay.invoices.html(draft), pay.invoices.html(void)]

    assert ["(draft)" in pages[0], "(void)" in pages[1]] == [True, True]
    assert not any("<svg" in page for page in pages)


def test_whoever_is_no_side_of_it_does_not_see_it(pay: InvoicePay) -> None:
    invoice = issue(pay)

    assert "Invoice A-0001" in pay.acting_as("ann").invoices.html(invoice)
    with pytest.raises(NotFound):
        pay.acting_as("ben").invoices.html(invoice)


def test_without_contacts_it_shows_ids() -> None:
    pay = InvoicePay()
    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])

    assert "From acme To ann" in words(pay.invoices.html(invoice))
