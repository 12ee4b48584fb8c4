"""Makes a failing run small: leaves decisions out while the same thing still goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from invoicepay.adapters.system import elapsed_seconds
from invoicepay.testing.simulation.ports import Stage
from invoicepay.testing.simulation.simulation import Run, run

Keys = Sequence[str]
Tells = Callable[[str], object]

_NUMBER = re.compile(r"\d+$")
WORLD = "mix"
"""Decisions about what the world consists of: left out last, because all others depend on them."""


def shrunk(
    stage: Stage,
    failed: Run,
    *,
    store: str | None = None,
    seconds: float = 60,
    tries: int = 2_000,
    say: Tells = len,
) -> Run:
    """The smallest run found in the time that breaks the same as `failed`.

    Whole actors and kinds of decisions are left out first, then commands, then single decisions: each has a
    name of its own, so leaving some out moves no other.

    Args:
        failed: a run whose decisions were taken down.
        seconds, tries: how long it may take, and how many runs.
        say: takes a line of progress.
    """
    return _Shrinking(stage, failed, store, elapsed_seconds() + seconds, tries, say).done()


class _Shrinking:
    def __init__(
        self, stage: Stage, failed: Run, store: str | None, until: float, tries: int, say: Tells
    ) -> None:
        self._stage, self._store, self._until, self._most, self._say = stage, store, until, tries, say
        self._name = failed.broken[0].name
        self._best, self._tries = failed, 0

    def done(self) -> Run:
        """Go on until nothing more can be left out, or the time is over."""
        size = 0
        while not self._is_late() and size != len(self._left()):
            size = len(self._left())
            for parts in (_by_actor, _by_kind, _by_command, _singly):
                self._without_some(parts)
                self._say(
                    f"  {len(self._left()):,} decisions left after {self._tries} tries, {parts.__name__}"
                )
        return self._best

    def _left(self) -> Mapping[str, int]:
        return self._best.decisions or {}

    def _is_late(self) -> bool:
        return elapsed_seconds() >= self._until or self._tries >= self._most

    def _without_some(self, parts: Callable[[Keys], list[Keys]]) -> None:
        """Leave out as many parts as possible, first many at a time."""
        size = max(len(parts([*self._left()])) // 2, 1)
        while True:
            at = 0
            while at < len(groups := parts([*self._left()])) and not self._is_late():
                chosen = {key for group in groups[at : at + size] for key in group}
                at += 0 if self._breaks_without(chosen) else size
            if size == 1 or self._is_late():
                return
            size //= 2

    def _breaks_without(self, chosen: set[str]) -> bool:
        kept = {key: value for key, value in self._left().items() if key not in chosen}
        self._tries += 1
        again = run(
            self._stage, self._best.seed, self._best.steps, store=self._store, decisions=kept, tells=True
        )
        is_same = bool(again.broken) and again.broken[0].name == self._name
        if is_same and len(again.decisions or {}) < len(self._left()):
            self._best = again
            return True
        return False


def _by_actor(keys: Keys) -> list[Keys]:
    return _grouped(keys, lambda key: re.split(r"[#@./]", key)[0])


def _by_kind(keys: Keys) -> list[Keys]:
    return _grouped(keys, lambda key: _NUMBER.sub("", key.rpartition("/")[2]) if "/" in key else "")


def _by_command(keys: Keys) -> list[Keys]:
    return _grouped(keys, lambda key: key.partition("/")[0])


def _singly(keys: Keys) -> list[Keys]:
    return [[key] for key in keys if "/" in key]


def _grouped(keys: Keys, of: Callable[[str], str]) -> list[Keys]:
    """Keys by what they have in common; those about the world are kept, and so are commands as such."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        name = of(key)
        if name and not key.startswith(WORLD):
            groups.setdefault(name, []).append(key)
    return [*groups.values()]
