"""Adding up by key."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def summed(amounts: Iterable[tuple[K, int]]) -> dict[K, int]:
    """Sums by key."""
    sums: dict[K, int] = {}
    for key, amount in amounts:
        sums[key] = sums.get(key, 0) + amount
    return sums
