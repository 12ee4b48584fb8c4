"""Parts of one open transaction: each is a savepoint, and taking one back leaves the rest as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import Connection, NestedTransaction

from invoicepay.adapters.sql.writing import Sending
from invoicepay.errors import InvoicePayError

T = TypeVar("T")


class Whole(Protocol):
    """The transaction that there are parts of."""

    async def run(self, step: Callable[[Connection], T]) -> T:
        """The result of a step of SQL; its errors are ours."""
        ...


@dataclass(slots=True)
class Hold:
    """Whether a transaction has locked rows of ours, so that no later part of it may wait for more.

    It goes with the transaction: everything that works inside of one shares it.
    """

    is_begun: bool = False


class PartsDoor:
    """A door whose transactions are parts of one that is open already.

    Attributes:
        hold: what is locked in the whole.
        keys: of the commands that were released into the whole so far.
    """

    dialect_name: str
    hold: Hold

    def __init__(
        self, whole: Whole, dialect_name: str, before_write: Callable[[Connection], None], hold: Hold
    ) -> None:
        self.dialect_name, self.hold = dialect_name, hold
        self._whole, self._before_write = whole, before_write
        self.keys: list[str] = []

    @asynccontextmanager
    async def link(self, *, writes: bool) -> AsyncIterator[PartLink]:
        """A part; on SQLite a look needs none, for a statement that fails there breaks nothing."""
        if not writes and self.dialect_name == "sqlite":
            yield PartLink(self, self._whole, None)
            return
        savepoint = await self._whole.run(self._opened if writes else Connection.begin_nested)
        link = PartLink(self, self._whole, savepoint)
        try:
            yield link
            if not writes:
                await link.leave()
        except BaseException:
            with suppress(InvoicePayError):  # a connection that was lost has taken everything back
                await self._take_back(savepoint)
            raise
        await self._take_back(savepoint)

    async def _take_back(self, savepoint: NestedTransaction) -> None:
        """Undo a part that was not released."""
        if savepoint.is_active:
            await self._whole.run(lambda _: savepoint.rollback())

    def _opened(self, connection: Connection) -> NestedTransaction:
        self._before_write(connection)
        return connection.begin_nested()

    async def close(self) -> None:
        """The transaction is not ours to end here."""


class PartLink:
    """A savepoint of an open transaction."""

    def __init__(self, door: PartsDoor, whole: Whole, savepoint: NestedTransaction | None) -> None:
        self._door, self._whole, self._savepoint = door, whole, savepoint

    async def run(self, step: Callable[[Connection], T]) -> T:
        return await self._whole.run(step)

    async def commit(self, keys: Sequence[str] = (), last: Sending | None = None) -> None:
        """Let the part go into the whole."""

        def released(_: Connection) -> None:
            if last:
                last.flush()
            if self._savepoint is not None:
                self._savepoint.commit()

        await self._whole.run(released)
        self._door.keys.extend(keys)

    async def leave(self) -> None:
        await self.commit()
