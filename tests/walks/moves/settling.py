"""Moves of what is netted: runs, and what positions must add up to whenever one is asked for."""

from __future__ import annotations

from invoicepay.errors import InvariantViolated
from invoicepay.use_cases import settlement
from tests.walks.draw import Draw
from tests.walks.moves.registry import asset, move
from tests.walks.world import NETTED, World


@move(6)
def settle(world: World, draw: Draw) -> None:
    wanted = asset(draw) if draw.chance(5) else NETTED
    world.ask(settlement.settle, settlement.Settle(asset=wanted))
    assert not isinstance(world.last_refusal, InvariantViolated), str(world.last_refusal)
