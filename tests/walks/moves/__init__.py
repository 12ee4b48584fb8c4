"""Every command of the use-case layer as a move that a walk can make."""

from tests.walks.moves import bills, cash, paying, people, settling, surroundings, switching
from tests.walks.moves.registry import MOVES, Move

__all__ = ["MOVES", "Move", "bills", "cash", "paying", "people", "settling", "surroundings", "switching"]
