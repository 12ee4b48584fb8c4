"""The payments of a simulated gateway: ordered, moved by their plan as the clock goes on, or by command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from invoicepay.domain.calendar import opening_after
from invoicepay.errors import NotFound
from invoicepay.ports.rails import Direction, RailStatus
from invoicepay.ports.runtime import Clock
from invoicepay.testing.simulators.tillipay.magic import Step, plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One payment as the gateway knows it.

    Attributes:
        word: said instead of the profile's word for `status`, where a vocabulary is to drift.
    """

    transaction_id: str
    reference: str
    direction: Direction
    channel: str
    cents: int
    currency: str
    status: RailStatus
    changed_at: datetime
    fee_cents: int = 0
    return_code: str = ""
    word: str = ""


class Book:
    """Every payment and everything that became of it. Not safe for several threads: its owner locks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._payments: dict[str, Payment] = {}
        self._plans: dict[str, list[tuple[datetime, Step]]] = {}
        self._facts: list[Payment] = []

    def payments(self) -> Sequence[Payment]:
        """Every payment, oldest first."""
        return tuple(self._payments.values())

    def of(self, reference: str) -> Payment | None:
        """The newest payment under a reference of the client's."""
        return next((p for p in reversed(self._payments.values()) if p.reference == reference), None)

    def accept(
        self, direction: Direction, *, reference: str, channel: str, cents: int, currency: str
    ) -> Payment:
        """Take an order."""
        now, number = self._clock.now(), len(self._payments) + 1
        payment = Payment(
            transaction_id=f"TX{number:06d}",
            reference=reference,
            direction=direction,
            channel=channel,
            cents=cents,
            currency=currency,
            status=RailStatus.PENDING,
            changed_at=now,
        )
        self._plans[payment.transaction_id] = [
            (opening_after(now, step.banking_days), step) for step in plan(direction, cents)
        ]
        self._state(payment)
        self.catch_up()
        return self._payments[payment.transaction_id]

    def move(self, reference: str, status: RailStatus, **stated: Any) -> None:
        """Move a payment by command; its plan is dropped.

        Raises:
            NotFound: there is no such payment.
        """
        payment = self.of(reference)
        if payment is None:
            raise NotFound("the simulated gateway has no such payment", id=reference)
        self._plans[payment.transaction_id] = []
        self._state(replace(payment, status=status, changed_at=self._clock.now(), **stated))

    def catch_up(self) -> None:
        """Do what was planned for the time that has passed, in its order."""
        now = self._clock.now()
        due = sorted(
            ((at, id, step) for id, steps in self._plans.items() for at, step in steps if at <= now),
            key=lambda entry: entry[0],
        )
        self._plans = {id: [one for one in steps if one[0] > now] for id, steps in self._plans.items()}
        for at, id, step in due:
            moved = replace(self._payments[id], status=step.status, changed_at=at)
            fee = step.fee_cents or moved.fee_cents
            self._state(replace(moved, return_code=step.return_code, fee_cents=fee))

    def take_facts(self) -> list[Payment]:
        """What became known since the last time, in the order in which it happened."""
        self.catch_up()
        taken, self._facts = self._facts, []
        return taken

    def _state(self, payment: Payment) -> None:
        self._payments[payment.transaction_id] = payment
        self._facts.append(payment)
