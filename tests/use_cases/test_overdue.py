"""An invoice that is open after its due date is told of once, in the time of its enterprise."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

import pytest

from invoicepay import Event, Invoice, InvoicePay
from invoicepay.domain.invoices import overdue_from
from invoicepay.domain.time import local_date
from invoicepay.testing.clock import FrozenClock

DUE = date(2026, 1, 31)
BEFORE = "2026-01-31T23:59:59Z"
AFTER = "2026-02-01T00:00:00Z"


class Town:
    """A client whose clock is moved by hand, and what was told to be overdue."""

    def __init__(self, timezone: str = "UTC") -> None:
        self.clock = FrozenClock("2026-01-05T09:00:00Z")
        self.pay = InvoicePay(clock=self.clock)
        self.pay.parties.register("acme", kind="enterprise", timezone=timezone)
        self.told = list[str]()
        self.pay.on("invoice.overdue")(self.hear)
        self.pay.sim.settle(self.pay.deposits.initiate("ann", "500.00 USD"))

    def hear(self, event: Event) -> None:
        assert event.from_status == event.to_status
        self.told.append(event.entity_id)

    def issue(self, due_on: date | None = DUE, price: str = "9.00 USD") -> Invoice:
        return self.pay.invoices.issue(
            enterprise="acme", customer="ann", lines=[("Seat", price)], due_on=due_on
        )

    def at(self, instant: str) -> list[str]:
        """What is told at an instant."""
        self.clock.set(instant)
        self.told.clear()
        self.pay.run_pending()
        assert self.pay.invariants.check() == ()
        return list(self.told)


def test_it_is_told_once_from_the_first_instant_after_the_date() -> None:
    town = Town()
    invoice = town.issue()
    town.issue(due_on=None)

    assert town.at(BEFORE) == []
    assert town.at(AFTER) == [invoice.id]
    assert town.at("2026-02-02T00:00:00Z") == []
    assert [one.id for one in town.pay.invoices.overdue("acme")] == [invoice.id]


@pytest.mark.parametrize(
    ("timezone", "over_at"),
    [("Pacific/Auckland", "2026-01-31T11:00:00Z"), ("America/Los_Angeles", "2026-02-01T08:00:00Z")],
)
def test_the_date_is_over_when_it_is_over_where_the_enterprise_is(timezone: str, over_at: str) -> None:
    town = Town(timezone)
    invoice = town.issue()
    just_before = datetime.fromisoformat(over_at) - timedelta(seconds=1)

    assert town.at(just_before.isoformat()) == []
    assert town.at(over_at) == [invoice.id]


def test_a_part_payment_keeps_it_overdue_and_a_full_one_in_time_keeps_it_silent() -> None:
    town = Town()
    part, whole, void = town.issue(), town.issue(), town.issue()
    town.pay.invoices.pay(part, payer="ann", amount="1.00 USD")
    town.pay.invoices.pay(whole, payer="ann")
    town.pay.invoices.void(void)

    assert town.at(AFTER) == [part.id]
    assert town.pay.invoices.get(whole).overdue_check_at is None


def test_a_payment_taken_back_after_the_date_makes_it_overdue() -> None:
    town = Town()
    invoice = town.issue()
    payment = town.pay.invoices.pay(invoice, payer="ann")
    assert town.at(AFTER) == []

    town.pay.payments.reverse(payment, reason="mistaken", approved_by="staff:2")

    assert town.at("2026-02-03T00:00:00Z") == []  # it was told at once, with the reversal
    names = [event.name for event in town.pay.audit.history(invoice.id)]
    assert names[-2:] == ["invoice.payment_reversed", "invoice.overdue"]


def test_a_payment_taken_back_before_the_date_does_not() -> None:
    town = Town()
    invoice = town.issue()
    payment = town.pay.invoices.pay(invoice, payer="ann")
    town.pay.payments.reverse(payment, reason="mistaken", approved_by="staff:2")

    assert town.at(BEFORE) == []
    assert town.at(AFTER) == [invoice.id]


def test_a_reopened_one_is_told_when_its_date_is_over_then() -> None:
    town = Town()
    expired = town.pay.invoices.issue(
        enterprise="acme",
        customer="ann",
        lines=[("Seat", "9.00 USD")],
        due_on=DUE,
        expires_at=datetime(2026, 1, 20, tzinfo=UTC),
    )
    assert town.at(AFTER) == []
    town.pay.invoices.reopen(expired)

    assert [event.name for event in town.pay.audit.history(expired.id)][-1] == "invoice.overdue"


def test_more_than_one_pass_takes_are_told_by_the_passes_after_it() -> None:
    town = Town()
    issued = {town.issue().id for _ in range(7)}
    town.clock.set(AFTER)
    town.told.clear()

    assert town.pay.run_pending(limit=3, until_quiet=False).due == 3
    first = set(town.told)
    assert len(first) == 3
    assert first | set(town.at(AFTER)) == issued


@pytest.mark.parametrize("due_on", [date(9999, 12, 31), date(9999, 1, 1)])
def test_the_last_year_of_the_calendar_is_waited_for_by_nobody(due_on: date) -> None:
    assert Town().issue(due_on=due_on).overdue_check_at is None


def test_in_every_zone_the_instant_is_the_first_after_the_date() -> None:
    days = [date(2026, 3, 28) + timedelta(days=n) for n in (0, 30, 120, 210, 211)]
    wrong = [
        (name, day)
        for name in sorted(available_timezones())
        for day in days
        if (over_at := overdue_from(day, name)) is None
        or local_date(over_at, name) <= day
        or local_date(over_at - timedelta(microseconds=1), name) > day
    ]

    assert wrong == []
