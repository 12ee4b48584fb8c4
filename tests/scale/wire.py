"""What is said over the wire to PostgreSQL, as the driver's own library traces it; Linux only."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from psycopg.pq import Trace
from sqlalchemy import Engine, event

_MESSAGE = re.compile(r"^F\t\d+\t(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Traffic:
    """How much was asked.

    Attributes:
        turns: how often the client waited for the server.
        statements: those that begin and end the transaction included.
    """

    turns: int
    statements: int

    def is_within(self, budget: Traffic) -> bool:
        """Whether neither is more than it may be."""
        return self.turns <= budget.turns and self.statements <= budget.statements


@contextmanager
def traced(engine: Engine) -> Iterator[Callable[[Callable[[], object]], Traffic]]:
    """Trace the connections that an engine opens; gives what tells of the traffic of an action."""
    with tempfile.TemporaryFile("w+") as log:

        def listen(connection: Any, _record: Any) -> None:
            connection.pgconn.trace(log.fileno())
            connection.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)

        event.listen(engine, "connect", listen)
        yield lambda act: _traffic(log, act)
        event.remove(engine, "connect", listen)
        engine.dispose()


def _traffic(log: IO[str], act: Callable[[], object]) -> Traffic:
    begun = log.seek(0, 2)
    act()
    log.seek(begun)
    said = log.read()
    sent = _MESSAGE.findall(said)
    waits = ("Sync", "Query", "CopyDone")  # a COPY waits twice: until it may begin, and for its end
    return Traffic(
        turns=sum(sent.count(message) for message in waits),
        statements=sent.count("Execute") + sent.count("Query"),
    )
