"""Long lists of values, in parts that fit one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

CHUNK = 500
"""Most values in one statement: SQLite's variables are bounded, and long lists are planned badly."""


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in parts that fit one statement."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
