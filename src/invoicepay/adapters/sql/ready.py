"""Whether the tables are there before they are used; SQLite makes and upgrades them itself."""

from __future__ import annotations

from invoicepay.adapters.sql.connect import Door
from invoicepay.adapters.sql.errors import BEHIND
from invoicepay.adapters.sql.migrate import LATEST, upgrade_tables, version_of
from invoicepay.adapters.sql.schema import Schema
from invoicepay.errors import StoreBehind


async def require_tables(door: Door, tables: Schema) -> None:
    """Make sure that the tables are of this version.

    Raises:
        StoreBehind: PostgreSQL's are older; somebody has to call `invoicepay.migrate(url)`.
    """
    async with door.link(writes=False) as link:
        version = await link.run(lambda connection: version_of(connection, tables))
    if version < LATEST:
        if door.dialect_name != "sqlite":
            raise StoreBehind(BEHIND, version=version, needed=LATEST)
        await migrate_tables(door, tables)


async def migrate_tables(door: Door, tables: Schema) -> int:
    """Bring the tables up to this version; returns the version reached."""
    async with door.link(writes=True) as link:
        reached = await link.run(lambda connection: upgrade_tables(connection, tables))
        await link.commit()
        return reached
