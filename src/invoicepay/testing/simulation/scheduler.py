"""One thread runs every task of a simulated run by hand, the one with the earliest instant first."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context
from functools import partial
from heapq import heappop, heappush
from itertools import count
from types import coroutine
from typing import Any, TypeVar

from invoicepay.testing.simulation.chooser import Scope
from invoicepay.testing.simulation.ports import Died, GaveUp

T = TypeVar("T")

SECOND = 1_000_000
"""Ticks of virtual time: microseconds."""
PARKED = -1
DIES = -2


class Crash(BaseException):
    """The process is gone; no handler of an error runs."""


@coroutine
def suspended(ticks: int) -> Generator[int, None, None]:
    """Let others run: for so many ticks, until somebody wakes the task, or for good with its process."""
    yield ticks


class Life:
    """One incarnation of a process: what runs in it ends with it."""

    def __init__(self, process: str) -> None:
        self.process = process
        self.is_over = False
        self.tasks: dict[Task, None] = {}

    def check(self) -> None:
        """Stop cleanup code that would do what a process that was killed cannot do."""
        if self.is_over:
            raise Crash


class Task:
    """A coroutine that is driven step by step.

    Attributes:
        name: who it is in the trace.
        scope: where its decisions are numbered; a loop may go on to another one with each round.
        life: the process it ends with; None for the world outside.
        in_store: how many units and readers it has open.
    """

    life: Life | None
    running: Coroutine[Any, Any, Any]
    scope: Scope

    __slots__ = (
        "error",
        "in_store",
        "is_done",
        "life",
        "result",
        "running",
        "scope",
        "send",
        "ticket",
        "waiter",
    )

    def __init__(self, running: Coroutine[Any, Any, Any], scope: Scope, life: Life | None) -> None:
        self.running, self.scope, self.life = running, scope, life
        self.is_done: bool = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.waiter: Task | None = None
        self.ticket: int = 0
        self.in_store: int = 0
        self.send: Callable[[], int] = partial(Context().run, partial(running.send, None))

    @property
    def name(self) -> str:
        """Who it is in the trace."""
        return self.scope.name


class Scheduler:
    """Runs tasks in virtual time, and hashes the order in which they ran.

    Attributes:
        now: ticks since the beginning.
        steps: how often a task went on.
    """

    now: int
    steps: int

    def __init__(self) -> None:
        self.now = self.steps = 0
        self._current: Task | None = None
        self._queue: list[tuple[int, int, Task, int]] = []
        self._order = count()
        self._trace = hashlib.blake2b(digest_size=16)
        self._everybody: dict[Task, None] = {}
        self.doomed: Life | None = None

    @property
    def current(self) -> Task:
        """The task that runs now."""
        assert self._current is not None, "no task runs"
        return self._current

    @property
    def trace(self) -> str:
        """A digest of everything that happened so far, in its order."""
        return self._trace.hexdigest()

    def traced(self, what: str) -> None:
        """Make something part of the trace."""
        self._trace.update(what.encode())

    def start(self, running: Awaitable[Any], scope: Scope, life: Life | None = None, ticks: int = 0) -> Task:
        """A new task that first runs after so many ticks."""
        task = Task(running if isinstance(running, Coroutine) else _awaited(running), scope, life)
        (self._everybody if life is None else life.tasks)[task] = None
        self.wake(task, ticks)
        return task

    def wake(self, task: Task, ticks: int = 0) -> None:
        """Let a task go on after so many ticks, instead of when it would have."""
        task.ticket += 1
        heappush(self._queue, (self.now + ticks, next(self._order), task, task.ticket))

    def hurry(self, task: Task, ticks: int) -> None:
        """Let a sleeping task go on in the time between now and then; who is due earlier is let be."""
        at = next(
            (at for at, _, who, ticket in self._queue if who is task and ticket == who.ticket), self.now
        )
        if at - self.now > ticks:
            self.wake(task, 1 + (at - self.now) % ticks)

    async def join(self, task: Task, ticks: int = 0) -> Any:
        """What a task comes to.

        Args:
            ticks: how long it is waited for; 0 means as long as it takes.

        Raises:
            GaveUp: it took longer, and goes on.
            Died: it ended with its process.
        """
        if not task.is_done:
            task.waiter = self.current
            if ticks:
                self.wake(self.current, ticks)
            await suspended(PARKED)
        if not task.is_done:
            task.waiter = None
            raise GaveUp
        if task.error is not None:
            raise task.error
        return task.result

    def step(self) -> bool:
        """Let the next task go on; False when nobody ever will.

        Raises:
            Exception: what a task outside of the processes raised and nobody waits for.
        """
        while self._queue:
            at, _, task, ticket = heappop(self._queue)
            if ticket != task.ticket or task.is_done:
                continue
            self.now = at
            self.steps += 1
            self._trace.update(b"%d %s\n" % (at, task.scope.name.encode()))
            self._go_on(task)
            return True
        return False

    def next_at(self) -> int | None:
        """When the next task goes on."""
        while self._queue and self._queue[0][3] != self._queue[0][2].ticket:
            heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def _go_on(self, task: Task) -> None:
        self._current = task
        try:
            ticks = task.send()
        except StopIteration as done:
            self._ended(task, done.value, None)
        except (Exception, Crash) as error:  # noqa: BLE001 - whoever waits for it gets it
            self._ended(task, None, error)
        else:
            if ticks >= 0:
                task.ticket += 1
                heappush(self._queue, (self.now + ticks, next(self._order), task, task.ticket))
            elif ticks == DIES:
                self.doomed = task.life
        finally:
            self._current = None

    def _ended(self, task: Task, result: Any, error: BaseException | None) -> None:
        task.is_done, task.result = True, result
        task.error = Died() if isinstance(error, Crash) else error
        (self._everybody if task.life is None else task.life.tasks).pop(task, None)
        if task.waiter is not None:
            self.wake(task.waiter)
        elif error is not None and task.life is None:
            raise error

    def kill(self, life: Life) -> None:
        """End a process: nothing of it goes on, and nothing that it still tries reaches the outside."""
        life.is_over = True
        while life.tasks:
            task = next(reversed(life.tasks))
            self._current = task
            _end(task.running)
            self._current = None
            self._ended(task, None, Crash())

    def close(self) -> None:
        """End everything that still waits."""
        for task in reversed(self._everybody):
            task.running.close()
        self._everybody.clear()
        self._queue.clear()


def _end(running: Coroutine[Any, Any, Any]) -> None:
    """Throw the end of its process into a coroutine, again and again until it has left its last block."""
    while True:
        try:
            running.throw(Crash())
        except StopIteration:
            return
        except (Exception, Crash):  # noqa: BLE001 - whatever a dying process raises, nobody hears it
            return


async def _awaited(running: Awaitable[T]) -> T:
    return await running
