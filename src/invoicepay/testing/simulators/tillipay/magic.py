"""What happens to a simulated payment: chosen by the cents of its amount, on the calendar of the Fed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from invoicepay.ports.rails import Direction, RailStatus

S = RailStatus
FEE_CENTS = 30


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of a payment.

    Attributes:
        banking_days: after it was accepted, at the opening of the banks; 0 is at once.
    """

    banking_days: int
    status: RailStatus
    return_code: str = ""
    fee_cents: int = 0


SETTLES = (Step(1, S.SETTLED),)

DEPOSITS: Mapping[int, tuple[Step, ...]] = MappingProxyType(
    {
        1: (*SETTLES, Step(3, S.RETURNED, "R01")),
        10: (*SETTLES, Step(30, S.RETURNED, "R10")),
        50: (Step(1, S.SETTLED, fee_cents=FEE_CENTS),),
        68: (*SETTLES, Step(3, S.RETURNED, "R01"), Step(8, S.RETURN_REVERSED, "R68")),
        95: (Step(0, S.IN_REVIEW),),
    }
)
"""By cents: returned during or long after the hold, settled less a fee, return dishonoured, in review."""

PAYOUTS: Mapping[int, tuple[Step, ...]] = MappingProxyType(
    {
        3: (*SETTLES, Step(3, S.RETURNED, "R03")),
        23: (*SETTLES, Step(2, S.RETURNED, "R23")),
        95: (Step(0, S.IN_REVIEW),),
    }
)
"""By cents: no such account, refused by the receiver, in review."""

ANSWER_IS_LOST, NEVER_ARRIVED, WEBHOOKS_ARE_LOST, WEBHOOKS_COME_TWICE = 99, 98, 97, 96
"""By cents: carried out without an answer; neither; no deliveries; each twice, the newest first."""


def plan(direction: Direction, cents: int) -> tuple[Step, ...]:
    """What becomes of a payment after it was accepted.

    Examples:
        >>> [step.return_code for step in plan(Direction.DEPOSIT, 10_01)]
        ['', 'R01']
    """
    plans = DEPOSITS if direction is Direction.DEPOSIT else PAYOUTS
    return plans.get(cents % 100, SETTLES)
