"""A list is walked over to its end, whatever a page holds, and shows what it is."""

from __future__ import annotations

import asyncio
import csv
import io

import pytest

from invoicepay import AsyncInvoicePay, Invoice, InvoicePay

LINES = [("Seat", "9.00 USD")]
MADE = 7


@pytest.fixture
def pay() -> InvoicePay:
    pay = InvoicePay()
    for n in range(MADE):
        pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES, note=f"n{n}")
    return pay


def notes(invoices: list[Invoice]) -> list[str]:
    return [invoice.note for invoice in invoices]


@pytest.mark.parametrize("limit", [1, 2, MADE - 1, MADE, MADE + 1])
def test_walking_over_a_list_reaches_its_end_in_order(pay: InvoicePay, limit: int) -> None:
    page = pay.invoices.list(limit=limit)

    assert notes(list(page)) == [f"n{n}" for n in range(MADE)]
    assert len(page.items) == min(limit, MADE)


def test_pages_are_fetched_only_when_they_are_reached(pay: InvoicePay) -> None:
    walk = iter(pay.invoices.list(limit=3))
    first = [next(walk) for _ in range(3)]
    pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES, note="late")

    assert notes([*first, *walk])[-1] == "late"


def test_the_cursor_continues_where_a_page_ends(pay: InvoicePay) -> None:
    first = pay.invoices.list(limit=5)

    assert notes(list(pay.invoices.list(after=first.next_cursor))) == ["n5", "n6"]
    following = first.next_page()
    assert following is not None
    assert (len(following.items), following.next_cursor, following.next_page()) == (2, "", None)


def test_filters_hold_on_every_page(pay: InvoicePay) -> None:
    pay.invoices.issue(enterprise="acme", customer="ben", lines=LINES)

    assert {invoice.customer_id for invoice in pay.invoices.list(customer="ann", limit=2)} == {"ann"}


def test_records_of_a_list_are_json_ready_and_complete(pay: InvoicePay) -> None:
    records = pay.invoices.list(limit=2).to_records()

    assert len(records) == MADE
    assert records[0]["total"] == {"amount": "9.00", "asset": "USD"}


def test_a_list_is_true_when_it_holds_something(pay: InvoicePay) -> None:
    assert pay.invoices.list(customer="ann")
    assert not pay.invoices.list(customer="nobody")


def test_a_list_shows_what_it_is(pay: InvoicePay) -> None:
    page = pay.invoices.list(limit=6)

    assert repr(page).startswith("<page of 6 Invoice, more follow: inv_")
    assert repr(pay.payments.list()) == "<page of 0 Payment: nothing>"
    assert page._repr_html_().count(">A-000") == 6
    assert "More follow" in page._repr_html_()
    assert pay.credits.list()._repr_html_() == "<p>credit: none</p>"


def test_an_awaited_list_is_walked_over_the_same_way() -> None:
    async def walked() -> tuple[list[str], int, str]:
        async with AsyncInvoicePay() as pay:
            for n in range(MADE):
                await pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES, note=f"n{n}")
            page = await pay.invoices.list(limit=3)
            records = await page.to_records()
            return [invoice.note async for invoice in page], len(records), page._repr_html_()

    found, records, drawn = asyncio.run(walked())

    assert found == [f"n{n}" for n in range(MADE)]
    assert records == MADE
    assert "More follow" in drawn


def test_things_are_named_by_themselves_or_by_their_id(pay: InvoicePay) -> None:
    invoice = next(iter(pay.invoices.list()))

    assert pay.invoices.get(invoice) == pay.invoices.get(invoice.id)
    assert pay.audit.trail(invoice) == pay.audit.trail(invoice.id) != ()
    assert pay.audit.history(invoice) == pay.audit.history(invoice.id) != ()
    assert pay.ledger.transactions(about=invoice) == ()
    assert not pay.payments.list(invoice=invoice)


def test_csv_of_a_list_has_every_row_and_no_formula(pay: InvoicePay) -> None:
    pay.invoices.draft(enterprise="acme", customer="ann", lines=LINES, note="=1+1", reference="-1")

    rows = list(csv.DictReader(io.StringIO(pay.invoices.list(limit=2).to_csv(), newline="")))

    assert [row["note"] for row in rows] == [*(f"n{n}" for n in range(MADE)), "'=1+1"]
    assert {(row["total"], row["asset"]) for row in rows} == {("9.00", "USD")}
    assert rows[-1]["reference"] == "'-1"
    assert "replayed" not in rows[0]


def test_both_faces_write_the_same_csv() -> None:
    async def written() -> str:
        async with AsyncInvoicePay() as pay:
            await pay.parties.register("ann")
            return await (await pay.parties.list()).to_csv()

    with InvoicePay() as pay:
        pay.parties.register("ann")
        header, row = pay.parties.list().to_csv().splitlines()

    assert asyncio.run(written()).splitlines()[0] == header
    assert row.startswith("ann,")
