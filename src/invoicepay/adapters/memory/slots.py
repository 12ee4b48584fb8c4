"""Slots in memory: for tests and for programmes that keep nothing; gone when the process ends."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from invoicepay.errors import ConcurrentUpdate
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


@dataclass(slots=True)
class _Row:
    """A slot with the references of its movements, which may leave it."""

    state: SlotState
    references: list[str]
    attempts: tuple[Attempt, ...]
    taken_at: datetime
    changed_at: datetime


class MemorySlots:
    """A `SlotStore` in dictionaries, one call at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lanes: dict[Lane, int] = {}
        self._slots: dict[SlotKey, _Row] = {}
        self._moves: dict[str, tuple[SlotKey, Move]] = {}
        self._keys: set[str] = set()

    def production_faults(self) -> tuple[str, ...]:
        """What was signed is forgotten, and may be signed anew."""
        return ("slots are kept in memory: they are gone when the process ends",)

    async def take(
        self, lane: Lane, moves: Sequence[Move], *, at: datetime, after: SlotKey | None = None
    ) -> Slot | None:
        with self._lock:
            free = [replace(move, state=MoveState.OPEN) for move in moves if self._is_free(move, after)]
            if not free:
                return None
            if after is not None:
                for move in free:
                    self._slots[after].references.remove(move.reference)
            return self._slot(self._bound(lane, SlotState.TAKEN, free, at))

    async def refuse(self, signer: str, moves: Sequence[Move], *, at: datetime) -> frozenset[str]:
        with self._lock:
            free = [move for move in moves if self._is_free(move, None)]
            if free:
                self._bound(Lane(signer, REFUSED), SlotState.FAILED, free, at)
            return frozenset(move.reference for move in free)

    def _bound(self, lane: Lane, state: SlotState, moves: Sequence[Move], at: datetime) -> SlotKey:
        key = SlotKey(lane, self._lanes.get(lane, 0))
        self._lanes[lane] = key.nonce + 1
        self._slots[key] = _Row(state, [move.reference for move in moves], (), at, at)
        for move in moves:
            self._moves[move.reference] = (key, move)
            self._keys.add(move.idempotency_key)
        return key

    def _is_free(self, move: Move, after: SlotKey | None) -> bool:
        bound = self._moves.get(move.reference)
        if after is None:
            return bound is None and move.idempotency_key not in self._keys
        return (
            bound is not None
            and bound[0] == after
            and bound[1].state is MoveState.OPEN
            and self._slots[after].state is SlotState.REVERTED
        )

    async def keep(self, key: SlotKey, attempt: Attempt, *, at: datetime) -> None:
        with self._lock:
            row = self._slots.get(key)
            if row is None or row.state not in (SlotState.TAKEN, SlotState.SIGNED):
                raise ConcurrentUpdate("the slot is decided: nothing is signed for it any more")
            row.state, row.changed_at = SlotState.SIGNED, at
            if attempt.hash not in {known.hash for known in row.attempts}:
                row.attempts += (attempt,)

    async def settle(
        self, key: SlotKey, state: SlotState, verdicts: Sequence[Verdict], *, at: datetime
    ) -> None:
        with self._lock:
            for verdict in verdicts:
                bound, move = self._moves[verdict.reference]
                if bound == key and move.state is MoveState.OPEN:
                    self._moves[verdict.reference] = (key, _judged(move, verdict))
            row = self._slots[key]
            is_left = state is SlotState.FAILED and any(
                self._moves[reference][1].state is MoveState.OPEN for reference in row.references
            )
            if row.state in DECIDED[state] and not is_left:
                row.state, row.changed_at = state, at

    async def find(self, references: Sequence[str]) -> Mapping[str, Slot]:
        with self._lock:
            return {
                reference: self._slot(self._moves[reference][0])
                for reference in references
                if reference in self._moves
            }

    async def open(self, lane: Lane | None = None, *, limit: int = 1_000) -> Sequence[Slot]:
        with self._lock:
            keys = [
                key
                for key, row in self._slots.items()
                if row.state in OPEN_SLOTS and (lane is None or key.lane == lane)
            ]
            return [self._slot(key) for key in sorted(keys)[:limit]]

    async def lanes(self) -> Mapping[Lane, int]:
        with self._lock:
            return dict(self._lanes)

    async def close(self) -> None:
        """Nothing to give back."""

    def _slot(self, key: SlotKey) -> Slot:
        row = self._slots[key]
        return Slot(
            key=key,
            state=row.state,
            moves=tuple(self._moves[reference][1] for reference in row.references),
            attempts=row.attempts,
            taken_at=row.taken_at,
            changed_at=row.changed_at,
        )


def _judged(move: Move, verdict: Verdict) -> Move:
    return replace(move, state=verdict.state, proof=verdict.proof, reason=verdict.reason)
