"""Drives a Repository the way the core does: load, decide, apply, commit, one step after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

from invoicepay.domain.accounts import Account, Posting, posting
from invoicepay.domain.change import Change, Context, Outcome, Snapshot
from invoicepay.domain.entity import E, Entity
from invoicepay.domain.needs import Find, Needs, RowKey, need
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.policies import Programme
from invoicepay.ports.repository import Reader, Reply, Repository, Transaction, Unit
from invoicepay.testing.clock import FrozenClock
from invoicepay.testing.hosts import Host

T = TypeVar("T")
Decide = Callable[[Change], Any]

TENANT = "acme"


class Store:
    """A repository under test, one tenant of it, a clock moved by hand and ids that count."""

    host: Host
    repository: Repository
    tenant_id: str

    def __init__(self, host: Host, repository: Repository, *, tenant_id: str = TENANT) -> None:
        self.host, self.repository, self.tenant_id = host, repository, tenant_id
        self.clock: FrozenClock = FrozenClock()
        self._numbers = count(1)

    def of_tenant(self, tenant_id: str) -> Store:
        """The same repository for another tenant."""
        return Store(self.host, self.repository, tenant_id=tenant_id)

    def inside(self, whole: Transaction) -> Store:
        """The same tenant inside an open transaction, with the same clock and numbers."""
        inside = Store(self.host, whole, tenant_id=self.tenant_id)
        inside.clock, inside._numbers = self.clock, self._numbers
        return inside

    def new_id(self, prefix: str) -> str:
        """An id that sorts after every one before it."""
        return f"{prefix}_{next(self._numbers):06}"

    def write(
        self,
        *decisions: Decide,
        needs: Needs | None = None,
        seen: Snapshot | None = None,
        keys: Sequence[str] = (),
    ) -> list[Any]:
        """Load, decide one after the other over one snapshot, apply and commit; returns the results.

        Args:
            seen: a snapshot that was filled before, possibly too long ago.
            keys: idempotency keys of the decisions; fresh ones when none are given.
        """
        return self.host.run(self.wrote(*decisions, needs=needs, seen=seen, keys=keys))

    async def wrote(
        self,
        *decisions: Decide,
        needs: Needs | None = None,
        seen: Snapshot | None = None,
        keys: Sequence[str] = (),
    ) -> list[Any]:
        """`write` for where the host runs something already."""
        async with self.repository.unit(self.tenant_id) as unit:
            outcomes, replies = await self.decided(unit, decisions, needs or Needs(), seen, keys)
            await unit.apply(outcomes, replies)
            await unit.commit()
        return [outcome.result for outcome in outcomes]

    async def decided(
        self,
        unit: Unit,
        decisions: Sequence[Decide],
        needs: Needs,
        seen: Snapshot | None = None,
        keys: Sequence[str] = (),
    ) -> tuple[list[Outcome[Any]], list[Reply]]:
        """What decisions want written, after a load in the unit."""
        seen = seen or Snapshot(self.clock.now())
        await unit.load(needs, seen)
        outcomes, replies = [], []
        for number, decide in enumerate(decisions):
            key = keys[number] if keys else self.new_id("key")
            change = Change(seen, self._context(key))
            outcome = change.outcome("test.write", decide(change))
            seen.fold(outcome)
            outcomes.append(outcome)
            replies.append(self.reply(key))
        return outcomes, replies

    def reply(self, key: str, **given: Any) -> Reply:
        """A stored answer."""
        plain = Reply(
            operation="test.write",
            key=key,
            fingerprint="f" * 64,
            is_error=False,
            body="{}",
            recorded_at=self.clock.now(),
        )
        return replace(plain, **given)

    def _context(self, key: str) -> Context:
        return Context(
            tenant_id=self.tenant_id,
            actor=Actor("ops", Role.OPERATOR),
            now=self.clock.now(),
            key=key,
            programme=Programme(),
            new_id=self.new_id,
        )

    def add(self, *rows: Entity, event: str = "") -> None:
        """Store new rows, each with an event when its name is given."""

        def decide(change: Change) -> None:
            for row in rows:
                change.add(row, event or None)

        self.write(decide)

    def change(self, row: E, event: str = "", **given: Any) -> E:
        """Change a stored row."""
        (changed,) = self.write(
            lambda change: change.put(replace(change.get(type(row), row.id), **given), event or None),
            needs=need((type(row), row.id)),
        )
        return changed  # type: ignore[no-any-return]

    def move(self, debit: Account, credit: Account, micros: int, *, memo: str = "") -> Posting:
        """Post one transaction."""
        (booked,) = self.write(
            lambda change: change.post(posting("P-17", (debit, credit, micros), memo=memo)),
            needs=need(accounts=[debit, credit]),
        )
        return booked  # type: ignore[no-any-return]

    def look(self, read: Callable[[Reader], Awaitable[T]]) -> T:
        """What a reader sees."""

        async def looked() -> T:
            async with self.repository.reader(self.tenant_id) as reader:
                return await read(reader)

        return self.host.run(looked())

    def found(self, wanted: Find[E]) -> tuple[E, ...]:
        """Committed rows."""
        return self.look(lambda reader: reader.find(wanted))

    def loaded(self, needs: Needs) -> Snapshot:
        """What a unit loads."""

        async def load() -> Snapshot:
            seen = Snapshot(self.clock.now())
            async with self.repository.unit(self.tenant_id) as unit:
                await unit.load(needs, seen)
            return seen

        return self.host.run(load())

    def row(self, key: RowKey) -> Entity | None:
        """A committed row."""
        return self.loaded(need(key)).rows[key]

    def replies(self, *keys: tuple[str, str]) -> dict[tuple[str, str], Reply]:
        """Stored answers."""

        async def read() -> dict[tuple[str, str], Reply]:
            async with self.repository.unit(self.tenant_id) as unit:
                return dict(await unit.replies(keys))

        return self.host.run(read())

    def balance(self, account: Account, at: datetime | None = None) -> int:
        """Micros on an account."""
        return self.look(lambda reader: reader.balances([account], at=at))[account]
