"""The simulated service's own time, and what is to happen at which instant of it."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """Stands still until moved, or runs along with the machine's clock, faster or slower.

    Args:
        start: the first instant; the machine's own when left out.
        speed: virtual seconds that pass in one real second; 0 stands still.

    Examples:
        >>> clock = VirtualClock(datetime(2026, 1, 5, tzinfo=UTC))
        >>> clock.after(30, lambda: print("thirty seconds later"))
        >>> clock.advance(60)
        thirty seconds later
        >>> clock.now().isoformat()
        '2026-01-05T00:01:00+00:00'
    """

    def __init__(self, start: datetime | None = None, *, speed: float = 0) -> None:
        self._now = (start or datetime.now(UTC)).astimezone(UTC)
        self._speed = speed
        self._real = time.monotonic()
        self._turns = itertools.count()
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []

    def now(self) -> datetime:
        """The instant it is, UTC; inside something scheduled, the instant for which it was."""
        return self._now

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Have `act` called once so many virtual seconds from now."""
        due = self._now + timedelta(seconds=seconds)
        heapq.heappush(self._agenda, (due, next(self._turns), act))

    def advance(self, seconds: float) -> None:
        """Let time pass; what falls due on the way happens in order."""
        self._run_until(self._now + timedelta(seconds=seconds))

    def catch_up(self) -> None:
        """Let as much time pass as did outside."""
        real = time.monotonic()
        passed, self._real = real - self._real, real
        if self._speed:
            self.advance(passed * self._speed)

    def run_out(self, *, most: int = 100_000) -> None:
        """Let time pass until nothing is left to happen.

        Raises:
            RuntimeError: more than `most` things happened; something schedules itself for ever.
        """
        for _ in range(most):
            if not self._agenda:
                return
            self._run_until(self._agenda[0][0])
        raise RuntimeError("the agenda of the virtual clock does not end")

    def _run_until(self, until: datetime) -> None:
        while self._agenda and self._agenda[0][0] <= until:
            due, _, act = heapq.heappop(self._agenda)
            self._now = max(self._now, due)
            act()
        self._now = max(self._now, until)
