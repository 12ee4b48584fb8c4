"""Search for faults of the SDK: `python -m invoicepay.testing.simulation --seeds 100 --steps 10000`."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from invoicepay.adapters.system import elapsed_seconds
from invoicepay.testing.simulation import standard
from invoicepay.testing.simulation.faults import FAULTS
from invoicepay.testing.simulation.searching import one
from invoicepay.testing.simulation.shrinking import shrunk
from invoicepay.testing.simulation.simulation import Run, run
from invoicepay.testing.simulation.telling import named

STORY_LINES = 80
ENOUGH_STEPS = 1_000_000
"""From so many steps on, each situation that a search should come to has to have occurred."""


def main(arguments: list[str] | None = None) -> int:
    """Search or repeat; the answer is 1 when something was wrong."""
    asked = _parser().parse_args(arguments)
    if asked.replay:
        return _replayed(asked)
    started = elapsed_seconds()
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    runs = [_told(found, asked) for found in _found(seeds, asked)]
    seconds = elapsed_seconds() - started
    failed = sorted((found for found in runs if found.broken), key=lambda found: found.seed)
    total = _total(runs, seconds, asked.steps)
    for first in {found.broken[0].name: found for found in reversed(failed)}.values():
        _explained(first, asked)
    say(asked, _summary(total))
    if asked.json:
        sys.stdout.write(f"{json.dumps(total, sort_keys=True)}\n")
    return 1 if failed or (total["unreached"] and total["steps"] >= ENOUGH_STEPS) else 0


def _found(seeds: Iterable[int], asked: argparse.Namespace) -> Iterator[Run]:
    """A run for each seed, over several processes where there are several seeds."""
    jobs = min(asked.jobs, asked.seeds)
    if jobs <= 1:
        yield from (run(standard, seed, asked.steps, store=asked.store) for seed in seeds)
        return
    tasks = [(seed, asked.steps, asked.store) for seed in seeds]
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(one, tasks)


def _told(found: Run, asked: argparse.Namespace) -> Run:
    word = str(found.broken[0]) if found.broken else "ok"
    say(
        asked,
        f"seed {found.seed}: {found.steps:,} steps, {found.commits:,} commits, {found.days:.1f} days, "
        f"trace {found.trace[:12]}: {word}",
    )
    return found


def _total(runs: list[Run], seconds: float, asked_steps: int) -> dict[str, Any]:
    """The figures of a search."""
    reach = Counter[str]()
    for found in runs:
        reach.update(found.reach)
    met = Counter[str]()
    for found in runs:
        met.update(found.faults)
    known = sorted({name for found in runs for name in found.reach})
    steps = sum(found.all_steps for found in runs)
    traces = "".join(found.trace for found in sorted(runs, key=lambda found: found.seed))
    return {
        "seeds": len(runs),
        "steps": sum(found.steps for found in runs),
        "all_steps": steps,
        "commits": sum(found.commits for found in runs),
        "days": round(sum(found.days for found in runs), 1),
        "seconds": round(seconds, 1),
        "steps_per_second": round(steps / seconds) if seconds else 0,
        "violations": sum(bool(found.broken) for found in runs),
        "failures": [_failure(found, asked_steps) for found in runs if found.broken],
        "faults": {name: met[name] for name in FAULTS},
        "reach": {name: reach[name] for name in known},
        "unreached": [name for name in known if not reach[name]],
        "trace": hashlib.sha256(traces.encode()).hexdigest(),
    }


def _failure(found: Run, steps: int) -> dict[str, Any]:
    return {
        "seed": found.seed,
        "trace": found.trace,
        "broken": [str(broken) for broken in found.broken],
        "again": f"python3 dev.py simulate --seeds 1 --first-seed {found.seed} --steps {steps}",
    }


def _summary(total: dict[str, Any]) -> str:
    unreached = ", ".join(total["unreached"]) or "none"
    return (
        f"{total['seeds']} seeds, {total['steps']:,} steps with faults ({total['all_steps']:,} in all), "
        f"{total['days']:,} days, {total['seconds']} s, {total['steps_per_second']:,} steps/s, "
        f"{total['violations']} violations\nsituations never reached: {unreached}"
    )


def _explained(found: Run, asked: argparse.Namespace) -> None:
    """Run it again with its story, make it small, and keep what repeats it."""
    say(asked, f"\nBROKEN with seed {found.seed}: {found.broken[0]}\nmaking it small ...")
    whole = run(standard, found.seed, asked.steps, store=asked.store, tells=True)
    small = whole
    if whole.broken and asked.shrink_seconds:
        small = shrunk(
            standard,
            whole,
            store=asked.store,
            seconds=asked.shrink_seconds,
            say=lambda line: say(asked, line),
        )
    path = Path(f"simulation-{found.seed}.json")
    path.write_text(json.dumps(_kept(small, asked), indent=1), encoding="utf-8")
    say(asked, "\n".join(named(small.story)[-STORY_LINES:]))
    say(asked, f"the same again:       {_failure(found, asked.steps)['again']}")
    say(asked, f"the short one again:  python3 dev.py simulate --replay {path}")


def _kept(small: Run, asked: argparse.Namespace) -> dict[str, Any]:
    return {
        "seed": small.seed,
        "steps": max(small.steps, 1),
        "store": asked.store,
        "broken": [str(broken) for broken in small.broken],
        "trace": small.trace,
        "decisions": small.decisions,
    }


def _replayed(asked: argparse.Namespace) -> int:
    kept = json.loads(Path(asked.replay).read_text(encoding="utf-8"))
    found = run(
        standard, kept["seed"], kept["steps"], store=kept["store"], decisions=kept["decisions"], tells=True
    )
    say(asked, "\n".join(named(found.story)))
    total = _total([found], 0, found.steps)
    say(asked, f"trace {found.trace}: {found.broken[0] if found.broken else 'nothing is wrong'}")
    if asked.json:
        sys.stdout.write(f"{json.dumps(total, sort_keys=True)}\n")
    return 1 if found.broken else 0


def say(asked: argparse.Namespace, line: str) -> None:
    """Show a line at once; beside the figures where those are wanted by a program."""
    stream = sys.stderr if asked.json else sys.stdout
    stream.write(f"{line}\n")
    stream.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 dev.py simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many runs, each with a seed of its own")
    parser.add_argument("--steps", type=int, default=10_000, help="steps of each run before it heals")
    parser.add_argument("--first-seed", type=int, default=1, help="seed of the first run; each next adds 1")
    parser.add_argument("--store", choices=("memory", "sqlite"), help="the workload chooses when left out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--replay", metavar="FILE", help="repeat a run that was made small")
    parser.add_argument("--shrink-seconds", type=float, default=60, help="time to make a failure small")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON: the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
