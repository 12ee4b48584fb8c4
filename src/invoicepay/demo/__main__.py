"""Runs the demo: `python -m invoicepay.demo [--tempo | --circle] [--json] [--db FILE]`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import warnings
from pathlib import Path

from invoicepay.cli.output import FAILED, INTERRUPTED, READER_GONE, forget, standard_output
from invoicepay.demo.screen import JsonScreen, Screen, TextScreen
from invoicepay.errors import InvoicePayError, StoreError

_FILES = {
    "tell": "invoicepay-demo.db",
    "tell_on_tempo": "invoicepay-demo-tempo.db",
    "tell_at_circle": "invoicepay-demo-circle.db",
}
"""Where the books are kept, unless told otherwise, by how the story is told; see `telling`."""


class _CtrlC(KeyboardInterrupt):
    """Ctrl-C, handled here.

    A kind of its own, because Python remembers a plain KeyboardInterrupt that passed through `exec` of a
    text (as dataclasses do it) as one that nobody caught, and ends the process by the signal.
    """


class _Stop:
    """Ctrl-C: the first one stops the story, another one does not disturb the telling of that.

    Where Python cannot raise what it raises, as in a destructor, the story asks before its next step.
    """

    was_asked = False

    def listen(self) -> None:
        """From now on."""
        signal.signal(signal.SIGINT, self._hear)
        sys.unraisablehook = self._ignored

    def _hear(self, _signal: int, _frame: object) -> None:
        self.was_asked = True
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        logging.disable()  # whoever was giving a connection back would complain, beside the one sentence
        raise _CtrlC

    @staticmethod
    def _ignored(what: sys.UnraisableHookArgs) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(what)

    def check(self) -> None:
        """Stop now, if somebody asked."""
        if self.was_asked:
            raise _CtrlC


_stop = _Stop()


def main(arguments: list[str] | None = None) -> int:
    """Tell the story; every way to end is one sentence and leaves the database whole."""
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__)
    add_options(parser)
    parser.set_defaults(refuse=parser.error)
    options = parser.parse_args(arguments)
    return run(options, database_of(options))


def database_of(options: argparse.Namespace) -> Path:
    """The file that the options mean; a path that is not plain is refused as the parser refuses."""
    database = Path(options.db or _FILES[options.telling]).resolve()
    if options.db == "" or set("?%#") & set(str(database)) or not str(database).isprintable():
        options.refuse("--db takes a file whose path is plain, without ? % # and control characters")
    return database


def run(options: argparse.Namespace, database: Path) -> int:
    """Tell the story that the options ask for; returns the exit code."""
    out = standard_output()
    screen: Screen = JsonScreen(out) if options.json else TextScreen(out)
    try:
        return _told(database, screen, options.telling)
    except BrokenPipeError:
        forget(out)
        return READER_GONE
    except OSError as error:
        forget(out)
        print(f"Stopped: the output cannot be written ({error.strerror}).", file=sys.stderr)
        return FAILED


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the demo may be told."""
    parser.add_argument("--json", action="store_true", help="one JSON object per step, a summary last")
    tokens = parser.add_mutually_exclusive_group()
    for option, telling, meaning in (
        ("--tempo", "tell_on_tempo", "move tokens on a Tempo chain of this machine"),
        ("--circle", "tell_at_circle", "move USDC between wallets of a simulated Circle"),
    ):
        tokens.add_argument(option, dest="telling", action="store_const", const=telling, help=meaning)
    parser.set_defaults(telling="tell")
    parser.add_argument("--db", metavar="FILE", help=f"SQLite file ({', '.join(_FILES.values())})")


def _told(database: Path, screen: Screen, how: str) -> int:
    try:
        from invoicepay.demo import telling  # loads much: may be interrupted as well

        tell = getattr(telling, how)
        return 0 if tell(database, screen, check=_stop.check) else FAILED
    except KeyboardInterrupt:
        warnings.simplefilter("ignore", RuntimeWarning)  # a call that was made and not yet begun is no fault
        screen.end(f"Stopped by you: every step that was shown is kept in {database}.")
        return INTERRUPTED
    except InvoicePayError as error:
        other = " Or choose another file with --db FILE." if isinstance(error, StoreError) else ""
        screen.end(f"Stopped: {_ended(error.message)} {_ended(error.hint)}{other} (The file was {database}.)")
        return FAILED


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def listen() -> None:
    """Handle Ctrl-C from now on."""
    _stop.listen()


if __name__ == "__main__":
    listen()
    raise SystemExit(main())
