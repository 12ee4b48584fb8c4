"""Random walks over every command: right books after each step, and a replay agrees (INV-01 … INV-23)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.walks.draw import RandomDraw, ShrinkingDraw
from tests.walks.moves import MOVES, Move
from tests.walks.walking import check, check_replay, come_to_rest, live, started, step


class Walk(RuleBasedStateMachine):
    """Every move is a rule, on books that are in use already; hypothesis shortens a walk that goes wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.world = started("memory")
        self.is_broken = False

    @initialize(seed=st.integers(0, 9_999))
    def begin_in_the_middle(self, seed: int) -> None:
        self.is_broken = True
        draw = RandomDraw(seed)
        for move in draw.random.choices(list(MOVES.values()), [move.weight for move in MOVES.values()], k=70):
            step(self.world, move, draw)
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


for _move in MOVES.values():
    for _copy in range(1 + _move.weight // 4):  # hypothesis takes all rules alike
        setattr(Walk, f"{_move.name}_{_copy}", _rule_of(_move))

TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=25,
    stateful_step_count=40,
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
