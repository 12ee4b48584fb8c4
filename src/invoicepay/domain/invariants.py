"""INV-01 … INV-23: what holds after every commit, as named checks over values (spec 7)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A row that breaks an invariant.

    Attributes:
        rule: for example `INV-02`.
        subject: what is wrong: an id, an account, an asset.
        difference_micros: how far off, where the rule is an equation.
    """

    rule: str
    subject: str
    message: str
    difference_micros: int = 0
