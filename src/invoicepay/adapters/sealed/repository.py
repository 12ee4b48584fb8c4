"""A Repository around another one: the store inside keeps people's texts sealed, the library reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from invoicepay.adapters.sealed.seals import Batch, Seals
from invoicepay.domain.accounts import Account, Booked
from invoicepay.domain.audit import AuditRecord, Checkpoint, Head
from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.entity import E
from invoicepay.domain.events import Event
from invoicepay.domain.invariants import Violation
from invoicepay.domain.needs import Find, Needs
from invoicepay.errors import ConfigurationError
from invoicepay.ports.health import NOT_TOLD, Check, Health, TellsHealth
from invoicepay.ports.repository import JoinsHosts, Reader, Reply, Repository, TakesTurns, Transaction, Unit
from invoicepay.ports.runtime import Clock, SharesClock
from invoicepay.ports.sealing import FieldCipher


class SealedRepository:
    """Keeps everything in another repository, people's texts sealed (S-26).

    Args:
        inner: in memory, in a database, or your own.
        cipher: what seals them.
    """

    def __init__(self, inner: Repository, cipher: FieldCipher) -> None:
        self._inner, self._cipher = inner, cipher

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[SealedUnit]:
        async with self._inner.unit(tenant_id) as unit:
            yield SealedUnit(unit, Seals(self._cipher, tenant_id))

    @asynccontextmanager
    async def reader(self, tenant_id: str) -> AsyncIterator[SealedReader]:
        async with self._inner.reader(tenant_id) as reader:
            yield SealedReader(reader, Seals(self._cipher, tenant_id))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SealedTransaction]:
        async with self._inner.transaction() as inner:
            yield SealedTransaction(inner, self._cipher)

    def bound(self, host: object) -> SealedRepository:
        """The store inside, in a transaction of the host's.

        Raises:
            ConfigurationError: the store inside joins none.
        """
        if not isinstance(self._inner, JoinsHosts):
            raise ConfigurationError(f"{type(self._inner).__name__} joins no transaction of a host's")
        return SealedRepository(self._inner.bound(host), self._cipher)

    async def tenants(self) -> tuple[str, ...]:
        return await self._inner.tenants()

    async def seal(self, tenant_id: str, at: datetime) -> Checkpoint | None:
        return await self._inner.seal(tenant_id, at)

    async def mark_published(self, tenant_id: str, event_ids: Sequence[str], at: datetime) -> None:
        await self._inner.mark_published(tenant_id, event_ids, at)

    async def take_turn(
        self, tenant_id: str, work: str, holder: str, *, now: datetime, until: datetime
    ) -> bool:
        if not isinstance(self._inner, TakesTurns):
            return True
        return await self._inner.take_turn(tenant_id, work, holder, now=now, until=until)

    async def end_turn(self, tenant_id: str, work: str, holder: str, *, now: datetime) -> None:
        if isinstance(self._inner, TakesTurns):
            await self._inner.end_turn(tenant_id, work, holder, now=now)

    async def shared_clock(self) -> Clock | None:
        return await self._inner.shared_clock() if isinstance(self._inner, SharesClock) else None

    async def health(self) -> Health:
        """How the store inside is."""
        if isinstance(self._inner, TellsHealth):
            return await self._inner.health()
        return Health(type(self._inner).__name__, (Check("health", True, NOT_TOLD),))

    async def close(self) -> None:
        await self._inner.close()


class SealedTransaction(SealedRepository):
    """Several units as parts of one transaction of the store inside."""

    def __init__(self, inner: Transaction, cipher: FieldCipher) -> None:
        super().__init__(inner, cipher)
        self._whole = inner

    async def commit(self) -> None:
        await self._whole.commit()


class SealedUnit:
    """One transaction of one tenant."""

    def __init__(self, inner: Unit, seals: Seals) -> None:
        self._inner, self._seals, self._batch = inner, seals, Batch(seals)

    async def load(self, needs: Needs, into: Snapshot) -> None:
        """Load apart, since the store inside goes on by what it has read itself."""
        stored = Snapshot(into.now, programme=into.programme)
        await self._inner.load(needs, stored)
        for key, row in stored.rows.items():
            if row is not None:
                stored.rows[key] = self._batch.opened(row)
        into.take(stored)

    async def replies(self, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Reply]:
        found = await self._inner.replies(keys)
        return {key: self._seals.opened_reply(reply) for key, reply in found.items()}

    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        await self._inner.apply(*self._batch.written(outcomes, replies))

    async def commit(self) -> None:
        await self._inner.commit()


class SealedReader:
    """A look at one tenant."""

    def __init__(self, inner: Reader, seals: Seals) -> None:
        self._inner, self._seals = inner, seals

    async def find(self, wanted: Find[E]) -> tuple[E, ...]:
        return tuple([self._seals.opened(row) for row in await self._inner.find(wanted)])

    async def balances(
        self,
        accounts: Iterable[Account] | None = None,
        *,
        party_id: str | None = None,
        at: datetime | None = None,
    ) -> Mapping[Account, int]:
        return await self._inner.balances(accounts, party_id=party_id, at=at)

    async def transactions(
        self,
        *,
        memo: str | None = None,
        group_id: str | None = None,
        party_id: str | None = None,
        after: str = "",
        limit: int = 200,
    ) -> tuple[Booked, ...]:
        return await self._inner.transactions(
            memo=memo, group_id=group_id, party_id=party_id, after=after, limit=limit
        )

    async def events(
        self,
        *,
        entity_id: str | None = None,
        seq: int | None = None,
        unpublished: bool = False,
        after: str = "",
        limit: int = 200,
    ) -> tuple[Event, ...]:
        told = await self._inner.events(
            entity_id=entity_id, seq=seq, unpublished=unpublished, after=after, limit=limit
        )
        return tuple([self._seals.opened_event(event) for event in told])

    async def audit_records(
        self, *, stream: str, after: int = 0, limit: int = 500
    ) -> tuple[AuditRecord, ...]:
        return await self._inner.audit_records(stream=stream, after=after, limit=limit)

    async def audit_trail(self, entity_id: str) -> tuple[AuditRecord, ...]:
        return await self._inner.audit_trail(entity_id)

    async def audit_heads(self) -> tuple[Head, ...]:
        return await self._inner.audit_heads()

    async def checkpoints(self) -> tuple[Checkpoint, ...]:
        return await self._inner.checkpoints()

    async def violations(self) -> tuple[Violation, ...]:
        return await self._inner.violations()
