"""Whether the tables are there before they are used; SQLite makes and upgrades them itself."""

from __future__ import annotations

from invoicepay.adapters.sql.connect import Door
from invoicepay.adapters.sql.errors import BEHIND
from invoicepay.adapters.sql.migrate import LATEST, upgrade_tables, version_of
from invoicepay.adapters.sql.schema import Schema
from invoicepay.errors import ConcurrencyError, StoreBehind, StoreError
from invoicepay.ports.health import Check, Health


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


async def store_health(door: Door, tables: Schema) -> Health:
    """Whether the database answers, and whether its tables are of this version or a later one."""
    name = door.dialect_name
    try:
        await require_tables(door, tables)
        async with door.link(writes=False) as link:
            version = await link.run(lambda connection: version_of(connection, tables))
    except StoreBehind as error:
        return Health(name, (Check("reachable", True), Check("schema_version", False, error.message)))
    except (StoreError, ConcurrencyError) as error:
        return Health(name, (Check("reachable", False, error.message),))
    seen = f"version {version}; this release needs {LATEST}"
    return Health(name, (Check("reachable", True), Check("schema_version", True, seen)))


async def migrate_tables(door: Door, tables: Schema) -> int:
    """Bring the tables up to this version; returns the version reached."""
    async with door.link(writes=True) as link:
        reached = await link.run(lambda connection: upgrade_tables(connection, tables))
        await link.commit()
        return reached
