"""A month that is simulated for a notebook: sound, repeatable, and drawn."""

from __future__ import annotations

import pytest

from invoicepay.testing.simulation.month import Month, month


@pytest.fixture(scope="module")
def found() -> Month:
    return month(seed=7, steps=1_000)


def test_nothing_is_wrong_in_it(found: Month) -> None:
    assert found.run.broken == ()


def test_some_days_go_by_and_some_things_go_wrong(found: Month) -> None:
    assert found.run.days > 0.5
    assert sum(found.troubles.values()) > 5


def test_tokens_and_their_backing_are_one_line(found: Month) -> None:
    tokens, backing = found.backing().lines

    assert tokens.points == backing.points
    assert len(tokens.points) >= 3


def test_every_participant_has_a_line(found: Month) -> None:
    assert {line.name for line in found.wallets().lines} >= {"ann", "bob", "acme"}
