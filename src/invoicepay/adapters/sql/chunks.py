"""Long lists of values, in parts that fit one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

CHUNK = 500
"""Most values in one statement: SQLite's variables are bounded, and long lists are planned badly."""


def chunks(values: Sequence[T], *, of: int = 1) -> Iterator[Sequence[T]]:
    """The values, each made `of` so many, in parts that fit one statement."""
    size = CHUNK // of
    for start in range(0, len(values), size):
        yield values[start : start + size]
