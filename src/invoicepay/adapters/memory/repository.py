"""A Repository in memory: one writer at a time, the same semantics as SQL."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from invoicepay.adapters.memory.reader import MemoryReader
from invoicepay.adapters.memory.tables import Tables
from invoicepay.domain.accounts import Booked, has_floor
from invoicepay.domain.audit import Checkpoint, by_stream, chain, seal
from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.needs import Needs, RowKey
from invoicepay.domain.writes import UNIQUE, Writes, merged
from invoicepay.errors import ConcurrentUpdate, DuplicateProviderReference
from invoicepay.ports.health import Check, Health
from invoicepay.ports.repository import Reply


class MemoryRepository:
    """Keeps each tenant's tables in dictionaries; gone when the process ends.

    Args:
        new_id: makes ids for audit records from a prefix and an instant.
        stream: audit stream of this repository's units.
    """

    def __init__(self, new_id: Callable[[str, datetime], str], *, stream: str = "main") -> None:
        self._new_id = new_id
        self._stream = stream
        self._tenants: dict[str, Tables] = {}
        self._turns: dict[tuple[str, str], tuple[str, datetime]] = {}
        self._lock = threading.Lock()

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[MemoryUnit]:
        """A transaction; one at a time in the process."""
        with self._lock:
            yield MemoryUnit(tenant_id, self._of(tenant_id), self._stream, self._new_id)

    @asynccontextmanager
    async def reader(self, tenant_id: str) -> AsyncIterator[MemoryReader]:
        """A look at committed data; no unit runs meanwhile."""
        with self._lock:
            yield MemoryReader(tenant_id, self._of(tenant_id))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryTransaction]:
        """Units over copies of the tables; nobody waits meanwhile, and nobody is held up."""
        yield MemoryTransaction(self, self._new_id, stream=self._stream)

    async def tenants(self) -> tuple[str, ...]:
        """Every tenant that has rows."""
        with self._lock:
            return tuple(sorted(name for name, tables in self._tenants.items() if tables.audit))

    async def health(self) -> Health:
        """There is nothing to reach, and nothing is kept."""
        return Health("memory", (Check("reachable", True, "in memory: gone when the process ends"),))

    def production_faults(self) -> tuple[str, ...]:
        """Nothing is kept."""
        return ("the store is in memory: it is gone when the process ends",)

    async def seal(self, tenant_id: str, at: datetime) -> Checkpoint | None:
        """Seal the current stream heads."""
        with self._lock:
            tables = self._of(tenant_id)
            heads = tables.heads()
            last = tables.checkpoints[-1] if tables.checkpoints else None
            if not heads or (last and last.heads == tuple(heads)):
                return None
            point = seal(tenant_id, last, heads, at)
            tables.checkpoints.append(point)
            tables.revision += 1
            return point

    async def mark_published(self, tenant_id: str, event_ids: Sequence[str], at: datetime) -> None:
        """Record that the host's handlers took these events."""
        with self._lock:
            tables = self._of(tenant_id)
            for id in event_ids:
                if tables.unpublished.pop(id, None):
                    tables.published[id] = at
                    tables.revision += 1

    async def take_turn(
        self, tenant_id: str, work: str, holder: str, *, now: datetime, until: datetime
    ) -> bool:
        """Take a turn that is free, over or ours already."""
        with self._lock:
            owner, over_at = self._turns.get((tenant_id, work), (holder, now))
            if owner != holder and over_at > now:
                return False
            self._turns[tenant_id, work] = (holder, until)
            return True

    async def end_turn(self, tenant_id: str, work: str, holder: str, *, now: datetime) -> None:
        """Give it back; nothing happens where it is somebody else's by now."""
        with self._lock:
            if self._turns.get((tenant_id, work), ("", now))[0] == holder:
                self._turns[tenant_id, work] = (holder, now)

    async def close(self) -> None:
        """Nothing to give back."""

    def _of(self, tenant_id: str) -> Tables:
        return self._tenants.setdefault(tenant_id, Tables())

    def _copy_of(self, tenant_id: str) -> Tables:
        with self._lock:
            return self._of(tenant_id).copy()

    def _replace(self, seen: Mapping[str, int], changed: Mapping[str, Tables]) -> None:
        """Take over changed tables, if nobody committed since they were copied.

        Args:
            seen: each tenant's revision when its tables were copied.
        """
        with self._lock:
            for tenant_id in changed:
                if self._of(tenant_id).revision != seen[tenant_id]:
                    raise ConcurrentUpdate(tenant=tenant_id)
            self._tenants.update(changed)


class MemoryTransaction(MemoryRepository):
    """Several units over copies of the tables, which take the place of the originals at the commit."""

    def __init__(
        self, outer: MemoryRepository, new_id: Callable[[str, datetime], str], *, stream: str
    ) -> None:
        super().__init__(new_id, stream=stream)
        self._outer = outer
        self._seen: dict[str, int] = {}

    async def tenants(self) -> tuple[str, ...]:
        """Every tenant that has rows, those of this transaction too."""
        return tuple(sorted({*await self._outer.tenants(), *await super().tenants()}))

    async def commit(self) -> None:
        """Let everybody see what was written."""
        changed = {id: tables for id, tables in self._tenants.items() if tables.revision != self._seen[id]}
        self._outer._replace(self._seen, changed)
        self._tenants, self._seen = {}, {}

    def _of(self, tenant_id: str) -> Tables:
        tables = self._tenants.get(tenant_id)
        if tables is None:
            tables = self._tenants[tenant_id] = self._outer._copy_of(tenant_id)
            self._seen[tenant_id] = tables.revision
        return tables


class MemoryUnit:
    """One transaction over a tenant's tables; nothing shows before `commit`."""

    def __init__(
        self, tenant_id: str, tables: Tables, stream: str, new_id: Callable[[str, datetime], str]
    ) -> None:
        self._tenant_id, self._tables, self._stream, self._new_id = tenant_id, tables, stream, new_id
        self._versions: dict[RowKey, int] = {}
        self._staged: tuple[Writes, Sequence[Outcome[Any]], Sequence[Reply]] | None = None

    async def load(self, needs: Needs, into: Snapshot) -> None:
        """Read what is needed; the whole store is ours already."""
        for kind, id in needs.rows | needs.reads:
            into.rows[(kind, id)] = self._tables.rows(kind).get(id)
        into.shared |= {key for key in needs.reads - needs.rows if into.rows[key] is not None}
        for wanted in needs.finds:
            into.add_found(wanted, self._tables.find(wanted))
        for account in needs.accounts:
            into.balances[account] = self._tables.balances.get(account, 0)
        self._versions.update(
            (key, row.version)
            for key, row in into.rows.items()
            if row is not None and key not in self._versions
        )

    async def replies(self, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Reply]:
        """Stored answers by (operation, key)."""
        return {key: self._tables.replies[key] for key in keys if key in self._tables.replies}

    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        """Check and stage a batch."""
        writes = merged(outcomes, self._versions)
        for row, version in writes.changed:
            if self._tables.rows(type(row))[row.id].version != version:
                raise ConcurrentUpdate(id=row.id)
        self._refuse_repeats(writes)
        self._refuse_second_answers(outcomes, replies)
        for account, growth in writes.movements:
            balance = self._tables.balances.get(account, 0) + growth
            assert balance >= 0 or growth > 0 or not has_floor(account), f"{account.id} would be {balance}"
        self._staged = (writes, outcomes, replies)

    def _refuse_repeats(self, writes: Writes) -> None:
        rows = [*writes.added, *(row for row, _ in writes.changed)]
        for row in writes.added:
            if row.id in self._tables.rows(type(row)):
                raise ConcurrentUpdate(id=row.id)
        changed = {(type(row), row.id) for row, _ in writes.changed}
        for unique in UNIQUE:
            taken: dict[tuple[Any, ...], str] = {}
            for row in rows:
                value = unique.value(row) if type(row) is unique.kind else None
                if value is None:
                    continue
                stored = self._tables.unique.get((unique, value), "")
                keeps = stored and (unique.kind, stored) not in changed
                owner = stored if keeps else taken.setdefault(value, row.id)
                if owner != row.id:
                    if "provider_ref" in unique.fields:
                        raise DuplicateProviderReference(id=owner)
                    raise ConcurrentUpdate(id=owner)

    def _refuse_second_answers(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        """A key is answered once, a ledger transaction taken back once."""
        for reply in replies:
            if (reply.operation, reply.key) in self._tables.replies:
                raise ConcurrentUpdate(operation=reply.operation, key=reply.key)
        reversals = [p.reverses for outcome in outcomes for p in outcome.postings if p.reverses]
        if len(set(reversals)) < len(reversals) or not self._tables.reversed.isdisjoint(reversals):
            raise ConcurrentUpdate(reverses=sorted(reversals))

    async def commit(self) -> None:
        """Make the staged batch visible, all at once."""
        assert self._staged is not None, "commit without apply"
        writes, outcomes, replies = self._staged
        tables = self._tables
        tables.store([*writes.added, *(row for row, _ in writes.changed)])
        for account, growth in writes.movements:
            tables.balances[account] = tables.balances.get(account, 0) + growth
        tables.tell(step.event(self._tenant_id) for step in writes.events)
        ids = [self._new_id("aud", outcome.context.now) for outcome in outcomes]
        for stream, its_ids, its_outcomes in by_stream(ids, outcomes, self._stream):
            records = chain(self._tenant_id, tables.head(stream), its_ids, its_outcomes)
            tables.audit.setdefault(stream, []).extend(records)
        for group_id, outcome in zip(ids, outcomes, strict=True):
            now = outcome.context.now
            tables.ledger.extend(
                Booked(posting=p, group_id=group_id, effective_at=now, recorded_at=now)
                for p in outcome.postings
            )
            tables.reversed.update(p.reverses for p in outcome.postings if p.reverses)
        tables.replies.update({(reply.operation, reply.key): reply for reply in replies})
        for outcome in outcomes:
            if outcome.erases:
                tables.erase(outcome.erases)
        tables.revision += 1
        self._staged = None
