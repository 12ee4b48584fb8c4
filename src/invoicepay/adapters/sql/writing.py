"""Sets of rows on their way into tables: one COPY, or one round trip for all that can share it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table

from invoicepay.adapters.sql import statements
from invoicepay.adapters.sql.blocks import array, blocks
from invoicepay.adapters.sql.forms import Row
from invoicepay.adapters.sql.wire import Answer, Ask, ask, copy
from invoicepay.errors import ConcurrentUpdate

COPIED_FROM = 8
"""From so many rows on, COPY saves more work than its round trips cost."""
TOGETHER_FROM = 2
"""From so many rows on, one statement over arrays costs less than one for each row."""
SIZES = (4, 3, 2, 1)
"""How many rows one INSERT takes: few sizes, so that each is prepared once."""
MOST_VALUES = 48
"""Most values in one INSERT: beyond, the driver takes the statement apart afresh each time."""


@dataclass(slots=True)
class Sending:
    """Statements that wait for the next round trip, each with what must be true of its answer.

    On SQLite, where nothing travels, each runs at once.
    """

    connection: Connection
    _asks: list[Ask] = field(default_factory=list[Ask])
    _wanted: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    @property
    def dialect(self) -> str:
        """`postgresql` or `sqlite`."""
        return self.connection.dialect.name

    def add(self, statement: str, values: Sequence[Any], *, touches: int = -1, kind: str = "") -> None:
        """Let a statement wait.

        Args:
            touches: how many rows of a kind it must change, where that is known.
        """
        self._asks.append(Ask(statement, values))
        self._wanted.append((kind, touches))

    def flush(self, *, then_commit: bool = False) -> Answer:
        """Send what waits; the answer to the last statement.

        Raises:
            ConcurrentUpdate: a row was no longer as it had been read.
        """
        if not self._asks:
            return Answer((), 0)
        asks, wanted = self._asks, self._wanted
        self._asks, self._wanted = [], []
        assert not then_commit or all(touches == -1 for _, touches in wanted), "looked at after the commit"
        answers = ask(self.connection, asks, then_commit=then_commit)
        for answer, (kind, touches) in zip(answers, wanted, strict=True):
            if touches not in (-1, answer.touched):
                raise ConcurrentUpdate(kind=kind)
        return answers[-1]

    def insert(
        self,
        table: Table,
        names: tuple[str, ...],
        rows: Sequence[Row],
        *,
        text: Callable[..., str] = statements.added,
    ) -> None:
        """Insert rows; `text` makes the statement."""
        if not rows:
            return
        if self.dialect != "postgresql":
            self._each(text(table, names, self.dialect), rows)
        elif len(rows) >= COPIED_FROM and text is statements.added:
            self.flush()
            copy(self.connection, statements.copied(table, names), blocks(rows))
        else:
            self._in_sizes(rows, lambda count: text(table, names, self.dialect, count))

    def _in_sizes(self, rows: Sequence[Row], text: Callable[[int], str]) -> None:
        most = MOST_VALUES // len(rows[0])
        start = 0
        while start < len(rows):
            size = next(size for size in SIZES if size == 1 or size <= min(most, len(rows) - start))
            values = tuple([value for row in rows[start : start + size] for value in row])
            self.add(text(size), values)
            start += size

    def update(
        self, one: str, together: Callable[[], str], rows: Sequence[Row], tenant_id: str, *, kind: str
    ) -> None:
        """Change rows that must all be there: each by `one` statement or, where they are many, `together`.

        Args:
            rows: new values, then what names the row.
        """
        if self.dialect == "postgresql" and len(rows) >= TOGETHER_FROM:
            arrays = [array(column) for column in zip(*rows, strict=True)]
            self.add(together(), (*arrays, tenant_id), touches=len(rows), kind=kind)
        elif self.dialect == "postgresql":
            for row in rows:
                self.add(one, (*row, tenant_id), touches=1, kind=kind)
        elif rows and self._each(one, [(*row, tenant_id) for row in rows]) != len(rows):
            raise ConcurrentUpdate(kind=kind)

    def _each(self, statement: str, rows: Sequence[Row]) -> int:
        (answer,) = ask(self.connection, [Ask(statement, rows, is_many=True)])
        return answer.touched
