"""Where the tasks of one process let others run, and where the process meets its own trouble."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from invoicepay.testing.simulation.chooser import Weights
from invoicepay.testing.simulation.faults import NAMES
from invoicepay.testing.simulation.machine import WorldClock, ticks_of
from invoicepay.testing.simulation.odds import CRASH, DELAYS, JUMP, TROUBLE
from invoicepay.testing.simulation.scheduler import DIES, Life, suspended

if TYPE_CHECKING:
    from invoicepay.testing.simulation.world import World

MOST_SKEW_SECONDS = 6
PAUSE_SECONDS = (130, 600)
"""Longer than a lease."""


class Surroundings:
    """What one incarnation of a process lives in.

    Attributes:
        clock: the process's own, which may be wrong.
    """

    world: World
    life: Life
    clock: WorldClock

    def __init__(self, world: World, life: Life, clock: WorldClock) -> None:
        self.world, self.life, self.clock = world, life, clock

    def point(self, place: str, weights: Weights) -> Awaitable[None]:
        """A place at which others may go on, and at which the process may end.

        Args:
            place: names it in the story.
        """
        self.life.check()
        world = self.world
        number = world.chooser.rare(world.scheduler.current.scope, "delay", weights)
        if number < TROUBLE:
            return suspended(DELAYS[number])
        return self._trouble(number, place)

    def look(self) -> Awaitable[None] | None:
        """The same before a look at the store; nothing to wait for in most cases."""
        self.life.check()
        world = self.world
        number = world.chooser.rare(world.scheduler.current.scope, "look", world.odds.look)
        if not number:
            return None
        return suspended(DELAYS[number]) if number < TROUBLE else self._trouble(number, "look")

    def fault(self, what: str, weights: Weights) -> str:
        """The fault that happens now, by name; empty in most cases."""
        self.life.check()
        world = self.world
        return NAMES[world.chooser.rare(world.scheduler.current.scope, what, weights)]

    async def wait(self, low: int, high: int) -> None:
        """Stand still for some seconds."""
        await suspended(ticks_of(low + self._below(high - low + 1)))

    async def _trouble(self, number: int, place: str) -> None:
        world, process = self.world, self.life.process
        world.happened("fault", NAMES[number - TROUBLE], process=process, detail=place)
        if number == CRASH:
            await suspended(DIES)
        elif number == JUMP:
            self.clock.skew = ticks_of(self._below(2 * MOST_SKEW_SECONDS + 1) - MOST_SKEW_SECONDS)
        else:
            world.happened("pause", place, process=process)
            await self.wait(*PAUSE_SECONDS)

    def _below(self, count: int) -> int:
        return self.world.chooser.below(self.world.scheduler.current.scope, "much", count)
