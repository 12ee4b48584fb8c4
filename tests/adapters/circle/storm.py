"""Stories at Circle under random weather: `python -m tests.adapters.circle.storm --rounds 200`.

Every round draws faults for random HTTP steps, and what becomes of the webhooks; the story must end with each
leg moved once and both sides agreeing. A round is repeated by its number: `--first-round 17 --rounds 1`.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from invoicepay.domain.resending import MOST_SENDS
from tests.adapters.circle.stage import HOOKS
from tests.adapters.circle.test_faults import FAULTS, STEPS, housed

TWICE = ("answer lost twice", "429")
"""These meet two requests."""
MOST_SPOILED = MOST_SENDS - 3
"""More could bring a person in, and rightly so."""


def weather(seed: int) -> list[tuple[str, str]]:
    """One to five faults, step and kind, that spoil fewer attempts than bring a person in."""
    chance = random.Random(seed)
    drawn = [(chance.choice(list(STEPS)), chance.choice(list(FAULTS))) for _ in range(chance.randint(1, 5))]
    while sum(2 if fault in TWICE else 1 for _, fault in drawn) > MOST_SPOILED:
        drawn.pop()
    return drawn


def round_of(seed: int) -> None:
    """One story.

    Raises:
        AssertionError: it did not end as it must.
    """
    chance = random.Random(seed * 7919)
    with housed() as house:
        for step, fault in weather(seed):
            FAULTS[fault](house.stage.faults, STEPS[step])
        is_told = chance.random() < 0.7
        if is_told:
            house.stage.circle.subscribe(2, HOOKS)
            house.stage.circle.deliveries()
            house.stage.circle.duplicate(chance.choice([0, 1, 1, 2, 3]))
        house.tell(lambda queued: chance.sample(queued, len(queued)) if is_told else queued)
        house.check()


def main(arguments: list[str] | None = None) -> int:
    """Run the rounds; 1 when one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--first-round", type=int, default=1)
    options = parser.parse_args(arguments)
    began, met = time.monotonic(), Counter[str]()
    for seed in range(options.first_round, options.first_round + options.rounds):
        met.update(fault for _, fault in weather(seed))
        try:
            round_of(seed)
        except Exception:
            sys.stdout.write(f"round {seed} failed under {weather(seed)}\n")
            raise
    took = time.monotonic() - began
    ordered = ", ".join(f"{count} x {fault}" for fault, count in met.most_common())
    sys.stdout.write(f"{options.rounds} rounds in {took:.0f} s, every leg once; faults ordered: {ordered}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
