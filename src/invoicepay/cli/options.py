"""The commands of `invoicepay` and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from invoicepay.demo.__main__ import add_options as add_demo_options

EXIT_CODES = (
    "Exit codes: 0 done and in order, 1 something is wrong or failed, 2 the command or its settings cannot "
    "be used, 130 after Ctrl-C, 141 when whoever read the output went away."
)
UNUSED, LOOKED_AT, ASKED = "unused", "looked at", "asked"
"""What a command does with the providers of a client that is made from settings."""
_STORE = "postgresql+psycopg://user@host/database or sqlite:///pay.db; INVOICEPAY_STORE when left out"
_APP = "your client, as module:name; or a function there that makes one"


def parser(prog: str) -> argparse.ArgumentParser:
    """What the command line may say."""
    main = argparse.ArgumentParser(
        prog=prog,
        description="What is run beside the processes of a host: work that waits, tables, checks.",
        epilog=EXIT_CODES,
    )
    main.add_argument("--version", action="version", version=f"invoicepay {version('invoicepay')}")
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (summary, about, add) in COMMANDS.items():
        one = commands.add_parser(name, help=summary, description=about, epilog=EXIT_CODES)
        one.set_defaults(refuse=one.error, providers=UNUSED)
        add(one)
    return main


def _demo(one: argparse.ArgumentParser) -> None:
    add_demo_options(one)


def _migrate(one: argparse.ArgumentParser) -> None:
    _client(one)
    one.add_argument("--dry-run", action="store_true", help="show the steps and their SQL, change nothing")
    one.add_argument("--to", type=_whole, metavar="N", help="the last step to take; the newest when left out")
    one.add_argument(
        "--role",
        default="",
        help="PostgreSQL: the role that a client connects as; give it what it needs, no more",
    )
    _json(one)


def _worker(one: argparse.ArgumentParser) -> None:
    _client(one)
    _tenant(one, "only this tenant; every one of the store when left out")
    one.add_argument("--limit", type=_whole, default=100, help="most of each kind in a pass (default 100)")
    one.add_argument(
        "--interval", type=_seconds, default=1.0, help="seconds to wait when nothing moves (default 1)"
    )
    one.add_argument(
        "--heartbeat", type=_seconds, default=60.0, help="seconds between lines when idle (default 60)"
    )
    one.add_argument(
        "--bill-every",
        type=_seconds,
        metavar="SECONDS",
        help="also issue recurring invoices that are due, at most so often; left out, they are not",
    )
    one.add_argument("--once", action="store_true", help="end when nothing moves any more, as from cron")
    _json(one, "one JSON object a line")
    one.set_defaults(providers=ASKED)


def _reconcile(one: argparse.ArgumentParser) -> None:
    _client(one)
    _tenant(one, "this tenant; the client's own when left out")
    one.add_argument("--asset", default="USD", help="of which asset (default USD)")
    one.add_argument(
        "--statement", metavar="FILE", help="CSV of the bank's statement: columns ref, amount, booked_on"
    )
    one.add_argument(
        "--bank-balance", metavar="AMOUNT", help='such as "275.00 USD"; the bank is asked when left out'
    )
    _json(one)
    one.set_defaults(providers=ASKED)


def _verify(one: argparse.ArgumentParser) -> None:
    _client(one)
    _tenant(one, "only this tenant; every one of the store when left out")
    one.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="FILE",
        help="a text that audit.anchor() gave and that was kept elsewhere; may be repeated",
    )
    _json(one)


def _sql(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--dialect", choices=("postgresql", "sqlite"), default="postgresql", help="default postgresql"
    )
    one.add_argument(
        "--after",
        type=_step,
        default=0,
        metavar="N",
        help="the step that the tables are at (default 0: none)",
    )
    one.add_argument("--to", type=_whole, metavar="N", help="the last step; the newest when left out")
    one.add_argument("--role", default="", help="PostgreSQL: also what the role of a client may do")
    _placed(one)
    _json(one)


def _qr(one: argparse.ArgumentParser) -> None:
    one.add_argument("action", choices=("draw", "invoice", "request", "payee", "verify"), help="what to do")
    one.add_argument(
        "what",
        help="draw: any text; invoice, request: its id; payee: a party's id; verify: a scanned code. "
        "A single - reads the text from standard input",
    )
    one.add_argument("--amount", help='payee: such as "12.50 USD"')
    one.add_argument("--asset", default="", help="payee: which asset, where the payer chooses the amount")
    one.add_argument("--svg", metavar="FILE", help="write an SVG file instead of drawing on the terminal")
    one.add_argument("--png", metavar="FILE", help="write a PNG file")
    one.add_argument(
        "--invert", action="store_true", help="for a terminal with dark text on a light background"
    )
    _client(one)
    _tenant(one, "this tenant; the client's own when left out")
    _json(one)


def _doctor(one: argparse.ArgumentParser) -> None:
    _client(one)
    _tenant(one, "only this tenant; every one of the store when left out")
    _json(one)
    one.set_defaults(providers=LOOKED_AT)


def _client(one: argparse.ArgumentParser) -> None:
    which = one.add_mutually_exclusive_group()
    which.add_argument("--app", metavar="MODULE:NAME", help=_APP)
    which.add_argument("--store", metavar="URL", help=_STORE)
    _placed(one)


def _placed(one: argparse.ArgumentParser) -> None:
    one.add_argument("--schema", help="PostgreSQL: the schema of the tables; INVOICEPAY_SCHEMA when left out")
    one.add_argument(
        "--table-prefix", help="what stands before their names; INVOICEPAY_TABLE_PREFIX when left out"
    )


def _tenant(one: argparse.ArgumentParser, about: str) -> None:
    one.add_argument("--tenant", help=about)


def _json(one: argparse.ArgumentParser, about: str = "one JSON object instead of text") -> None:
    one.add_argument("--json", action="store_true", help=about)


def _step(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("0 or more")
    return number


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


Adding = Callable[[argparse.ArgumentParser], Any]

COMMANDS: dict[str, tuple[str, str, Adding]] = {
    "demo": (
        "run the whole money loop once, simulated, and show it",
        "Run deposits, reserves, tokens, invoices, payments, credits, requests and payouts with simulated "
        "providers in a SQLite file, and show every posting.",
        _demo,
    ),
    "migrate": (
        "bring the tables of a database up to this release",
        "Take the steps that the tables of a database lack, in one transaction. SQLite files are made where "
        "they are missing.",
        _migrate,
    ),
    "worker": (
        "bring on what waits: provider work, webhooks, due dates, handlers",
        "Bring on what waits, in every tenant, until SIGTERM or SIGINT; then end after the tenant at hand. "
        "A second signal ends it at once, which loses nothing. It works with your bank and token network, "
        "so it takes your client.",
        _worker,
    ),
    "reconcile": (
        "compare the bank, the books and the token supply",
        "Tie out one asset and keep an attestation; nothing is posted. Exit code 1 when not every token is "
        "backed. It asks your bank and token network, so it takes your client.",
        _reconcile,
    ),
    "verify": (
        "check the books of a store from their first record",
        "Recompute the audit trail, run every invariant and compare backing with tokens, in every tenant. "
        "Nothing is written.",
        _verify,
    ),
    "sql": (
        "print the tables as SQL, for whoever runs it by hand",
        "Print every step of the tables as a script. No database is asked.",
        _sql,
    ),
    "qr": (
        "draw a payment code, or verify one",
        "Draw any text, the code of an invoice, a request or a payee; or verify a scanned code and say what "
        "it would pay. Codes are signed with INVOICEPAY_QR_SECRET or the client's own secret.",
        _qr,
    ),
    "doctor": (
        "look for what is wrong with an installation, and name the next step",
        "Look at Python, libraries, settings, store, clock, providers and waiting work; change nothing. Exit "
        "code 1 when something failed.",
        _doctor,
    ),
}
"""Each command: a summary, what it does, and its options."""
