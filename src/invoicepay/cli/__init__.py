"""The command `invoicepay`: what a host, or whoever runs it, needs beside the host's own processes."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from errno import ENOSPC
from importlib import import_module
from typing import TYPE_CHECKING, TextIO

from invoicepay.cli.output import (
    FAILED,
    INTERRUPTED,
    MISUSED,
    READER_GONE,
    Answer,
    Misuse,
    forget,
    refuse,
    standard_output,
    write,
)
from invoicepay.errors import ConfigurationError, InvalidInput, InvoicePayError

if TYPE_CHECKING:
    from invoicepay.cli.loading import Client


def main(
    arguments: list[str] | None = None,
    *,
    client: Callable[[], Client] | None = None,
    prog: str = "invoicepay",
) -> int:
    """Carry out one command; returns the exit code, see the reference of commands.

    Args:
        arguments: those of the process when left out.
        client: makes the client of a host that has the command under another name, such as `manage.py`. It is
            used where neither `--app` nor `--store` is given; one that blocks is left open.
        prog: how the command is called there.
    """
    out = standard_output()
    try:
        code = _ended(arguments, client, prog, out)
        out.flush()
        return code
    except BrokenPipeError:
        forget(out)
        return READER_GONE
    except OSError as error:
        if error.errno != ENOSPC:
            raise
        forget(out)
        print(f"invoicepay: the output cannot be written ({error.strerror}).", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("invoicepay: stopped by you.", file=sys.stderr)
        return INTERRUPTED


def _ended(arguments: list[str] | None, client: Callable[[], Client] | None, prog: str, out: TextIO) -> int:
    from invoicepay.cli.options import parser

    try:
        options = parser(prog).parse_args(arguments)
        return _answered(options, client, out)
    except SystemExit as ended:  # help, a version, or a line that cannot be understood: it was said already
        return int(ended.code or 0)


def _answered(options: Namespace, client: Callable[[], Client] | None, out: TextIO) -> int:
    try:
        return _carried_out(options, client, out)
    except (Misuse, ConfigurationError, InvalidInput) as error:
        refuse(error, options.command, out, as_json=options.json)
        return MISUSED
    except InvoicePayError as error:
        refuse(error, options.command, out, as_json=options.json)
        return FAILED


def _carried_out(options: Namespace, client: Callable[[], Client] | None, out: TextIO) -> int:
    if options.command == "demo":
        from invoicepay.demo.__main__ import database_of, listen, run

        database = database_of(options)
        listen()
        return run(options, database)
    if options.command == "worker":
        return _worked(options, client, out)
    command = import_module(f"invoicepay.cli.{options.command}")
    answer: Answer = command.run(options, client)
    return write(answer, options.command, out, as_json=options.json)


def _worked(options: Namespace, client: Callable[[], Client] | None, out: TextIO) -> int:
    from invoicepay.cli import worker
    from invoicepay.cli.clients import client_for

    asked = worker.Options(
        tenant=options.tenant,
        limit=options.limit,
        interval_seconds=options.interval,
        heartbeat_seconds=options.heartbeat,
        bill_every_seconds=options.bill_every,
        once=options.once,
        as_json=options.json,
    )
    return worker.work(client_for(options, client), asked, out)
