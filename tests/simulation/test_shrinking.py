"""A planted failure is found, and becomes a story that a person can read."""

from collections.abc import Iterator
from typing import Any

import pytest

from invoicepay.domain.effects import Effect
from invoicepay.testing.simulation import Run, run, standard
from invoicepay.testing.simulation.shrinking import shrunk
from invoicepay.testing.simulation.telling import named
from invoicepay.use_cases import recover

SEEDS = range(1, 30)


@pytest.fixture
def sends_again_without_asking() -> Iterator[None]:
    """Sends what may have left once more, without asking first what became of it."""

    async def may_go(deps: Any, effect: Effect) -> bool:
        return True

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recover, "_may_go", may_go)
        yield


def found() -> Run:
    for seed in SEEDS:
        one = run(standard, seed, 2_000)
        if one.broken:
            return one
    raise AssertionError("no run found the planted failure")


@pytest.mark.usefixtures("sends_again_without_asking")
def test_a_planted_failure_is_brought_down_to_a_short_story() -> None:
    failed = found()
    whole = run(standard, failed.seed, 2_000, tells=True)
    assert whole.broken == failed.broken
    small = shrunk(standard, whole, seconds=300, tries=60)
    assert small.broken[0].name == failed.broken[0].name
    commands = [key for key in small.decisions or {} if "/" not in key]
    given = [key for key in whole.decisions or {} if "/" not in key]
    assert len(commands) * 3 < len(given)
    assert len(named(small.story)) * 3 < len(whole.story) * 2
    again = run(standard, 0, small.steps, decisions=small.decisions, tells=True)
    assert again.story == small.story
