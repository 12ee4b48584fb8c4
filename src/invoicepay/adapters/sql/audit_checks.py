"""INV-22 over a store of any size: each stream is read once, page by page, beside its ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from invoicepay.adapters.sql import look
from invoicepay.adapters.sql.chunks import CHUNK
from invoicepay.adapters.sql.finds import among
from invoicepay.adapters.sql.schema import Place
from invoicepay.adapters.sql.suspects import ids
from invoicepay.domain.audit import (
    GENESIS,
    AuditRecord,
    broken_checkpoints,
    broken_links,
    shown_postings,
)
from invoicepay.domain.books import Violation
from invoicepay.domain.trail_checks import shown_by_record

_STREAMS = "SELECT DISTINCT stream FROM {audit_log} WHERE tenant_id = :tenant"
_GROUPLESS = """
SELECT t.id FROM {ledger_transactions} t
LEFT JOIN {audit_log} a ON a.tenant_id = t.tenant_id AND a.id = t.group_id
WHERE t.tenant_id = :tenant AND a.id IS NULL"""

_MISFILED = """
SELECT e.tx_id FROM {ledger_entries} e
LEFT JOIN {ledger_transactions} t ON t.tenant_id = e.tenant_id AND t.id = e.tx_id
WHERE e.tenant_id = :tenant
GROUP BY e.tx_id
HAVING COUNT(t.id) <> COUNT(*) OR MIN(e.position) <> 0 OR MAX(e.position) <> COUNT(*) - 1 OR SUM(
  CASE WHEN SUBSTR(e.account_id, 6, LENGTH(e.asset) + 1) = e.asset || '/' THEN 0 ELSE 1 END) > 0"""
"""What nothing else reads: entries of no transaction, their places, their asset beside their account's."""


def audit_faults(connection: Connection, place: Place) -> Iterator[Violation]:
    """Hashes that do not follow, cut streams, false checkpoints, and ledger groups unlike their record."""
    heads = {head.stream: (head.position, head.hash) for head in look.heads(connection, place)}
    points = look.checkpoints(connection, place)
    sealed = {(head.stream, head.position): "" for point in points for head in point.heads}
    for stream in sorted({*heads, *ids(connection, place, _STREAMS)}):
        walk = _Walk(connection, place, stream, sealed)
        for fault in broken_links(place.tenant_id, stream, walk.records()):
            yield _fault(fault)
        if heads.get(stream) != walk.end:
            yield _fault(f"{stream}: ends at {walk.end[0]}, its recorded head is {heads.get(stream, '-')[0]}")
        yield from walk.found
    for fault in broken_checkpoints(place.tenant_id, points):
        yield _fault(fault)
    for point in points:
        for head in point.heads:
            if sealed[head.stream, head.position] != head.hash:
                yield _fault(f"{head.stream}#{head.position}: differs from checkpoint {point.position}")
    for id in ids(connection, place, _GROUPLESS):
        yield _unlike(id, "has no audit record")
    for id in ids(connection, place, _MISFILED):
        yield _unlike(
            id, "has entries of no transaction, out of place, or of another asset than their account"
        )


class _Walk:
    """Reads one stream from its start; keeps its end, sealed hashes, and what the ledger lacks."""

    def __init__(
        self, connection: Connection, place: Place, stream: str, sealed: dict[tuple[str, int], str]
    ) -> None:
        self._connection, self._place, self._stream, self._sealed = connection, place, stream, sealed
        self.end = (0, GENESIS)
        self.found: list[Violation] = []

    def records(self) -> Iterator[AuditRecord]:
        """Every record in order; each page's ledger groups are compared on the way."""
        while page := look.audit_records(
            self._connection, self._place, stream=self._stream, after=self.end[0], limit=CHUNK
        ):
            for record in page:
                if (record.stream, record.position) in self._sealed:
                    self._sealed[record.stream, record.position] = record.hash
            self.end = (page[-1].position, page[-1].hash)
            self.found += self._compared(page)
            yield from page

    def _compared(self, page: Sequence[AuditRecord]) -> Iterator[Violation]:
        told = {
            (record.id, id): (body, record.recorded_at, record.recorded_at)
            for record in page
            for id, body in shown_postings(record).items()
        }
        table = self._place.schema.transactions
        groups = among(self._connection, table.c.group_id, [record.id for record in page])
        for booked in look.booked(
            self._connection, self._place, select(table).where(self._place.owns(table), groups)
        ):
            if told.pop((booked.group_id, booked.posting.id), None) != shown_by_record(booked):
                yield _unlike(booked.posting.id, "is not the transaction that its audit record shows")
        for record_id, id in told:
            yield _unlike(id, f"of audit record {record_id} is gone")


def _fault(fault: str) -> Violation:
    return Violation(rule="INV-22", subject=fault.partition(":")[0], message=fault)


def _unlike(id: str, message: str) -> Violation:
    return Violation(rule="INV-22", subject=id, message=message)
