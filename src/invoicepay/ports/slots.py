"""What makes movements on a chain happen once: slots, what is bound to them, and the bytes signed for them.

A slot is a number of a lane: `(signer, nonce_key, nonce)`. The chain takes one transaction for a slot, for
ever. Movements are bound to a slot before anything is signed, and bytes are kept before they are sent. So
whatever was signed, sent, lost or sent again for a slot, at most one of it happens; and whoever comes after a
crash finds what was on its way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from invoicepay.domain.money import Money
from invoicepay.ports.tokens import MoveKind


class Lane(NamedTuple):
    """A row of slots that are used in order: an address, and a nonce key of it as hexadecimal text."""

    signer: str
    nonce_key: str


class SlotKey(NamedTuple):
    """One slot of a lane."""

    lane: Lane
    nonce: int


REFUSED = "refused"
"""In place of a nonce key: the lane of movements that were refused before they had a slot of the chain."""


class SlotState(StrEnum):
    """What is certain of a slot; what the chain says of one that is SIGNED is asked anew each time."""

    TAKEN = "taken"
    SIGNED = "signed"
    REVERTED = "reverted"
    FINAL = "final"
    FAILED = "failed"


OPEN_SLOTS = (SlotState.TAKEN, SlotState.SIGNED, SlotState.REVERTED)
"""States in which a slot needs more work: it may still be used, or its movements go elsewhere."""


DECIDED: Mapping[SlotState, tuple[SlotState, ...]] = {
    SlotState.REVERTED: (SlotState.TAKEN, SlotState.SIGNED),
    SlotState.FINAL: (SlotState.TAKEN, SlotState.SIGNED),
    SlotState.FAILED: (SlotState.REVERTED,),
}
"""From which states a slot gets to each state that `settle` records."""


class MoveState(StrEnum):
    """What is known for certain of a movement."""

    OPEN = "open"
    FINAL = "final"
    FAILED = "failed"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A movement as it is bound to a slot; the calls of a transaction are made from nothing else.

    Attributes:
        reference: our effect's id; a movement is bound once under it.
        idempotency_key: bound once, too.
        source, target: addresses; empty on the side of the issuer.
        memo: 32 bytes as hexadecimal text.
        proof: hash of the transaction that decided it, once it is decided.
        reason: why it failed or needs a person.
    """

    reference: str
    idempotency_key: str
    kind: MoveKind
    amount: Money
    from_party: str = ""
    to_party: str = ""
    source: str = ""
    target: str = ""
    memo: str
    state: MoveState = MoveState.OPEN
    proof: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Bytes signed for a slot.

    Attributes:
        hash: by which the chain knows them.
        raw: what is sent; shown to nobody, though it holds no secret.
        valid_before: seconds since 1970 of the chain's clock; from then on the chain does not take them.
        max_fee: what was offered for a unit of gas.
    """

    hash: str
    raw: bytes = field(repr=False)
    valid_before: int
    max_fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A slot with the movements bound to it, in the order of their calls, and all bytes signed for it.

    Attributes:
        attempts: oldest first.
        taken_at, changed_at: by our clock.
    """

    key: SlotKey
    state: SlotState
    moves: tuple[Move, ...]
    attempts: tuple[Attempt, ...]
    taken_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a movement, for certain."""

    reference: str
    state: MoveState
    proof: str = ""
    reason: str = ""


class SlotStore(Protocol):
    """Keeps slots of one tenant; every call is one transaction, durable when it returns.

    Checked for every implementation by `invoicepay.testing.SlotContract`.
    """

    async def take(
        self, lane: Lane, moves: Sequence[Move], *, at: datetime, after: SlotKey | None = None
    ) -> Slot | None:
        """Bind those of `moves` that are free to the lane's next slot; the nonce comes from here alone.

        A movement is free when neither its reference nor its key was bound before. With `after`, those are
        free that are bound to that slot, while it is REVERTED and they are OPEN.

        Returns:
            The slot, TAKEN, with the movements that it got; None when none was free, and no nonce was used.

        Raises:
            StoreError, ConcurrencyError: nothing was bound.
            OutcomeUnknown: find out by reference.
        """
        ...

    async def refuse(self, signer: str, moves: Sequence[Move], *, at: datetime) -> frozenset[str]:
        """Bind those of `moves` that are free, judged as they are, to a slot that no chain has.

        From then on `take` does not find them free, so that whoever judged otherwise, or judged earlier and
        was held up, cannot send what was refused.

        Returns:
            The references that were free; the others are bound, and may take place.

        Raises:
            StoreError, ConcurrencyError, OutcomeUnknown: as for `take`.
        """
        ...

    async def keep(self, key: SlotKey, attempt: Attempt, *, at: datetime) -> None:
        """Add signed bytes to a slot that is TAKEN or SIGNED; bytes that it has already are not added.

        Raises:
            ConcurrentUpdate: the slot is decided, nothing may be signed for it any more.
        """
        ...

    async def settle(
        self, key: SlotKey, state: SlotState, verdicts: Sequence[Verdict], *, at: datetime
    ) -> None:
        """Record what became of a slot and of its movements; what was decided before stays as it is.

        A slot goes from TAKEN or SIGNED to REVERTED or FINAL, and from REVERTED to FAILED once no movement
        bound to it is OPEN. A movement is decided only while it is OPEN and bound to this slot.
        """
        ...

    async def find(self, references: Sequence[str]) -> Mapping[str, Slot]:
        """The slot that each movement is bound to, by reference; those never bound are left out."""
        ...

    async def open(self, lane: Lane | None = None, *, limit: int = 1_000) -> Sequence[Slot]:
        """Slots that need more work, of one lane or of all, each lane's in the order of its nonces."""
        ...

    async def lanes(self) -> Mapping[Lane, int]:
        """Every lane that was used, with the nonce that it gives out next."""
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...
