"""A store as one simulated process sees it: others go on at each step, and anything may fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import Any

from invoicepay.adapters.memory import MemoryRepository
from invoicepay.domain.audit import Checkpoint
from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.needs import Needs
from invoicepay.errors import ConcurrentUpdate, InvoicePayError, OutcomeUnknown, StoreBusy, StoreUnreachable
from invoicepay.ports.repository import Reader, Reply, Repository, Transaction, Unit
from invoicepay.testing.simulation.scheduler import PARKED, Task, suspended
from invoicepay.testing.simulation.surroundings import Surroundings


class SharedMemory(MemoryRepository):
    """A store in memory that several simulated processes have in common; a `Door` keeps units apart.

    Args:
        tenants: the rows, the same object for every process.
    """

    def __init__(
        self, new_id: Callable[[str, datetime], str], tenants: dict[str, Any], *, stream: str
    ) -> None:
        super().__init__(new_id, stream=stream)
        self._tenants = tenants
        self._lock: Any = nullcontext()


class Door:
    """Lets one task write at a time; the others wait in virtual time."""

    def __init__(self, surroundings_of: Callable[[Task], int]) -> None:
        self._delay = surroundings_of
        self.holder: Task | None = None
        self._waiting: dict[Task, None] = {}

    async def enter(self, around: Surroundings) -> Task:
        """Wait until nobody else is inside."""
        task = around.world.scheduler.current
        while self.holder is not None:
            self._waiting[task] = None
            try:
                await suspended(PARKED)
            finally:
                self._waiting.pop(task, None)
        self.holder = task
        return task

    def leave(self, around: Surroundings, task: Task) -> None:
        """Let the next one in; who that is, depends on who comes first."""
        if self.holder is task:
            self.holder = None
            for other in tuple(self._waiting):
                around.world.scheduler.wake(other, self._delay(other))


class SimStore:
    """A repository whose units and looks let others run and may fail, as seen by one process."""

    def __init__(self, inner: Repository, around: Surroundings, door: Door) -> None:
        self._inner, self._around, self._door = inner, around, door

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[Unit]:
        """A transaction; it begins once no other one is open."""
        around = self._around
        task = await self._entered("BEGIN")
        task.in_store += 1
        try:
            async with self._inner.unit(tenant_id) as unit:
                yield SimUnit(unit, around, lambda: self._door.leave(around, task), tenant_id)
        finally:
            task.in_store -= 1
            self._door.leave(around, task)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SimTransaction]:
        """Several units as one; it begins once no other one is open."""
        around = self._around
        task = await self._entered("BEGIN")
        task.in_store += 1
        try:
            async with self._inner.transaction() as whole:
                yield SimTransaction(whole, around, self._door, task)
        finally:
            task.in_store -= 1
            self._door.leave(around, task)

    async def _entered(self, place: str) -> Task:
        around = self._around
        await around.point(place, around.world.odds.outside)
        _fail(around, around.fault("begin", around.world.odds.begin))
        return await self._door.enter(around)

    @asynccontextmanager
    async def reader(self, tenant_id: str) -> AsyncIterator[Reader]:
        """A look at what is committed; nobody else runs until it ends."""
        around = self._around
        waiting = around.look()
        if waiting is not None:
            await waiting
        _fail(around, around.fault("begin", around.world.odds.begin))
        task = around.world.scheduler.current
        task.in_store += 1
        try:
            async with self._inner.reader(tenant_id) as reader:
                yield reader
        finally:
            task.in_store -= 1

    async def tenants(self) -> tuple[str, ...]:
        """Every tenant that has rows."""
        self._around.life.check()
        return await self._inner.tenants()

    async def health(self) -> Any:
        """How the store is."""
        return await self._inner.health()  # type: ignore[attr-defined]  # both shipped stores have it

    async def seal(self, tenant_id: str, at: datetime) -> Checkpoint | None:
        """Seal the current stream heads."""
        task = await self._entered("seal")
        try:
            return await self._inner.seal(tenant_id, at)
        finally:
            self._door.leave(self._around, task)

    async def mark_published(self, tenant_id: str, event_ids: Sequence[str], at: datetime) -> None:
        """Record that the host's handlers took these events."""
        task = await self._entered("publish")
        try:
            await self._inner.mark_published(tenant_id, event_ids, at)
        finally:
            self._door.leave(self._around, task)

    async def close(self) -> None:
        """Give connections back."""
        await self._inner.close()


class SimTransaction(SimStore):
    """Several units of a simulated process as parts of one transaction."""

    def __init__(self, whole: Transaction, around: Surroundings, door: Door, task: Task) -> None:
        super().__init__(whole, around, door)
        self._whole, self._task = whole, task
        self._parts: list[SimPart] = []

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[SimPart]:
        """A part; the door is held already."""
        async with self._whole.unit(tenant_id) as unit:
            yield SimPart(unit, self._around, self._parts.append, tenant_id)

    async def seal(self, tenant_id: str, at: datetime) -> Checkpoint | None:
        """Seal the current stream heads, as a part."""
        return await self._whole.seal(tenant_id, at)

    async def mark_published(self, tenant_id: str, event_ids: Sequence[str], at: datetime) -> None:
        """Record that the host's handlers took these events, as a part."""
        await self._whole.mark_published(tenant_id, event_ids, at)

    async def commit(self) -> None:
        """Make it durable, as a unit's commit does."""
        await _commit(
            self._whole, self._around, lambda: self._door.leave(self._around, self._task), self._parts
        )


class SimUnit:
    """One transaction of a simulated process."""

    tenant_id: str

    def __init__(self, inner: Unit, around: Surroundings, leave: Callable[[], None], tenant_id: str) -> None:
        self._inner, self._around, self._leave, self.tenant_id = inner, around, leave, tenant_id
        self.outcomes: list[Outcome[Any]] = []
        self.replied: list[Reply] = []

    async def load(self, needs: Needs, into: Snapshot) -> None:
        """Lock and read what is needed; then others may run, but write nothing."""
        around = self._around
        _fail(around, around.fault("load", around.world.odds.load))
        await self._inner.load(needs, into)
        await around.point("load", around.world.odds.inside)

    async def replies(self, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Reply]:
        """Stored answers by operation and key."""
        self._around.life.check()
        return await self._inner.replies(keys)

    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        """Write a batch."""
        self._around.life.check()
        await self._inner.apply(outcomes, replies)
        self.outcomes += outcomes
        self.replied += replies

    async def commit(self) -> None:
        """Make it durable; the process may end before it, after it, and without a word in between."""
        await _commit(self._inner, self._around, self._leave, [self])


class SimPart(SimUnit):
    """One part of a simulated process's transaction: it lets others run, and is durable with the whole.

    Args:
        released: takes the part once it has gone into the whole.
    """

    def __init__(
        self, inner: Unit, around: Surroundings, released: Callable[[SimPart], None], tenant_id: str
    ) -> None:
        super().__init__(inner, around, lambda: None, tenant_id)
        self._released = released

    async def commit(self) -> None:
        """Let it go into the whole."""
        await self._inner.commit()
        self._released(self)


async def _commit(
    inner: Unit | Transaction, around: Surroundings, leave: Callable[[], None], units: Sequence[SimUnit]
) -> None:
    odds = around.world.odds
    await around.point("before COMMIT", odds.inside)
    fault = around.fault("commit", odds.commit)
    if fault and fault != "database.ack_lost":
        _fail(around, fault)
    await inner.commit()
    leave()
    for tenant_id in dict.fromkeys(unit.tenant_id for unit in units):
        its = [unit for unit in units if unit.tenant_id == tenant_id]
        outcomes = [outcome for unit in its for outcome in unit.outcomes]
        replies = [reply for unit in its for reply in unit.replied]
        around.world.committed(around.life.process, tenant_id, outcomes, replies)
    _fail(around, fault)
    await around.point("after COMMIT", odds.inside)


def _fail(around: Surroundings, fault: str) -> None:
    """Meet a fault of the database, if there is one.

    Raises:
        ConcurrencyError, StoreError: what the host is told.
    """
    if fault:
        around.world.happened("fault", fault, process=around.life.process)
        raise _ERRORS[fault]()


def _unknown() -> InvoicePayError:
    return OutcomeUnknown(retry_same_key="")


_ERRORS: Mapping[str, Callable[[], InvoicePayError]] = {
    "database.busy": StoreBusy,
    "database.dropped": StoreUnreachable,
    "database.conflict": ConcurrentUpdate,
    "database.conflict_at_commit": ConcurrentUpdate,
    "database.ack_lost": _unknown,
    "database.nack_lost": _unknown,
}
