"""Measures by name: what each shows, and what must be reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.ground import Ground
from bench.result import Result


@dataclass(frozen=True, slots=True)
class Target:
    """A bound for a ratio or a figure.

    Attributes:
        key: name among the ratios or the figures.
    """

    key: str
    bound: float
    is_floor: bool = True

    def is_reached(self, value: float) -> bool:
        """Whether the value keeps the bound."""
        return value >= self.bound if self.is_floor else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.is_floor else '≤'} {self.bound:,.10g}"


def at_least(key: str, bound: float) -> Target:
    """More is better."""
    return Target(key, bound)


def at_most(key: str, bound: float) -> Target:
    """Less is better."""
    return Target(key, bound, is_floor=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing that is measured.

    Attributes:
        ratios: those it takes when nothing is absent.
    """

    name: str
    shows: str
    take: Callable[[Ground], Result]
    ratios: Sequence[str] = ()
    targets: Sequence[Target] = ()


MEASURES: dict[str, Measure] = {}
"""Every measure by name, in the order in which they are taken."""


def measure(
    name: str, shows: str, *, ratios: Sequence[str] = (), targets: Sequence[Target] = ()
) -> Callable[[Callable[[Ground], Result]], Callable[[Ground], Result]]:
    """Register a function as the measure of that name."""

    def register(take: Callable[[Ground], Result]) -> Callable[[Ground], Result]:
        MEASURES[name] = Measure(name=name, shows=shows, take=take, ratios=ratios, targets=targets)
        return take

    return register
