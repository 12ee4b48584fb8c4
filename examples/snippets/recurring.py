"""An invoice at the end of each month, each period once."""

from datetime import date

from invoicepay import Every, InvoicePay, Line
from invoicepay.testing import FrozenClock

pay = InvoicePay(clock=FrozenClock("2026-03-31T09:00:00Z"))  # yours is the machine's: leave it out

pay.schedules.create(
    enterprise="acme",
    customer="ann",
    lines=[Line.of("Pro plan", "29.00 USD", tax_rate="0.19")],
    every=Every.month(day=31),  # anchored, clamped: 28 Feb, 31 Mar, 30 Apr
    start_on=date(2026, 1, 31),
    timezone="Europe/Berlin",
    due_in_days=14,
)
for invoice in pay.schedules.run_due():  # from cron, APScheduler, Celery beat: the same call
    print(invoice.number, invoice.total, invoice.due_on)  # each period once, however often it runs
