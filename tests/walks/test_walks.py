"""Random walks over every command: right books after each step, and a replay agrees (INV-01 … INV-23)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.walks.draw import ShrinkingDraw
from tests.walks.moves import MOVES, Move
from tests.walks.walking import check, check_replay, come_to_rest, live, started, step


class Walk(RuleBasedStateMachine):
    """Every move is a rule; hypothesis shortens a walk that goes wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.world = started("memory")
        self.is_broken = False

    def make(self, move: Move, data: Any) -> None:
        self.is_broken = True
        step(self.world, move, ShrinkingDraw(data))
        self.is_broken = False

    def teardown(self) -> None:
        if not self.is_broken:
            come_to_rest(self.world)
            check(self.world)
            check_replay(self.world)
        self.world.close()


def _rule_of(move: Move) -> Any:
    def make(self: Walk, data: Any) -> None:
        self.make(move, data)

    make.__name__ = move.name
    return rule(data=st.data())(make)


for _name, _move in MOVES.items():
    setattr(Walk, _name, _rule_of(_move))

TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_walk_in_memory_leaves_right_books(seed: int) -> None:
    world = live("memory", seed, 400)

    assert world.refused < world.number / 2, "a walk whose commands are refused shows little"


@pytest.mark.parametrize("seed", [101, 102])
def test_a_walk_in_sqlite_leaves_the_books_that_memory_has(seed: int) -> None:
    live("sqlite", seed, 250)
