"""Carries orders out together: tried, approved where needed, bound to slots, sent, looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.answers import (
    Outcome,
    another_order,
    left_over,
    movement_in,
    not_signed,
    reason_of,
    refused_before,
    told,
    unbound,
    unknown,
    unsent,
)
from invoicepay.adapters.tempo.desk import Desk
from invoicepay.adapters.tempo.lanes import Lanes
from invoicepay.adapters.tempo.orders import Wallets, bare_movement, call_count, is_same
from invoicepay.adapters.tempo.recovery import Recovery, Seen, Sight
from invoicepay.adapters.tempo.transaction import MOST_CALLS
from invoicepay.adapters.tempo.trials import ALLOWANCE, Trials
from invoicepay.errors import InvoicePayError, ProviderRejected, ProviderUnavailable
from invoicepay.ports.runtime import Clock
from invoicepay.ports.slots import Move, MoveState, Slot, SlotStore
from invoicepay.ports.tokens import TokenMove

PATIENCE_SECONDS: Final = 10.0
"""After so long a call sends nothing new: what is left is told as unavailable and comes again."""
AT_ONCE: Final = 3 * MOST_CALLS
"""Movements that are tried and bound before others are looked at: however slow the node, these get on."""

Fault = InvoicePayError | None
"""What keeps a movement from being sent; None when nothing does."""


class Check(Protocol):
    """Makes sure that the node and the slot store can be relied on."""

    async def __call__(self, *, again: bool = False) -> None:
        """Check once, or `again` because something is about to be bound."""
        ...


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
        check: Check,
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
        taken = await self._let_in(fresh, outcomes, until)
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
                outcomes[reference] = await self._never(bare_movement(each), unsent(error))
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
                outcomes[reference] = refused_before(slot, move) or told(
                    slot, reference, None, self._clock.now()
                )
        return bound

    async def _let_in(self, moves: Sequence[Move], outcomes: dict[str, Outcome], until: float) -> list[Slot]:
        """Slots for those that would go through; the others are refused before anything is sent.

        The first part always gets its turn. What needs no approval never waits for what does.
        """
        taken = list[Slot]()
        for first in range(0, len(moves), AT_ONCE):
            some = await self._signable(moves[first : first + AT_ONCE], outcomes)
            if first and self._elapsed() > until:
                outcomes.update((move.reference, left_over()) for move in some)
                continue
            faults = await self._tried(some)
            lacking = [move for move in some if _lacks_approval(faults[move.reference])]
            ready = [move for move in some if faults[move.reference] is None]
            taken += await self._taken(ready, outcomes)
            faults.update(await self._approved(lacking, until) if lacking else {})
            taken += await self._taken([m for m in lacking if faults[m.reference] is None], outcomes)
            for move in some:
                if fault := faults[move.reference]:
                    outcomes[move.reference] = await self._never(move, fault)
        return taken

    async def _signable(self, moves: Sequence[Move], outcomes: dict[str, Outcome]) -> list[Move]:
        """Movements that the signer would sign; a person looks at the others, for which nothing is bound."""
        signable = list[Move]()
        for move in moves:
            try:
                why = await self._wallets.refusal(move)
            except InvoicePayError as error:
                outcomes[move.reference] = unsent(error)
                continue
            if why:
                outcomes[move.reference] = not_signed(move, why, self._clock.now())
            else:
                signable.append(move)
        return signable

    async def _never(self, move: Move, fault: InvoicePayError) -> InvoicePayError:
        """The fault; where it is for good, nobody who judged otherwise can send the order from now on.

        A worker that was held up after it had looked may be about to bind it, and would send it after all.
        """
        if not isinstance(fault, ProviderRejected):
            return fault
        judged = replace(move, state=MoveState.FAILED, reason=reason_of(fault))
        try:
            mine = await self._slots.refuse(
                await self._wallets.sender(move.kind), [judged], at=self._clock.now()
            )
        except InvoicePayError as error:
            return unbound(error)
        return fault if move.reference in mine else unknown(None)

    async def _tried(self, moves: Sequence[Move]) -> dict[str, Fault]:
        try:
            await self._check(again=True)
            return await self._faults(moves)
        except InvoicePayError as error:
            return {move.reference: unsent(error) for move in moves}

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
        return {**faults, **await self._tried([move for move in moves if faults[move.reference] is None])}

    async def _approval(self, party_id: str, asset: str, until: float) -> Fault:
        if self._elapsed() > until:
            return left_over()
        try:
            await self.approve(party_id, asset)
        except InvoicePayError as error:  # whatever it is, it is none of the order's, which comes again
            return ProviderUnavailable(f"the wallet's approval: {error.message}", cause=error.code)
        return None

    async def _taken(self, moves: Sequence[Move], outcomes: dict[str, Outcome]) -> list[Slot]:
        """Slots for movements, as many in each as one transaction takes; nothing is sent yet."""
        taken = []
        for some in await self._transactions(moves):
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
