"""Group commit for tasks: who finds nobody at work goes alone, else a task of the group works for all."""

from __future__ import annotations

import asyncio
import threading
from asyncio import AbstractEventLoop, Future, Task
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Any, TypeAlias, TypeVar
from weakref import ref

from invoicepay.adapters.group_commit.seats import (
    GO_ALONE,
    MOST,
    CarryOut,
    Told,
    by_itself,
    is_inside,
    own,
    together,
    unknown,
)

T = TypeVar("T")
Lines: TypeAlias = "dict[str, deque[_Seat]]"


class _Seat:
    """One caller with its item; its future is cancelled with the caller and never holds an exception."""

    __slots__ = ("carry_out", "future", "item")

    def __init__(self, item: Any, carry_out: CarryOut, future: Future[Told]) -> None:
        self.item, self.carry_out, self.future = item, carry_out, future

    def tell(self, told: Told) -> None:
        """Answer the caller, if it is still there."""
        if not self.future.done():
            self.future.set_result(told)


class _Here(threading.local):
    """The event loop of this thread, and who stands in line there."""

    def __init__(self) -> None:
        self._loop: ref[AbstractEventLoop] | None = None
        self._lines: Lines = {}

    def lines(self, loop: AbstractEventLoop) -> Lines:
        """The lines of the loop; those of an earlier one ended with it."""
        if self._loop is None or self._loop() is not loop:
            self._loop, self._lines = ref(loop), {}
        return self._lines


class TaskGroupCommit:
    """Lets tasks share transactions, each event loop for itself.

    A group has a line while somebody is at work for it, one at a time. A transaction for several belongs to a
    task of its own, so that no caller who goes away ends it. Alone, a caller works in its own task, and going
    away rolls back.
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._refusal: Exception | None = None
        self._here = _Here()
        self._tasks: set[Task[None]] = set()

    async def __call__(
        self, group: str, item: T, carry_out: Callable[[Sequence[T]], Awaitable[Sequence[Any]]]
    ) -> Any:
        if is_inside():
            return await by_itself(item, carry_out)
        if self._refusal is not None:
            raise own(self._refusal)
        loop = asyncio.get_running_loop()
        lines = self._here.lines(loop)
        line = lines.get(group)
        if line is None:
            lines[group] = deque()
            try:
                return await by_itself(item, carry_out)
            finally:
                self._hand_over(loop, lines, group)
        seat = _Seat(item, carry_out, loop.create_future())
        line.append(seat)
        told = await seat.future
        return await by_itself(item, carry_out) if told is GO_ALONE else told.given()

    def close(self, refusal: Exception) -> None:
        self._refusal = refusal

    def _hand_over(self, loop: AbstractEventLoop, lines: Lines, group: str) -> None:
        """Whoever was at work goes; a task takes its place where somebody waits."""
        if not lines[group] or loop.is_closed():
            del lines[group]
            return
        working = self._work(loop, lines, group)
        task = Context().run(loop.create_task, working)  # nobody's: it works for many callers
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # Ctrl-C inside the loop: it went its way already

    async def _work(self, loop: AbstractEventLoop, lines: Lines, group: str) -> None:
        try:
            while batch := self._taken(lines[group]):
                await _carry_out(batch)
                del batch
                await asyncio.sleep(0)  # whom it answered may come again at once
        finally:
            self._hand_over(loop, lines, group)

    def _taken(self, line: deque[_Seat]) -> list[_Seat]:
        """Those who wait and are still there, as many as share a transaction."""
        batch: list[_Seat] = []
        while line and len(batch) < self._most:
            seat = line.popleft()
            if self._refusal is not None:
                seat.tell(Told(error=own(self._refusal)))
            elif not seat.future.done():
                batch.append(seat)
        return batch


async def _carry_out(batch: list[_Seat]) -> None:
    try:
        answers = await together([seat.item for seat in batch], batch[0].carry_out)
    except BaseException:  # the loop is being ended, or Ctrl-C
        for seat in batch:
            seat.tell(unknown())
        raise
    for seat, told in zip(batch, answers, strict=True):
        seat.tell(told)
