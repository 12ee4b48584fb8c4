"""A planted failure is found, and becomes a story that a person can read."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from invoicepay.domain.effects import Effect
from invoicepay.testing.simulation import Run, run, standard
from invoicepay.testing.simulation.shrinking import shrunk
from invoicepay.testing.simulation.telling import named
from invoicepay.use_cases import providers

SEEDS = range(1, 30)


@pytest.fixture
def key_for_each_attempt() -> Iterator[None]:
    """Sends each attempt under a key of its own, so that a provider cannot tell a repetition."""
    sends = providers.send

    async def sent(deps: Any, effect: Effect) -> Any:
        return await sends(deps, replace(effect, provider_key=f"{effect.id}-{effect.fence}"))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(providers, "send", sent)
        yield


def found() -> Run:
    for seed in SEEDS:
        one = run(standard, seed, 2_000)
        if one.broken:
            return one
    raise AssertionError("no run found the planted failure")


@pytest.mark.usefixtures("key_for_each_attempt")
def test_a_planted_failure_is_brought_down_to_a_short_story() -> None:
    failed = found()
    whole = run(standard, failed.seed, 2_000, tells=True)
    assert whole.broken == failed.broken
    small = shrunk(standard, whole, seconds=20)
    assert small.broken[0].name == failed.broken[0].name
    commands = [key for key in small.decisions or {} if "/" not in key]
    assert len(commands) <= 5
    assert len(named(small.story)) * 3 < len(whole.story)
    again = run(standard, 0, small.steps, decisions=small.decisions, tells=True)
    assert again.story == small.story
