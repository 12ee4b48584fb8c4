"""Carries orders out together: tried, approved where needed, bound to slots, sent, looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Final

from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.answers import (
    Outcome,
    another_order,
    left_over,
    movement_in,
    told,
    unbound,
    unknown,
    unsent,
)
from invoicepay.adapters.tempo.desk import Desk
from invoicepay.adapters.tempo.lanes import Lanes
from invoicepay.adapters.tempo.orders import Wallets, call_count, is_same
from invoicepay.adapters.tempo.recovery import Recovery, Seen, Sight
from invoicepay.adapters.tempo.transaction import MOST_CALLS
from invoicepay.adapters.tempo.trials import ALLOWANCE, Trials
from invoicepay.errors import InvoicePayError, ProviderRejected
from invoicepay.ports.runtime import Clock
from invoicepay.ports.slots import Move, MoveState, Slot, SlotStore
from invoicepay.ports.tokens import TokenMove

PATIENCE_SECONDS: Final = 10.0
"""After so long a call sends nothing new: what is left is told as unavailable and comes again."""

Fault = InvoicePayError | None
"""What keeps a movement from being sent; None when nothing does."""


class Batches:
    """Carries out the orders of one call.

    Until a movement is bound to a slot, whatever goes wrong leaves nothing behind: it is refused for good, or
    unavailable. Once it is bound, others may bring it on at any time: whatever goes wrong is unknown.

    Args:
        check: run before the node is relied on.
        elapsed: seconds of a clock that nobody sets.
    """

    def __init__(
        self,
        slots: SlotStore,
        wallets: Wallets,
        desk: Desk,
        lanes: Lanes,
        trials: Trials,
        recovery: Recovery,
        *,
        clock: Clock,
        check: Callable[[], Awaitable[None]],
        elapsed: Callable[[], float],
    ) -> None:
        self._slots, self._wallets, self._desk, self._lanes = slots, wallets, desk, lanes
        self._trials, self._recovery, self._clock = trials, recovery, clock
        self._check, self._elapsed = check, elapsed

    async def move(self, moves: Sequence[TokenMove]) -> list[Outcome]:
        """An outcome for each order, in order."""
        until = self._elapsed() + PATIENCE_SECONDS
        outcomes: dict[str, Outcome] = {}
        asked = await self._understood(moves, outcomes)
        bound = await self._bound(asked, outcomes)
        fresh = [move for reference, move in asked.items() if reference not in bound]
        ready = await self._ready(fresh, outcomes, until)
        taken = await self._taken(ready, outcomes, until)
        waiting = {slot.key: slot for reference, slot in bound.items() if reference not in outcomes}
        await self._brought_on([*waiting.values(), *taken], asked, outcomes)
        return [outcomes[move.order.reference] for move in moves]

    async def approve(self, party_id: str, asset: str) -> None:
        """Let a party's wallet approve operator and issuer; doing it again changes nothing."""
        token = self._wallets.token(asset).address
        await self._desk.carry_out(
            self._wallets.account_of(party_id),
            calls.approve(token, await self._wallets.operator()),
            calls.approve(token, await self._wallets.issuer()),
        )

    async def _understood(self, moves: Sequence[TokenMove], outcomes: dict[str, Outcome]) -> dict[str, Move]:
        """Movements by reference; an order that makes none is refused."""
        asked: dict[str, Move] = {}
        for each in moves:
            reference = each.order.reference
            try:
                move = await self._wallets.movement_of(each)
            except InvoicePayError as error:
                outcomes[reference] = unsent(error)
            else:
                if not is_same(asked.setdefault(reference, move), move):
                    raise ProviderRejected("two orders of one call have one reference", reference=reference)
        return asked

    async def _bound(self, asked: dict[str, Move], outcomes: dict[str, Outcome]) -> dict[str, Slot]:
        """The slots of what was ordered before; what is decided is answered at once."""
        try:
            bound = dict(await self._slots.find(list(asked))) if asked else {}
        except InvoicePayError as error:
            outcomes.update((reference, unsent(error)) for reference in asked)
            asked.clear()
            return {}
        for reference, slot in bound.items():
            move = movement_in(slot, reference)
            if not is_same(move, asked[reference]):
                outcomes[reference] = another_order(asked[reference].idempotency_key)
            elif move.state is not MoveState.OPEN:
                outcomes[reference] = told(slot, reference, None, self._clock.now())
        return bound

    async def _ready(self, moves: Sequence[Move], outcomes: dict[str, Outcome], until: float) -> list[Move]:
        """Those that would go through; the others are refused before anything is bound or sent."""
        if not moves:
            return []
        faults: dict[str, Fault] = {}
        try:
            await self._check()
            faults.update(await self._faults(moves))
            faults.update(
                await self._approved([m for m in moves if _lacks_approval(faults[m.reference])], until)
            )
        except InvoicePayError as error:
            faults = {move.reference: unsent(error) for move in moves}
        outcomes.update((reference, fault) for reference, fault in faults.items() if fault is not None)
        return [move for move in moves if faults[move.reference] is None]

    async def _faults(self, moves: Sequence[Move]) -> dict[str, Fault]:
        faults: dict[str, Fault] = {}
        for sender, some in (await self._by_sender(moves)).items():
            found = await self._trials.faults(some, sender=sender)
            faults.update((move.reference, fault) for move, fault in zip(some, found, strict=True))
        return faults

    async def _approved(self, moves: Sequence[Move], until: float) -> dict[str, Fault]:
        """Let wallets approve, one after the other, and try their movements again."""
        troubles: dict[tuple[str, str], Fault] = {}
        for move in moves:
            wallet = (move.from_party, move.amount.asset)
            if wallet not in troubles:
                troubles[wallet] = await self._approval(*wallet, until)
        faults = {move.reference: troubles[move.from_party, move.amount.asset] for move in moves}
        return {**faults, **await self._faults([move for move in moves if faults[move.reference] is None])}

    async def _approval(self, party_id: str, asset: str, until: float) -> Fault:
        if self._elapsed() > until:
            return left_over()
        try:
            await self.approve(party_id, asset)
        except InvoicePayError as error:
            return unsent(error)
        return None

    async def _taken(self, moves: Sequence[Move], outcomes: dict[str, Outcome], until: float) -> list[Slot]:
        """Slots for movements, as many in each as one transaction takes; nothing is sent yet."""
        taken = []
        for some in await self._transactions(moves):
            if self._elapsed() > until:
                outcomes.update((move.reference, left_over()) for move in some)
                continue
            try:
                lane = await self._lanes.lane_for(some[0])
                slot = await self._slots.take(lane, some, at=self._clock.now())
            except InvoicePayError as error:
                outcomes.update((move.reference, unbound(error)) for move in some)
            else:
                taken += [slot] if slot is not None else []
        return taken

    async def _brought_on(
        self, slots: Sequence[Slot], asked: dict[str, Move], outcomes: dict[str, Outcome]
    ) -> None:
        """Send what is bound and answer for it."""
        open_ones = [reference for reference in asked if reference not in outcomes]
        if not open_ones:
            return
        try:
            await self._check()
            seen = await self._recovery.bring_on(slots)
            found = await self._slots.find(open_ones)
        except InvoicePayError as error:
            outcomes.update((reference, unknown(error)) for reference in open_ones)
            return
        for reference in open_ones:
            slot, move = found.get(reference), asked[reference]
            if slot is None or not is_same(movement_in(slot, reference), move):
                outcomes[reference] = another_order(move.idempotency_key)
            else:
                outcomes[reference] = self._answered(slot, reference, seen.get(slot.key))

    def _answered(self, slot: Slot, reference: str, seen: Seen | None) -> Outcome:
        is_open = movement_in(slot, reference).state is MoveState.OPEN
        if is_open and seen is not None and seen.sight is Sight.UNSENT:
            return unknown(seen.trouble)
        return told(slot, reference, seen, self._clock.now())

    async def _transactions(self, moves: Iterable[Move]) -> list[list[Move]]:
        """Movements of one sender, in order, in parts of at most 32 calls."""
        return [part for some in (await self._by_sender(moves)).values() for part in _parts(some)]

    async def _by_sender(self, moves: Iterable[Move]) -> dict[str, list[Move]]:
        groups: dict[str, list[Move]] = {}
        for move in moves:
            groups.setdefault(await self._wallets.sender(move.kind), []).append(move)
        return groups


def _parts(moves: Iterable[Move]) -> Iterator[list[Move]]:
    part, room = list[Move](), MOST_CALLS
    for move in moves:
        if call_count(move.kind) > room:
            yield part
            part, room = [], MOST_CALLS
        part.append(move)
        room -= call_count(move.kind)
    if part:
        yield part


def _lacks_approval(fault: Fault) -> bool:
    return isinstance(fault, ProviderRejected) and fault.details.get("reason") == ALLOWANCE
