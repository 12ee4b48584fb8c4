"""Looks at a tenant's tables in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from invoicepay.adapters.memory.tables import Tables
from invoicepay.domain.accounts import Account, Booked
from invoicepay.domain.audit import AuditRecord, Checkpoint, Head
from invoicepay.domain.entity import E
from invoicepay.domain.events import Event
from invoicepay.domain.invariants import Books, Violation, check
from invoicepay.domain.needs import Find


class MemoryReader:
    """A look at one tenant's tables."""

    def __init__(self, tenant_id: str, tables: Tables) -> None:
        self._tenant_id, self._tables = tenant_id, tables

    async def find(self, wanted: Find[E]) -> tuple[E, ...]:
        """Matching rows in the search's order."""
        return self._tables.find(wanted)

    async def balances(
        self,
        accounts: Iterable[Account] | None = None,
        *,
        party_id: str | None = None,
        at: datetime | None = None,
    ) -> Mapping[Account, int]:
        """Micros by account; accounts asked for by name are always present."""
        known = self._tables.balances if at is None else self._balances_at(at)
        if accounts is not None:
            return {account: known.get(account, 0) for account in accounts}
        return {
            account: n for account, n in known.items() if party_id is None or account.party_id == party_id
        }

    def _balances_at(self, at: datetime) -> dict[Account, int]:
        sums: dict[Account, int] = {}
        for booked in self._tables.ledger:
            if booked.effective_at <= at:
                for entry in booked.posting.entries:
                    sums[entry.account] = sums.get(entry.account, 0) + entry.growth
        return sums

    async def transactions(
        self,
        *,
        memo: str | None = None,
        group_id: str | None = None,
        party_id: str | None = None,
        after: str = "",
        limit: int = 200,
    ) -> tuple[Booked, ...]:
        """Ledger transactions ordered by id, after an id."""
        found = [
            booked
            for booked in self._tables.ledger
            if booked.posting.id > after
            and memo in (None, booked.posting.memo)
            and group_id in (None, booked.group_id)
            and (party_id is None or any(e.account.party_id == party_id for e in booked.posting.entries))
        ]
        return tuple(sorted(found, key=lambda booked: booked.posting.id)[:limit])

    async def events(
        self,
        *,
        entity_id: str | None = None,
        seq: int | None = None,
        unpublished: bool = False,
        after: str = "",
        limit: int = 200,
    ) -> tuple[Event, ...]:
        """Events ordered by id (by `seq` for one entity), after an id."""
        tables = self._tables
        waiting = tables.unpublished
        events: Iterable[Event] = waiting.values() if unpublished else tables.events
        if entity_id is not None:
            events = tables.events_of.get(entity_id, ())
        found = [event for event in events if event.id > after and (event.id in waiting or not unpublished)]
        if seq is not None:
            found = [event for event in found if event.seq == seq]
        found.sort(key=lambda event: event.id)
        if entity_id is not None:
            found.sort(key=lambda event: event.seq)
        return tuple(found[:limit])

    async def audit_records(
        self, *, stream: str, after: int = 0, limit: int = 500
    ) -> tuple[AuditRecord, ...]:
        """Records of one stream after a position."""
        return tuple(self._tables.audit.get(stream, [])[after : after + limit])

    async def audit_trail(self, entity_id: str) -> tuple[AuditRecord, ...]:
        """Every record that changed the entity, in order."""
        records = [r for stream in self._tables.audit.values() for r in stream if entity_id in r.entity_ids]
        return tuple(sorted(records, key=lambda record: record.id))

    async def audit_heads(self) -> tuple[Head, ...]:
        """The heads of the tenant's streams."""
        return tuple(self._tables.heads())

    async def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Sealed heads, oldest first."""
        return tuple(self._tables.checkpoints)

    async def violations(self) -> tuple[Violation, ...]:
        """Every row that breaks a stored-data invariant."""
        return check(self.books())

    def books(self) -> Books:
        """Everything the tenant has, as the invariants read it."""
        tables = self._tables
        return Books(
            tenant_id=self._tenant_id,
            rows={kind: tuple(rows.values()) for kind, rows in tables.by_kind.items()},
            balances=tables.balances,
            ledger=tables.ledger,
            events=tables.events,
            audit=tuple(record for stream in tables.audit.values() for record in stream),
            heads=tables.heads(),
            checkpoints=tables.checkpoints,
        )
