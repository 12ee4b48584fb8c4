"""Brings slots on: what the chain decided is recorded, what is not on its way is sent, again if need be.

Any process may do this at any time, also while others do: all bytes ever signed for a slot exclude each other
on the chain, and the store takes each decision once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from invoicepay.adapters.tempo.errors import Refusal
from invoicepay.adapters.tempo.lanes import Lanes
from invoicepay.adapters.tempo.logs import judged
from invoicepay.adapters.tempo.orders import Wallets
from invoicepay.adapters.tempo.rpc import Refused, TempoRpc
from invoicepay.adapters.tempo.trials import Trials
from invoicepay.adapters.tempo.wire import Block, Receipt
from invoicepay.errors import ConfigurationError, InvoicePayError, ProviderRejected, ProviderUnavailable
from invoicepay.ports.runtime import Clock
from invoicepay.ports.slots import (
    Move,
    MoveState,
    Slot,
    SlotKey,
    SlotState,
    SlotStore,
    Verdict,
)

LOST_AFTER_SECONDS: Final = 600
"""How long after its last bytes ended a used slot may have a receipt that a node has yet to show."""
MOST_ASKED: Final = 3
"""Receipts of so many attempts, the last ones, are asked for while the chain has not used the slot."""
_RESTS: Final = ((20, 3_600), (5, 600))
"""From so many attempts on, seconds of rest after the last one ended: nobody tops up the fee wallet."""
_ANEW: Final = {Refusal.EXPIRED: 1, Refusal.FEE_TOO_LOW: 1, Refusal.GAS_TOO_LOW: 2}
"""Refusals that fresh bytes for the same slot cure, and how many times the gas they offer."""
_ON_ITS_WAY: Final = frozenset({Refusal.NONCE_USED, Refusal.NONCE_AHEAD, Refusal.REPLACES})
"""Refusals that say nothing against the bytes: the next look tells more."""


class Sight(StrEnum):
    """What a look at the chain told of a slot."""

    UNSENT = "unsent"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    DECIDED = "decided"
    WAITING = "waiting"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Seen:
    """A look at one slot, and what kept it from being sent, if anything did."""

    sight: Sight
    trouble: InvoicePayError | None = None


@dataclass(slots=True)
class _Look:
    """One look at several slots: what was seen, what nobody has, and slots that came of reverted ones."""

    seen: dict[SlotKey, Seen] = field(default_factory=dict[SlotKey, Seen])
    absent: list[Slot] = field(default_factory=list[Slot])
    made: list[Slot] = field(default_factory=list[Slot])


class Recovery:
    """Settles, sends and signs anew."""

    def __init__(
        self, rpc: TempoRpc, lanes: Lanes, slots: SlotStore, wallets: Wallets, *, clock: Clock
    ) -> None:
        self._rpc, self._lanes, self._slots, self._wallets = rpc, lanes, slots, wallets
        self._trials, self._clock = Trials(rpc, wallets), clock

    async def bring_on(self, slots: Sequence[Slot]) -> dict[SlotKey, Seen]:
        """Look at slots, send what is on nobody's way, each at most once, and look again at what was sent.

        Args:
            slots: each lane's in the order of its nonces.

        Returns:
            What was seen last of each, and of the slots that movements went on to.

        Raises:
            ProviderUnavailable: a question was not answered; what was recorded until then stays.
            StoreError, ConcurrencyError: the same.
        """
        seen: dict[SlotKey, Seen] = {}
        sent: set[SlotKey] = set()
        while slots:
            look = await self._looked_at(slots)
            seen.update(look.seen)
            missing = [slot for slot in (*look.absent, *look.made) if slot.key not in sent]
            sent.update(slot.key for slot in missing)
            outcomes = await self._all_sent(missing)
            seen.update((slot.key, outcome) for slot, outcome in outcomes)
            slots = [slot for slot, outcome in outcomes if outcome.sight is Sight.PENDING]
        return seen

    async def _looked_at(self, slots: Sequence[Slot]) -> _Look:
        look = _Look(absent=[slot for slot in slots if not slot.attempts])
        signed = [slot for slot in slots if slot.attempts]
        if not signed:
            return look
        final = await self._rpc.block("finalized")  # before the receipts: what is final then stays as it is
        used = await self._used_up(signed, final)
        receipts = await self._receipts(signed, used)
        for slot in signed:
            receipt = receipts.get(slot.key)
            if receipt is None:
                self._note_absent(look, slot, final, is_used=slot.key in used)
            elif receipt.block_number > final.number:
                look.seen[slot.key] = Seen(Sight.CONFIRMED)
            else:
                await self._decided(look, slot, receipt)
        return look

    def _note_absent(self, look: _Look, slot: Slot, final: Block, *, is_used: bool) -> None:
        """No receipt: it has to be sent, unless it had one before, or a node has yet to show it."""
        if slot.state is SlotState.REVERTED:
            look.seen[slot.key] = Seen(Sight.WAITING)
        elif is_used:
            is_lost = final.timestamp > slot.attempts[-1].valid_before + LOST_AFTER_SECONDS
            look.seen[slot.key] = Seen(Sight.LOST if is_lost else Sight.PENDING)
        else:
            look.seen.setdefault(slot.key, Seen(Sight.PENDING))
            look.absent.append(slot)

    async def _used_up(self, slots: Iterable[Slot], final: Block) -> set[SlotKey]:
        """Slots whose bytes have ended and that the chain has used.

        It is asked before the receipts, so that those are newer.
        """
        ended = [slot.key for slot in slots if slot.attempts[-1].valid_before <= final.timestamp]
        nonces = {
            lane: await self._rpc.nonce(lane.signer, int(lane.nonce_key, 16), at="finalized")
            for lane in dict.fromkeys(key.lane for key in ended)
        }
        return {key for key in ended if key.nonce < nonces[key.lane]}

    async def _receipts(self, slots: Sequence[Slot], used: set[SlotKey]) -> dict[SlotKey, Receipt]:
        """The one receipt that a slot can have, whichever of its attempts was mined."""
        pairs = [
            (slot.key, attempt.hash)
            for slot in slots
            for attempt in slot.attempts[0 if slot.key in used else -MOST_ASKED :]
        ]
        found = await self._rpc.receipts([hash for _, hash in pairs])
        return {key: receipt for (key, _), receipt in zip(pairs, found, strict=True) if receipt is not None}

    async def _decided(self, look: _Look, slot: Slot, receipt: Receipt) -> None:
        """The same, though one slot that cannot be decided now holds up no other."""
        try:
            await self._decide(look, slot, receipt)
        except (ProviderUnavailable, ConfigurationError) as trouble:
            look.seen[slot.key] = Seen(Sight.WAITING, trouble)

    async def _decide(self, look: _Look, slot: Slot, receipt: Receipt) -> None:
        """Record what a final receipt tells; what was bound to a reverted slot goes on to others."""
        look.seen[slot.key] = Seen(Sight.DECIDED)
        if receipt.is_success:
            assets = {move.amount.asset for move in slot.moves}
            tokens = {asset: self._wallets.token(asset).address for asset in assets}
            verdicts = judged(slot.moves, receipt, tokens=tokens, issuer=slot.key.lane.signer)
            await self._settle(slot.key, SlotState.FINAL, verdicts)
            return
        await self._settle(slot.key, SlotState.REVERTED, ())
        moves = [move for move in slot.moves if move.state is MoveState.OPEN]
        faults = await self._faults(slot, moves, receipt)
        if any(isinstance(fault, ProviderUnavailable) for fault in faults):
            look.seen[slot.key] = Seen(Sight.WAITING)
            return
        failed = [_failed(move, fault, receipt) for move, fault in zip(moves, faults, strict=True) if fault]
        await self._settle(slot.key, SlotState.REVERTED, failed)
        going = [move for move, fault in zip(moves, faults, strict=True) if fault is None]
        look.made += await self._parted(slot, going, into=1 if failed else 2)

    async def _faults(
        self, slot: Slot, moves: Sequence[Move], receipt: Receipt
    ) -> list[InvoicePayError | None]:
        """Why a transaction reverted: what each movement would meet by itself.

        One that was alone is at fault, whatever the states before and after its block tell of the reason.
        """
        sender = slot.key.lane.signer
        if len(moves) > 1:
            return await self._trials.faults(moves, sender=sender)
        told: list[InvoicePayError | None] = []
        for at in (receipt.block_number - 1, receipt.block_number):
            try:
                told = await self._trials.faults(moves, sender=sender, at=at)
            except ProviderUnavailable:  # a node forgets old states; that it reverted is certain all the same
                break
            if any(told):
                break
        return [_for_good(fault) for fault in told or [None] * len(moves)]

    async def _parted(self, slot: Slot, moves: Sequence[Move], *, into: int) -> list[Slot]:
        """Bind movements of a reverted slot anew: nothing of it took place, and nothing of it ever will.

        Where none was at fault alone, both halves try by themselves; after six rounds each would be alone.
        """
        size = -(-len(moves) // into)
        made = [
            await self._slots.take(slot.key.lane, some, at=self._clock.now(), after=slot.key)
            for some in (moves[:size], moves[size:])
            if some
        ]
        await self._settle(slot.key, SlotState.FAILED, ())
        return [new for new in made if new is not None]

    async def _all_sent(self, slots: Sequence[Slot]) -> list[tuple[Slot, Seen]]:
        """Send slots, each lane's in the order of its nonces; with the bytes that were signed for it."""
        if not slots:
            return []
        try:
            head = await self._rpc.block()
        except InvoicePayError as error:
            return [(slot, Seen(Sight.UNSENT, error)) for slot in slots]
        return [await self._sent(slot, head) for slot in sorted(slots, key=lambda slot: slot.key)]

    async def _sent(self, slot: Slot, head: Block) -> tuple[Slot, Seen]:
        """Send the last bytes of a slot, or fresh ones where a node would not take those."""
        try:
            if not slot.attempts or not self._lanes.is_current(slot.attempts[-1], head):
                _let_rest(slot, head)
                slot = await self._signed(slot, head)
            refused = await self._rpc.send(slot.attempts[-1].raw)
            if refused is not None and refused.why in _ANEW:
                slot = await self._signed(slot, head, gas_factor=_ANEW[refused.why])
                refused = await self._rpc.send(slot.attempts[-1].raw)
        except InvoicePayError as error:
            return slot, Seen(Sight.UNSENT, error)
        return slot, _seen_of(refused)

    async def _signed(self, slot: Slot, head: Block, *, gas_factor: int = 1) -> Slot:
        """The slot with fresh bytes, which are kept before anybody can send them."""
        attempt = await self._lanes.signed(slot, head, gas_factor=gas_factor)
        await self._slots.keep(slot.key, attempt, at=self._clock.now())
        return replace(slot, state=SlotState.SIGNED, attempts=(*slot.attempts, attempt))

    async def _settle(self, key: SlotKey, state: SlotState, verdicts: Sequence[Verdict]) -> None:
        await self._slots.settle(key, state, verdicts, at=self._clock.now())


def _let_rest(slot: Slot, head: Block) -> None:
    """Sign for a slot that no node takes less and less often: every attempt is kept for ever.

    Raises:
        ProviderUnavailable: its time has not come.
    """
    rest = next((seconds for most, seconds in _RESTS if len(slot.attempts) >= most), 0)
    if rest and head.timestamp < slot.attempts[-1].valid_before + rest:
        raise ProviderUnavailable("no node took it so far; it is signed again later")


def _seen_of(refused: Refused | None) -> Seen:
    if refused is None or refused.why in _ON_ITS_WAY:
        return Seen(Sight.PENDING)
    return Seen(Sight.UNSENT, refused.error())


def _for_good(fault: InvoicePayError | None) -> InvoicePayError:
    """A fault that ends a movement: it had a transaction of its own, and that one reverted."""
    if isinstance(fault, ProviderRejected):
        return fault
    if fault is None:
        return ProviderRejected(
            "it reverted, and the states around its block do not tell why", reason="reverted"
        )
    details: dict[str, Any] = {"reason": fault.code, **fault.details}
    return ProviderRejected(fault.message, **details)


def _failed(move: Move, fault: InvoicePayError, receipt: Receipt) -> Verdict:
    return Verdict(
        reference=move.reference,
        state=MoveState.FAILED,
        proof=receipt.transaction_hash,
        reason=f"{fault.details.get('reason', fault.code)}: {fault.message}",
    )
