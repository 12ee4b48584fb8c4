"""A Repository on SQLite or PostgreSQL, through a blocking or an awaiting engine."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.engine import URL

from invoicepay.adapters.sql.apply import Batch, apply
from invoicepay.adapters.sql.balances import ACCOUNT, LAST, Held, Rank
from invoicepay.adapters.sql.chunks import chunks
from invoicepay.adapters.sql.connect import BlockingDoor, Door, Link, begin, door_to, open_engine
from invoicepay.adapters.sql.errors import our_errors
from invoicepay.adapters.sql.finds import among, load_finds
from invoicepay.adapters.sql.joined import door_into
from invoicepay.adapters.sql.load import HeldRows, load_named, replies
from invoicepay.adapters.sql.look import checkpoints, heads
from invoicepay.adapters.sql.migrate import named_schema, upgrade_tables
from invoicepay.adapters.sql.parts import Hold, PartsDoor
from invoicepay.adapters.sql.reader import SqlReader
from invoicepay.adapters.sql.ready import migrate_tables, require_tables, store_health
from invoicepay.adapters.sql.schema import Place
from invoicepay.adapters.sql.store_clock import StoreClock, read_clock
from invoicepay.adapters.sql.turns import end_turn, take_turn
from invoicepay.adapters.sql.writing import Sending
from invoicepay.domain.audit import Checkpoint, seal
from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.entity import Entity
from invoicepay.domain.needs import Needs, RowKey
from invoicepay.domain.writes import merged
from invoicepay.errors import ConcurrentUpdate, ConfigurationError
from invoicepay.ports.health import Health
from invoicepay.ports.repository import Reply

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

MOST_TENANTS = 1_000
"""Tenants whose accounts are remembered; then the one that came first is forgotten."""


def connect_store(
    store: str | URL | Engine | AsyncEngine,
    new_id: Callable[[str, datetime], str],
    *,
    blocking: bool,
    stream: str = "main",
    schema: str | None = None,
    table_prefix: str = "",
    tells_time: bool = False,
) -> SqlRepository:
    """A repository on the database behind a URL, or behind an engine of the host's.

    Args:
        blocking: which kind of engine a URL is opened with.
        tells_time: let workers go by the database's clock; PostgreSQL only, SQLite is on one machine.

    Raises:
        ConfigurationError: the URL or the engine is none we can use.
        MissingExtra: the driver is not installed.
    """
    door = door_to(store, blocking=blocking)
    return SqlRepository(
        door, new_id, stream=stream, schema=schema, table_prefix=table_prefix, tells_time=tells_time
    )


def migrate_url(url: str, *, schema: str | None = None, table_prefix: str = "") -> int:
    """Bring the tables of a database up to this version; returns the version reached."""
    engine = open_engine(url)
    try:
        with our_errors(), engine.connect() as connection:
            begin(connection, writes=True)
            reached = upgrade_tables(connection, named_schema(schema, table_prefix))
            connection.commit()
            return reached
    finally:
        engine.dispose()


class SqlRepository:
    """Keeps everything in a database.

    SQLite makes and upgrades its tables on first use. PostgreSQL answers `StoreBehind` until somebody has
    called `invoicepay.migrate(url)`.

    Args:
        door: leads to the database, see `connect_store`.
        new_id: makes ids for audit records from a prefix and an instant.
        stream: audit stream of this repository's units; writers with streams of their own do not wait for
            each other at its head (decision D9).
        schema: the database's schema for the tables; PostgreSQL only.
        table_prefix: stands before every name, where the tables live beside others.
        tells_time: let workers go by the database's clock.
    """

    def __init__(
        self,
        door: Door,
        new_id: Callable[[str, datetime], str],
        *,
        stream: str = "main",
        schema: str | None = None,
        table_prefix: str = "",
        tells_time: bool = False,
    ) -> None:
        if schema and door.dialect_name == "sqlite":
            raise ConfigurationError("SQLite has no schemas: use table_prefix")
        self._door: Door = door
        self._new_id, self._stream = new_id, stream
        self._schema = named_schema(schema, table_prefix)
        self._is_current = False
        self._tells_time = tells_time and door.dialect_name != "sqlite"
        self._clock: StoreClock | None = None
        self._places: OrderedDict[str, dict[str, Rank]] = OrderedDict()

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[SqlUnit]:
        await self._require_tables()
        async with self._door.link(writes=True) as link:
            rows, held = self._start_of(tenant_id)
            unit = SqlUnit(link, Place(self._schema, tenant_id), self._stream, self._new_id, rows, held)
            yield unit
            if not unit.has_written:
                await link.leave()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlTransaction]:
        await self._require_tables()
        async with self._door.link(writes=True) as link:
            yield SqlTransaction(self, link)

    @asynccontextmanager
    async def reader(self, tenant_id: str) -> AsyncIterator[SqlReader]:
        await self._require_tables()
        async with self._door.link(writes=False) as link:
            yield SqlReader(link, Place(self._schema, tenant_id))

    def bound(self, host: object) -> SqlRepository:
        """The same tables inside a transaction of the host's.

        Args:
            host: a session or connection of SQLAlchemy's, of this repository's kind: blocking or awaiting.

        Raises:
            ConfigurationError: it is none, or its transaction is none that we can be part of.
        """
        if isinstance(self, SqlParts):
            raise ConfigurationError("a transaction is open already: bind the client that it was made from")
        blocks = isinstance(self._door, BlockingDoor)
        door = door_into(host, self._schema, dialect_name=self._door.dialect_name, blocks=blocks)
        return SqlParts(self, door)

    async def tenants(self) -> tuple[str, ...]:
        await self._require_tables()
        table = self._schema.streams
        query = select(table.c.tenant_id).distinct().order_by(table.c.tenant_id)
        async with self._door.link(writes=False) as link:
            return await link.run(lambda connection: tuple(connection.execute(query).scalars()))

    async def seal(self, tenant_id: str, at: datetime) -> Checkpoint | None:
        await self._require_tables()
        place = Place(self._schema, tenant_id)
        async with self._door.link(writes=True) as link:
            point = await link.run(lambda connection: _seal(connection, place, at))
            await link.commit()
            return point

    async def mark_published(self, tenant_id: str, event_ids: Sequence[str], at: datetime) -> None:
        await self._require_tables()
        place = Place(self._schema, tenant_id)
        async with self._door.link(writes=True) as link:
            await link.run(lambda connection: _mark_published(connection, place, event_ids, at))
            await link.commit()

    async def take_turn(
        self, tenant_id: str, work: str, holder: str, *, now: datetime, until: datetime
    ) -> bool:
        await self._require_tables()
        place = Place(self._schema, tenant_id)
        async with self._door.link(writes=True) as link:
            is_ours = await link.run(
                lambda connection: take_turn(connection, place, work, holder, now, until)
            )
            await link.commit()
            return is_ours

    async def end_turn(self, tenant_id: str, work: str, holder: str, *, now: datetime) -> None:
        place = Place(self._schema, tenant_id)
        async with self._door.link(writes=True) as link:
            await link.run(lambda connection: end_turn(connection, place, work, holder, now))
            await link.commit()

    async def shared_clock(self) -> StoreClock | None:
        if self._tells_time and (self._clock is None or not self._clock.is_fresh):
            self._clock = await read_clock(self._door)
        return self._clock

    async def health(self) -> Health:
        return await store_health(self._door, self._schema)

    async def migrate(self) -> int:
        """Bring the tables up to this version; returns the version reached."""
        return await migrate_tables(self._door, self._schema)

    async def close(self) -> None:
        await self._door.close()

    def _start_of(self, tenant_id: str) -> tuple[HeldRows, Held]:
        """What a new unit holds, and the places of accounts that it need not look up."""
        places = self._places.setdefault(tenant_id, {})
        if len(self._places) > MOST_TENANTS:
            self._places.popitem(last=False)
        return HeldRows(), Held(places)

    async def _require_tables(self) -> None:
        if self._is_current:
            return
        await require_tables(self._door, self._schema)
        self._is_current = True


class SqlParts(SqlRepository):
    """The tables of a repository inside one open transaction: each unit is a part of it.

    From the first unit on the transaction holds rows, and in the end an audit head, that others wait for. So
    later units wait for nobody, or two transactions could wait for each other. No account's place is
    remembered beyond a unit, for an account that was opened here may be taken back.

    Args:
        outer: whose tables they are.
        door: opens parts of the transaction.
    """

    def __init__(self, outer: SqlRepository, door: PartsDoor) -> None:
        self._outer, self._door, self._schema = outer, door, outer._schema
        self._new_id, self._stream = outer._new_id, outer._stream
        self._is_current, self._tells_time, self._clock = outer._is_current, False, None
        self._hold = door.hold

    def _start_of(self, tenant_id: str) -> tuple[HeldRows, Held]:  # noqa: ARG002 - whoever's they are
        late, self._hold.is_begun = self._hold.is_begun, True
        return HeldRows(is_complete=late), Held(highest=LAST if late else None)

    async def _require_tables(self) -> None:
        await super()._require_tables()
        if self._door.dialect_name != "sqlite":  # there they may have been made here, and be taken back
            self._outer._is_current = True

    async def close(self) -> None:
        """Whoever opened the transaction ends it."""


class SqlTransaction(SqlParts):
    """One transaction of ours that several units are parts of.

    Args:
        link: the transaction.
    """

    def __init__(self, outer: SqlRepository, link: Link) -> None:
        self._link = link
        hold = outer._hold if isinstance(outer, SqlParts) else Hold()
        self._parts = PartsDoor(link, outer._door.dialect_name, lambda _: None, hold)
        super().__init__(outer, self._parts)

    async def commit(self) -> None:
        await self._link.commit(self._parts.keys)


class SqlUnit:
    """One transaction of one tenant.

    Attributes:
        has_written: whether there is something to commit, or to forget.
    """

    def __init__(
        self,
        link: Link,
        place: Place,
        stream: str,
        new_id: Callable[[str, datetime], str],
        rows: HeldRows,
        held: Held,
    ) -> None:
        self._link, self._place, self._stream, self._new_id = link, place, stream, new_id
        self._read: dict[RowKey, Entity] = {}
        self._rows, self._held = rows, held
        self._keys: list[str] = []
        self._last: Sending | None = None
        self.has_written: bool = False

    async def load(self, needs: Needs, into: Snapshot) -> None:
        await self._link.run(lambda connection: self._load(connection, needs, into))
        for key, row in into.rows.items():
            if row is not None:
                self._read.setdefault(key, row)

    def _load(self, connection: Connection, needs: Needs, into: Snapshot) -> None:
        load_named(connection, self._place, needs, into, self._rows, self._held)
        load_finds(connection, self._place, needs, into, self._rows)

    async def replies(self, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Reply]:
        return await self._link.run(lambda connection: replies(connection, self._place, keys))

    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        self.has_written = True
        batch = Batch(
            writes=merged(outcomes, {key: row.version for key, row in self._read.items()}),
            read=self._read,
            outcomes=outcomes,
            group_ids=[self._new_id("aud", outcome.context.now) for outcome in outcomes],
            replies=replies,
            held=self._held,
            stream=self._stream,
        )
        self._keys = [reply.key for reply in replies] or [outcome.context.key for outcome in outcomes]
        try:
            self._last = await self._link.run(lambda connection: apply(connection, self._place, batch))
        except ConcurrentUpdate as error:
            if error.details.get("kind") == ACCOUNT:  # a restored database may have lost what we have seen
                self._held.forget()
            raise

    async def commit(self) -> None:
        await self._link.commit(self._keys, self._last)


def _seal(connection: Connection, place: Place, at: datetime) -> Checkpoint | None:
    """Seal the heads as they are when nobody moves them; whoever else seals waits here."""
    now = heads(connection, place, lock=True)
    last = next(iter(checkpoints(connection, place, latest=True)), None)
    if not now or (last and last.heads == now):
        return None
    point = seal(place.tenant_id, last, now, at)
    row = {
        "position": point.position,
        "at": point.at,
        "heads": json.dumps([[head.stream, head.position, head.hash] for head in point.heads]),
        "previous_hash": point.previous_hash,
        "hash": point.hash,
    }
    connection.execute(insert(place.schema.checkpoints).values(tenant_id=place.tenant_id, **row))
    return point


def _mark_published(connection: Connection, place: Place, event_ids: Sequence[str], at: datetime) -> None:
    table = place.schema.outbox
    for some in chunks(sorted(event_ids)):
        named = update(table).where(place.owns(table), among(connection, table.c.id, some))
        connection.execute(named.values(published_at=at))
