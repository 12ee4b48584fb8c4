"""Runs the demo: `python -m invoicepay.demo [--json] [--db FILE]`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from invoicepay.adapters.system import SystemClock, SystemIds
from invoicepay.blocking import InvoicePay
from invoicepay.demo.screen import JsonScreen, Screen, TextScreen
from invoicepay.demo.story import STEPS, Scene
from invoicepay.errors import InvoicePayError
from invoicepay.wiring import migrate

INTERRUPTED, FAILED = 130, 1


def main(arguments: list[str] | None = None) -> int:
    """Tell the story; every way to end is one sentence and leaves the database whole."""
    options = _parser().parse_args(arguments)
    screen: Screen = JsonScreen(sys.stdout) if options.json else TextScreen(sys.stdout)
    database = Path(options.db).resolve()
    try:
        _tell(database, screen)
    except KeyboardInterrupt:
        screen.end(
            f"Stopped by you. {database} holds every step that was shown; run the demo again at any time."
        )
        return INTERRUPTED
    except InvoicePayError as error:
        screen.end(f"Stopped: {error} {error.hint} Nothing of the unfinished step was written to {database}.")
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object per step, a summary last")
    parser.add_argument(
        "--db", default="invoicepay-demo.db", metavar="FILE", help="SQLite file (%(default)s)"
    )
    return parser


def _tell(database: Path, screen: Screen) -> None:
    url = f"sqlite:///{database}"
    migrate(url)
    clock, ids = SystemClock(), SystemIds()
    tenant = ids.new("demo", clock.now())
    with InvoicePay(url, tenant=tenant) as pay:
        scene = Scene(pay)
        screen.begin(database, tenant, len(STEPS))
        for number, step in enumerate(STEPS, start=1):
            screen.working(number, step.title)
            said = step.tell(scene)
            screen.step(number, step.title, said, scene.look())
        screen.close(database, tenant, scene.verdict())


if __name__ == "__main__":
    raise SystemExit(main())
