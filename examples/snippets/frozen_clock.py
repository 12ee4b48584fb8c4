"""A test of yours that waits for nothing: the clock is moved by hand."""

from datetime import date

from invoicepay import Every, InvoicePay, Line
from invoicepay.testing import FrozenClock


def test_month_end_billing() -> None:
    """A month passes in no time."""
    clock = FrozenClock("2026-01-31T09:00:00Z")
    pay = InvoicePay(clock=clock)
    pay.schedules.create(
        enterprise="acme",
        customer="ann",
        every=Every.month(day=31),
        start_on=date(2026, 1, 31),
        lines=[Line.of("Pro", "29.00 USD")],
    )
    assert len(pay.schedules.run_due()) == 1 and pay.schedules.run_due() == []
    clock.advance(days=28)
    assert len(pay.schedules.run_due()) == 1  # 28 February


test_month_end_billing()  # pytest calls it for you
print("two months billed, none of them waited for")
