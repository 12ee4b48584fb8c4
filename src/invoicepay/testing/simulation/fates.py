"""What becomes of each order at the bank and at the issuer, by the faults that are about when it arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

from invoicepay.adapters.simulated.bank import BANK, BankCommand
from invoicepay.domain.money import Money
from invoicepay.ports.rails import Direction, RailStatus, RailTransfer
from invoicepay.testing.simulation.chooser import Draw, Scope
from invoicepay.testing.simulation.machine import lasting, ticks_of
from invoicepay.testing.simulation.ports import ProviderFact
from invoicepay.testing.simulation.scheduler import Task, suspended

if TYPE_CHECKING:
    from invoicepay.testing.simulation.world import World

C = BankCommand
CODES = {
    Direction.DEPOSIT: ("R01", "R02", "R07", "R09", "R10", "R29"),
    Direction.WITHDRAWAL: ("R01", "R03", "R04", "R16", "R20", "R23"),
}
"""Reasons for which money comes back."""
FEE_MICROS = 250_000
SEVERAL = 2
MANUAL = "manual"
FORGOTTEN = "provider.key_forgotten"
PUSH = "push-"


class Fates:
    """Moves orders on when their time has come.

    Attributes:
        sleeping: orders that have not come to their end.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._orders: dict[str, int] = {}
        self.sleeping: dict[Task, None] = {}

    def begin(self, fact: ProviderFact) -> None:
        """An order arrived."""
        world, transfer, reference = self._world, fact.transfer, fact.reference
        if reference.startswith(PUSH):
            return
        number = self._orders[reference] = self._orders.get(reference, 0) + 1
        scope = Scope(f"{fact.provider}.{lasting(reference)}{f'.{number}' if number > 1 else ''}")
        self._forget_in_time(fact, scope.name)
        draw = Draw(world.chooser, scope, "fate")
        if isinstance(transfer, RailTransfer):
            fate = FateOfRails(world, transfer, draw).come()
        elif world.mix.token_finality == MANUAL:
            fate = FateOfTokens(world, reference, draw).come()
        else:
            return
        self.sleeping[world.scheduler.start(self._to_the_end(fate), scope)] = None

    async def _to_the_end(self, fate: Awaitable[None]) -> None:
        await fate
        del self.sleeping[self._world.scheduler.current]

    def _forget_in_time(self, fact: ProviderFact, name: str) -> None:
        """Let the provider know the order's key until its lifetime has passed, where it forgets any."""
        world = self._world
        provider: Any = world.bank if fact.provider == "rails" else world.issuer
        lifetime = provider.capabilities().key_lifetime_seconds
        if not lifetime or not world.mix.faults.get(FORGOTTEN):
            return

        async def forgets() -> None:
            await suspended(ticks_of(lifetime))
            provider.forget(fact.transfer.provider_ref)
            world.happened("fault", FORGOTTEN, reference=fact.reference)

        world.scheduler.start(forgets(), Scope(f"{name}.key"))


class Fate:
    """One order's.

    Attributes:
        rates: chances of faults when the order arrived; what it is fated to comes also when all else heals.
    """

    world: World
    reference: str
    draw: Draw

    def __init__(self, world: World, reference: str, draw: Draw) -> None:
        self.world, self.reference, self.draw = world, reference, draw
        self.rates: Mapping[str, int] = world.odds.rates

    def happens(self, fault: str) -> bool:
        """Whether an order meets a fault of its provider."""
        if not self.draw.chance(self.rates.get(fault, 0)):
            return False
        self.world.happened("fault", fault, reference=self.reference)
        return True

    async def after(self, low: int, high: int) -> None:
        """Let so many seconds pass."""
        await suspended(min(ticks_of(self.draw.whole(low, high)), self.world.longest_wait))


class FateOfTokens(Fate):
    """A mint's, a burn's or a transfer's."""

    async def come(self) -> None:
        """Become final, soon or late, or fail for certain."""
        await self.after(60, 1_800) if self.happens("chain.late") else await self.after(1, 20)
        if self.happens("chain.fails"):
            self.world.issuer.fail(self.reference)
        else:
            self.world.issuer.finalize(self.reference)


class FateOfRails(Fate):
    """A deposit's or a payout's."""

    def __init__(self, world: World, transfer: RailTransfer, draw: Draw) -> None:
        super().__init__(world, transfer.reference, draw)
        self._transfer = transfer
        self._is_deposit = transfer.direction is Direction.DEPOSIT

    async def come(self) -> None:
        """Settle and become final, or one of the many other ways."""
        await self._a_while()
        if self.happens("provider.fails"):
            self._move(C.FAIL, reason="failed")
        elif self.happens("provider.odd_word"):
            await self._oddly()
        elif self.happens("provider.returns_unsettled"):
            self._move(C.SEND)
            await self._a_while()
            await self._back()
        elif self._is_deposit and self.happens("provider.partial"):
            await self._in_parts()
        else:
            await self._as_a_whole()

    async def _as_a_whole(self) -> None:
        """One settlement, and what may follow it."""
        has_fee = self._is_deposit and self.happens("provider.fee")
        fee = Money.from_micros(FEE_MICROS, self._transfer.amount.asset) if has_fee else None
        self._move(C.SETTLE, fee=fee if fee and fee < self._transfer.amount else None)
        await self._a_while()
        if self.happens("provider.returns"):
            return await self._back()
        await self._a_while()
        self._move(C.FINALIZE)
        if self.happens("provider.returns_late"):
            await self._a_while()
            await self._back()
        return None

    async def _back(self) -> None:
        """It comes back, and that may be taken back, too."""
        self._move(C.RETURN, return_code=self.draw.one_of(CODES[self._transfer.direction]))
        if self.happens("provider.return_reversed"):
            await self._a_while()
            self._move(C.REVERSE_RETURN, return_code="R68")

    async def _oddly(self) -> None:
        """The bank says something that nobody understands, and goes on as if nothing had been."""
        bank = self.world.bank
        if self._status is RailStatus.PENDING:
            bank.contradict(self.reference, "reconsidered")
            await self._a_while()
            bank.tell(self.reference, self.draw.one_of((RailStatus.SETTLED, RailStatus.FAILED)))

    async def _in_parts(self) -> None:
        """Two settlements; the bank calls the whole final once both were told."""
        amount = self._transfer.amount
        first = Money.from_micros(amount.micros // SEVERAL, amount.asset)
        for name, part in (("1", first), ("2", amount - first)):
            if part and self._status in (RailStatus.PENDING, RailStatus.SENT):
                self._move(C.SEND)
                self.world.bank.settle_part(self.reference, name, part)
                await self._a_while()
        while self.world.courier.carries(self.reference):
            await self._a_while()
        self._move(C.FINALIZE)

    @property
    def _status(self) -> RailStatus:
        return self.world.bank.transfer(self.reference).status

    def _move(self, command: BankCommand, **stated: Any) -> None:
        """What a bank would do by now; an order that was cancelled meanwhile stays so."""
        if command in BANK.allowed(self._status):
            self.world.bank.move(self.reference, command, **stated)

    async def _a_while(self) -> None:
        await self.after(*self.world.mix.settle_seconds)
