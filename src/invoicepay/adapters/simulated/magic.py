"""Amounts whose cents tell a simulated bank what to do with them: the same trouble each time, on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from invoicepay.adapters.simulated.bank import BankCommand, SimulatedRails
from invoicepay.adapters.simulated.weather import Delivery
from invoicepay.domain.money import Money
from invoicepay.errors import ProviderUnknown
from invoicepay.ports.rails import Direction, RailOrder, RailTransfer

C = BankCommand
SETTLES_AFTER = timedelta(hours=1)
RETURNS_AFTER = timedelta(hours=2)
DISHONOURED_AFTER = timedelta(days=2)
FEE_MICROS = 250_000
"""What a processor keeps of an amount that ends in .50."""


@dataclass(frozen=True, slots=True)
class Trick:
    """What happens to an order.

    Attributes:
        moves: what the bank does, how long after the order, under which return code.
        direction: only orders of this direction; None takes both.
        loses: the answer only, the order with it, or nothing.
    """

    title: str
    moves: tuple[tuple[BankCommand, timedelta, str], ...] = ()
    direction: Direction | None = None
    loses: str = ""
    keeps_fee: bool = False
    copies: int = 1
    reverses: bool = False


_SETTLED = (C.SETTLE, SETTLES_AFTER, "")

TRICKS: Mapping[int, Trick] = {
    1: Trick(
        "returned before it is settled", ((C.SEND, SETTLES_AFTER, ""), (C.RETURN, RETURNS_AFTER, "R01"))
    ),
    3: Trick("a payout to no account", (_SETTLED, (C.RETURN, RETURNS_AFTER, "R03")), Direction.WITHDRAWAL),
    10: Trick("unauthorised after settlement", (_SETTLED, (C.RETURN, RETURNS_AFTER, "R10"))),
    23: Trick("a payout refused", (_SETTLED, (C.RETURN, RETURNS_AFTER, "R23")), Direction.WITHDRAWAL),
    50: Trick("settled short by a fee", (_SETTLED,), Direction.DEPOSIT, keeps_fee=True),
    68: Trick(
        "returned, and the return dishonoured",
        (_SETTLED, (C.RETURN, RETURNS_AFTER, "R10"), (C.REVERSE_RETURN, DISHONOURED_AFTER, "R68")),
    ),
    95: Trick("looked at by a person", ((C.REVIEW, timedelta(minutes=1), ""),)),
    96: Trick("settled, told twice and backwards", (_SETTLED,), copies=2, reverses=True),
    97: Trick("settled, and every webhook lost", (_SETTLED,), copies=0),
    98: Trick("timed out, and never arrived", loses="request"),
    99: Trick("timed out, and settled all the same", (_SETTLED,), loses="answer"),
}
"""By the cents of the amount."""

ORDINARY = Trick("settled", (_SETTLED,))


class MagicRails(SimulatedRails):
    """A simulated bank whose transfers settle by themselves after an hour, and whose trouble is in the cents.

    An order of 20.03 becomes a payout that comes back as R03; `TRICKS` has the list. Time is the clock's. An
    order that times out does so once: the next one under the same key is answered.

    Examples:
        >>> from invoicepay.testing.clock import FrozenClock
        >>> from invoicepay import InvoicePay
        >>> clock = FrozenClock()
        >>> pay = InvoicePay(clock=clock, rails=MagicRails(clock))
        >>> deposit = pay.deposits.initiate("ann", "20.50 USD")
        >>> _ = pay.sim.deliver()
        >>> clock.advance(hours=1)
        >>> _ = pay.sim.deliver()
        >>> pay.wallets.get("ann", "USD").available
        Money('20.25', 'USD')

    Deliver before the clock goes on: a webhook that waits for more than five minutes is refused as a replay.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._timed_out: set[str] = set()

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        before = self._begin(Direction.DEPOSIT, order)
        answer = await super().initiate_deposit(order, idempotency_key=idempotency_key)
        return self._end(before, order, answer)

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        before = self._begin(Direction.WITHDRAWAL, order)
        answer = await super().initiate_withdrawal(order, idempotency_key=idempotency_key)
        return self._end(before, order, answer)

    def _begin(self, direction: Direction, order: RailOrder) -> Trick | None:
        """The trick that is due for an order; None for one that was carried out before."""
        trick = TRICKS.get(order.amount.micros // 10_000 % 100, ORDINARY)
        if trick.direction not in (None, direction):
            trick = ORDINARY
        if order.reference in self._references:
            return None
        if trick.loses == "request" and order.reference not in self._timed_out:
            self._timed_out.add(order.reference)
            raise ProviderUnknown("the simulated bank did not answer")
        return ORDINARY if trick.loses == "request" else trick

    def _end(self, trick: Trick | None, order: RailOrder, answer: RailTransfer) -> RailTransfer:
        if trick is None:
            return answer
        fee = Money.from_micros(FEE_MICROS, order.amount.asset) if trick.keeps_fee else None
        for command, after, code in trick.moves:
            self.move(order.reference, command, after=after, return_code=code, fee=fee)
        if trick.loses == "answer":
            raise ProviderUnknown("the simulated bank did not answer")
        return answer

    def webhook_copies(self, transfer: RailTransfer) -> int:
        """How often the bank tells of a transfer's news."""
        return TRICKS.get(transfer.amount.micros // 10_000 % 100, ORDINARY).copies

    def drain(self, reorder: Any = lambda queued: queued) -> list[Delivery]:
        """Webhooks that are due; with an amount of .96 among them, the last one first."""
        queued = super().drain(reorder)
        tricky = any(TRICKS.get(t.amount.micros // 10_000 % 100, ORDINARY).reverses for t in self.transfers())
        return queued[::-1] if tricky else queued

    def _state(self, transfer: RailTransfer) -> RailTransfer:
        with self._lock:
            self.postbox.duplicate(self.webhook_copies(transfer))
            try:
                return super()._state(replace(transfer))
            finally:
                self.postbox.duplicate(1)
