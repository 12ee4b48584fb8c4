"""The machine: clock, time-ordered ids, waiting, and the one retry policy."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar
from weakref import WeakSet

from invoicepay.domain.ids import ten_letters, timed_id
from invoicepay.errors import ConcurrentUpdate

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

LOW = (1 << 50) - 1
HIGHEST = 1 << 23

RETRIES = 6
PATIENCE_SECONDS = 5


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current instant, aware UTC."""
        return datetime.now(UTC)


def elapsed_seconds() -> float:
    """Seconds of a clock that nobody sets, for how long something took."""
    return time.monotonic()


class SystemIds:
    """Ids over UUIDv7: ordered by time, and by call within one process and millisecond.

    Behind the time stand a counter, which starts at random, and 50 random bits of the millisecond (RFC 9562,
    6.2).
    """

    def __init__(self, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes
        self.start_afresh()
        _everyone.add(self)

    def start_afresh(self) -> None:
        """Forget the millisecond: after a fork two processes would count on from the same random bits."""
        self._lock = threading.Lock()
        self._now: datetime | None = None
        self._millis = -1
        self._time = self._chance = ""
        self._counter = 0

    def new(self, prefix: str, now: datetime) -> str:
        """A fresh id such as `inv_01k…`."""
        with self._lock:
            if now is not self._now:  # a transaction makes all its ids with the same instant
                self._turn(now)
            self._counter = counter = self._counter + 1
            time, chance = self._time, self._chance
        return timed_id(prefix, time, counter, chance)

    def _turn(self, now: datetime) -> None:
        millis = int(now.timestamp() * 1000)
        if millis != self._millis:
            random = int.from_bytes(self._random_bytes(8))
            self._millis, self._time, self._chance = millis, ten_letters(millis), ten_letters(random & LOW)
            # A thread may come back to an earlier millisecond: its later ids sort behind its first ones.
            self._counter = max(self._counter % HIGHEST, random >> 50)
        self._now = now

    def nonce(self) -> str:
        """192 random bits as text."""
        return secrets.token_urlsafe(24)


_everyone: WeakSet[SystemIds] = WeakSet()


def _start_afresh() -> None:
    for ids in _everyone:
        ids.start_afresh()


os.register_at_fork(after_in_child=_start_afresh)


def fresh_secret() -> bytes:
    """256 random bits."""
    return secrets.token_bytes(32)


async def blocking_sleep(seconds: float) -> None:
    """Wait in a blocking host."""
    time.sleep(seconds)


async def awaiting_sleep(seconds: float) -> None:
    """Wait in an awaiting host."""
    import asyncio

    await asyncio.sleep(seconds)


class TransactionRetry:
    """Tries a unit again after `ConcurrentUpdate`: six times, 5 to 500 ms apart with jitter.

    Where each try itself waits for a lock, the tries end when `PATIENCE_SECONDS` have passed.
    """

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep

    async def __call__(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Await `attempt` until it succeeds or the tries are used up."""
        from tenacity import (
            AsyncRetrying,
            retry_if_exception_type,
            stop_after_attempt,
            stop_after_delay,
            wait_random_exponential,
        )

        policy = AsyncRetrying(
            retry=retry_if_exception_type(ConcurrentUpdate),
            stop=stop_after_attempt(RETRIES) | stop_after_delay(PATIENCE_SECONDS),
            wait=wait_random_exponential(multiplier=0.005, max=0.5),
            sleep=self._sleep,
            reraise=True,
        )

        async def once() -> T:  # tenacity awaits what it can see to be a coroutine function, and no lambda
            return await attempt()

        return await policy(once)
