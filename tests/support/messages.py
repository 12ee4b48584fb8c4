"""Deliveries to the inbox: what they tell, how they are handed in and how their messages ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.domain.effects import EffectKind, InboxMessage, InboxStatus
from invoicepay.domain.events import Event
from invoicepay.domain.money import Money
from invoicepay.ports.rails import Direction, RailEvent, RailStatus, RailTransfer
from invoicepay.ports.tokens import TokenEvent
from invoicepay.use_cases.inbox import (
    apply_received,
    receive_webhook,
)
from invoicepay.use_cases.neighbours import Served
from tests.support.desk import Desk
from tests.support.intents import intend, send
from tests.support.till import Till

R, P, A, F = InboxStatus.RECEIVED, InboxStatus.PARKED, InboxStatus.APPLIED, InboxStatus.FAILED
UNKNOWN = "about nothing that we know"
TEN = Money("10.00", "USD")


def sent(desk: Desk, kind: EffectKind = EffectKind.PAYOUT) -> str:
    """An accepted intent whose webhooks so far were taken away."""
    id = intend(desk, kind)
    send(desk)
    desk.rails.drain()
    return id


def told(desk: Desk, number: int = 1, **about: Any) -> RailEvent:
    """An event about 50.00 USD that came in by itself, but for what is said otherwise."""
    signed = about.pop("body_authenticated", True)
    transfer = RailTransfer(
        provider_ref="wire-7",
        reference="",
        direction=Direction.DEPOSIT,
        status=RailStatus.SETTLED,
        provider_status="settled",
        amount=Money("50.00", "USD"),
        fee=Money.zero("USD"),
        observed_at=desk.clock.now(),
    )
    return RailEvent(
        event_id=f"evt-{number}",
        occurred_at=desk.clock.now(),
        transfer=replace(transfer, **about),
        body_authenticated=signed,
    )


def receive(desk: Desk, *events: RailEvent | TokenEvent) -> list[InboxMessage]:
    """Hand each event in, as a delivery of its own."""
    kept = list[InboxMessage]()
    for event in events:
        slot, provider = ("rails", desk.rails) if isinstance(event, RailEvent) else ("tokens", desk.tokens)
        delivery = provider.postbox.delivery(event)
        kept += desk.run(receive_webhook(desk.deps, slot, delivery.body, delivery.headers))
    return kept


def apply(desk: Desk, limit: int = 100) -> Served:
    return desk.run(apply_received(desk.deps, limit))


def ends(desk: Desk) -> list[tuple[InboxStatus, str]]:
    """Status and reason of each message, by id."""
    return [(message.status, message.reason) for message in desk.rows(InboxMessage)]


def steps(desk: Desk, id: str) -> list[str]:
    async def read() -> tuple[Event, ...]:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return await reader.events(entity_id=id)

    return [event.name for event in desk.run(read())]


def pushed(till: Till, invoice_id: str = "", to: str = "acme") -> TokenEvent:
    """The event about 60.00 USD that ann sent on her own."""
    till.tokens.push("ann", to, Money.of("60.00 USD"), invoice_id=invoice_id)
    (delivery,) = till.tokens.drain()
    (event,) = till.tokens.parse_webhook(delivery.body, delivery.headers, received_at=till.clock.now())
    return event


class Several(SimulatedRails):
    """A bank that tells of several events at once, and notes what it was asked to check."""

    def __init__(self, desk: Desk, *events: RailEvent) -> None:
        super().__init__(desk.clock)
        self.called = ""
        self.told, self.checked = events, list[tuple[str, bytes, Mapping[str, str], datetime]]()

    @property
    def name(self) -> str:
        """Its own, or another."""
        return self.called or super().name

    async def prepare_webhook(
        self, body: bytes, headers: Mapping[str, str], *, received_at: datetime
    ) -> None:
        """Note it."""
        self.checked.append(("prepared", body, headers, received_at))

    def parse_webhook(
        self, body: bytes, headers: Mapping[str, str], *, received_at: datetime
    ) -> tuple[RailEvent, ...]:
        """Note it; what there is to tell."""
        self.checked.append(("parsed", body, headers, received_at))
        return self.told
