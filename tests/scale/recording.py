"""Every statement that reaches a database, whoever sent it and however: the server's own log tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import make_url

from tests.support.postgres import PostgresServer

_ENTRY = re.compile(r"^\S+ \S+ \S+ \[\d+\] (\w+):  (.*)$")
_STATEMENT = re.compile(r"(?:statement|execute [^:]+): ", re.IGNORECASE)
_NUMBER = re.compile(r"\$\d+")
_MORE_ROWS = re.compile(r"(?<=\))(?:, \((?:\$1(?:::[\w ]+)?(?:, )?)+\))+")
_CONTROL = re.compile(r";|(?:BEGIN|COMMIT|ROLLBACK|SET|SHOW|DEALLOCATE|SAVEPOINT|RELEASE)\b", re.IGNORECASE)
_CATALOGUE = re.compile(r"pg_catalog|FROM pg_type|FROM pg_trigger")


@dataclass
class Recording:
    """What was sent, each statement once, in the order of first appearance.

    Attributes:
        counts: how often each was sent.
    """

    counts: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def statements(self) -> list[str]:
        """Statements over tables: neither transaction control, nor settings, nor looks at the catalogue."""
        return [sent for sent in self.counts if not _CONTROL.match(sent) and not _CATALOGUE.search(sent)]


@contextmanager
def recorded(server: PostgresServer, url: str) -> Iterator[Recording]:
    """Let the server log what it is sent in one database by sessions opened inside; read it at the end."""
    _alter(server, url, "SET log_statement = 'all'")
    log, recording = server.folder / "log", Recording()
    begin = log.stat().st_size
    try:
        yield recording
    finally:
        _alter(server, url, "RESET log_statement")
    with log.open("rb") as told:
        told.seek(begin)
        for statement in _statements(told.read().decode(errors="replace")):
            recording.counts[statement] = recording.counts.get(statement, 0) + 1


def _alter(server: PostgresServer, url: str, how: str) -> None:
    with server.connect() as connection:  # to another database, so that this is not recorded
        connection.execute(f"ALTER DATABASE {make_url(url).database} {how}".encode())


def _statements(told: str) -> Iterator[str]:
    """Statements in a log; a line that goes on starts with a tab."""
    for entry in re.sub(r"\n\t", " ", told).splitlines():
        found = _ENTRY.match(entry)
        if found and found[1] == "LOG" and (begun := _STATEMENT.match(found[2])):
            yield flat(found[2][begun.end() :])


def flat(statement: str) -> str:
    """On one line, whatever the numbers of its parameters and however many rows it writes."""
    one_line = re.sub(r"\s+", " ", _NUMBER.sub("$1", statement)).strip()
    return _MORE_ROWS.sub("", one_line)
