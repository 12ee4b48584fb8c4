"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import datetime, timedelta

from invoicepay.domain.time import aware, from_iso


class FrozenClock:
    """Tells the instant it was set to.

    Examples:
        >>> clock = FrozenClock("2026-01-31T09:00:00Z")
        >>> clock.advance(days=28)
        >>> clock.now().date().isoformat()
        '2026-02-28'
    """

    def __init__(self, at: str | datetime = "2026-01-05T09:00:00Z") -> None:
        self._now = from_iso(at) if isinstance(at, str) else aware(at)

    def now(self) -> datetime:
        """The instant it stands at, UTC."""
        return self._now

    def production_faults(self) -> tuple[str, ...]:
        """Time passes in production."""
        return ("the clock stands still",)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move forward."""
        self._now += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)

    def set(self, at: str | datetime) -> None:
        """Stand at another instant."""
        self._now = from_iso(at) if isinstance(at, str) else aware(at)
