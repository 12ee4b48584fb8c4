"""What a move may leave to chance, drawn by a seeded generator or by hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Draw(Protocol):
    """Choices of a move."""

    def one_of(self, options: Sequence[T]) -> T:
        """Any of the options; there is at least one."""
        ...

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        ...

    def chance(self, percent: int) -> bool:
        """True so often."""
        ...


class RandomDraw:
    """Choices of a seeded generator."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def one_of(self, options: Sequence[T]) -> T:
        """Any of the options."""
        return self.random.choice(options)

    def whole(self, low: int, high: int) -> int:
        """A whole number."""
        return self.random.randint(low, high)

    def chance(self, percent: int) -> bool:
        """True so often."""
        return self.random.randrange(100) < percent


class ShrinkingDraw:
    """Choices of hypothesis, which looks for the shortest walk that still goes wrong."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def one_of(self, options: Sequence[T]) -> T:
        """Any of the options; the first is the simplest."""
        index: int = self._data.draw(st.integers(0, len(options) - 1))
        return options[index]

    def whole(self, low: int, high: int) -> int:
        """A whole number; the lowest is the simplest."""
        number: int = self._data.draw(st.integers(low, high))
        return number

    def chance(self, percent: int) -> bool:
        """True so often."""
        number: int = self._data.draw(st.integers(0, 99))
        return number >= 100 - percent
