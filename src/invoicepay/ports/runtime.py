"""Clock, ids, waiting and retrying, so that the core never touches the machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""
        ...


class Ids(Protocol):
    """Makes ids."""

    def new(self, prefix: str, now: datetime) -> str:
        """A fresh id such as `inv_01k…`, ordered by time; safe to call from many threads."""
        ...

    def nonce(self) -> str:
        """Random text of at least 128 bits for links and QR codes."""
        ...


class Retry(Protocol):
    """Runs a unit again when the store says that somebody else was faster."""

    async def __call__(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Await `attempt` until it succeeds, a bounded number of times, waiting longer each time.

        Raises:
            ConcurrentUpdate: every try lost.
        """
        ...
