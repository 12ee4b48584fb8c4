"""The list of moves, and the choices that many of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from invoicepay.domain.entity import E
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Actor
from tests.walks.draw import Draw
from tests.walks.world import ASSETS, OPERATOR, World, cents, party

USERS = ("ann", "bob", "cho")
ENTERPRISES = ("acme", "beta")
EVERYBODY = (*USERS, *ENTERPRISES)


@dataclass(frozen=True, slots=True)
class Move:
    """One kind of step.

    Attributes:
        weight: how often it is made, compared with others.
    """

    name: str
    weight: int
    make: Callable[[World, Draw], None]


MOVES: dict[str, Move] = {}


def move(
    weight: int = 2,
) -> Callable[[Callable[[World, Draw], None]], Callable[[World, Draw], None]]:
    """Register a move under its function's name."""

    def register(make: Callable[[World, Draw], None]) -> Callable[[World, Draw], None]:
        assert make.__name__ not in MOVES, f"two moves are called {make.__name__}"
        MOVES[make.__name__] = Move(make.__name__, weight, make)
        return make

    return register


RECENT = 25


def some(world: World, draw: Draw, kind: type[E], /, **likely: Any) -> E | None:
    """A recent row: nearly always one that meets the conditions, so that most commands can succeed."""
    rows = world.rows(kind, **likely)
    if draw.chance(5 if rows else 15):
        rows = world.rows(kind)
    return draw.one_of(rows[-RECENT:]) if rows else None


def amount(draw: Draw, asset: str, most: int = 30_000) -> Money:
    """Mostly cents, sometimes a round sum, rarely finer than a document can show."""
    if draw.chance(3):
        return Money.from_micros(draw.whole(1, 9_999), asset)
    round_sum = draw.whole(1, max(1, most // 1_000)) * 1_000
    return cents(round_sum if draw.chance(40) else draw.whole(1, most), asset)


def part_of(draw: Draw, whole: Money) -> Money:
    """All of it, a part, or more than it."""
    if draw.chance(45) or not whole:
        return whole or cents(1, whole.asset)
    return cents(draw.whole(1, max(1, whole.micros // 10_000) * (2 if draw.chance(25) else 1)), whole.asset)


def asset(draw: Draw) -> str:
    """The ledger asset twice as often as the others."""
    return draw.one_of(ASSETS)


def acting(draw: Draw, *sides: str) -> Actor:
    """An operator, one of the sides, rarely somebody else."""
    if draw.chance(50):
        return OPERATOR
    return party(draw.one_of(EVERYBODY if draw.chance(10) else sides))
