"""A process's share of the pairs, on a server of its own; a fresh process does not run the command."""

from __future__ import annotations

from typing import Any

from tests.interleavings.explore import Explored, explored
from tests.interleavings.ground import SETTINGS, Ground, ground
from tests.interleavings.pairs import Pair
from tests.support import postgres


def work(queue: Any, listed: list[Pair], options: dict[str, Any]) -> None:
    """Explore pairs, and tell of each; None at the end."""
    try:
        with postgres.start(settings=SETTINGS) as server:
            for resting in (False, True):
                ours = [pair for pair in listed if pair.resting is resting]
                if not ours:
                    continue
                with ground(server, resting=resting) as on:
                    for pair in ours:
                        queue.put(_explored(on, pair, options))
    finally:
        queue.put(None)


def _explored(on: Ground, pair: Pair, options: dict[str, Any]) -> Explored:
    try:
        return explored(on, pair, **options)
    except Exception as fault:  # noqa: BLE001 - the other pairs are still explored
        return Explored(pair, faults=[f"{pair.name}: {type(fault).__name__}: {fault}"])
