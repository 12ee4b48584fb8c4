"""What tests of group commit carry out: it keeps what it was given, and can be held up or fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

MOST_SECONDS = 60
"""Only what hangs takes so long."""


class Thing:
    """An item or an answer that tests can watch go away."""

    def __init__(self, name: str) -> None:
        self.name = name


class Counter:
    """Answers each item with its capitals; the first batches may be told to do something before.

    Attributes:
        batches: the items of each `carry_out`, in order.
        threads: the thread that each one ran in.
    """

    def __init__(self, *before: Callable[[], Any]) -> None:
        self._before = list(before)
        self.batches: list[list[str]] = []
        self.threads: list[threading.Thread] = []

    async def carry_out(self, items: Sequence[str]) -> Sequence[str]:
        """Do what was asked for this batch, then answer."""
        self.batches.append(list(items))
        self.threads.append(threading.current_thread())
        if self._before:
            happened = self._before.pop(0)()
            if isinstance(happened, Awaitable):
                await happened
        return [item.upper() for item in items]


def nothing() -> None:
    """Let a batch pass."""


def raising(error: BaseException) -> Callable[[], None]:
    """Let a batch fail."""

    def fail() -> None:
        raise error

    return fail


class Door:
    """Where a batch in a thread waits until it is let through."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()

    def __call__(self) -> None:
        """Wait."""
        self.reached.set()
        assert self._open.wait(MOST_SECONDS), "nobody opened the door"

    def open(self) -> None:
        """Let it through."""
        self._open.set()


def until(is_so: Callable[[], bool]) -> None:
    """Wait for another thread to get somewhere."""
    deadline = time.monotonic() + MOST_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it never came so far"
        time.sleep(0.001)
