"""The bank and the issuer of a simulated world: the shipped simulators, telling of each thing they do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens, bank, chain
from invoicepay.adapters.simulated.weather import Postbox
from invoicepay.domain.money import Money
from invoicepay.ports.rails import Direction, RailEvent, RailOrder, RailStatus, RailTransfer
from invoicepay.ports.runtime import Clock
from invoicepay.ports.tokens import TokenEvent, TokenOrder, TokenStatus, TokenTransfer
from invoicepay.testing.simulation.ports import Mix, ProviderFact

Told = Callable[[ProviderFact], None]
Post = Callable[[Any], None]


class Letters(Postbox):
    """Hands each event over at once instead of queueing it; it is signed when it is delivered."""

    def __init__(self, sender: str, key: bytes, clock: Clock, wire: type[Any], post: Post) -> None:
        super().__init__(sender, key, clock, wire)
        self._post = post

    def send(self, event: Any) -> None:
        """Post the event."""
        self._post(event)


class SimBank(SimulatedRails):
    """A bank that tells what it does, and that forgets keys.

    Args:
        told: takes each fact.
        post: takes each event on its way to the host.
    """

    def __init__(self, clock: Clock, mix: Mix, *, told: Told, post: Post) -> None:
        super().__init__(clock, capabilities=mix.rails)
        self.postbox: Letters = Letters(self.name, bank.WEBHOOK_KEY, clock, RailEvent, post)
        self._told = told
        self._keys: dict[str, tuple[Direction, str]] = {}
        self._is_contradicting = False
        self._taken_at: dict[str, datetime] = {}
        self._final: set[str] = set()

    def taken_at(self, provider_ref: str) -> datetime:
        """When an order arrived."""
        return self._taken_at[provider_ref]

    def is_past_asking(self, transfer: RailTransfer) -> bool:
        """Whether news came after the end of an order, when a host has no reason to ask any more."""
        if transfer.status is RailStatus.RETURN_REVERSED:
            return True
        return transfer.status is RailStatus.RETURNED and transfer.provider_ref in self._final

    def forget(self, provider_ref: str) -> None:
        """Know an order's key no longer."""
        self._by_key.pop(self._keys[provider_ref], None)

    def contradict(self, reference: str, word: str) -> None:
        """Say something that no table knows; no money moves."""
        self._is_contradicting = True
        try:
            super().tell(reference, RailStatus.NEEDS_REVIEW, reason=word)
        finally:
            self._is_contradicting = False

    def settle_part(self, reference: str, part: str, amount: Money) -> None:
        """Settle a part of a deposit; the whole stays as it is until it is called final."""
        transfer = self.transfer(reference)
        self._moved[transfer.provider_ref] = self._moved.get(transfer.provider_ref, 0) + amount.micros
        self.tell_part(reference, RailStatus.SETTLED, part, amount)

    def _order(self, direction: Direction, order: RailOrder, key: str, rails: frozenset[str]) -> RailTransfer:
        transfer = super()._order(direction, order, key, rails)
        self._keys.setdefault(transfer.provider_ref, (direction, key))
        return transfer

    def _new(self, direction: Direction, order: RailOrder) -> RailTransfer:
        transfer = super()._new(direction, order)
        self._taken_at[transfer.provider_ref] = self._clock.now()
        return transfer

    def _state(self, transfer: RailTransfer) -> RailTransfer:
        is_new = transfer.provider_ref not in self._transfers
        stated = super()._state(transfer)
        if stated.status is RailStatus.FINAL:
            self._final.add(stated.provider_ref)
        self._tell(stated, is_new=is_new)
        return stated

    def _event(self, transfer: RailTransfer) -> RailEvent:
        event = super()._event(transfer)
        if transfer.part:
            self._tell(transfer, is_new=False)
        return event

    def _tell(self, transfer: RailTransfer, *, is_new: bool) -> None:
        self._told(
            ProviderFact(
                provider="rails",
                reference=transfer.reference,
                transfer=transfer,
                order=self._facts,
                is_new=is_new,
                at=self._clock.now(),
                is_contradiction=self._is_contradicting,
            )
        )


class SimIssuer(SimulatedTokens):
    """A token issuer that tells what it does, and that forgets keys."""

    def __init__(self, clock: Clock, mix: Mix, *, told: Told, post: Post) -> None:
        super().__init__(clock, finality=mix.token_finality, custody=mix.custody, capabilities=mix.tokens)
        self.postbox: Letters = Letters(self.name, chain.WEBHOOK_KEY, clock, TokenEvent, post)
        self._told = told
        self._keys: dict[str, str] = {}
        self._taken_at: dict[str, datetime] = {}

    def taken_at(self, provider_ref: str) -> datetime:
        """When an order arrived."""
        return self._taken_at[provider_ref]

    def forget(self, provider_ref: str) -> None:
        """Know an order's key no longer."""
        self._by_key.pop(self._keys[provider_ref], None)

    def is_pending(self, reference: str) -> bool:
        """Whether an order waits for its fate."""
        return self.found(reference).status is TokenStatus.PENDING

    def _order(self, order: TokenOrder, key: str) -> TokenTransfer:
        transfer = super()._order(order, key)
        self._keys.setdefault(transfer.provider_ref, key)
        return transfer

    def _new(self, order: TokenOrder, status: TokenStatus) -> TokenTransfer:
        transfer = super()._new(order, status)
        self._taken_at[transfer.provider_ref] = self._clock.now()
        return transfer

    def _state(self, transfer: TokenTransfer, *, invoice_id: str = "") -> TokenTransfer:
        is_new = transfer.provider_ref not in self._transfers
        stated = super()._state(transfer, invoice_id=invoice_id)
        self._told(
            ProviderFact(
                provider="tokens",
                reference=stated.reference,
                transfer=stated,
                order=self._facts,
                is_new=is_new,
                at=self._clock.now(),
            )
        )
        return stated
