"""Slots in SQLite or PostgreSQL: each call is one transaction of a few statements."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from sqlalchemy import ColumnElement, Connection, Engine, Row, Table, and_, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL

from invoicepay.adapters.hosts import is_blocking
from invoicepay.adapters.sql.chunks import chunks
from invoicepay.adapters.sql.connect import Door, door_to
from invoicepay.adapters.sql.migrate import named_schema
from invoicepay.adapters.sql.ready import require_tables
from invoicepay.adapters.sql.schema import Place, SlotTables
from invoicepay.domain.money import Money
from invoicepay.errors import ConcurrentUpdate, ConfigurationError
from invoicepay.ports.slots import (
    DECIDED,
    OPEN_SLOTS,
    REFUSED,
    Attempt,
    Lane,
    Move,
    MoveState,
    Slot,
    SlotKey,
    SlotState,
    Verdict,
)
from invoicepay.ports.tokens import MoveKind

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")

SIGNABLE = (SlotState.TAKEN, SlotState.SIGNED)


class SqlSlots:
    """A `SlotStore` in a database; best in the one that the client keeps its books in.

    Args:
        store: a URL, which is opened blocking or awaiting as the caller needs it, or an engine of the host's.
        tenant_id: whose slots these are.
        schema, table_prefix: as the client's.

    Raises:
        ConfigurationError: the URL or the engine is none we can use.
        MissingExtra: the driver is not installed.
    """

    def __init__(
        self,
        store: str | URL | Engine | AsyncEngine,
        *,
        tenant_id: str = "main",
        schema: str | None = None,
        table_prefix: str = "",
    ) -> None:
        self._store = store
        self._doors: dict[bool, Door] = {}
        self._ready: WeakSet[Door] = WeakSet()
        self._lock = threading.Lock()
        self._place = Place(named_schema(schema, table_prefix), tenant_id)

    async def take(
        self, lane: Lane, moves: Sequence[Move], *, at: datetime, after: SlotKey | None = None
    ) -> Slot | None:
        def step(connection: Connection) -> Slot | None:
            rows = _Rows(connection, self._place)
            return rows.rebound(lane, moves, after, at) if after else rows.bound(lane, moves, at)

        return await self._written(step)

    async def refuse(self, signer: str, moves: Sequence[Move], *, at: datetime) -> frozenset[str]:
        lane = Lane(signer, REFUSED)
        return await self._written(lambda connection: _Rows(connection, self._place).refused(lane, moves, at))

    async def keep(self, key: SlotKey, attempt: Attempt, *, at: datetime) -> None:
        await self._written(lambda connection: _Rows(connection, self._place).keep(key, attempt, at))

    async def settle(
        self, key: SlotKey, state: SlotState, verdicts: Sequence[Verdict], *, at: datetime
    ) -> None:
        await self._written(
            lambda connection: _Rows(connection, self._place).settle(key, state, verdicts, at)
        )

    async def find(self, references: Sequence[str]) -> Mapping[str, Slot]:
        return await self._read(lambda connection: _Rows(connection, self._place).of(references))

    async def open(self, lane: Lane | None = None, *, limit: int = 1_000) -> Sequence[Slot]:
        return await self._read(lambda connection: _Rows(connection, self._place).open(lane, limit))

    async def lanes(self) -> Mapping[Lane, int]:
        return await self._read(lambda connection: _Rows(connection, self._place).lanes())

    async def close(self) -> None:
        """Give back the connections of the engines that are ours; each kind of host closes its own."""
        if door := self._doors.pop(is_blocking(), None):
            await door.close()

    async def _written(self, step: Callable[[Connection], T]) -> T:
        async with (await self._door()).link(writes=True) as link:
            result = await link.run(step)
            await link.commit()
            return result

    async def _read(self, step: Callable[[Connection], T]) -> T:
        async with (await self._door()).link(writes=False) as link:
            return await link.run(step)

    async def _door(self) -> Door:
        """The door for the host at hand, with tables behind it."""
        with self._lock:
            door = self._doors.get(is_blocking()) or door_to(self._store, blocking=is_blocking())
            self._doors[is_blocking()] = door
        if door not in self._ready:
            if self._place.schema.name and door.dialect_name == "sqlite":
                raise ConfigurationError("SQLite has no schemas: use table_prefix")
            await require_tables(door, self._place.schema)
            self._ready.add(door)
        return door


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one tenant in one transaction."""

    connection: Connection
    place: Place

    @property
    def tables(self) -> SlotTables:
        return self.place.schema.slots

    def bound(self, lane: Lane, moves: Sequence[Move], at: datetime) -> Slot | None:
        """Bind movements that were never bound; the lane is locked first, then they in one order."""
        key = self._next(lane)
        self._keep_free(key, [replace(move, state=MoveState.OPEN) for move in moves])
        return self._taken(key, at)

    def refused(self, lane: Lane, moves: Sequence[Move], at: datetime) -> frozenset[str]:
        """Bind movements that were never bound as they are judged, to a slot that no chain has."""
        key = self._next(lane)
        self._keep_free(key, moves)
        slot = self._taken(key, at, SlotState.FAILED)
        return frozenset(move.reference for move in slot.moves) if slot else frozenset()

    def _keep_free(self, key: SlotKey, moves: Sequence[Move]) -> None:
        rows = [self._move_row(move, key, position) for position, move in enumerate(moves)]
        rows.sort(key=lambda row: str(row["reference"]))
        self._insert_if_absent(self.tables.moves, rows)

    def rebound(self, lane: Lane, moves: Sequence[Move], after: SlotKey, at: datetime) -> Slot | None:
        """Bind movements of a reverted slot again; whoever else does waits at the old slot's row."""
        old, key = self._state(after), self._next(lane)
        if old is SlotState.REVERTED:
            for position, move in enumerate(moves):
                self._change_moves(
                    after, [move.reference], nonce=key.nonce, position=position, **key.lane._asdict()
                )
        return self._taken(key, at)

    def keep(self, key: SlotKey, attempt: Attempt, at: datetime) -> None:
        if self._state(key) not in SIGNABLE:
            raise ConcurrentUpdate("the slot is decided: nothing is signed for it any more")
        table = self.tables.attempts
        known = self.connection.execute(select(table.c.hash).where(self._of(table, key))).scalars().all()
        if attempt.hash not in known:
            row = {
                **self._named(key),
                "hash": attempt.hash,
                "raw": attempt.raw.hex(),
                "valid_before": attempt.valid_before,
                "max_fee": attempt.max_fee,
                "position": len(known),
                "signed_at": at,
            }
            self.connection.execute(insert(table), row)
        self._change_slot(key, SlotState.SIGNED, at)

    def settle(self, key: SlotKey, state: SlotState, verdicts: Sequence[Verdict], at: datetime) -> None:
        before = self._state(key)
        alike: dict[tuple[MoveState, str, str], list[str]] = {}
        for verdict in verdicts:
            alike.setdefault((verdict.state, verdict.proof, verdict.reason), []).append(verdict.reference)
        for (became, proof, reason), references in alike.items():
            self._change_moves(key, references, state=became, proof=proof, reason=reason)
        is_left = state is SlotState.FAILED and any(
            move.state is MoveState.OPEN for move in self._moves([key]).get(key, ())
        )
        if before in DECIDED[state] and not is_left:
            self._change_slot(key, state, at)

    def of(self, references: Sequence[str]) -> dict[str, Slot]:
        table = self.tables.moves
        wanted = select(table.c.reference, *self._slot_columns(table)).where(self.place.owns(table))
        rows = [
            row
            for some in chunks(list(references))
            for row in self.connection.execute(wanted.where(table.c.reference.in_(some)))
        ]
        slots = {slot.key: slot for slot in self._slots({_key(row) for row in rows})}
        return {row.reference: slots[_key(row)] for row in rows}

    def open(self, lane: Lane | None, limit: int) -> list[Slot]:
        table = self.tables.slots
        open_ones = and_(self.place.owns(table), table.c.state.in_([str(state) for state in OPEN_SLOTS]))
        wanted = select(*self._slot_columns(table)).where(open_ones)
        if lane is not None:
            wanted = wanted.where(table.c.signer == lane.signer, table.c.nonce_key == lane.nonce_key)
        rows = self.connection.execute(wanted.order_by(*self._slot_columns(table)).limit(limit))
        return self._slots({_key(row) for row in rows})

    def lanes(self) -> dict[Lane, int]:
        table = self.tables.lanes
        wanted = select(table.c.signer, table.c.nonce_key, table.c.next_nonce).where(self.place.owns(table))
        return {Lane(row.signer, row.nonce_key): row.next_nonce for row in self.connection.execute(wanted)}

    def _next(self, lane: Lane) -> SlotKey:
        """Lock the lane until the transaction ends, and tell the slot that is next."""
        table = self.tables.lanes
        row = {"tenant_id": self.place.tenant_id, **lane._asdict(), "next_nonce": 0}
        self._insert_if_absent(table, [row])
        wanted = select(table.c.next_nonce).where(self._of_lane(table, lane)).with_for_update(key_share=True)
        return SlotKey(lane, int(self.connection.execute(wanted).scalar_one()))

    def _taken(self, key: SlotKey, at: datetime, state: SlotState = SlotState.TAKEN) -> Slot | None:
        """Use the nonce, if any movement got it."""
        moves = self._moves([key]).get(key)
        if not moves:
            return None
        slots, lanes = self.tables.slots, self.tables.lanes
        row = {**self._named(key), "state": str(state), "taken_at": at, "changed_at": at}
        self.connection.execute(insert(slots), row)
        used = update(lanes).where(self._of_lane(lanes, key.lane))
        self.connection.execute(used.values(next_nonce=key.nonce + 1))
        return Slot(key=key, state=state, moves=moves, attempts=(), taken_at=at, changed_at=at)

    def _state(self, key: SlotKey) -> SlotState:
        """The state of a slot that nobody else changes until the transaction ends."""
        table = self.tables.slots
        wanted = select(table.c.state).where(self._of(table, key)).with_for_update(key_share=True)
        return SlotState(self.connection.execute(wanted).scalar_one())

    def _change_slot(self, key: SlotKey, state: SlotState, at: datetime) -> None:
        table = self.tables.slots
        changed = update(table).where(self._of(table, key))
        self.connection.execute(changed.values(state=str(state), changed_at=at))

    def _change_moves(self, key: SlotKey, references: Sequence[str], **values: Any) -> None:
        """Change movements while they are open and bound to this slot, whose row is locked."""
        table = self.tables.moves
        is_open = table.c.state == str(MoveState.OPEN)
        for some in chunks(references):
            changed = update(table).where(self._of(table, key), table.c.reference.in_(some), is_open)
            self.connection.execute(changed.values(**values))

    def _slots(self, keys: Iterable[SlotKey]) -> list[Slot]:
        """Whole slots, each lane's in the order of its nonces."""
        named = sorted(keys)
        moves, attempts = self._moves(named), self._attempts(named)
        return [
            Slot(
                key=_key(row),
                state=SlotState(row.state),
                moves=moves.get(_key(row), ()),
                attempts=attempts.get(_key(row), ()),
                taken_at=row.taken_at,
                changed_at=row.changed_at,
            )
            for row in self._rows(self.tables.slots, named)
        ]

    def _moves(self, keys: Sequence[SlotKey]) -> dict[SlotKey, tuple[Move, ...]]:
        rows = self._rows(self.tables.moves, keys, self.tables.moves.c.position)
        return _grouped((_key(row), _move(row)) for row in rows)

    def _attempts(self, keys: Sequence[SlotKey]) -> dict[SlotKey, tuple[Attempt, ...]]:
        rows = self._rows(self.tables.attempts, keys, self.tables.attempts.c.position)
        return _grouped((_key(row), _attempt(row)) for row in rows)

    def _rows(self, table: Table, keys: Sequence[SlotKey], *order: ColumnElement[Any]) -> list[Row[Any]]:
        """The rows of slots, a statement for each lane."""
        lanes: dict[Lane, list[int]] = {}
        for key in keys:
            lanes.setdefault(key.lane, []).append(key.nonce)
        wanted = select(table).order_by(table.c.nonce, *order)
        return [
            row
            for lane, nonces in lanes.items()
            for some in chunks(nonces)
            for row in self.connection.execute(
                wanted.where(self._of_lane(table, lane), table.c.nonce.in_(some))
            )
        ]

    def _insert_if_absent(self, table: Table, rows: list[dict[str, Any]]) -> None:
        build = postgresql.insert if self.connection.dialect.name == "postgresql" else sqlite.insert
        self.connection.execute(build(table).on_conflict_do_nothing(), rows)

    def _move_row(self, move: Move, key: SlotKey, position: int) -> dict[str, Any]:
        return {
            **self._named(key),
            "reference": move.reference,
            "idempotency_key": move.idempotency_key,
            "kind": str(move.kind),
            "asset": move.amount.asset,
            "amount": move.amount.micros,
            "from_party": move.from_party,
            "to_party": move.to_party,
            "source": move.source,
            "target": move.target,
            "memo": move.memo,
            "state": str(move.state),
            "proof": move.proof,
            "reason": move.reason,
            "position": position,
        }

    def _named(self, key: SlotKey) -> dict[str, Any]:
        return {"tenant_id": self.place.tenant_id, **key.lane._asdict(), "nonce": key.nonce}

    def _of_lane(self, table: Table, lane: Lane) -> ColumnElement[bool]:
        return and_(
            self.place.owns(table), table.c.signer == lane.signer, table.c.nonce_key == lane.nonce_key
        )

    def _of(self, table: Table, key: SlotKey) -> ColumnElement[bool]:
        return and_(self._of_lane(table, key.lane), table.c.nonce == key.nonce)

    def _slot_columns(self, table: Table) -> tuple[ColumnElement[Any], ...]:
        return table.c.signer, table.c.nonce_key, table.c.nonce


def _key(row: Row[Any]) -> SlotKey:
    return SlotKey(Lane(row.signer, row.nonce_key), row.nonce)


def _move(row: Row[Any]) -> Move:
    return Move(
        reference=row.reference,
        idempotency_key=row.idempotency_key,
        kind=MoveKind(row.kind),
        amount=Money.from_micros(row.amount, row.asset),
        from_party=row.from_party,
        to_party=row.to_party,
        source=row.source,
        target=row.target,
        memo=row.memo,
        state=MoveState(row.state),
        proof=row.proof,
        reason=row.reason,
    )


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        hash=row.hash, raw=bytes.fromhex(row.raw), valid_before=row.valid_before, max_fee=row.max_fee
    )


def _grouped(pairs: Iterable[tuple[SlotKey, T]]) -> dict[SlotKey, tuple[T, ...]]:
    groups: dict[SlotKey, list[T]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in groups.items()}
