"""One run of a search, in a module that other processes can import; a package's `__main__` they cannot."""

from __future__ import annotations

from invoicepay.testing.simulation.simulation import Run, run
from invoicepay.testing.simulation.workload import stage


def one(task: tuple[int, int, str | None]) -> Run:
    """The run of a seed, so many steps and a store."""
    seed, steps, store = task
    return run(stage, seed, steps, store=store)
