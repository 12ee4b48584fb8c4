"""A planted failure is found, and becomes a story that a person can read."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from invoicepay.domain.effects import Effect
from invoicepay.testing.simulation import run, standard
from invoicepay.testing.simulation.chooser import Draw
from invoicepay.testing.simulation.ports import Mix, Scene
from invoicepay.testing.simulation.shrinking import shrunk
from invoicepay.use_cases import recover


@pytest.fixture
def sends_again_without_asking() -> Iterator[None]:
    """Sends what may have left once more, without asking first what became of it."""

    async def may_go(deps: Any, effect: Effect) -> bool:
        return True

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recover, "_may_go", may_go)
        yield


def forgetful() -> Scene:
    """The standard simulation with providers that know no keys, and answers that are lost."""
    scene = standard()
    drawn = scene.workload.mix

    def mix(draw: Draw) -> Mix:
        one = drawn(draw)
        rails, tokens = replace(one.rails, deduplicates=False), replace(one.tokens, deduplicates=False)
        return replace(one, rails=rails, tokens=tokens, faults={"call.answer_lost": 200, "webhook.late": 300})

    scene.workload.mix = mix  # type: ignore[method-assign]
    return scene


@pytest.mark.usefixtures("sends_again_without_asking")
def test_a_planted_failure_is_brought_down_to_a_short_story() -> None:
    runs = (run(forgetful, seed, 1_000, tells=True) for seed in range(8))
    whole = min((found for found in runs if found.broken), key=lambda found: found.steps)
    small = shrunk(forgetful, whole, seconds=300, tries=20)
    assert small.broken[0].name == whole.broken[0].name
    commands = [key for key in small.decisions or {} if "/" not in key]
    given = [key for key in whole.decisions or {} if "/" not in key]
    assert len(commands) * 3 < len(given)
    assert small.steps < whole.steps
    again = run(forgetful, 0, small.steps, decisions=small.decisions, tells=True)
    assert again.story == small.story
