"""The simulated money: it moves by legs only, so nothing appears and nothing vanishes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

OUTSIDE = "outside"
"""Where wires come from and gas goes to; the only account that may fall below zero."""


class Overdraft(Exception):
    """An account would fall below zero."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One movement.

    Attributes:
        unit: `USDC`, `EURC`, or the native coin of a chain.
        amount: in the unit's smallest part (millionths of a USDC, 10^-18 of a native coin).
        cause: id of the transaction, transfer, payout or deposit it belongs to.
    """

    unit: str
    source: str
    target: str
    amount: int
    cause: str


class Book:
    """Every leg, and the balances they make."""

    def __init__(self) -> None:
        self.legs: list[Leg] = []
        self._balances: Counter[tuple[str, str]] = Counter()

    def move(self, unit: str, source: str, target: str, amount: int, cause: str) -> None:
        """Move `amount`.

        Raises:
            Overdraft: the source has less, and is not outside.
        """
        assert amount >= 0, "an amount is never negative"
        if source != OUTSIDE and self.balance(source, unit) < amount:
            raise Overdraft(f"{source} has {self.balance(source, unit)} {unit}, not {amount}")
        self.legs.append(Leg(unit, source, target, amount, cause))
        self._balances[source, unit] -= amount
        self._balances[target, unit] += amount

    def balance(self, account: str, unit: str) -> int:
        """What an account holds of a unit."""
        return self._balances[account, unit]

    def units(self, account: str) -> list[str]:
        """The units that an account holds something of, in order."""
        return sorted(unit for (owner, unit), held in self._balances.items() if owner == account and held)

    def legs_of(self, cause: str) -> list[Leg]:
        """The legs of one transaction, transfer, payout or deposit."""
        return [leg for leg in self.legs if leg.cause == cause]

    def violations(self) -> list[str]:
        """What is wrong with the balances, computed anew from the legs; nothing, if all is well."""
        anew: Counter[tuple[str, str]] = Counter()
        for leg in self.legs:
            anew[leg.source, leg.unit] -= leg.amount
            anew[leg.target, leg.unit] += leg.amount
        places = anew.keys() | self._balances.keys()
        wrong = [f"{place} differs from its legs" for place in places if anew[place] != self._balances[place]]
        return wrong + [
            f"{owner} is below zero in {unit}"
            for (owner, unit), held in anew.items()
            if held < 0 and owner != OUTSIDE
        ]
