"""What a measure found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Result:
    """What a measure found.

    Attributes:
        figures: medians; every name is used by one measure only.
        ratios: of medians taken next to each other.
        absent: why something could not be measured.
        violations: what is wrong with the books that the load left; must be empty.
    """

    figures: dict[str, float] = field(default_factory=dict[str, float])
    ratios: dict[str, float] = field(default_factory=dict[str, float])
    runs: list[Mapping[str, float]] = field(default_factory=list[Mapping[str, float]])
    absent: list[str] = field(default_factory=list[str])
    violations: list[str] = field(default_factory=list[str])

    def take_ratio(self, name: str, above: str, below: str) -> None:
        """Divide one figure by another."""
        self.ratios[name] = self.figures[above] / self.figures[below]
