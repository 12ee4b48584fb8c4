"""The store: units of work that load, apply and commit; readers that only look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from invoicepay.domain.accounts import Account, Booked
from invoicepay.domain.audit import AuditRecord, Checkpoint, Head
from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.entity import E
from invoicepay.domain.events import Event
from invoicepay.domain.invariants import Violation
from invoicepay.domain.needs import Find, Needs
from invoicepay.domain.quick import quick


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The stored answer to a call: replayed whenever its key comes again.

    Attributes:
        fingerprint: digest of the normalised command; another command under the key is a conflict.
        body: JSON text of the result, or of the refusal when `is_error`.
    """

    operation: str
    key: str
    fingerprint: str
    is_error: bool
    body: str
    recorded_at: datetime


class Unit(Protocol):
    """One transaction of one tenant. Leaving without `commit` forgets everything.

    Checked for every adapter by `invoicepay.testing.RepositoryContract`.
    """

    async def load(self, needs: Needs, into: Snapshot) -> None:
        """Lock and read what is needed, in the global order, and put it into the snapshot.

        Rows that do not exist are recorded as None; accounts that do not exist have balance 0. Rows that are
        only read are held together with other readers and marked as shared in the snapshot.
        Locks are taken by kind in `domain.needs.LOCK_ORDER`, then by id; then accounts, users' before
        enterprises' before control accounts; then what searches find. What comes earlier in this order
        than something that the unit holds already is never waited for.

        Raises:
            ConcurrentUpdate: a lock was not granted in time or comes too late in the order.
            StoreBehind, StoreUnreachable, StoreReadOnly, StoreBusy: the message names the next step.
        """
        ...

    async def replies(self, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Reply]:
        """Stored answers by (operation, key); asked after the rows are locked, so a racing twin is seen."""
        ...

    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        """Write rows, postings, events, audit records and replies of a batch, each table once.

        Each outcome becomes one audit record in the unit's stream, whose head is locked last.

        Raises:
            ConcurrentUpdate: somebody else changed a row or used a key meanwhile.
            DuplicateProviderReference: a provider's reference is known already.
        """
        ...

    async def commit(self) -> None:
        """Make it durable.

        Raises:
            OutcomeUnknown: the acknowledgement was lost; ask again with the same key.
            ConcurrentUpdate: the store refused; nothing was written.
        """
        ...


class Reader(Protocol):
    """Consistent looks at committed data of one tenant; nothing is locked."""

    async def find(self, wanted: Find[E]) -> tuple[E, ...]:
        """Matching rows in the search's order."""
        ...

    async def balances(
        self,
        accounts: Iterable[Account] | None = None,
        *,
        party_id: str | None = None,
        at: datetime | None = None,
    ) -> Mapping[Account, int]:
        """Micros by account, optionally of one party, as of an instant by `effective_at` (inclusive)."""
        ...

    async def transactions(
        self,
        *,
        memo: str | None = None,
        group_id: str | None = None,
        party_id: str | None = None,
        after: str = "",
        limit: int = 200,
    ) -> tuple[Booked, ...]:
        """Ledger transactions ordered by id, after an id; of a party: those that move its accounts."""
        ...

    async def events(
        self,
        *,
        entity_id: str | None = None,
        seq: int | None = None,
        unpublished: bool = False,
        after: str = "",
        limit: int = 200,
    ) -> tuple[Event, ...]:
        """Events ordered by id (by `seq` for one entity, or only that of one `seq`), after an id."""
        ...

    async def audit_records(
        self, *, stream: str, after: int = 0, limit: int = 500
    ) -> tuple[AuditRecord, ...]:
        """Records of one stream after a position."""
        ...

    async def audit_trail(self, entity_id: str) -> tuple[AuditRecord, ...]:
        """Every record that changed the entity, in order."""
        ...

    async def audit_heads(self) -> tuple[Head, ...]:
        """The heads of the tenant's streams, at 0 where there are records and the head is gone."""
        ...

    async def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Sealed heads, oldest first."""
        ...

    async def violations(self) -> tuple[Violation, ...]:
        """Every row that breaks a stored-data invariant (INV-01 … INV-25 as far as data shows them)."""
        ...


class Repository(Protocol):
    """Keeps everything. Two shipped adapters: memory, and SQL on SQLite or PostgreSQL."""

    def unit(self, tenant_id: str) -> AbstractAsyncContextManager[Unit]:
        """A transaction that may write."""
        ...

    def reader(self, tenant_id: str) -> AbstractAsyncContextManager[Reader]:
        """A look without locks."""
        ...

    async def tenants(self) -> tuple[str, ...]:
        """Every tenant that has rows."""
        ...

    async def seal(self, tenant_id: str, at: datetime) -> Checkpoint | None:
        """Seal the current stream heads into the tenant's checkpoint chain; None when nothing is new."""
        ...

    async def mark_published(self, tenant_id: str, event_ids: Sequence[str], at: datetime) -> None:
        """Record that the host's handlers took these events."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """One transaction that several units are parts of; leaving without its `commit` forgets all of it.

        Raises:
            StoreBehind, StoreUnreachable, StoreReadOnly, StoreBusy: the message names the next step.
        """
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class Transaction(Repository, Protocol):
    """A repository whose units are parts of one open transaction.

    Each unit and each look sees what earlier units wrote; nobody else does before `commit`. A unit that is
    left without its own commit takes back its part and nothing else. A transaction inside is a part, too.
    Other writers may be kept waiting from the first unit to the end. `close` leaves it open.
    """

    async def commit(self) -> None:
        """Make everything durable, all at once; nothing more can be done in it.

        Raises:
            OutcomeUnknown: the acknowledgement was lost; ask again with the same keys.
            ConcurrentUpdate: the store refused; nothing was written.
        """
        ...


@runtime_checkable
class JoinsHosts(Protocol):
    """What a repository adds that can work inside a transaction of the host's."""

    def bound(self, host: object) -> Repository:
        """The same tables inside the transaction that is open on a session or connection of the host's.

        Each unit is a savepoint. The host commits, or takes back everything.

        Raises:
            ConfigurationError: nothing of the kind, or none that can be joined; the message says why.
        """
        ...


@runtime_checkable
class TakesTurns(Protocol):
    """What a repository adds that can keep workers from doing one work of a tenant at the same time.

    A turn is no lock: it is over by itself at an instant, so that nobody waits for a worker that died.
    """

    async def take_turn(
        self, tenant_id: str, work: str, holder: str, *, now: datetime, until: datetime
    ) -> bool:
        """Take a turn that is free, over or this holder's already; false where somebody else has it."""
        ...

    async def end_turn(self, tenant_id: str, work: str, holder: str, *, now: datetime) -> None:
        """Give a turn back; nothing happens where it is somebody else's by now."""
        ...
