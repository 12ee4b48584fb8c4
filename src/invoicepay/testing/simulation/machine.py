"""What stands in for the machine in a simulated process: its clock, its ids, and how it tries again."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from invoicepay.domain.ids import ten_letters, timed_id
from invoicepay.errors import ConcurrentUpdate
from invoicepay.testing.simulation.scheduler import SECOND, Scheduler, suspended

T = TypeVar("T")

BEGINNING = datetime(2026, 1, 5, 9, tzinfo=UTC)
TRIES = 6


class WorldClock:
    """Virtual time; several processes may be wrong about it.

    Attributes:
        skew: ticks by which this one is ahead of the truth.
    """

    skew: int

    def __init__(self, scheduler: Scheduler, skew: int = 0) -> None:
        self._scheduler, self.skew = scheduler, skew
        self._ticks, self._now = 0, BEGINNING

    def now(self) -> datetime:
        """The current instant, aware UTC."""
        ticks = self._scheduler.now + self.skew
        if ticks != self._ticks:
            self._ticks, self._now = ticks, BEGINNING + timedelta(microseconds=ticks)
        return self._now


class ScopedIds:
    """Ids that follow from the instant and from who makes them.

    Their last letters stay the same when other parts of the run are left out, so that decisions about what
    they name can be found again; see `lasting`.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._chances: dict[str, str] = {}
        self._millis, self._time = -1, ""

    def new(self, prefix: str, now: datetime) -> str:
        """A fresh id such as `inv_01k…`."""
        millis = int(now.timestamp() * 1000)
        if millis != self._millis:
            self._millis, self._time = millis, ten_letters(millis)
        scope = self._scheduler.current.scope
        scope.ids += 1
        return timed_id(prefix, self._time, scope.ids, self._chance(scope.name))

    def nonce(self) -> str:
        """Text that is nowhere else in the run."""
        scope = self._scheduler.current.scope
        scope.ids += 1
        return f"{self._chance(scope.name)}{scope.ids:022d}"

    def _chance(self, name: str) -> str:
        known = self._chances.get(name)
        if known is None:
            digest = hashlib.blake2b(name.encode(), digest_size=7).digest()
            known = self._chances[name] = ten_letters(int.from_bytes(digest) >> 6)
        return known


def lasting(id: str) -> str:
    """The part of an id that does not depend on the time at which it was made."""
    return id[-16:]


class VirtualRetry:
    """Tries a unit again as often as the shipped policy, and waits in virtual time."""

    def __init__(self, wait: Callable[[], int]) -> None:
        self._wait = wait

    async def __call__(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Await `attempt` until it succeeds or the tries are used up."""
        for _ in range(TRIES - 1):
            try:
                return await attempt()
            except ConcurrentUpdate:
                await suspended(self._wait())
        return await attempt()


def ticks_of(seconds: float) -> int:
    """Seconds in ticks of virtual time."""
    return round(seconds * SECOND)
