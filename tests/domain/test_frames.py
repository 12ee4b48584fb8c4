"""Values as data frames: exact amounts, the same columns whatever they hold, and nothing without pandas."""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas
import pytest

from invoicepay import Invoice, InvoicePay, Line, Money, StatementLine
from invoicepay.domain.frames import data_frame
from invoicepay.errors import MissingExtra
from invoicepay.testing.clock import FrozenClock


@pytest.fixture(scope="module")
def pay() -> Iterator[InvoicePay]:
    with InvoicePay(clock=FrozenClock("2026-01-05T09:00:00Z")) as pay:
        pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
        issued = [
            pay.invoices.issue(
                enterprise="acme", customer="ann", lines=[Line.of("=1+1", price)], due_in_days=14
            )
            for price in ("0.10 USD", "0.20 USD", "120.00 USD")
        ]
        pay.invoices.pay(issued[-1], payer="ann", amount="150.00 USD")
        yield pay


def reconciled(pay: InvoicePay) -> pandas.DataFrame:
    """The breaks of a statement that shows something else."""
    line = StatementLine(ref="bank-1", amount=Money("1.00", "USD"), booked_on=date(2026, 1, 5))
    return pay.reserves.reconcile(statement=[line]).to_df()


@pytest.fixture(scope="module")
def invoices(pay: InvoicePay) -> pandas.DataFrame:
    return pay.invoices.list(limit=2).to_df()


def test_a_page_becomes_a_row_for_each_thing_of_all_pages(
    pay: InvoicePay, invoices: pandas.DataFrame
) -> None:
    assert list(invoices["number"]) == ["A-0001", "A-0002", "A-0003"]
    assert list(invoices["status"]) == ["open", "open", "paid"]


def test_amounts_are_exact(invoices: pandas.DataFrame) -> None:
    assert set(map(type, invoices["total"])) == {Decimal}
    assert invoices["total"].head(2).sum() == Decimal("0.30")
    assert set(invoices["asset"]) == {"USD"}


def test_no_column_of_any_row_holds_a_float(pay: InvoicePay) -> None:
    frames = [
        pay.invoices.list().to_df(),
        pay.credits.list().to_df(),
        pay.deposits.list().to_df(),
        pay.ledger.enterprise_book("acme").to_df(),
        pay.reserves.audit().to_df(),
        reconciled(pay),
    ]

    assert [name for frame in frames for name, kind in frame.dtypes.items() if kind.kind == "f"] == []
    assert all(len(frame) for frame in frames)


def test_what_is_absent_is_missing_and_changes_no_dtype(invoices: pandas.DataFrame) -> None:
    nothing = data_frame(Invoice, [])

    assert invoices["occurrence"].isna().all() and invoices["sent_at"].isna().all()
    assert dict(nothing.dtypes) == dict(invoices.dtypes)
    assert invoices["paid_at"].dropna().tolist() == [pandas.Timestamp(datetime(2026, 1, 5, 9, tzinfo=UTC))]
    assert invoices["due_on"].tolist() == [date(2026, 1, 19)] * 3


def test_rows_within_a_row_are_json_ready(invoices: pandas.DataFrame) -> None:
    assert invoices["lines"][0][0]["unit_price"] == {"amount": "0.10", "asset": "USD"}


def test_a_journal_has_a_row_for_each_line_and_balances(pay: InvoicePay) -> None:
    book = pay.ledger.enterprise_book("acme")
    frame = book.to_df()

    assert len(frame) == len(book.csv().splitlines()) - 1
    assert frame["debit"].dropna().sum() == frame["credit"].dropna().sum() > 0


def test_an_amount_without_an_asset_beside_it_gets_a_column_for_it(pay: InvoicePay) -> None:
    breaks = reconciled(pay)
    frame = pay.reserves.audit().to_df()

    assert set(breaks["amount_asset"]) == {"USD"}
    assert frame["tokens"][0] == Decimal("200.00") and "tokens_asset" not in frame.columns


def test_without_pandas_the_error_says_what_to_install(
    pay: InvoicePay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(MissingExtra, match=r"invoicepay\[dataframe\]"):
        pay.invoices.list().to_df()
