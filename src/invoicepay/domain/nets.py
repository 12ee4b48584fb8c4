"""Nets: the fewest transfers that bring every wallet of a chain to what the books say it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from invoicepay.domain.quick import quick


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One wallet at one cut, in micros.

    Attributes:
        wanted: what the chain should hold for the wallet: its tokens in the books, and those that the books
            burned already and the chain has still to burn.
        held: what the chain holds for it, as far as final effects say.
        stands_aside: it takes no part now, because what became of a movement of it is in doubt.
    """

    party_id: str
    wanted: int
    held: int
    stands_aside: bool = False

    @property
    def net(self) -> int:
        """What has to reach the wallet; negative for what has to leave it."""
        return self.wanted - self.held


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One transfer of a settlement run."""

    from_party: str
    to_party: str
    micros: int


def nets(standings: Iterable[Standing]) -> tuple[Leg, ...]:
    """Transfers from wallets that hold too much to those that hold too little: equal nets are the same legs.

    The largest go first, ties by name. Each leg brings one of its wallets to its goal, so that n wallets take
    at most n - 1 legs; and none needs another to arrive first, so that all may travel in any order.

    Examples:
        >>> ann = Standing(party_id="ann", wanted=30, held=100)
        >>> bob = Standing(party_id="bob", wanted=0, held=10)
        >>> acme = Standing(party_id="acme", wanted=80, held=0)
        >>> [(leg.from_party, leg.to_party, leg.micros) for leg in nets([acme, ann, bob])]
        [('ann', 'acme', 70), ('bob', 'acme', 10)]
    """
    taking_part = [standing for standing in standings if standing.net and not standing.stands_aside]
    ranked = sorted(taking_part, key=lambda standing: (-abs(standing.net), standing.party_id))
    givers = [[standing.party_id, -standing.net] for standing in ranked if standing.net < 0]
    takers = [[standing.party_id, standing.net] for standing in ranked if standing.net > 0]
    return tuple(_legs(givers, takers))


def _legs(givers: list[list[Any]], takers: list[list[Any]]) -> Iterator[Leg]:
    """Pair both sides off from the front, until one of them is used up."""
    while givers and takers:
        giver, taker = givers[0], takers[0]
        micros = min(giver[1], taker[1])
        yield Leg(from_party=giver[0], to_party=taker[0], micros=micros)
        for side, first in ((givers, giver), (takers, taker)):
            first[1] -= micros
            if not first[1]:
                side.pop(0)
