"""Group commit in virtual time: who finds nobody at work goes alone, else one task works for all who wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from invoicepay.adapters.group_commit.seats import GO_ALONE, CarryOut, Told, by_itself, is_inside, together
from invoicepay.testing.simulation.chooser import Scope
from invoicepay.testing.simulation.scheduler import PARKED, Life, Scheduler, Task, suspended

T = TypeVar("T")


class Seat:
    """One caller with its item."""

    item: Any
    carry_out: CarryOut
    task: Task

    def __init__(self, item: Any, carry_out: CarryOut, task: Task) -> None:
        self.item, self.carry_out, self.task = item, carry_out, task
        self.told: Told | None = None


class VirtualGroupCommit:
    """Lets the tasks of one process share transactions, as the shipped one for event loops does."""

    def __init__(self, scheduler: Scheduler, life: Life, names: Callable[[], str]) -> None:
        self._scheduler, self._life, self._names = scheduler, life, names
        self._lines: dict[str, list[Seat]] = {}

    async def __call__(
        self, group: str, item: T, carry_out: Callable[[Sequence[T]], Awaitable[Sequence[Any]]]
    ) -> Any:
        """Carry out the item, alone or with others."""
        if is_inside():
            return await by_itself(item, carry_out)
        if group not in self._lines:
            self._lines[group] = []
            try:
                return await by_itself(item, carry_out)
            finally:
                self._hand_over(group)
        seat = Seat(item, carry_out, self._scheduler.current)
        self._lines[group].append(seat)
        while seat.told is None:
            await suspended(PARKED)
        return await by_itself(item, carry_out) if seat.told is GO_ALONE else seat.told.given()

    def close(self, refusal: Exception) -> None:
        """A process of a simulation is never closed: it ends."""
        raise refusal

    def _hand_over(self, group: str) -> None:
        if self._life.is_over or not self._lines[group]:
            del self._lines[group]
        else:
            self._scheduler.start(self._work(group), Scope(self._names()), self._life)

    async def _work(self, group: str) -> None:
        try:
            while seats := self._lines[group]:
                self._lines[group] = []
                answers = await together([seat.item for seat in seats], seats[0].carry_out)
                for seat, told in zip(seats, answers, strict=True):
                    seat.told = told
                    self._scheduler.wake(seat.task)
        finally:
            self._hand_over(group)
