"""How likely each delay and each fault is, at each kind of place in a run."""

from __future__ import annotations

from collections.abc import Mapping

from invoicepay.testing.simulation.chooser import Weights
from invoicepay.testing.simulation.faults import NUMBERS, weights

MILLISECOND = 1_000
DELAYS = tuple(MILLISECOND * n for n in (1, 3, 10, 40, 150, 600, 2_000, 6_000, 20_000))
"""Ticks that a task may wait where others may go on; the first is the calm one."""

SHORT = {1: 150, 2: 120, 3: 80, 4: 60, 5: 40}
"""Per-mille chances of the delays where locks are held."""
LONG = {**SHORT, 6: 20, 7: 8, 8: 3}

TROUBLE = 100
"""Numbers from here on are faults of the process, as in `faults.NUMBERS`."""
CRASH, PAUSE, JUMP = (TROUBLE + NUMBERS[f"process.{name}"] for name in ("crash", "pause", "jump"))


class Odds:
    """The chances while some faults are about.

    Args:
        rates: per-mille chance of each fault by name; without any, only the calm delays are left.
    """

    def __init__(self, rates: Mapping[str, int]) -> None:
        self.rates = rates
        crash, pause, jump = (rates.get(f"process.{name}", 0) for name in ("crash", "pause", "jump"))
        dying, standing = {CRASH: crash, JUMP: jump}, {PAUSE: pause}
        self.inside: Weights = Weights({**SHORT, **dying})
        self.outside: Weights = Weights({**LONG, **dying, **standing})
        self.look: Weights = Weights({3: 40, 5: 20, 6: 10, **standing})
        self.sending: Weights = Weights({**SHORT, **dying, PAUSE: pause * 4})
        self.sending_for_certain: Weights = Weights({**SHORT, **dying})
        self.begin: Weights = weights(rates, ("database.busy", "database.dropped"))
        self.load: Weights = weights(rates, ("database.conflict", "database.dropped"))
        self.commit: Weights = weights(
            rates, ("database.conflict_at_commit", "database.ack_lost", "database.nack_lost")
        )
        self.order: Weights = weights(rates, ORDER)
        self.question: Weights = weights(rates, ("call.refused", "call.limited", "provider.stale_look"))
        self.letter: Weights = weights(
            rates, ("webhook.lost", "webhook.late", "webhook.reordered", "webhook.early")
        )

    def of(self, name: str) -> Weights:
        """The chance of one fault alone."""
        return weights(self.rates, (name,))


ORDER = (
    "call.lost",
    "call.answer_lost",
    "call.late",
    "call.slow",
    "call.refused",
    "call.limited",
    "call.wrong_echo",
    "call.outage",
)
"""What an order may meet; one of them at a time."""
