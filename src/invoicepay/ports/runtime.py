"""Clock, ids, waiting and retrying, so that the core never touches the machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

T = TypeVar("T")


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""
        ...


@runtime_checkable
class SharesClock(Protocol):
    """What a repository adds that can tell all its workers the same time."""

    async def shared_clock(self) -> Clock | None:
        """The store's own clock, now; None leaves the time to the `Clock` that the client was given."""
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


class GroupCommit(Protocol):
    """Lets callers that come at the same time share one transaction."""

    async def __call__(
        self, group: str, item: T, carry_out: Callable[[Sequence[T]], Awaitable[Sequence[Any]]]
    ) -> Any:
        """Carry out the item, alone or together with others of its group that wait at the same time.

        An item that finds nobody at work is carried out at once: nothing waits for company. A caller that
        goes away while it waits takes nobody with it: what `carry_out` was given for several is carried out
        all the same. One at work alone breaks off its own as without group commit.

        Args:
            group: only items of one group share a transaction.
            carry_out: answers each of several items, in their order; any caller's may serve the whole group.

        Returns:
            The item's own answer.

        Raises:
            Exception: what `carry_out` raised, as an object of its own for each item that it was given.
            OutcomeUnknown: whoever was at work was broken off; only the caller knows the item's key.
        """
        ...

    def close(self, refusal: Exception) -> None:
        """Refuse who comes from now on and who still waits; what is under way is carried out to its end."""
        ...
