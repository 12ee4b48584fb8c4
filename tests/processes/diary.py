"""What clients asked and were told, written outside of the store and of the processes that die."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

UNKNOWN = "outcome_unknown"


@dataclass(slots=True)
class Asked:
    """One command, and everything that its client was told about it.

    Attributes:
        troubles: codes of errors after which the client asked again, in order.
        id: the row that answered; empty while nothing did.
        refused: the code of a refusal, which is an answer, too.
        was_there: whether the answer said that an earlier attempt had done it.
        lives: how many processes asked for it.
    """

    key: str
    call: str
    arguments: dict[str, Any]
    troubles: list[str] = field(default_factory=list[str])
    id: str = ""
    refused: str = ""
    was_there: bool = False
    lives: int = 1

    @property
    def is_answered(self) -> bool:
        """Whether the client knows what became of it."""
        return bool(self.id or self.refused)


class Diary:
    """A file that only grows; a line is there once its write returned, whatever becomes of the writer."""

    def __init__(self, path: Path) -> None:
        is_torn = path.exists() and not path.read_bytes().endswith(b"\n")
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        if is_torn:
            os.write(self._file, b"\n")

    def note(self, **entry: Any) -> None:
        """Add a line."""
        os.write(self._file, json.dumps(entry).encode() + b"\n")

    def close(self) -> None:
        """Write no more."""
        os.close(self._file)


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole line."""
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n"):
        try:
            yield json.loads(line)
        except ValueError:  # the writer died within it
            continue


def asked_in(lines: Iterable[dict[str, Any]]) -> dict[str, Asked]:
    """The commands of a diary by key, with what was told about them."""
    found: dict[str, Asked] = {}
    for line in lines:
        match line:
            case {"asked": key}:
                found[key] = Asked(key, line["call"], line["arguments"])
            case {"again": key}:
                found[key].lives += 1
            case {"trouble": code, "key": key}:
                found[key].troubles.append(code)
            case {"answered": key}:
                found[key].id, found[key].was_there = line["id"], line["replayed"]
            case {"refused": key}:
                found[key].refused = line["code"]
            case _:
                pass
    return found


def faults_in(lines: Iterable[dict[str, Any]]) -> list[str]:
    """What went wrong that no client of the library should ever see."""
    return [line["fault"] for line in lines if "fault" in line]
