"""Lets an operation of a provider rest after failures in a row, and for as long as the provider asks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

LONGEST_REST_SECONDS = 3_600.0


@dataclass(slots=True)
class _Cell:
    failures: int = 0
    rests_until: float = -math.inf


class Breaker:
    """One cell for each operation: closed, or resting until an instant, after which one trial may go.

    Nothing is locked: the worst that threads can do to each other here is one trial more.

    Args:
        clock: seconds of a clock that nobody sets.
        failures: in a row, after which the operation rests.
        rest_seconds: how long.
    """

    def __init__(self, clock: Callable[[], float], *, failures: int, rest_seconds: float) -> None:
        self._clock, self._most, self._rest = clock, failures, rest_seconds
        self._cells: dict[str, _Cell] = {}

    def wait_seconds(self, operation: str) -> int:
        """0 when the operation may go now, else the whole seconds until it may.

        Whoever goes after a rest is the trial: others wait one rest more, unless it succeeds.
        """
        cell = self._cells.get(operation)
        if cell is None:
            return 0
        now = self._clock()
        if now < cell.rests_until:
            return math.ceil(cell.rests_until - now)
        if cell.failures >= self._most:
            cell.rests_until = now + self._rest
        return 0

    def succeeded(self, operation: str) -> None:
        """The provider answered as it should."""
        self._cells.pop(operation, None)

    def failed(self, operation: str, *, weight: int = 1) -> bool:
        """The provider failed, or refused our credentials (which weighs more); true when it rests by this."""
        cell = self._cells.setdefault(operation, _Cell())
        was_open = cell.failures >= self._most
        cell.failures += weight
        if cell.failures < self._most:
            return False
        cell.rests_until = self._clock() + self._rest
        return not was_open

    def rest(self, operation: str, seconds: float) -> None:
        """The provider asked for a pause; an hour at most is granted."""
        cell = self._cells.setdefault(operation, _Cell())
        cell.rests_until = self._clock() + min(seconds, LONGEST_REST_SECONDS)
