"""What a migration would do to a database, as SQL, and doing it: for a command line and for a person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine, make_url

from invoicepay.adapters.sql.connect import BlockingDoor, Door, door_to
from invoicepay.adapters.sql.migrate import LATEST, STEPS, named_schema, sql, upgrade_tables, version_of
from invoicepay.adapters.sql.repository import SqlRepository
from invoicepay.adapters.sql.roles import restrict, restriction_sql
from invoicepay.adapters.sql.schema import Schema
from invoicepay.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is there and what is to come.

    Attributes:
        dialect: `sqlite` or `postgresql`.
        version: the number of the last step taken; 0 when there are no tables of ours.
        latest: the number of this release's last step.
        steps: number and name of those that are to be taken.
        script: their SQL, and that of the role's rights.
    """

    dialect: str
    version: int
    latest: int
    steps: tuple[tuple[int, str], ...]
    script: str

    @property
    def is_ahead(self) -> bool:
        """Whether a later release has been here."""
        return self.version > self.latest


class Migration:
    """The tables of one database."""

    def __init__(self, door: Door | None, tables: Schema, dialect: str) -> None:
        self._door, self._tables, self._dialect = door, tables, dialect

    @classmethod
    def at(cls, url: str, *, schema: str | None = None, table_prefix: str = "", makes: bool) -> Migration:
        """Of the database at a URL, through a blocking engine of ours.

        Args:
            makes: a SQLite file that is missing is made; otherwise it counts as one without tables, and one
                that is there is only read.

        Raises:
            ConfigurationError: the URL names no SQL database, or a name is not plain.
            MissingExtra: the driver is not installed.
        """
        door, tables = door_to(url, blocking=True), named_schema(schema, table_prefix)
        if schema and door.dialect_name == "sqlite":
            raise ConfigurationError("SQLite has no schemas: use table_prefix")
        is_look = door.dialect_name == "sqlite" and not makes
        return cls(_window(url) if is_look else door, tables, door.dialect_name)

    @classmethod
    def of(cls, repository: SqlRepository) -> Migration:
        """Of the database behind a client's repository, which stays open."""
        return cls(repository._door, repository._schema, repository._door.dialect_name)

    async def plan(self, *, to: int | None = None, role: str = "") -> Plan:
        """What would be done; nothing is written.

        Raises:
            ConfigurationError: there is no such step, or no such role can be.
            StoreUnreachable: no database answers.
        """
        self._check(to, role)
        version = await self._version()
        schema, prefix = self._tables.name or None, self._tables.prefix
        script = sql(self._dialect, after=version, to=to, schema=schema, table_prefix=prefix)
        if role:
            script += f"-- what {role} may\n\n{restriction_sql(role, schema=schema, table_prefix=prefix)}"
        steps = tuple((step.number, step.name) for step in STEPS[version:to])
        return Plan(dialect=self._dialect, version=version, latest=LATEST, steps=steps, script=script)

    async def apply(self, *, to: int | None = None, role: str = "") -> int:
        """Take the steps, and give a role its rights, in one transaction; returns the version reached.

        Raises:
            ConfigurationError: as for `plan`, or another table has the name of one of ours.
            StoreUnreachable, StoreReadOnly, StoreError: nothing was kept.
        """
        self._check(to, role)
        assert self._door is not None, "a missing file is made before"
        tables = self._tables
        async with self._door.link(writes=True) as link:
            reached = await link.run(lambda connection: upgrade_tables(connection, tables, to))
            if role:
                schema, prefix = tables.name or None, tables.prefix
                await link.run(lambda one: restrict(one, role, schema=schema, table_prefix=prefix))
            await link.commit()
            return reached

    async def close(self) -> None:
        """Give connections back, where the engine is ours."""
        if self._door is not None:
            await self._door.close()

    async def _version(self) -> int:
        if self._door is None:
            return 0
        async with self._door.link(writes=False) as link:
            return await link.run(lambda connection: version_of(connection, self._tables))

    def _check(self, to: int | None, role: str) -> None:
        if to is not None and not 1 <= to <= LATEST:
            raise ConfigurationError(f"there is no step {to}: this release has 1 to {LATEST}")
        if role and self._dialect != "postgresql":
            raise ConfigurationError(f"{self._dialect} has no roles")


def _window(url: str) -> Door | None:
    """A door that changes nothing of a SQLite file, not even its journal's kind; None without a file."""
    file = Path(make_url(url).database or "").absolute()
    if not file.is_file():
        return None
    return BlockingDoor(create_engine(f"sqlite:///file:{quote(str(file))}?mode=ro&uri=true"), is_ours=True)


def place_at(url: str) -> str:
    """Where a URL leads, for people: no password, no options."""
    return make_url(url).set(query={}).render_as_string(hide_password=True)
