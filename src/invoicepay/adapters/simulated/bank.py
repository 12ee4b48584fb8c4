"""A simulated bank: deposits and payouts that move when told to, signed webhooks, cash that adds up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from invoicepay.adapters.simulated.weather import Delivery, Postbox, Weather
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money
from invoicepay.domain.return_codes import RETURN_CODES
from invoicepay.errors import InvalidIdentifier, NotFound, ProviderRejected, ProviderUnknown
from invoicepay.ports.health import Health
from invoicepay.ports.rails import (
    Direction,
    RailEvent,
    RailOrder,
    RailsCapabilities,
    RailStatus,
    RailTransfer,
)
from invoicepay.ports.runtime import Clock

RAILS = frozenset({"instant", "wire", "bank_credit", "bank_debit", "card"})
PUSH_RAILS = frozenset({"instant", "wire", "bank_credit"})
CAPABILITIES = RailsCapabilities(
    deposit_rails=RAILS,
    withdrawal_rails=PUSH_RAILS,
    deduplicates=True,
    finds_by_reference=True,
    absent_grace_seconds=60,
    cancels=True,
    tells_balance=True,
)
WEBHOOK_KEY = b"a simulated bank signs with this"


class BankCommand(StrEnum):
    """What a test or a demo tells the bank to do with a transfer."""

    REVIEW = "review"
    SEND = "send"
    SETTLE = "settle"
    FINALIZE = "finalize"
    FAIL = "fail"
    REJECT = "reject"
    CANCEL = "cancel"
    RETURN = "return"
    REVERSE_RETURN = "reverse_return"


S, C = RailStatus, BankCommand
_UNSENT = (S.PENDING, S.IN_REVIEW)
_UNSETTLED = (*_UNSENT, S.SENT)

BANK: Lifecycle[RailStatus, BankCommand] = Lifecycle(
    "simulated transfer",
    {
        (S.PENDING, C.REVIEW): S.IN_REVIEW,
        **{(state, C.SEND): S.SENT for state in _UNSENT},
        **{(state, C.SETTLE): S.SETTLED for state in _UNSETTLED},
        **{(state, C.FINALIZE): S.FINAL for state in (*_UNSETTLED, S.SETTLED)},
        **{(state, C.FAIL): S.FAILED for state in _UNSETTLED},
        **{(state, C.REJECT): S.REJECTED for state in _UNSENT},
        **{(state, C.CANCEL): S.CANCELLED for state in _UNSENT},
        **{(state, C.RETURN): S.RETURNED for state in (S.SENT, S.SETTLED, S.FINAL)},
        (S.RETURNED, C.REVERSE_RETURN): S.RETURN_REVERSED,
    },
)
"""What a real bank could do; `tell` goes past it, for contradictions."""


class SimulatedRails:
    """A bank in the process, as a RailsProvider.

    Orders stay pending until a command moves them. Safe to call from many threads; time is the clock's.

    Args:
        name: also the sender of its webhooks.
        capabilities: what it claims; lower them to see how the engine copes.
        after: a number that its own names come after. A bank that is started again over books which outlived
            it must give no name twice, or its news would be taken for old ones; and since it does not know
            what was there before, it tells no balance.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        name: str = "simulated-bank",
        capabilities: RailsCapabilities = CAPABILITIES,
        webhook_key: bytes = WEBHOOK_KEY,
        after: int = 0,
    ) -> None:
        self._clock, self._name, self._after = clock, name, after
        self._capabilities = replace(capabilities, tells_balance=capabilities.tells_balance and not after)
        self._lock = threading.RLock()
        self._by_key: dict[tuple[Direction, str], tuple[RailOrder, str]] = {}
        self._transfers: dict[str, RailTransfer] = {}
        self._references: dict[str, str] = {}
        self._later: list[tuple[datetime, Callable[[], None]]] = []
        self._cash: dict[str, int] = {}
        self._moved: dict[str, int] = {}
        self._facts = after
        self.weather: Weather = Weather()
        self.postbox: Postbox = Postbox(name, webhook_key, clock, RailEvent)

    @property
    def name(self) -> str:
        return self._name

    def production_faults(self) -> tuple[str, ...]:
        return (f"the bank {self._name} is simulated",)

    def capabilities(self) -> RailsCapabilities:
        return self._capabilities

    async def health(self) -> Health:
        return Health(self._name, (self.weather.seen(),))

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        return self._order(Direction.DEPOSIT, order, idempotency_key, self._capabilities.deposit_rails)

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        return self._order(Direction.WITHDRAWAL, order, idempotency_key, self._capabilities.withdrawal_rails)

    async def cancel(self, provider_ref: str, *, idempotency_key: str) -> RailTransfer:  # noqa: ARG002
        with self._lock, self.weather.order():
            transfer = self._transfers.get(provider_ref)
            if transfer is None or not self._capabilities.cancels:
                raise ProviderRejected("the simulated bank cannot cancel this", provider_ref=provider_ref)
            if transfer.status is RailStatus.CANCELLED:
                return transfer
            if C.CANCEL not in BANK.allowed(transfer.status):
                raise ProviderRejected("too late to cancel", provider_ref=provider_ref)
            return self._move(transfer.reference, C.CANCEL)

    async def find(self, reference: str) -> RailTransfer | None:
        with self._lock:
            self.weather.question()
            self._catch_up()
            ref = self._references.get(reference)
            return self._transfers[ref] if ref else None

    async def balance(self, asset: str) -> Money:
        with self._lock:
            self.weather.question()
            self._catch_up()
            return Money.from_micros(self._cash.get(asset, 0), asset)

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[RailEvent, ...]:
        return (self.postbox.read(body, headers, received_at),)

    def drain(
        self, reorder: Callable[[list[Delivery]], list[Delivery]] = lambda queued: queued
    ) -> list[Delivery]:
        """Take the webhooks that are due, in the order they were made or another one."""
        with self._lock:
            self._catch_up()
            return self.postbox.drain(reorder)

    def transfer(self, reference: str) -> RailTransfer:
        """The transfer under our reference.

        Raises:
            NotFound: the bank never saw it.
        """
        with self._lock:
            self._catch_up()
            if reference not in self._references:
                raise NotFound("the simulated bank has no such transfer", id=reference)
            return self._transfers[self._references[reference]]

    def knows(self, reference: str) -> bool:
        """Whether an order came under our reference."""
        with self._lock:
            return reference in self._references

    def transfers(self) -> tuple[RailTransfer, ...]:
        """Every transfer, oldest first."""
        with self._lock:
            self._catch_up()
            return tuple(self._transfers.values())

    def move(
        self,
        reference: str,
        command: BankCommand,
        *,
        after: timedelta = timedelta(0),
        amount: Money | None = None,
        fee: Money | None = None,
        return_code: str = "",
        reason: str = "",
    ) -> None:
        """Move a transfer now, or once the clock has gone on by `after`.

        Args:
            amount: what the bank states from now on, when it is not what was ordered.
            fee: what the processor keeps of it.

        Raises:
            NotFound: the bank never saw it.
            InvalidTransition: no bank would do that; see `tell`.
            InvalidIdentifier: the return code does not exist.
        """
        if return_code and return_code not in RETURN_CODES:
            raise InvalidIdentifier("return codes go from R01 to R85")
        stated = {"amount": amount, "fee": fee, "return_code": return_code, "reason": reason}
        given: dict[str, Any] = {name: value for name, value in stated.items() if value}
        with self._lock:
            self.transfer(reference)
            if after > timedelta(0):
                self._later.append(
                    (self._clock.now() + after, lambda: self._move_if_possible(reference, command, given))
                )
            else:
                self._move(reference, command, **given)

    def tell(self, reference: str, status: RailStatus, **stated: Any) -> None:
        """State any fact of a transfer, also one that contradicts what was said before."""
        with self._lock:
            self._state(
                replace(self.transfer(reference), status=status, provider_status=status.value, **stated)
            )

    def tell_part(
        self, reference: str, status: RailStatus, part: str, amount: Money, *, return_code: str = ""
    ) -> None:
        """Settle, return or give back a part of a deposit; the transfer as a whole stays as it is."""
        with self._lock:
            stated = replace(self.transfer(reference), status=status, provider_status=status.value)
            self.add_cash(-amount if status is RailStatus.RETURNED else amount)
            self.postbox.send(self._event(replace(stated, amount=amount, part=part, return_code=return_code)))

    def forged(self, reference: str, status: RailStatus = RailStatus.SETTLED) -> Delivery:
        """A webhook about a transfer that somebody else signed."""
        with self._lock:
            transfer = replace(self.transfer(reference), status=status, provider_status=status.value)
            return self.postbox.delivery(self._event(transfer), key=b"somebody else signed with this!!")

    def add_cash(self, amount: Money) -> None:
        """Put money into the safeguarded account, as the operator does when topping up."""
        with self._lock:
            self._cash[amount.asset] = self._cash.get(amount.asset, 0) + amount.micros

    def _order(self, direction: Direction, order: RailOrder, key: str, rails: frozenset[str]) -> RailTransfer:
        with self._lock, self.weather.order():
            self._catch_up()
            if self._capabilities.deduplicates and (direction, key) in self._by_key:
                known, ref = self._by_key[direction, key]
                if known != order:
                    raise ProviderUnknown("the key was used for another order", key=key)
                return self._transfers[ref]
            if order.rail not in rails:
                raise ProviderRejected(f"the simulated bank has no {order.rail} for this", rail=order.rail)
            transfer = self._new(direction, order)
            self._by_key[direction, key] = (order, transfer.provider_ref)
            return self._state(transfer)

    def _new(self, direction: Direction, order: RailOrder) -> RailTransfer:
        way = "in" if direction is Direction.DEPOSIT else "out"
        ref = f"{way}-{self._after + len(self._transfers) + 1:06d}"
        self._references[order.reference] = ref
        return RailTransfer(
            provider_ref=ref,
            reference=order.reference,
            direction=direction,
            status=RailStatus.PENDING,
            provider_status=RailStatus.PENDING.value,
            amount=order.amount,
            fee=Money.zero(order.amount.asset),
            observed_at=self._clock.now(),
        )

    def _move(self, reference: str, command: BankCommand, **stated: Any) -> RailTransfer:
        transfer = self.transfer(reference)
        status = BANK.after(transfer.status, command)
        return self._state(replace(transfer, status=status, provider_status=status.value, **stated))

    def _move_if_possible(self, reference: str, command: BankCommand, stated: dict[str, Any]) -> None:
        if command in BANK.allowed(self.transfer(reference).status):
            self._move(reference, command, **stated)

    def _state(self, transfer: RailTransfer) -> RailTransfer:
        """Keep a fact, move the cash that it means, and tell the host of it."""
        stated = replace(transfer, observed_at=self._clock.now())
        self._transfers[stated.provider_ref] = stated
        self._move_cash(stated)
        self.postbox.send(self._event(stated))
        return stated

    def _event(self, transfer: RailTransfer) -> RailEvent:
        self._facts += 1
        return RailEvent(
            event_id=f"{self._name}-{self._facts:06d}", occurred_at=transfer.observed_at, transfer=transfer
        )

    def _move_cash(self, transfer: RailTransfer) -> None:
        is_deposit = transfer.direction is Direction.DEPOSIT
        gross = transfer.amount.micros if is_deposit else -transfer.amount.micros
        before = self._moved.get(transfer.provider_ref, 0)
        after = before
        if transfer.status in (RailStatus.SETTLED, RailStatus.FINAL):
            after = gross - transfer.fee.micros if is_deposit else gross
        elif transfer.status is RailStatus.RETURNED and before:
            after = before - gross
        elif transfer.status is RailStatus.RETURN_REVERSED:
            after = before + gross
        self._moved[transfer.provider_ref] = after
        asset = transfer.amount.asset
        self._cash[asset] = self._cash.get(asset, 0) + after - before

    def _catch_up(self) -> None:
        """Do what was to be done by now."""
        due = [entry for entry in self._later if entry[0] <= self._clock.now()]
        self._later = [entry for entry in self._later if entry[0] > self._clock.now()]
        for _, act in sorted(due, key=lambda entry: entry[0]):
            act()
