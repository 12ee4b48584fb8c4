"""Every decision of a simulated run: drawn from one seed, or taken from a list of named decisions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import TypeVar

T = TypeVar("T")

THOUSAND = 1000


class Scope:
    """A part of a run whose decisions are numbered by themselves, for example one command of one client.

    So a decision keeps its name when another scope makes more or fewer of them.
    """

    __slots__ = ("counts", "ids", "name")

    def __init__(self, name: str) -> None:
        self.name: str = name
        self.counts: dict[str, int] = {}
        self.ids: int = 0

    def key(self, what: str) -> str:
        """The name of the next decision of a kind, for example `ann#17/delay3`."""
        number = self.counts.get(what, 0) + 1
        self.counts[what] = number
        return f"{self.name}/{what}{number}"


class Chooser:
    """Makes decisions; 0 always means the calm one: no fault, no delay, the first option, no command.

    Args:
        seed: where decisions come from.
        decisions: taken instead of the seed; what is not among them is 0.
        records: keep what was decided otherwise than 0 in `taken`, so that it can be replayed.
    """

    def __init__(
        self, seed: int, decisions: Mapping[str, int] | None = None, *, records: bool = False
    ) -> None:
        self._random = Random(seed).random  # noqa: S311 - a seed must give the same run everywhere
        self._decisions = decisions
        self._records = records
        self.taken: dict[str, int] = {}

    @property
    def is_replay(self) -> bool:
        """Whether decisions come from a list."""
        return self._decisions is not None

    def below(self, scope: Scope, what: str, count: int) -> int:
        """One of so many numbers, 0 included."""
        if self._decisions is None:
            return self._drawn(scope, what, int(self._random() * count))
        return min(self._listed(scope, what), count - 1)

    def weighed(self, scope: Scope, what: str, ends: Sequence[int]) -> int:
        """One of several numbers, each as likely as its share of `ends`, which are sums of weights."""
        if self._decisions is None:
            return self._drawn(scope, what, bisect_right(ends, int(self._random() * ends[-1])))
        return min(self._listed(scope, what), len(ends) - 1)

    def rare(self, scope: Scope, what: str, weights: Weights) -> int:
        """One of the numbers that have a chance, or 0."""
        if self._decisions is None:
            return self._drawn(scope, what, weights.at(self._random()) if weights.total else 0)
        return self._listed(scope, what)

    def goes(self, name: str) -> bool:
        """Whether something happens that only a shortened replay leaves out, such as a client's command."""
        value = 1 if self._decisions is None else self._decisions.get(name, 0)
        if value and self._records:
            self.taken[name] = value
        return bool(value)

    def knows(self, beginning: str) -> list[str]:
        """The names of the listed decisions that begin so; none unless it is a replay."""
        return [name for name in self._decisions or () if name.startswith(beginning)]

    def _drawn(self, scope: Scope, what: str, value: int) -> int:
        if self._records:
            key = scope.key(what)
            if value:
                self.taken[key] = value
        return value

    def _listed(self, scope: Scope, what: str) -> int:
        key = scope.key(what)
        value = self._decisions.get(key, 0) if self._decisions else 0
        if value and self._records:
            self.taken[key] = value
        return value


class Weights:
    """Numbers with the per-mille chance of each; what is left of a thousand goes to 0."""

    __slots__ = ("_from", "_numbers", "total")

    def __init__(self, chances: Mapping[int, int]) -> None:
        total = sum(chances.values())
        self._numbers = tuple(number for number, chance in chances.items() if chance)
        self._from = tuple(accumulate(chances[number] for number in self._numbers))
        self.total: int = min(total, THOUSAND)

    def at(self, fraction: float) -> int:
        """The number that a fraction below one falls on."""
        at = int(fraction * THOUSAND)
        return self._numbers[bisect_right(self._from, at)] if at < self.total else 0


class Draw:
    """Decisions of one scope in the words that a workload needs."""

    def __init__(self, chooser: Chooser, scope: Scope, what: str = "draw") -> None:
        self._chooser, self._scope, self._what = chooser, scope, what

    def whole(self, low: int, high: int) -> int:
        """A whole number between two, both included; calmly the lower one."""
        return low + self._chooser.below(self._scope, self._what, high - low + 1)

    def one_of(self, options: Sequence[T]) -> T:
        """One of several; calmly the first."""
        return options[self._chooser.below(self._scope, self._what, len(options))]

    def weighted(self, options: Sequence[tuple[T, int]]) -> T:
        """One of several by weight; calmly the first."""
        ends = tuple(accumulate(weight for _, weight in options))
        return options[self._chooser.weighed(self._scope, self._what, ends)][0]

    def chance(self, per_mille: int) -> bool:
        """Whether something of that chance happens; calmly not."""
        return bool(self._chooser.rare(self._scope, self._what, Weights({1: per_mille})))

    def some(self, options: Sequence[T], per_mille: int = 500) -> tuple[T, ...]:
        """Those of several that a chance takes each; calmly none."""
        return tuple(option for option in options if self.chance(per_mille))

    def scope(self, name: str) -> Draw:
        """Decisions numbered by themselves below this scope."""
        return Draw(self._chooser, Scope(f"{self._scope.name}.{name}"))
