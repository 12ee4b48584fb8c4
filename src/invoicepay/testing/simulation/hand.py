"""What somebody outside of the processes acts with: asks a process, waits, tries again under the same key."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.errors import (
    ConcurrencyError,
    InvoicePayError,
    ProviderUnavailable,
    ProviderUnknown,
    StoreError,
)
from invoicepay.testing.simulation.chooser import Draw, Scope
from invoicepay.testing.simulation.machine import ticks_of
from invoicepay.testing.simulation.ports import Answer, Call, Died, GaveUp, Mix, Reach
from invoicepay.testing.simulation.scheduler import suspended

if TYPE_CHECKING:
    from invoicepay.testing.simulation.process import Process
    from invoicepay.testing.simulation.world import World

T = TypeVar("T")

AGAIN_SECONDS = (1, 60)
NOT_DEFINITE = (Died, GaveUp, StoreError, ConcurrencyError, ProviderUnavailable, ProviderUnknown)
"""After these a client asks again with the same key."""
MANY_TRIES = 100


class Hand:
    """One actor's.

    Attributes:
        name: the actor.
        draw: decisions of the command at hand.

    Args:
        always: also a shortened replay carries every command out.
    """

    name: str

    def __init__(self, world: World, name: str, *, always: bool = False) -> None:
        self._world, self.name = world, name
        self._always = always
        self._number = 0
        self._scope = Scope(name)
        self.draw: Draw = Draw(world.chooser, self._scope)
        self._listed = _numbers(world.chooser.knows(f"{name}#"))
        self._is_closed = False

    @property
    def mix(self) -> Mix:
        """What this run consists of."""
        return self._world.mix

    @property
    def reach(self) -> Reach:
        """Counts situations."""
        return self._world.scene.reach

    @property
    def rails(self) -> SimulatedRails:
        """The bank itself."""
        return self._world.bank

    @property
    def tokens(self) -> SimulatedTokens:
        """The issuer itself."""
        return self._world.issuer

    @property
    def now(self) -> datetime:
        """The true time."""
        return self._world.clock.now()

    @property
    def is_open(self) -> bool:
        """Whether new commands are to be begun."""
        return not self._is_closed and not self._world.is_healing

    @property
    def processes(self) -> tuple[str, ...]:
        """The names of the processes."""
        return tuple(process.name for process in self._world.processes)

    @property
    def key(self) -> str:
        """An idempotency key of the command at hand."""
        return self._scope.name

    def key_of(self, part: str) -> str:
        """An idempotency key of a part of the command at hand."""
        return f"{self._scope.name}/{part}"

    def begins(self) -> bool:
        """Begin the next command; False where a shortened replay has none any more."""
        if self._world.chooser.is_replay and not self._always:
            self._number = next((n for n in self._listed if n > self._number), 0)
            if not self._number:
                self._is_closed = True
                return False
        else:
            self._number += 1
        self._scope = Scope(f"{self.name}#{self._number}")
        self.draw = Draw(self._world.chooser, self._scope)
        self._world.scheduler.current.scope = self._scope
        return self._always or self._world.chooser.goes(self._scope.name)

    def note(self, text: str) -> None:
        """A line of the story."""
        self._world.note(self.name, text)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await suspended(ticks_of(seconds))

    async def ask(self, call: Call[T], *, of: str = "", patience: float = 0) -> T:
        """Have a process carry something out.

        Args:
            of: which one; any that runs when left out.
            patience: seconds that are waited for the answer; 0 means as long as it takes.

        Raises:
            Died: the process went down with it, or none runs.
            GaveUp: it is still being carried out.
        """
        process = self._process(of)
        if process is None:
            raise Died
        world = self._world
        task = world.scheduler.start(call(process.pay), self._scope, process.life)
        result: T = await world.scheduler.join(task, ticks_of(patience))
        return result

    async def insist(
        self, what: str, call: Call[T], *, of: str = "", key: str = "", patience: float = 0
    ) -> Answer[T]:
        """Ask until there is a definite answer: a result or a refusal.

        Args:
            what: what is asked for, for people.
            call: asks under one and the same idempotency key, however often it is called.
            key: that key, where it is not the one of the command at hand.
        """
        tries = 0
        result: T | None = None
        refusal: InvoicePayError | None = None
        while True:
            tries += 1
            try:
                result = await self.ask(call, of=of if tries == 1 else "", patience=patience)
            except NOT_DEFINITE as trouble:
                if tries == MANY_TRIES:
                    self._world.broken("no definite answer", f"{what}: {tries} times, lastly {trouble!r}")
                await suspended(ticks_of(self._draw_wait(tries)))
                continue
            except InvoicePayError as error:
                refusal = error
            except Exception as error:
                self._world.faulted(error)
                raise
            break
        answer = Answer(
            actor=self.name,
            what=what,
            key=key or self.key,
            result=result,
            refusal=refusal,
            tries=tries,
            at=self.now,
        )
        self._world.answered(answer)
        return answer

    def _draw_wait(self, tries: int) -> int:
        low, high = AGAIN_SECONDS
        return self._world.chooser.below(self._scope, "again", high - low + 1) + low * tries

    async def look(self, call: Call[T]) -> T:
        """Read without faults and without letting others run."""
        return await call(self._world.onlooker)

    def _process(self, of: str) -> Process | None:
        named = [process for process in self._world.processes if process.name == of and process.is_up]
        return named[0] if named else self._world.some_process(self._scope)


def _numbers(names: list[str]) -> list[int]:
    """The numbers of an actor's listed commands, in order."""
    heads: dict[int, Any] = {}
    for name in names:
        number = name.partition("#")[2]
        if number.isdigit():
            heads[int(number)] = None
    return sorted(heads)
