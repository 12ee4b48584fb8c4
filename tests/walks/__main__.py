"""Walk at random through every command and check the books: `python -m tests.walks --commands 50000`."""

from __future__ import annotations

import argparse
import sys
import time

from tests.walks.walking import Broken, Tally, live


def main() -> int:
    """Walk; the answer is 1 when something was wrong."""
    asked = _asked()
    tally, started = Tally(), time.monotonic()
    told = 0
    while tally.commands < asked.commands:
        seed, left = asked.seed + tally.lives, asked.commands - tally.commands
        try:
            live(asked.store, seed, min(asked.life, left), tally)
        except Broken as broken:
            tally.lives += 1
            tally.commands += asked.life
            tally.broken.append(f"seed {seed}: {broken}")
            say(f"  BROKEN with --seed {seed} --commands {asked.life}\n{broken}\n")
            if asked.stop:
                break
            continue
        if tally.commands - told >= asked.every:
            told = tally.commands
            say(f"  {_summary(tally, started)}")
    say(f"{asked.store}, seed {asked.seed}: {_summary(tally, started)}")
    say(f"never carried out: {', '.join(tally.never()) or 'nothing'}")
    return 1 if tally.broken else 0


def say(line: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.walks", description=__doc__)
    parser.add_argument("--commands", type=int, default=50_000, help="how many commands in all")
    parser.add_argument("--store", choices=("memory", "sqlite"), default="memory")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first life; each next one adds 1")
    parser.add_argument("--life", type=int, default=400, help="commands before a fresh start")
    parser.add_argument("--every", type=int, default=2_000, help="commands between two lines of progress")
    parser.add_argument("--stop", action="store_true", help="stop at the first fault")
    return parser.parse_args()


def _summary(tally: Tally, started: float) -> str:
    seconds = time.monotonic() - started
    return (
        f"{tally.commands:,} commands run ({tally.refused:,} refused), {tally.lives} lives, "
        f"{len(tally.broken)} violations, {seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
