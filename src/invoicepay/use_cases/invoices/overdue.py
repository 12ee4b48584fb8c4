"""Overdue: an invoice still open after its due date is told of once (spec 1.3; no state of its own, 4.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.invoices import UNSETTLED, Invoice, is_overdue, overdue_from
from invoicepay.domain.needs import Needs, find, need
from invoicepay.domain.parties import Actor, Party, Role
from invoicepay.use_cases.neighbours import Served, carried_out, served
from invoicepay.use_cases.perform import Deps, UseCase, own_call

AT_ONCE = 50
"""Invoices looked at by one command; a payment of one of them waits until it is done."""
SOONEST = timedelta(hours=1)
"""Before this an invoice whose date is not over yet is not looked at again."""
TIME = Actor("due dates", Role.SYSTEM)
"""Who tells that a date is over: the clock, whoever starts the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TellOverdue:
    """See which of these invoices are overdue."""

    invoice_ids: tuple[str, ...]


def _needs(command: TellOverdue, seen: Snapshot) -> Needs:
    found = [seen.peek(Invoice, id) for id in command.invoice_ids]
    enterprises = {(Party, invoice.enterprise_id) for invoice in found if invoice is not None}
    return need(*((Invoice, id) for id in command.invoice_ids), reads=enterprises)


def decide_overdue(command: TellOverdue, change: Change) -> int:
    """Tell of those that are; how many. What was paid meanwhile is done with in silence."""
    told = 0
    for id in command.invoice_ids:
        invoice = change.get(Invoice, id)
        if invoice.overdue_check_at is not None and invoice.overdue_check_at <= change.now:
            told += _looked_at(change, invoice)
    return told


def _looked_at(change: Change, invoice: Invoice) -> bool:
    timezone = change.get(Party, invoice.enterprise_id).timezone
    is_told = is_overdue(invoice, change.now, timezone)
    next_check_at = None if is_told else _next_check(invoice, timezone, change.now)
    looked_at = replace(invoice, overdue_check_at=next_check_at)
    change.put(looked_at, "invoice.overdue" if is_told else None)
    return is_told


def _next_check(invoice: Invoice, timezone: str, now: datetime) -> datetime | None:
    """When the date of an unpaid one is over: it was reopened before that, or the enterprise moved."""
    over_at = overdue_from(invoice.due_on, timezone)
    return max(over_at, now + SOONEST) if over_at is not None and invoice.status in UNSETTLED else None


TELL_OVERDUE = UseCase("invoices.tell_overdue", int, _needs, decide_overdue)


async def tell_overdue(deps: Deps, limit: int = 200) -> Served:
    """Look at up to `limit` invoices whose due date is over, and tell of those that are not paid."""
    deps = replace(deps, actor=TIME)
    wanted = find(Invoice, overdue_check_at__le=deps.clock.now(), order=("overdue_check_at",), limit=limit)
    async with deps.repository.reader(deps.tenant_id) as reader:
        ids = [invoice.id for invoice in await reader.find(wanted)]
    parts = [tuple(ids[first : first + AT_ONCE]) for first in range(0, len(ids), AT_ONCE)]
    calls = [own_call(deps, TELL_OVERDUE, TellOverdue(invoice_ids=part)) for part in parts]
    answers = await carried_out(deps, calls, most=1)
    refusals = served(answers).refusals
    looked_at = [part for part, answer in zip(parts, answers, strict=True) if answer not in refusals]
    return Served(sum(map(len, looked_at)) + len(refusals), refusals)
