"""Recurring invoices: start, pause, resume and cancel a schedule, and issue what is due (spec 4.7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from typing import Any

from invoicepay.domain.access import authorise, known_party, party_needs
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.ids import Prefix
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.issuing import (
    InvoiceTerms,
    checked_terms,
    draft_invoice,
    finalize_invoice,
    issue_needs,
)
from invoicepay.domain.lines import Line
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.parties import Actor, PartyKind, Role
from invoicepay.domain.schedules import (
    LATEST_START,
    SCHEDULE,
    CatchUp,
    Every,
    Occurrence,
    Schedule,
    ScheduleCommand,
    ScheduleStatus,
    after_issuing,
    after_skipping,
    due,
    occurrence,
)
from invoicepay.domain.time import local_date, plain_date, zone
from invoicepay.errors import (
    ComplianceError,
    IdentityError,
    InvalidInput,
    InvalidTime,
    InvoicePayError,
    MoneyError,
    NotFound,
    StateError,
)
from invoicepay.use_cases.neighbours import AT_ONCE, carried_out
from invoicepay.use_cases.perform import Call, Deps, UseCase, answers_of, call_of, perform

PAGE = 200
REFUSALS = (InvalidInput, StateError, MoneyError, IdentityError, ComplianceError)
"""What pauses a schedule instead of stopping the run; trouble with the store stops it."""
SCHEDULER = Actor("schedules", Role.SYSTEM)
"""Who issues what a schedule asks for, so that every run uses the same keys, whoever starts it."""
EASTERNMOST = timedelta(hours=14)
"""No zone is further ahead of UTC, so no schedule is due on a later date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSchedule:
    """Issue an invoice of these lines at each date of a period.

    Attributes:
        timezone: whose local dates count; empty means the enterprise's.
        ends_on: no occurrence after that date.
        max_count: at most so many occurrences.
    """

    enterprise_id: str
    customer_id: str
    lines: tuple[Line, ...]
    every: Every
    start_on: date
    timezone: str = ""
    due_in_days: int = 0
    catch_up: CatchUp = CatchUp.ALL
    ends_on: date | None = None
    max_count: int | None = None
    series: str = "A"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSchedule:
    """Names the schedule that a command moves."""

    schedule_id: str


def _needs_create(command: CreateSchedule, _seen: Snapshot) -> Needs:
    return party_needs(command.enterprise_id, command.customer_id)


def decide_create_schedule(command: CreateSchedule, change: Change) -> Schedule:
    """Check the terms of the invoices to come, and find the first date (spec 4.7)."""
    terms = checked_terms(change, _terms(command))
    start_on = plain_date(command.start_on, "start_on")
    if start_on > LATEST_START or (command.max_count is not None and command.max_count < 1):
        raise InvalidInput(f"a schedule starts before {LATEST_START} and has at least one occurrence")
    enterprise = known_party(change, command.enterprise_id, kind=PartyKind.ENTERPRISE)
    known_party(change, command.customer_id)
    authorise(change, enterprise=command.enterprise_id)
    timezone = command.timezone or enterprise.timezone
    zone(timezone)
    schedule = Schedule(
        id=change.new_id(Prefix.SCHEDULE),
        enterprise_id=command.enterprise_id,
        customer_id=command.customer_id,
        asset=terms.lines[0].unit_price.asset,
        lines=terms.lines,
        every=command.every,
        start_on=start_on,
        timezone=timezone,
        status=SCHEDULE.after(None, ScheduleCommand.CREATE),
        catch_up=command.catch_up,
        due_in_days=command.due_in_days,
        next_on=command.every.nth_date(start_on, 0),
        ends_on=command.ends_on and plain_date(command.ends_on, "ends_on"),
        max_count=command.max_count,
        series=terms.series,
        note=terms.note,
    )
    if occurrence(schedule, 0) is None:
        raise InvalidTime("the schedule ends before its first date", first=schedule.next_on)
    return change.add(schedule, "schedule.created")


def _terms(schedule: CreateSchedule | Schedule, *, due_on: date | None = None) -> InvoiceTerms:
    return InvoiceTerms(
        enterprise_id=schedule.enterprise_id,
        customer_id=schedule.customer_id,
        lines=schedule.lines,
        series=schedule.series,
        due_on=due_on,
        due_in_days=schedule.due_in_days if due_on is None else None,
        note=schedule.note,
    )


def _needs_one(command: OneSchedule, _seen: Snapshot) -> Needs:
    return need((Schedule, command.schedule_id))


def _moved(
    change: Change, schedule_id: str, command: ScheduleCommand, event: str, failure: str = ""
) -> Schedule:
    schedule = change.get(Schedule, schedule_id)
    authorise(change, schedule, enterprise=schedule.enterprise_id)
    status = SCHEDULE.after(schedule.status, command)
    return change.put(replace(schedule, status=status, failure=failure), event)


def decide_pause(command: OneSchedule, change: Change) -> Schedule:
    """Issue nothing until it is resumed."""
    return _moved(change, command.schedule_id, ScheduleCommand.PAUSE, "schedule.paused")


def decide_resume(command: OneSchedule, change: Change) -> Schedule:
    """Go on; `catch_up` says what becomes of the dates in between."""
    return _moved(change, command.schedule_id, ScheduleCommand.RESUME, "schedule.resumed")


def decide_cancel(command: OneSchedule, change: Change) -> Schedule:
    """End it; invoices that exist stay."""
    return _moved(change, command.schedule_id, ScheduleCommand.CANCEL, "schedule.cancelled")


CREATE = UseCase("schedules.create", Schedule, _needs_create, decide_create_schedule)
PAUSE = UseCase("schedules.pause", Schedule, _needs_one, decide_pause)
RESUME = UseCase("schedules.resume", Schedule, _needs_one, decide_resume)
CANCEL = UseCase("schedules.cancel", Schedule, _needs_one, decide_cancel)


async def create_schedule(deps: Deps, command: CreateSchedule, key: str | None = None) -> Schedule:
    """Start issuing an invoice at each date of a period.

    Raises:
        InvalidLine, InvalidTime, SelfPayment: the terms are not valid.
        NotFound: an unknown party.
        NotAllowed: the actor is neither the enterprise nor an operator.
    """
    return await perform(deps, CREATE, command, key)


async def pause_schedule(deps: Deps, command: OneSchedule, key: str | None = None) -> Schedule:
    """Issue nothing until it is resumed.

    Raises:
        NotFound, NotAllowed, InvalidTransition: no such schedule, not yours, or not active.
    """
    return await perform(deps, PAUSE, command, key)


async def resume_schedule(deps: Deps, command: OneSchedule, key: str | None = None) -> Schedule:
    """Go on after a pause; `catch_up` says what becomes of the dates in between.

    Raises:
        NotFound, NotAllowed, InvalidTransition: no such schedule, not yours, or not paused.
    """
    return await perform(deps, RESUME, command, key)


async def cancel_schedule(deps: Deps, command: OneSchedule, key: str | None = None) -> Schedule:
    """End it; invoices that exist stay.

    Raises:
        NotFound, NotAllowed, InvalidTransition: no such schedule, not yours, or ended already.
    """
    return await perform(deps, CANCEL, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueOccurrence:
    """Make the invoice of occurrence n."""

    schedule_id: str
    n: int


def _needs_issue(command: IssueOccurrence, seen: Snapshot) -> Needs:
    needs = need((Schedule, command.schedule_id))
    schedule = seen.peek(Schedule, command.schedule_id)
    return needs if schedule is None else needs | issue_needs(_terms(schedule), seen)


def decide_issue_occurrence(command: IssueOccurrence, change: Change) -> Invoice:
    """One occurrence, one invoice; due so many days after the occurrence's date (spec 4.7).

    Raises:
        NotFound: the occurrence is not due: it has its invoice, or the schedule is not active any more.
    """
    schedule = change.get(Schedule, command.schedule_id)
    one = _due_now(schedule, command.n, change)
    terms = _terms(schedule, due_on=one.on + timedelta(days=schedule.due_in_days))
    draft = draft_invoice(change, terms, schedule_id=schedule.id, occurrence=one.n)
    invoice = finalize_invoice(change, draft)
    after = after_issuing(schedule, one)
    change.put(after, _event_of(after, "schedule.run"))
    return invoice


def _due_now(schedule: Schedule, n: int, change: Change) -> Occurrence:
    """The occurrence, when it is the next: none is issued past one that was refused."""
    waiting = due(schedule, local_date(change.now, schedule.timezone))
    if not waiting or waiting[0].n != n:
        raise _not_due(schedule, n)
    return waiting[0]


def _not_due(schedule: Schedule, n: int) -> NotFound:
    """A refusal that is not recorded: the same key must work once the schedule is resumed."""
    return NotFound("the occurrence is not due", kind="occurrence", id=f"{schedule.id}/{n}")


def _event_of(after: Schedule, otherwise: str) -> str:
    return "schedule.completed" if after.status is ScheduleStatus.COMPLETED else otherwise


def decide_skip_missed(command: OneSchedule, change: Change) -> Schedule:
    """Leave out what was missed, where `catch_up` is `skip`.

    Raises:
        NotFound: the schedule is not active any more.
    """
    schedule = change.get(Schedule, command.schedule_id)
    if schedule.status is not ScheduleStatus.ACTIVE:
        raise _not_due(schedule, schedule.next_n)
    after = after_skipping(schedule, local_date(change.now, schedule.timezone))
    return change.put(after, _event_of(after, "schedule.skipped"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseFailing:
    """Stop a schedule whose invoice was refused."""

    schedule_id: str
    failure: str


def _needs_failing(command: PauseFailing, _seen: Snapshot) -> Needs:
    return need((Schedule, command.schedule_id))


def decide_pause_failing(command: PauseFailing, change: Change) -> Schedule:
    """Pause with the reason; the host resumes once it is gone, and nothing is lost."""
    schedule = change.get(Schedule, command.schedule_id)
    if schedule.status is not ScheduleStatus.ACTIVE:
        return schedule
    return _moved(change, schedule.id, ScheduleCommand.PAUSE, "schedule.failed", command.failure)


ISSUE = UseCase("schedules.issue", Invoice, _needs_issue, decide_issue_occurrence)
SKIP = UseCase("schedules.skip", Schedule, _needs_one, decide_skip_missed)
FAIL = UseCase("schedules.fail", Schedule, _needs_failing, decide_pause_failing)


async def run_due(deps: Deps) -> list[Invoice]:
    """Issue every occurrence that is due, many in a transaction; call it as often as you like.

    A schedule whose invoice is refused is paused with the reason (event `schedule.failed`); the others go on.

    Returns:
        The invoices that this run issued, not those that were issued before.
    """
    issued: list[Invoice] = []
    last_id = ""
    scheduler = replace(deps, actor=SCHEDULER)
    while True:
        page = await _listed(deps, last_id)
        issued += await _run(scheduler, page)
        if len(page) < PAGE:
            return issued
        last_id = page[-1].id


def due_schedules(latest: date, after_id: str, *, enterprise_id: str = "") -> Find[Schedule]:
    """The search for active schedules with a date up to `latest`, a page at a time."""
    wanted: dict[str, Any] = {"status": ScheduleStatus.ACTIVE, "next_on__le": latest, "id__gt": after_id}
    if enterprise_id:
        wanted["enterprise_id"] = enterprise_id
    return find(Schedule, limit=PAGE, **wanted)


async def _listed(deps: Deps, after_id: str) -> tuple[Schedule, ...]:
    latest = (deps.clock.now() + EASTERNMOST).date()
    own = deps.actor.party_id if deps.actor.role is Role.PARTY else ""
    async with deps.repository.reader(deps.tenant_id) as reader:
        return await reader.find(due_schedules(latest, after_id, enterprise_id=own))


@dataclass(frozen=True, slots=True)
class _Failure:
    """An occurrence that was not issued, or a schedule that could not leave out what it missed."""

    schedule: Schedule
    one: Occurrence
    error: Exception


async def _run(deps: Deps, page: Sequence[Schedule]) -> list[Invoice]:
    """Issue what is due of some schedules; the first refusal pauses a schedule, and no other."""
    failures = dict[str, _Failure]()
    ready = await _with_missed_left_out(deps, page, failures)
    occurrences = ((schedule, one) for schedule in ready for one in due(schedule, _today(deps, schedule)))
    issued: list[Invoice] = []
    while batch := list(islice(occurrences, AT_ONCE)):
        answers = await answers_of(deps, [_issuing(deps, schedule, one) for schedule, one in batch])
        for (schedule, one), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                failures.setdefault(schedule.id, _Failure(schedule, one, answer))
            elif not answer.replayed:
                issued.append(answer)
    await _stop(deps, failures.values())
    return issued


async def _with_missed_left_out(
    deps: Deps, page: Sequence[Schedule], failures: dict[str, _Failure]
) -> list[Schedule]:
    """The schedules as they are once those have left out what they missed that are to."""
    skips = [_skipping(deps, schedule, _today(deps, schedule)) for schedule in page]
    answers = await carried_out(deps, skips)
    for schedule, answer in zip(page, answers, strict=True):
        if isinstance(answer, Exception):
            failures[schedule.id] = _Failure(schedule, _next(schedule), answer)
    return [
        answer or schedule
        for schedule, answer in zip(page, answers, strict=True)
        if schedule.id not in failures
    ]


def _skipping(deps: Deps, schedule: Schedule, today: date) -> Call[OneSchedule, Schedule] | None:
    one = _next(schedule)
    if schedule.catch_up is not CatchUp.SKIP or one.on >= today:
        return None
    key = f"{schedule.id}/{one.n}/skip/{today}"
    return call_of(deps, SKIP, OneSchedule(schedule_id=schedule.id), key)


def _issuing(deps: Deps, schedule: Schedule, one: Occurrence) -> Call[IssueOccurrence, Invoice]:
    command = IssueOccurrence(schedule_id=schedule.id, n=one.n)
    return call_of(deps, ISSUE, command, f"{schedule.id}/{one.n}")


def _today(deps: Deps, schedule: Schedule) -> date:
    return local_date(deps.clock.now(), schedule.timezone)


def _next(schedule: Schedule) -> Occurrence:
    return Occurrence(n=schedule.next_n, on=schedule.next_on)


async def _stop(deps: Deps, failures: Iterable[_Failure]) -> None:
    """Pause what was refused; trouble with the store, and faults of the program, are raised afterwards."""
    refused = [one for one in failures if isinstance(one.error, REFUSALS) and not _is_not_due(one.error)]
    paused = await carried_out(deps, [_pausing(deps, one) for one in refused])
    trouble = [one.error for one in failures if not isinstance(one.error, REFUSALS)]
    for error in [*trouble, *paused]:
        if isinstance(error, Exception):
            raise error


def _is_not_due(error: Exception) -> bool:
    """Whether somebody else was faster, with the occurrence or with the schedule."""
    return isinstance(error, NotFound) and error.details.get("kind") == "occurrence"


def _pausing(deps: Deps, failure: _Failure) -> Call[PauseFailing, Schedule]:
    error, schedule = failure.error, failure.schedule
    assert isinstance(error, InvoicePayError)
    command = PauseFailing(schedule_id=schedule.id, failure=f"{error.code}: {error.message}")
    return call_of(deps, FAIL, command, f"{schedule.id}/{failure.one.n}/failed/{schedule.version}")
