"""Checks of the trail: legal steps, nothing twice, an unbroken audit chain (spec 7)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

from invoicepay.domain.accounts import Booked
from invoicepay.domain.audit import (
    GENESIS,
    AuditRecord,
    Head,
    broken_checkpoints,
    broken_links,
    posting_body,
    shown_postings,
)
from invoicepay.domain.bank_accounts import BANK_ACCOUNT
from invoicepay.domain.books import Books, Violation
from invoicepay.domain.credit_notes import CREDIT_NOTE, CreditNote
from invoicepay.domain.credits import CREDIT
from invoicepay.domain.deposits import DEPOSIT, RESERVE, UNMATCHED
from invoicepay.domain.effects import EFFECT
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Event
from invoicepay.domain.holds import HOLD
from invoicepay.domain.invoices import INVOICE, Invoice
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.netting import SETTLEMENT_RUN
from invoicepay.domain.numbering import CREDIT_NOTES, NumberSeries
from invoicepay.domain.parties import PARTY, WALLET
from invoicepay.domain.payments import PAYMENT
from invoicepay.domain.policies import Numbering
from invoicepay.domain.provider_switches import PROVIDER_SWITCH
from invoicepay.domain.requests import REQUEST, TRANSFER
from invoicepay.domain.schedules import SCHEDULE
from invoicepay.domain.tokens import BURN, MINT
from invoicepay.domain.webhook_deliveries import WEBHOOK_DELIVERY
from invoicepay.domain.webhook_endpoints import WEBHOOK_ENDPOINT
from invoicepay.domain.withdrawals import WITHDRAWAL
from invoicepay.domain.writes import UNIQUE

LIFECYCLES: tuple[Lifecycle[Any, Any], ...] = (
    INVOICE,
    CREDIT_NOTE,
    PAYMENT,
    CREDIT,
    DEPOSIT,
    RESERVE,
    UNMATCHED,
    MINT,
    BURN,
    SETTLEMENT_RUN,
    WITHDRAWAL,
    REQUEST,
    TRANSFER,
    HOLD,
    SCHEDULE,
    EFFECT,
    PARTY,
    WALLET,
    BANK_ACCOUNT,
    PROVIDER_SWITCH,
    WEBHOOK_ENDPOINT,
    WEBHOOK_DELIVERY,
)
"""Every machine of the specification, section 4, of provider work and of outgoing webhooks."""

_STEPS = {table.entity: {(start or "", end) for start, _, end in table.edges} for table in LIFECYCLES}


def steps_are_legal(books: Books) -> Iterator[Violation]:
    """INV-19: every step is in its machine's table, each begins where the last one ended.

    A change of amounts needs no event but counts as a version, so an entity's events have growing `seq`, not
    consecutive ones; a change of status always has its event, so the last one tells the row's status.
    """
    rows = {(row.KIND, row.id): row for some in books.rows.values() for row in some}
    by_entity = sorted(books.events, key=lambda event: (event.kind, event.entity_id, event.seq))
    for key, events in groupby(by_entity, key=lambda event: (event.kind, event.entity_id)):
        yield from _walked(list(events), rows.get(key))


def _walked(events: list[Event], row: Entity | None) -> Iterator[Violation]:
    first, last = events[0], events[-1]
    for event in events:
        is_step = event.from_status == event.to_status
        steps = _STEPS.get(event.kind)
        if not is_step and steps is not None and (event.from_status, event.to_status) not in steps:
            yield _illegal(event, f"{event.from_status or 'nothing'} → {event.to_status} is not in its table")
    for before, after in pairwise(events):
        if after.from_status != before.to_status or after.seq <= before.seq:
            yield _illegal(after, f"does not follow #{before.seq} {before.name}")
    if first.seq == 1 and first.from_status:
        yield _illegal(first, "begins in the middle")
    status = str(getattr(row, "status", "")) if row else None
    if row is None or last.seq > row.version or last.to_status != status:
        yield _illegal(last, f"is not how the stored row came to be {status or 'there'}")


def _illegal(event: Event, message: str) -> Violation:
    return Violation(rule="INV-19", subject=event.entity_id, message=f"#{event.seq} {event.name}: {message}")


def nothing_is_there_twice(books: Books) -> Iterator[Violation]:
    """INV-20: references, keys, occurrences and numbers are unique; gapless series have no gap."""
    for unique in UNIQUE:
        rows = ((unique.value(row), row.id) for row in books.of(unique.kind))
        what = f"{unique.kind.KIND} {', '.join(unique.fields)}"
        yield from _repeated(((value, id) for value, id in rows if value is not None), what)
    keys = (((record.action, _key(record)), record.id) for record in books.audit)
    yield from _repeated(keys, "operation, key")
    ids = ((booked.posting.id, booked.posting.id) for booked in books.ledger)
    yield from _repeated(ids, "ledger transaction")
    reversals = ((booked.posting.reverses, booked.posting.id) for booked in books.ledger)
    yield from _repeated((pair for pair in reversals if pair[0]), "reversal of")
    yield from _gaps(books)


def _repeated(values: Iterable[tuple[Any, str]], what: str) -> Iterator[Violation]:
    seen: dict[Any, str] = {}
    for value, id in values:
        if value in seen:
            message = f"{what} {value} is also of {seen[value]}"
            yield Violation(rule="INV-20", subject=id, message=message)
        seen[value] = id


def _key(record: AuditRecord) -> str:
    """The key under which something was done; the record's id where nothing was, or its text is spoiled."""
    try:
        told = json.loads(record.body)
        return record.id if "denied" in told else str(told["key"])
    except (ValueError, TypeError, LookupError):
        return record.id


def _gaps(books: Books) -> Iterator[Violation]:
    numbered = Counter((row.enterprise_id, row.series) for row in books.of(Invoice) if row.number)
    numbered.update((row.enterprise_id, CREDIT_NOTES) for row in books.of(CreditNote))
    for series in books.of(NumberSeries):
        found = numbered[series.enterprise_id, series.series]
        if series.numbering is Numbering.GAPLESS and found != series.next_number - 1:
            message = f"{found} documents, but {series.next_number} is the next number"
            yield Violation(rule="INV-20", subject=series.id, message=message)


def audit_chain_is_unbroken(books: Books) -> Iterator[Violation]:
    """INV-22: every hash follows, heads and checkpoints agree, each group is as its record says."""
    streams: dict[str, list[AuditRecord]] = {head.stream: [] for head in books.heads}
    for record in books.audit:
        streams.setdefault(record.stream, []).append(record)
    faults = [
        *(fault for name, rows in streams.items() for fault in broken_links(books.tenant_id, name, rows)),
        *_cut(books.heads, streams),
        *broken_checkpoints(books.tenant_id, books.checkpoints),
        *_resealed(books, streams),
    ]
    for fault in faults:
        yield Violation(rule="INV-22", subject=fault.partition(":")[0], message=fault)
    yield from _unaudited(books)


def _cut(heads: Iterable[Head], streams: dict[str, list[AuditRecord]]) -> Iterator[str]:
    ends = {
        name: (rows[-1].position, rows[-1].hash) if rows else (0, GENESIS) for name, rows in streams.items()
    }
    for head in heads:
        if ends.pop(head.stream) != (head.position, head.hash):
            yield f"{head.stream}: does not end at its recorded head {head.position}"
    for name in ends:
        yield f"{name}: has no recorded head"


def _resealed(books: Books, streams: dict[str, list[AuditRecord]]) -> Iterator[str]:
    hashes = {(name, row.position): row.hash for name, rows in streams.items() for row in rows}
    for point in books.checkpoints:
        for head in point.heads:
            if hashes.get((head.stream, head.position)) != head.hash:
                yield f"{head.stream}#{head.position}: differs from checkpoint {point.position}"


def _unaudited(books: Books) -> Iterator[Violation]:
    told = {
        (record.id, id): (body, record.recorded_at, record.recorded_at)
        for record in books.audit
        for id, body in shown_postings(record).items()
    }
    for booked in books.ledger:
        id = booked.posting.id
        if told.pop((booked.group_id, id), None) != shown_by_record(booked):
            message = "is not the transaction that its audit record shows"
            yield Violation(rule="INV-22", subject=id, message=message)
    for record_id, id in told:
        yield Violation(rule="INV-22", subject=id, message=f"of audit record {record_id} is gone")


def shown_by_record(booked: Booked) -> tuple[str, datetime, datetime]:
    """What the audit record of a ledger transaction shows: its text, and the record's own instant twice."""
    return posting_body(booked.posting), booked.effective_at, booked.recorded_at
