"""The way from one simulated process to the bank and to the issuer, with everything that goes wrong on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from invoicepay.domain.money import Money
from invoicepay.errors import InvoicePayError, ProviderUnavailable, ProviderUnknown
from invoicepay.ports.health import Health
from invoicepay.ports.rails import RailEvent, RailOrder, RailsCapabilities, RailTransfer
from invoicepay.ports.tokens import TokenCapabilities, TokenEvent, TokenOrder, TokenTransfer
from invoicepay.testing.simulation.chooser import Scope
from invoicepay.testing.simulation.machine import lasting, ticks_of
from invoicepay.testing.simulation.providers import SimBank, SimIssuer
from invoicepay.testing.simulation.scheduler import suspended
from invoicepay.testing.simulation.surroundings import MOST_SKEW_SECONDS, Surroundings

P = TypeVar("P", SimBank, SimIssuer)
T = TypeVar("T")

TIMEOUT_SECONDS = 5
SLOW_SECONDS = (130, 600)
LATE_SECONDS = (10, 60)
OUTAGE_SECONDS = (300, 7_200)
BEFORE_IT_LEAVES_SECONDS = 10
"""How old a mark may be when its order leaves."""
STALE_SENDER_SECONDS = 700
"""A task that stands still just before it sends may wake after another worker sent the same again.

Only the provider's key helps then, so it happens only where the key outlives such a sleep.
"""


class Wire(Generic[P]):
    """What both kinds of provider have in common.

    Args:
        slot: `rails` or `tokens`.
    """

    def __init__(self, provider: P, around: Surroundings, slot: str) -> None:
        self._provider: P = provider
        self._around, self._slot = around, slot
        can = provider.capabilities()
        tenth = can.key_lifetime_seconds // 10 or STALE_SENDER_SECONDS
        self._waits = can.deduplicates and tenth >= STALE_SENDER_SECONDS

    @property
    def name(self) -> str:
        """Stable name."""
        return self._provider.name

    async def health(self) -> Health:
        """How the provider is."""
        return await self._asked("", self._provider.health)

    async def _asked(self, reference: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Put a question, which may not get through; the same again moves nothing."""
        around, world = self._around, self._around.world
        self._refuse_inside()
        await around.point(f"ask {self._slot}", world.odds.outside)
        fault = around.fault("question", world.odds.question)
        if fault and fault != "provider.stale_look":
            self._met(fault, reference)
            raise ProviderUnavailable
        self._refuse_outage()
        world.happened("find", self._slot, process=around.life.process, reference=reference)
        found = await ask()
        if fault and self._is_young(found):
            self._met(fault, reference)
            found = None  # type: ignore[assignment]  # only what may be absent is young
        await around.point(f"{self._slot} answered", world.odds.outside)
        return found

    async def _ordered(self, reference: str, order: Callable[[], Awaitable[T]]) -> T:
        """Give an order, which may arrive or not, late or twice, answered or not."""
        around, world = self._around, self._around.world
        self._refuse_inside()
        await around.point(
            "before sending", world.odds.sending if self._waits else world.odds.sending_for_certain
        )
        fault = around.fault("order", world.odds.order)
        world.happened("send", self._slot, process=around.life.process, reference=reference)
        if fault:
            self._met(fault, reference)
        try:
            answer = await self._carried_out(reference, order, fault)
        except InvoicePayError as error:
            self._heard(reference, error.code)
            raise
        self._heard(reference, "ok")
        return answer

    async def _carried_out(self, reference: str, order: Callable[[], Awaitable[T]], fault: str) -> T:
        around, world = self._around, self._around.world
        if fault in ("call.refused", "call.limited", "call.outage"):
            if fault == "call.outage":
                world.away[self._slot] = world.scheduler.now + ticks_of(self._seconds(*OUTAGE_SECONDS))
            if fault == "call.limited":
                raise ProviderUnavailable(retry_after_seconds=30)
            raise ProviderUnavailable
        self._refuse_outage()
        if fault in ("call.lost", "call.late"):
            if fault == "call.late":
                self._later(reference, order)
            await suspended(ticks_of(TIMEOUT_SECONDS))
            raise ProviderUnknown
        answer = await order()
        if fault == "call.answer_lost":
            await suspended(ticks_of(TIMEOUT_SECONDS))
            raise ProviderUnknown
        if fault == "call.slow":
            await around.wait(*SLOW_SECONDS)
        await around.point("before the answer", world.odds.outside)
        return self._garbled(answer) if fault == "call.wrong_echo" else answer

    def _later(self, reference: str, order: Callable[[], Awaitable[Any]]) -> None:
        """Let an order arrive after its caller gave up, but before the provider would call it absent."""
        grace = self._provider.capabilities().absent_grace_seconds
        most = min(grace - BEFORE_IT_LEAVES_SECONDS - 2 * MOST_SKEW_SECONDS - lag(grace), LATE_SECONDS[1])
        after = TIMEOUT_SECONDS + self._seconds(min(LATE_SECONDS[0], most), most)
        world = self._around.world
        number = world.late[reference] = world.late.get(reference, 0) + 1
        name = f"late.{lasting(reference)}.{number}"
        world.arriving[name] = None

        async def arrives() -> None:
            try:
                await order()
            except InvoicePayError as error:
                world.happened("late", error.code, reference=reference)
            finally:
                del world.arriving[name]

        world.scheduler.start(arrives(), Scope(name), None, ticks_of(after))

    def _garbled(self, answer: Any) -> Any:
        cent = Money.from_micros(10_000, answer.amount.asset)
        return replace(answer, amount=answer.amount + cent)

    def _is_young(self, found: Any) -> bool:
        """Whether what was found is so new that a look-up may not show it yet."""
        if not isinstance(found, RailTransfer | TokenTransfer):
            return False
        taken = self._provider.taken_at(found.provider_ref)
        seconds = lag(self._provider.capabilities().absent_grace_seconds)
        return self._around.world.clock.now() - taken < timedelta(seconds=seconds)

    def _refuse_inside(self) -> None:
        """No provider is called while a transaction is open (reliability rule 1)."""
        task = self._around.world.scheduler.current
        self._around.life.check()
        if task.in_store:
            self._around.world.broken("called inside a transaction", f"{self._slot} by {task.name}")

    def _refuse_outage(self) -> None:
        world = self._around.world
        if world.scheduler.now < world.away.get(self._slot, 0):
            raise ProviderUnavailable

    def _met(self, fault: str, reference: str) -> None:
        world, process = self._around.world, self._around.life.process
        world.happened("fault", fault, process=process, reference=reference)

    def _heard(self, reference: str, word: str) -> None:
        world, process = self._around.world, self._around.life.process
        world.happened("answer", word, process=process, reference=reference)

    def _seconds(self, low: int, high: int) -> int:
        world = self._around.world
        return low + world.chooser.below(world.scheduler.current.scope, "much", max(high - low, 0) + 1)


def lag(grace_seconds: int) -> int:
    """Seconds for which a look-up may not show an order yet."""
    return grace_seconds // 8


class RailsWire(Wire[SimBank]):
    """The way to the bank, as a RailsProvider."""

    def capabilities(self) -> RailsCapabilities:
        """What the bank can do."""
        return self._provider.capabilities()

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        """Ask the party's bank for the amount."""
        bank = self._provider
        return await self._ordered(
            order.reference, lambda: bank.initiate_deposit(order, idempotency_key=idempotency_key)
        )

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        """Pay the amount out."""
        bank = self._provider
        return await self._ordered(
            order.reference, lambda: bank.initiate_withdrawal(order, idempotency_key=idempotency_key)
        )

    async def cancel(self, provider_ref: str, *, idempotency_key: str) -> RailTransfer:
        """Stop a transfer that was not sent yet."""
        bank = self._provider
        return await self._asked(
            provider_ref, lambda: bank.cancel(provider_ref, idempotency_key=idempotency_key)
        )

    async def find(self, reference: str) -> RailTransfer | None:
        """The transfer under our reference."""
        return await self._asked(reference, lambda: self._provider.find(reference))

    async def balance(self, asset: str) -> Money:
        """Cash in the safeguarded account."""
        return await self._asked("", lambda: self._provider.balance(asset))

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[RailEvent, ...]:
        """Verify and read a delivery."""
        return self._provider.parse_webhook(body, headers, received_at=received_at)


class TokensWire(Wire[SimIssuer]):
    """The way to the issuer, as a TokenProvider."""

    def capabilities(self) -> TokenCapabilities:
        """What the issuer can do."""
        return self._provider.capabilities()

    async def mint(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        """Issue tokens."""
        return await self._ordered(
            order.reference, lambda: self._provider.mint(order, idempotency_key=idempotency_key)
        )

    async def burn(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        """Take tokens out of circulation."""
        return await self._ordered(
            order.reference, lambda: self._provider.burn(order, idempotency_key=idempotency_key)
        )

    async def transfer(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        """Move tokens between parties."""
        return await self._ordered(
            order.reference, lambda: self._provider.transfer(order, idempotency_key=idempotency_key)
        )

    async def find(self, reference: str) -> TokenTransfer | None:
        """The order under our reference."""
        return await self._asked(reference, lambda: self._provider.find(reference))

    async def supply(self, asset: str) -> Money:
        """Tokens outstanding."""
        return await self._asked("", lambda: self._provider.supply(asset))

    async def balance(self, party_id: str, asset: str) -> Money:
        """Tokens of a party."""
        return await self._asked("", lambda: self._provider.balance(party_id, asset))

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[TokenEvent, ...]:
        """Verify and read a delivery."""
        return self._provider.parse_webhook(body, headers, received_at=received_at)
