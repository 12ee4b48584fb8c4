"""How a command answers: tables and sentences for people, one JSON object for machines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from invoicepay.errors import InvoicePayError

DONE, FAILED, MISUSED, INTERRUPTED, READER_GONE = 0, 1, 2, 130, 141
"""Exit codes; the last two are what a shell gives a program that was ended by SIGINT and by SIGPIPE."""


class Misuse(Exception):
    """The command line, or the client it names, cannot be used as it is; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command found.

    Attributes:
        ok: exit code 0; otherwise 1.
        told: the same for machines, JSON-ready; `command` and `ok` are put before it.
        text: for people.
    """

    ok: bool
    told: Mapping[str, Any]
    text: str


def write(answer: Answer, command: str, out: TextIO, *, as_json: bool) -> int:
    """Print an answer; returns the exit code."""
    if as_json:
        print(json.dumps({"command": command, "ok": answer.ok, **answer.told}, ensure_ascii=False), file=out)
    elif answer.text:
        print(answer.text, file=out)
    return DONE if answer.ok else FAILED


def refuse(error: InvoicePayError | Misuse, command: str, out: TextIO, *, as_json: bool) -> None:
    """Say why there is no answer: in a sentence to standard error, or as JSON in its place."""
    if isinstance(error, Misuse):
        told: dict[str, object] = {"code": "usage", "message": str(error), "hint": "", "details": {}}
    else:
        told = error.to_record()
    if as_json:
        answer = {"command": command, "ok": False, "error": told}
        print(json.dumps(answer, ensure_ascii=False), file=out)
    else:
        sentences = " ".join(_ended(str(told[part])) for part in ("message", "hint") if told[part])
        print(printable(f"invoicepay: {sentences}"), file=sys.stderr)


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", ")")) else f"{sentence}."


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows below each other in columns; what cannot be printed is written as an escape.

    Examples:
        >>> print(table(("tenant", "records"), [("north", 12), ("a-long-name", 3)]))
        tenant       records
        north        12
        a-long-name  3
    """
    cells = [[printable(str(cell)) for cell in row] for row in (names, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def printable(text: str) -> str:
    r"""The text on one line without control characters: names of hosts and banks may hold anything.

    Examples:
        >>> print(printable("ann\x1b[2J"))
        ann\x1b[2J
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def standard_output() -> TextIO:
    """Standard output that shows what it cannot spell; nowhere, where it was closed."""
    if sys.stdout is None:
        return open(os.devnull, "w", encoding="utf-8")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    return sys.stdout


def forget(out: TextIO) -> None:
    """Let nothing be written any more, not even what is still buffered when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
