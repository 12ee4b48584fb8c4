"""Tasks that call one group for tests of group commit, in a loop that must have nothing to complain about."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any

from invoicepay.adapters.group_commit.tasks import TaskGroupCommit
from tests.support.sharing import Counter


class Gate:
    """Where a batch in a task waits until it is let through."""

    def __init__(self) -> None:
        self.reached, self._open = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        """Wait."""
        self.reached.set()
        await self._open.wait()

    def open(self) -> None:
        """Let it through."""
        self._open.set()


class Callers:
    """Tasks that call one group."""

    def __init__(self, *before: Callable[[], Any], most: int = 1_000) -> None:
        self.group_commit, self.counter = TaskGroupCommit(most=most), Counter(*before)

    def call(self, item: str) -> Coroutine[Any, Any, str]:
        """Call from this task."""
        return self.group_commit("shop", item, self.counter.carry_out)

    async def line_up(self, *items: str) -> list[asyncio.Task[str]]:
        """Call from tasks that come one after another."""
        tasks = [asyncio.create_task(self.call(item)) for item in items]
        await asyncio.sleep(0)
        return tasks


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run to the end; the event loop has nothing to complain about, and no task is left."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        await story()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        gc.collect()

    asyncio.run(watched())
    assert complaints == []
