"""The command `invoicepay`: what a host runs beside its own processes."""

from __future__ import annotations

import argparse
import sys

from invoicepay.cli import worker
from invoicepay.cli.loading import AppNotFound, client_at


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; returns the exit code: 0 done, 1 something failed, 2 not understood."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        pay = client_at(options.app)
    except AppNotFound as error:
        print(f"invoicepay: {error}", file=sys.stderr)
        return 2
    asked = worker.Options(
        tenant=options.tenant,
        limit=options.limit,
        interval_seconds=options.interval,
        heartbeat_seconds=options.heartbeat,
        once=options.once,
        as_json=options.json,
    )
    return worker.work(pay, asked, sys.stdout)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="invoicepay", description="Run what a host needs beside itself.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    work = commands.add_parser(
        "worker",
        help="bring on what waits: provider work, webhooks, due dates, handlers",
        description="Bring on what waits, in every tenant, until SIGTERM or SIGINT; then end after the "
        "tenant at hand. A second signal ends it at once, which loses nothing.",
    )
    work.add_argument("app", help="your client, as module:name; or a function there that makes one")
    work.add_argument("--tenant", help="only this tenant; every one of the store when left out")
    work.add_argument("--limit", type=_whole, default=100, help="most of each kind in a pass (default 100)")
    work.add_argument(
        "--interval", type=_seconds, default=1.0, help="seconds to wait when nothing moves (default 1)"
    )
    work.add_argument(
        "--heartbeat", type=_seconds, default=60.0, help="seconds between lines when idle (default 60)"
    )
    work.add_argument("--once", action="store_true", help="end when nothing moves any more, as from cron")
    work.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3_600:
        raise argparse.ArgumentTypeError("more than 0 and at most 3600")
    return seconds
