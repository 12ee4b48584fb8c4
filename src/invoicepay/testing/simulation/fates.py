"""What becomes of each order at the bank and at the issuer, drawn when it arrives."""

from __future__ import annotations

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
        transfer, reference = fact.transfer, fact.reference
        number = self._orders[reference] = self._orders.get(reference, 0) + 1
        name = f"{fact.provider}.{lasting(reference)}{f'.{number}' if number > 1 else ''}"
        self._forget_in_time(fact, name)
        if isinstance(transfer, RailTransfer):
            fate = self._of_rails(transfer, Draw(self._world.chooser, Scope(name), "fate"))
        elif self._world.mix.token_finality == MANUAL and not reference.startswith("push-"):
            fate = self._of_tokens(reference, Draw(self._world.chooser, Scope(name), "fate"))
        else:
            return
        self.sleeping[self._world.scheduler.start(self._to_the_end(fate), Scope(name))] = None

    def _forget_in_time(self, fact: ProviderFact, name: str) -> None:
        """Let the provider know the order's key until its lifetime has passed, where it forgets any."""
        world = self._world
        provider: Any = world.bank if fact.provider == "rails" else world.issuer
        lifetime = provider.capabilities().key_lifetime_seconds
        if not lifetime or not world.mix.faults.get(FORGOTTEN) or fact.reference.startswith("push-"):
            return

        async def forgets() -> None:
            await suspended(ticks_of(lifetime))
            provider.forget(fact.transfer.provider_ref)
            world.happened("fault", FORGOTTEN, reference=fact.reference)

        world.scheduler.start(forgets(), Scope(f"{name}.key"))

    async def _to_the_end(self, fate: object) -> None:
        await fate  # type: ignore[misc]
        del self.sleeping[self._world.scheduler.current]

    async def _of_tokens(self, reference: str, draw: Draw) -> None:
        is_late = self._happens(draw, "chain.late", reference)
        await self._after(draw, 60, 1_800) if is_late else await self._after(draw, 1, 20)
        if self._happens(draw, "chain.fails", reference):
            self._world.issuer.fail(reference)
        else:
            self._world.issuer.finalize(reference)

    async def _of_rails(self, transfer: RailTransfer, draw: Draw) -> None:
        reference, low, high = transfer.reference, *self._world.mix.settle_seconds
        is_deposit = transfer.direction is Direction.DEPOSIT
        await self._after(draw, low, high)
        if self._happens(draw, "provider.fails", reference):
            return self._move(reference, C.FAIL, reason="failed")
        if self._happens(draw, "provider.odd_word", reference):
            return await self._oddly(reference, draw)
        if self._happens(draw, "provider.returns_unsettled", reference):
            self._move(reference, C.SEND)
            await self._after(draw, low, high)
            return await self._back(transfer, draw)
        if is_deposit and self._happens(draw, "provider.partial", reference):
            return await self._in_parts(transfer, draw)
        has_fee = is_deposit and self._happens(draw, "provider.fee", reference)
        fee = Money.from_micros(FEE_MICROS, transfer.amount.asset) if has_fee else None
        self._move(reference, C.SETTLE, fee=fee if fee and fee < transfer.amount else None)
        await self._after(draw, low, high)
        if self._happens(draw, "provider.returns", reference):
            return await self._back(transfer, draw)
        await self._after(draw, low, high)
        self._move(reference, C.FINALIZE)
        if self._happens(draw, "provider.returns_late", reference):
            await self._after(draw, low, high)
            return await self._back(transfer, draw)
        return None

    async def _back(self, transfer: RailTransfer, draw: Draw) -> None:
        """It comes back, and that may be taken back, too."""
        reference, (low, high) = transfer.reference, self._world.mix.settle_seconds
        self._move(reference, C.RETURN, return_code=draw.one_of(CODES[transfer.direction]))
        if self._happens(draw, "provider.return_reversed", reference):
            await self._after(draw, low, high)
            self._move(reference, C.REVERSE_RETURN, return_code="R68")

    async def _oddly(self, reference: str, draw: Draw) -> None:
        """The bank says something that nobody understands, and goes on as if nothing had been."""
        bank, (low, high) = self._world.bank, self._world.mix.settle_seconds
        if self._status(reference) is RailStatus.PENDING:
            bank.contradict(reference, "reconsidered")
            await self._after(draw, low, high)
            bank.tell(reference, draw.one_of((RailStatus.SETTLED, RailStatus.FAILED)))

    async def _in_parts(self, transfer: RailTransfer, draw: Draw) -> None:
        """Two settlements; the bank calls the whole final once both were told."""
        bank, reference = self._world.bank, transfer.reference
        first = Money.from_micros(transfer.amount.micros // SEVERAL, transfer.amount.asset)
        for name, amount in (("1", first), ("2", transfer.amount - first)):
            if amount and self._status(reference) in (RailStatus.PENDING, RailStatus.SENT):
                self._move(reference, C.SEND)
                bank.settle_part(reference, name, amount)
                await self._after(draw, *self._world.mix.settle_seconds)
        while self._world.courier.carries(reference):
            await self._after(draw, *self._world.mix.settle_seconds)
        self._move(reference, C.FINALIZE)

    def _move(self, reference: str, command: BankCommand, **stated: object) -> None:
        """What a bank would do by now; an order that was cancelled meanwhile stays so."""
        if command in BANK.allowed(self._status(reference)):
            self._world.bank.move(reference, command, **stated)  # type: ignore[arg-type]

    def _status(self, reference: str) -> RailStatus:
        return self._world.bank.transfer(reference).status

    def _happens(self, draw: Draw, fault: str, reference: str) -> bool:
        if not draw.chance(self._world.odds.rates.get(fault, 0)):
            return False
        self._world.happened("fault", fault, reference=reference)
        return True

    async def _after(self, draw: Draw, low: int, high: int) -> None:
        await suspended(min(ticks_of(draw.whole(low, high)), self._world.longest_wait))
