"""A process's share of the matrix; in a module of its own, since a fresh process does not run the command."""

from __future__ import annotations

from typing import Any

from tests.crashes.matrix import Matrix, Tally, has_orders, matrix, tried
from tests.crashes.stories import Story, stories


def work(queue: Any, store: str, forget: bool, numbers: list[int], every: int) -> None:
    """Kill in the stories of these numbers, and tell of each; None at the end."""
    told = stories()
    try:
        with matrix(store, forget_keys=forget) as on:
            for number in numbers:
                story: Story = told[number]
                if forget and not has_orders(on, story):
                    continue  # it is the same as with providers that know keys
                name = f"{story.name} (keys forgotten)" if forget else story.name
                queue.put((name, _tried(on, story, every, number)))
    finally:
        queue.put(None)


def _tried(on: Matrix, story: Story, every: int, number: int) -> Tally:
    try:
        return tried(on, story, every=every, first=number)
    except Exception as fault:  # noqa: BLE001 - the other stories are still told
        return Tally(faults=[f"{story.name}: {type(fault).__name__}: {fault}"])
