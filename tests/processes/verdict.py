"""What must hold when all is over: nothing acknowledged is lost, nothing took place twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from invoicepay import InvoicePay, InvoicePayError
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from tests.processes.clients import ask
from tests.processes.diary import UNKNOWN, Asked, asked_in, entries, faults_in
from tests.processes.outside import ASSET
from tests.processes.waiting import left, under_way, untold
from tests.processes.worker import Place
from tests.stores.surroundings import Distant
from tests.support.sql import execute

MADE: Mapping[str, tuple[str, str]] = {  # call: the table of the rows it makes, and which of them
    "deposits.initiate": ("deposits", "1 = 1"),
    "withdrawals.initiate": ("withdrawals", "1 = 1"),
    "invoices.issue": ("invoices", "1 = 1"),
    "invoices.pay": ("invoice_payments", "1 = 1"),
    "requests.create": ("payment_requests", "1 = 1"),
    "holds.place": ("holds", "cause_id = ''"),
}


@dataclass
class Verdict:
    """What was found in the end.

    Attributes:
        lost: commands that were acknowledged and are not there as they were.
        doubled: movements and rows that nobody ordered, or that took place more than once.
        drained_seconds: from the last blow until every answer was there and no effect or webhook waited.
    """

    asked: dict[str, Asked]
    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    faults: list[str] = field(default_factory=list[str])
    effects: int = 0
    movements: int = 0
    events: int = 0
    times_told: int = 0
    drained_seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether everything is right."""
        return not (self.lost or self.doubled or self.faults)

    def figures(self) -> dict[str, Any]:
        """For a report."""
        asked = self.asked.values()
        unknown = [one for one in asked if UNKNOWN in one.troubles]
        return {
            "acknowledged": sum(bool(one.id) for one in asked),
            "refused": sum(bool(one.refused) for one in asked),
            "asked_by_two_processes": sum(one.lives > 1 for one in asked),
            "told_unknown": len(unknown),
            "of_these_recorded": sum(one.was_there for one in unknown),
            "recorded_but_unacknowledged": sum(one.was_there for one in asked),
            "effects": self.effects,
            "movements": self.movements,
            "events": self.events,
            "events_told": self.times_told,
            "drained_seconds": round(self.drained_seconds, 1),
            "lost": self.lost[:20],
            "doubled": self.doubled[:20],
            "faults": self.faults[:20],
        }


def drained(place: Place, since: float, most_seconds: float, told: Callable[[str], None]) -> Verdict:
    """Wait until every client has its answers and nothing waits; the verdict so far.

    Events are given three times as long: one process tells them all, and some of them again. Whoever noted a
    fault has ended and answers nobody, so nobody waits for that either.
    """
    verdict = Verdict({})
    while True:
        verdict.asked = _asked(place)
        unanswered = sum(not one.is_answered for one in verdict.asked.values())
        work, events, seconds = under_way(place.url), untold(place.url), time.monotonic() - since
        told(f"  {seconds:.0f} s after: {unanswered} unanswered, {work} under way, {events} events to tell")
        if (unanswered or work) and not verdict.faults:
            verdict.drained_seconds = seconds
            if seconds > most_seconds:
                late = f"{unanswered} unanswered, {work} under way after {seconds:.0f} s: {left(place.url)}"
                verdict.faults.append(late)
        is_over = seconds > 3 * most_seconds or any(map(faults_in, _diaries(place)))
        if not (unanswered or work or events) or is_over:
            return verdict
        time.sleep(0.5)


def judged(place: Place, verdict: Verdict) -> Verdict:
    """Look at the store, the outside and the diaries; all processes have ended."""
    verdict.faults += [fault for lines in _diaries(place) for fault in faults_in(lines)]
    _hear(place, verdict)  # first, for looking at the reserve is an event, too
    with place.opened() as pay:
        verdict.lost += _lost(pay, verdict.asked)
        verdict.doubled += _unordered(place.url, verdict.asked)
        _compare_outside(place, verdict)
        verdict.faults += [str(violation) for violation in pay.invariants.check()]
        verdict.faults += [f"audit: {fault}" for fault in pay.audit.verify().faults]
        tie_out = pay.reserves.reconcile(ASSET)
        if not tie_out.backed or tie_out.breaks:
            verdict.faults.append(tie_out.explain())
        if place.settlement == "onchain" and not (tied := pay.tokens.tie_out(ASSET)).is_tied_out:
            verdict.faults.append(str(tied))
    return verdict


def _asked(place: Place) -> dict[str, Asked]:
    found: dict[str, Asked] = {}
    for path in sorted(place.folder.glob("*.diary")):
        found |= asked_in(entries(path))
    return found


def _diaries(place: Place) -> Iterator[list[dict[str, Any]]]:
    for path in sorted([*place.folder.glob("*.diary"), *place.folder.glob("*.worker")]):
        yield list(entries(path))


def _lost(pay: InvoicePay, asked: Mapping[str, Asked]) -> list[str]:
    """Acknowledged commands that do not answer as they did: each is asked once more under its key."""
    return [
        f"{one.key} {one.call}: {one.id or one.refused}, now {now}"
        for one in asked.values()
        if one.is_answered and (now := _answer_now(pay, one)) != (one.id or one.refused)
    ]


def _answer_now(pay: InvoicePay, one: Asked) -> str:
    try:
        row = ask(pay, one)
    except InvoicePayError as refusal:
        return refusal.code
    return str(row.id) if row.replayed else f"{row.id}, done only now"


def _unordered(url: str, asked: Mapping[str, Asked]) -> list[str]:
    """Rows that no answer tells of, by the calls that make them."""
    told = {call: {one.id for one in asked.values() if one.call == call and one.id} for call in MADE}
    found = list[str]()
    for call, (table, condition) in MADE.items():
        rows = {row.id for row in execute(url, f"SELECT id FROM {table} WHERE {condition}")}
        found += [f"{id} in {table}, of which nobody was told" for id in sorted(rows - told[call])]
    return found


def _compare_outside(place: Place, verdict: Verdict) -> None:
    """Each effect moved once what it ordered, and nothing moved without one."""
    rows = execute(place.url, "SELECT id, status, provider_ref, review_reason FROM effects")
    effects = {row.id: row for row in rows}
    verdict.effects = len(effects)
    verdict.faults += [f"{row.id} in review: {row.review_reason}" for row in rows if row.review_reason]
    rails: Any = Distant(place.address, "rails", SimulatedRails)
    tokens: Any = Distant(place.address, "tokens", SimulatedTokens)
    moved = [(one.reference, one.provider_ref) for one in (*rails.transfers(), *tokens.transfers())]
    rails.leave()
    tokens.leave()
    verdict.movements = len(moved)
    times = Counter(reference for reference, _ in moved)
    verdict.doubled += [f"{reference} moved {many} times" for reference, many in times.items() if many > 1]
    verdict.doubled += [f"{reference} moved without an effect" for reference in times.keys() - effects.keys()]
    known = {(row.id, row.provider_ref) for row in rows}
    verdict.faults += [
        f"{reference} is {ref} outside only" for reference, ref in moved if (reference, ref) not in known
    ]
    ended = {"accepted", "settled", "final", "returned"}
    verdict.faults += [
        f"{row.id} is {row.status} inside only" for row in rows if row.status in ended and row.id not in times
    ]


def _hear(place: Place, verdict: Verdict) -> None:
    """Find events that no handler was told of, and count how often the others were told."""
    heard = [line["event"] for lines in _diaries(place) for line in lines if "event" in line]
    stored = {row.id for row in execute(place.url, "SELECT id FROM outbox")}
    verdict.events, verdict.times_told = len(stored), len(heard)
    unheard = stored - set(heard)
    if unheard:
        verdict.faults.append(f"{len(unheard)} events were told to nobody, {min(unheard)} first")
