"""Schedules on memory: each occurrence once, however often and by whomever it is run."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.lines import Line
from invoicepay.domain.parties import PartyKind
from invoicepay.domain.schedules import CatchUp, Every, Schedule, ScheduleStatus
from invoicepay.errors import (
    InvalidInput,
    InvalidLine,
    InvalidTime,
    InvalidTransition,
    NotAllowed,
    NotFound,
    SelfPayment,
)
from invoicepay.use_cases import schedules
from invoicepay.use_cases.parties import CloseParty, RegisterParty, close_party, register_party
from invoicepay.use_cases.perform import perform
from invoicepay.use_cases.schedules import ISSUE, PAGE, CreateSchedule, IssueOccurrence, OneSchedule, run_due
from tests.support.invoice_desk import Shop


class Press(Shop):
    """A shop that bills ann on the last day of each month from 31 January 2026, 9 o'clock UTC."""

    def __init__(self) -> None:
        super().__init__()
        self.clock.set("2026-01-31T09:00:00Z")

    def schedule(self, **facts: Any) -> Schedule:
        return self.run(schedules.create_schedule(self.deps, a_plan(**facts)))

    def issued(self) -> list[tuple[str, int | None, str]]:
        return [(i.number, i.occurrence, str(i.due_on)) for i in self.run(run_due(self.deps))]

    def occurrences(self) -> list[int | None]:
        return [invoice.occurrence for invoice in self.run(run_due(self.deps))]

    def state(self, schedule: Schedule) -> Schedule:
        stored: Schedule = self.row(Schedule, schedule.id)
        return stored

    def move(self, verb: Any, schedule: Schedule) -> Schedule:
        moved: Schedule = self.run(verb(self.deps, OneSchedule(schedule_id=schedule.id)))
        return moved


def a_plan(**facts: Any) -> CreateSchedule:
    return CreateSchedule(
        **{
            "enterprise_id": "acme",
            "customer_id": "ann",
            "lines": (Line.of("Pro plan", "29.00 USD", tax_rate="0.19"),),
            "every": Every.month(day=31),
            "start_on": date(2026, 1, 31),
            **facts,
        }
    )


@pytest.fixture
def press() -> Iterator[Press]:
    press = Press()
    yield press
    press.assert_books_hold()


class TestIssuing:
    def test_each_period_is_billed_once_and_clamped_to_the_months_end(self, press: Press) -> None:
        press.schedule(due_in_days=14)

        assert press.issued() == [("A-0001", 0, "2026-02-14")]
        assert press.issued() == []
        press.clock.set("2026-02-28T09:00:00Z")
        assert press.issued() == [("A-0002", 1, "2026-03-14")]
        press.clock.set("2026-03-31T09:00:00Z")
        assert press.issued() == [("A-0003", 2, "2026-04-14")]

    def test_an_invoice_names_its_schedule_and_is_open(self, press: Press) -> None:
        schedule = press.schedule(note="Thank you")

        (invoice,) = press.run(run_due(press.deps))

        assert (invoice.schedule_id, invoice.occurrence, invoice.status) == (
            schedule.id,
            0,
            InvoiceStatus.OPEN,
        )
        assert (str(invoice.total), invoice.note) == ("34.51 USD", "Thank you")

    def test_p13_a_customers_credit_pays_a_recurring_invoice_too(self, press: Press) -> None:
        press.pay(press.issue("80.00"), "100.00")
        press.schedule()

        (invoice,) = press.run(run_due(press.deps))

        assert (str(invoice.applied), invoice.status) == ("20.00 USD", InvoiceStatus.PARTIALLY_PAID)

    def test_two_runners_that_listed_the_same_schedule_make_one_invoice(self, press: Press) -> None:
        schedule = press.schedule()
        press.run(run_due(press.deps))
        scheduler = replace(press.deps, actor=schedules.SCHEDULER)
        command = IssueOccurrence(schedule_id=schedule.id, n=0)

        late = press.run(perform(scheduler, ISSUE, command, f"{schedule.id}/0"))

        assert late.replayed
        assert len(press.rows(Invoice)) == 1

    def test_an_occurrence_is_never_issued_under_another_key(self, press: Press) -> None:
        schedule = press.schedule()
        press.run(run_due(press.deps))

        with pytest.raises(NotFound):
            press.run(perform(press.deps, ISSUE, IssueOccurrence(schedule_id=schedule.id, n=0)))

    def test_whoever_runs_it_uses_the_same_keys(self, press: Press) -> None:
        press.schedule()

        by_acme = press.run(run_due(press.acting_as("acme")))

        assert ([invoice.number for invoice in by_acme], press.issued()) == (["A-0001"], [])

    def test_a_party_runs_only_its_own_schedules(self, press: Press) -> None:
        press.enterprise("bolt")
        press.schedule()
        press.schedule(enterprise_id="bolt")

        by_bolt = press.run(run_due(press.acting_as("bolt")))

        assert [invoice.enterprise_id for invoice in by_bolt] == ["bolt"]

    def test_the_zone_of_the_enterprise_says_which_day_it_is(self, press: Press) -> None:
        spree = RegisterParty(party_id="spree", kind=PartyKind.ENTERPRISE, timezone="Europe/Berlin")
        press.run(register_party(press.deps, spree))
        schedule = press.schedule(enterprise_id="spree")
        press.clock.set("2026-01-30T22:59:59Z")
        assert press.occurrences() == []

        press.clock.set("2026-01-30T23:00:00Z")

        assert (schedule.timezone, press.occurrences()) == ("Europe/Berlin", [0])

    def test_more_schedules_than_fit_on_a_page_all_run(self, press: Press) -> None:
        for _ in range(PAGE + 1):
            press.schedule()

        assert len(press.run(run_due(press.deps))) == PAGE + 1


class TestCatchingUp:
    def after_downtime(self, press: Press, catch_up: CatchUp, on: str = "2026-04-30") -> Schedule:
        schedule = press.schedule(catch_up=catch_up)
        press.clock.set(f"{on}T09:00:00Z")
        return schedule

    def test_all_makes_up_for_each_with_its_own_due_date(self, press: Press) -> None:
        self.after_downtime(press, CatchUp.ALL)

        assert press.issued() == [
            ("A-0001", 0, "2026-01-31"),
            ("A-0002", 1, "2026-02-28"),
            ("A-0003", 2, "2026-03-31"),
            ("A-0004", 3, "2026-04-30"),
        ]

    def test_latest_makes_up_for_the_last(self, press: Press) -> None:
        schedule = self.after_downtime(press, CatchUp.LATEST)

        assert (press.occurrences(), press.occurrences()) == ([3], [])
        assert (press.state(schedule).next_n, press.state(schedule).issued) == (4, 1)

    def test_skip_bills_what_falls_on_today(self, press: Press) -> None:
        schedule = self.after_downtime(press, CatchUp.SKIP)

        assert (press.occurrences(), press.occurrences()) == ([3], [])
        assert press.event_names(schedule.id) == ["schedule.created", "schedule.skipped", "schedule.run"]

    def test_skip_leaves_out_what_is_over(self, press: Press) -> None:
        schedule = self.after_downtime(press, CatchUp.SKIP, on="2026-05-01")

        assert press.occurrences() == []
        assert str(press.state(schedule).next_on) == "2026-05-31"

    def test_skip_past_the_end_completes_the_schedule(self, press: Press) -> None:
        schedule = press.schedule(catch_up=CatchUp.SKIP, max_count=1)
        press.clock.advance(days=1)

        assert press.occurrences() == []
        assert press.state(schedule).status is ScheduleStatus.COMPLETED

    def test_a_pause_is_caught_up_like_downtime(self, press: Press) -> None:
        schedule = press.schedule()
        press.move(schedules.pause_schedule, schedule)
        press.clock.set("2026-02-28T09:00:00Z")
        assert press.occurrences() == []

        press.move(schedules.resume_schedule, schedule)

        assert press.occurrences() == [0, 1]


class TestMoving:
    def test_the_last_occurrence_completes_it(self, press: Press) -> None:
        schedule = press.schedule(max_count=1)

        press.run(run_due(press.deps))

        assert press.state(schedule).status is ScheduleStatus.COMPLETED
        with pytest.raises(InvalidTransition):
            press.move(schedules.pause_schedule, schedule)

    def test_a_cancelled_schedule_issues_nothing_more(self, press: Press) -> None:
        schedule = press.schedule()

        cancelled = press.move(schedules.cancel_schedule, schedule)

        assert (cancelled.status, press.occurrences()) == (ScheduleStatus.CANCELLED, [])

    @pytest.mark.parametrize(
        "verb", [schedules.pause_schedule, schedules.resume_schedule, schedules.cancel_schedule]
    )
    def test_only_the_enterprise_or_an_operator_moves_it(self, press: Press, verb: Any) -> None:
        command = OneSchedule(schedule_id=press.schedule().id)

        with pytest.raises(NotAllowed):
            press.run(verb(press.acting_as("ann"), command))

    def test_one_whose_invoice_is_refused_is_paused_and_the_others_go_on(self, press: Press) -> None:
        press.user("bob")
        press.schedule()
        failing = press.schedule(customer_id="bob")
        press.schedule()
        press.run(close_party(press.deps, CloseParty(party_id="bob")))

        assert press.occurrences() == [0, 0]

        paused = press.state(failing)
        assert (paused.status, paused.failure.partition(":")[0]) == (ScheduleStatus.PAUSED, "not_found")
        assert press.event_names(failing.id)[-1] == "schedule.failed"

    def test_one_that_fails_again_is_paused_again(self, press: Press) -> None:
        press.user("bob")
        failing = press.schedule(customer_id="bob")
        press.run(close_party(press.deps, CloseParty(party_id="bob")))
        press.run(run_due(press.deps))
        resumed = press.move(schedules.resume_schedule, failing)

        press.run(run_due(press.deps))

        assert (resumed.failure, press.state(failing).status) == ("", ScheduleStatus.PAUSED)


class TestCreating:
    @pytest.mark.parametrize(
        ("facts", "error"),
        [
            ({"lines": ()}, InvalidLine),
            ({"customer_id": "acme"}, SelfPayment),
            ({"customer_id": "nobody"}, NotFound),
            ({"timezone": "Mars/Olympus"}, InvalidTime),
            ({"due_in_days": -1}, InvalidTime),
            ({"max_count": 0}, InvalidInput),
            ({"start_on": date(2600, 1, 1)}, InvalidInput),
            ({"ends_on": date(2026, 1, 30)}, InvalidTime),
        ],
        ids=str,
    )
    def test_a_schedule_that_could_not_issue_is_refused(
        self, press: Press, facts: dict[str, Any], error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            press.schedule(**facts)

    def test_only_the_enterprise_or_an_operator_sets_it_up(self, press: Press) -> None:
        with pytest.raises(NotAllowed):
            press.run(schedules.create_schedule(press.acting_as("ann"), a_plan()))

    def test_a_start_in_the_past_is_caught_up(self, press: Press) -> None:
        press.schedule(start_on=date(2026, 1, 31) - timedelta(days=62))

        assert press.occurrences() == [0, 1, 2]
