"""The database's clock, for workers on many machines that go by one time (reliability 1.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import DateTime, func, select

from invoicepay.adapters.sql.connect import Door
from invoicepay.adapters.system import elapsed_seconds

FRESH_SECONDS = 10.0
"""How long a reading is counted on; by then two machines' counters differ by less than a millisecond."""


@dataclass(frozen=True, slots=True)
class StoreClock:
    """A reading of the database's clock, counted on by a clock that nobody sets.

    Attributes:
        at: the instant that was read.
        read_at: when that was, in seconds of `elapsed`.
    """

    at: datetime
    read_at: float
    elapsed: Callable[[], float] = elapsed_seconds

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self.elapsed() - self.read_at)

    @property
    def is_fresh(self) -> bool:
        """Whether it was read lately."""
        return self.elapsed() - self.read_at < FRESH_SECONDS


async def read_clock(door: Door, elapsed: Callable[[], float] = elapsed_seconds) -> StoreClock:
    """Ask the database for the time: it was read halfway between question and answer."""
    query = select(func.clock_timestamp(type_=DateTime(timezone=True)))
    async with door.link(writes=False) as link:
        asked_at = elapsed()
        at = await link.run(lambda connection: connection.execute(query).scalar_one())
        return StoreClock(at, (asked_at + elapsed()) / 2, elapsed)
