"""CPU time that a PostgreSQL server has spent, by what it spent it on; Linux only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
SESSION = b"[local]"


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of CPU.

    Attributes:
        sessions: in backends that serve a client, those that have ended included.
        others: in checkpointer, WAL writer and the rest that works for all sessions.
    """

    sessions: float
    others: float

    def __sub__(self, before: Spent) -> Spent:
        return Spent(self.sessions - before.sessions, self.others - before.others)


def spent_by(postmaster: int) -> Spent | None:
    """What the server with this main process has spent so far; None where the system does not tell."""
    if not (PROC / "self" / "stat").exists():
        return None
    tick = os.sysconf("SC_CLK_TCK")
    own, ended = _times(postmaster)
    sessions, others = ended, own
    for child in _children(postmaster):
        try:
            used, _ = _times(child)
            serves = SESSION in (PROC / str(child) / "cmdline").read_bytes()
        except OSError:  # ended since it was listed
            continue
        sessions, others = sessions + used * serves, others + used * (not serves)
    return Spent(sessions / tick, others / tick)


def _children(parent: int) -> Iterator[int]:
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                fields = _fields(int(entry.name))
            except OSError:
                continue
            if int(fields[1]) == parent:
                yield int(entry.name)


def _times(pid: int) -> tuple[int, int]:
    """Ticks of the process itself, and of its children that have ended."""
    fields = _fields(pid)
    return int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; the second may hold spaces."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
