"""`manage.py invoicepay …`: every command of the command line, with the client of the Django project."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any, TextIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from invoicepay.cli import main
from invoicepay.cli.loading import Client, client_at

SETTING = "INVOICEPAY_CLIENT"
"""In Django's settings, where the client is: `"shop.money:pay"`, or a function there that makes one."""


class _Command(BaseCommand):  # type: ignore[misc] # Django comes without types
    """Hand everything behind `invoicepay` to the command line, and its exit code to the shell."""

    help = f"Run a command of invoicepay with the client that {SETTING} names."

    def run_from_argv(self, argv: list[str]) -> None:
        """Carry out a line of the shell; `--help` and `--version` are those of the command line, too."""
        try:
            code = main(without_djangos(argv[2:]), client=project_client(), prog=called(argv))
        finally:
            connections.close_all()
        sys.exit(code)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """What `call_command` passes is not looked at here."""
        parser.add_argument("arguments", nargs=argparse.REMAINDER)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Carry out what `call_command` asks for.

        Raises:
            CommandError: the command ended with another exit code than 0, which is its `returncode`.
        """
        with redirect_stdout(cast(TextIO, self.stdout)):
            code = main(list(options["arguments"]), client=project_client(), prog=called([]))
        if code:
            raise CommandError(f"invoicepay ended with exit code {code}", returncode=code)


def project_client() -> Callable[[], Client] | None:
    """What makes the client of the project; None leaves it to the command line and its environment."""
    place = getattr(settings, SETTING, None)
    return None if place is None else lambda: client_at(place)


def without_djangos(arguments: list[str]) -> list[str]:
    """The arguments less those that Django has taken for itself already."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    return parser.parse_known_args(arguments)[1]


def called(argv: list[str]) -> str:
    """How the command is written in this project."""
    return f"{os.path.basename(argv[0]) if argv else 'manage.py'} invoicepay"


Command: type = _Command
"""What Django looks for."""
