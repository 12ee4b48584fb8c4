"""Carries webhooks from the providers to some process: lost, repeated, late, in any order, forged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from invoicepay.errors import InvoicePayError, WebhookSignatureInvalid
from invoicepay.ports.rails import RailEvent, RailStatus
from invoicepay.ports.tokens import TokenEvent, TokenStatus
from invoicepay.testing.simulation.chooser import Scope
from invoicepay.testing.simulation.faults import NAMES
from invoicepay.testing.simulation.machine import lasting, ticks_of
from invoicepay.testing.simulation.ports import Died, GaveUp
from invoicepay.testing.simulation.scheduler import Task, suspended

if TYPE_CHECKING:
    from invoicepay.testing.simulation.world import World

Event = RailEvent | TokenEvent

SOON_SECONDS = (0, 2)
WAITS_SECONDS = {"webhook.reordered": (30, 900), "webhook.late": (3_600, 259_200), "webhook.early": (0, 0)}
TRIES = 8
PATIENCE_SECONDS = 30
COPIES = 3
OTHER_KEY = b"somebody else signed with this!!"


class Courier:
    """Delivers each event as providers do: again while nobody takes it, and not for ever.

    Attributes:
        carried: the events that are on their way, each with the order that it is about.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._letters: dict[str, int] = {}
        self._numbers = 0
        self.carried: dict[Task, str] = {}

    def post(self, slot: str, event: Event) -> None:
        """Take an event on its way."""
        transfer = event.transfer
        name = f"post.{lasting(transfer.reference)}.{transfer.status}{getattr(transfer, 'part', '')}"
        number = self._letters[name] = self._letters.get(name, 0) + 1
        task = self._world.scheduler.start(self._to_the_end(slot, event), Scope(f"{name}{number}"))
        self.carried[task] = transfer.reference

    def carries(self, reference: str) -> bool:
        """Whether news of an order is on its way."""
        return reference in self.carried.values()

    async def _to_the_end(self, slot: str, event: Event) -> None:
        await self._carried(slot, event)
        del self.carried[self._world.scheduler.current]

    async def _carried(self, slot: str, event: Event) -> None:
        world, reference = self._world, event.transfer.reference
        fault = NAMES[self._rare("letter", world.odds.letter)]
        if fault == "webhook.lost" and self._is_told_nowhere_else(event):
            fault = ""
        if fault:
            world.happened("fault", fault, reference=reference)
        if fault == "webhook.lost":
            world.happened("webhook", "lost", reference=reference)
            return
        await self._wait(*WAITS_SECONDS.get(fault, SOON_SECONDS))
        if self._meets("webhook.forged", reference):
            await self._forged(slot, event)
        if self._meets("webhook.unknown", reference):
            await self._delivered(slot, self._about_nothing(event))
        for _ in range(COPIES if self._meets("webhook.repeated", reference) else 1):
            await self._delivered(slot, event)

    async def _delivered(self, slot: str, event: Event) -> None:
        """Try until somebody says that it was kept; a provider gives up after days."""
        tries = 0
        while tries < TRIES or self._is_told_nowhere_else(event):
            word = await self._handed_over(slot, event, None)
            self._world.happened("webhook", word, reference=event.transfer.reference)
            if word == "delivered":
                return
            tries += 1
            await suspended(min(ticks_of(min(60 * 2**tries, 7_200)), self._world.longest_wait))

    async def _forged(self, slot: str, event: Event) -> None:
        """Nobody may believe what somebody else signed."""
        word = await self._handed_over(slot, event, OTHER_KEY)
        self._world.happened("webhook", "forged", reference=event.transfer.reference)
        if word == "delivered":
            self._world.broken("a forged webhook was kept", event.event_id)

    async def _handed_over(self, slot: str, event: Event, key: bytes | None) -> str:
        world = self._world
        process = world.some_process(world.scheduler.current.scope)
        if process is None:
            return "refused"
        sender: Any = world.bank if slot == "rails" else world.issuer
        delivery = sender.postbox.delivery(event, key)
        call = process.pay.webhooks.receive(slot, headers=delivery.headers, body=delivery.body)
        task = world.scheduler.start(call, world.scheduler.current.scope, process.life)
        try:
            await world.scheduler.join(task, ticks_of(PATIENCE_SECONDS))
        except WebhookSignatureInvalid:
            if key is None:
                world.broken("a genuine webhook was refused", event.event_id)
            return "refused"
        except (Died, GaveUp, InvoicePayError):
            return "refused"
        return "delivered"

    def _about_nothing(self, event: Event) -> Event:
        """The same about an order that nobody gave; no money moved for it."""
        self._numbers += 1
        id, reference = f"{event.event_id}-nothing-{self._numbers}", f"eff_nothing{self._numbers:06d}"
        ref = f"nothing-{self._numbers}"
        if isinstance(event, RailEvent):
            rail = replace(
                event.transfer, status=RailStatus.PENDING, part="", reference=reference, provider_ref=ref
            )
            return replace(event, event_id=id, transfer=rail)
        token = replace(event.transfer, status=TokenStatus.PENDING, reference=reference, provider_ref=ref)
        return replace(event, event_id=id, transfer=token, from_party="", to_party="", invoice_id="")

    def _meets(self, fault: str, reference: str) -> bool:
        if not self._rare("way", self._world.odds.of(fault)):
            return False
        self._world.happened("fault", fault, reference=reference)
        return True

    def _rare(self, what: str, weights: Any) -> int:
        return self._world.chooser.rare(self._world.scheduler.current.scope, what, weights)

    async def _wait(self, low: int, high: int) -> None:
        ticks, spread = ticks_of(low), ticks_of(high - low)
        steps = 100
        part = self._world.chooser.below(self._world.scheduler.current.scope, "much", steps) if spread else 0
        await suspended(min(ticks + spread * part // steps, self._world.longest_wait))

    def _is_told_nowhere_else(self, event: Event) -> bool:
        """Whether asking would never bring the news: of parts, of pushes, after the end, or of anything."""
        world = self._world
        if isinstance(event, TokenEvent):
            return not (event.transfer.reference and world.issuer.capabilities().finds_by_reference)
        if not world.bank.capabilities().finds_by_reference:
            return True
        return bool(event.transfer.part) or world.bank.is_past_asking(event.transfer)
