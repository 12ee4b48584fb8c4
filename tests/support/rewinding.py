"""A PostgreSQL database that goes back to what it was, faster than it could be copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

VACUUM_AFTER = 200
"""Times of going back after which too many dead rows lie around."""


class Rewinder:
    """Keeps copies of all tables, and puts back whatever has changed since.

    Args:
        owner: a superuser's connection, each statement its own transaction: triggers that guard rows which
            are only ever added look away while it puts them back.
    """

    def __init__(self, owner: psycopg.Connection[Any]) -> None:
        self._owner = owner
        found = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        self.tables = tuple(name for (name,) in found.fetchall())
        self._keys = {table: self._key_of(table) for table in self.tables}
        self._counts = dict[str, Mapping[str, int]]()
        self._at, self._mark, self._times = "", 0, 0

    def keep(self, name: str) -> None:
        """Remember everything under a name."""
        self._owner.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE; CREATE SCHEMA "{name}"')
        for table in self.tables:
            self._owner.execute(f'CREATE TABLE "{name}"."{table}" AS TABLE public."{table}"')
        self._counts[name] = self.counted()
        self._at, self._mark = name, self._newest()

    def go_back(self, name: str) -> None:
        """Make everything what it was under that name."""
        self._times += 1
        if self._times % VACUUM_AFTER == 0:
            self._owner.execute("VACUUM")
        self._owner.execute("SET session_replication_role = replica")
        for table in self._touched() if name == self._at else self.tables:
            key = self._keys[table]
            newer = f"xmin::text::bigint > {self._mark}" if name == self._at else "true"
            self._owner.execute(
                f'DELETE FROM public."{table}" WHERE {newer};'
                f'INSERT INTO public."{table}" SELECT * FROM "{name}"."{table}" k'
                f' WHERE ({key}) NOT IN (SELECT {key} FROM public."{table}")'
            )
        self._owner.execute("SET session_replication_role = origin")
        self._at, self._mark = name, self._newest()

    def counted(self) -> Mapping[str, int]:
        """How many rows each table has."""
        return {table: count for table, count, _ in self._looked_at()}

    def changed(self) -> tuple[list[tuple[str, Mapping[str, Any]]], Mapping[str, int]]:
        """Every row that is new or changed, with its table; and how many rows each table has."""
        looked = self._looked_at()
        rows = list[tuple[str, Mapping[str, Any]]]()
        for table in (table for table, _, has_new in looked if has_new):
            query = f'SELECT * FROM public."{table}" WHERE xmin::text::bigint > {self._mark}'
            with self._owner.cursor(row_factory=dict_row) as cursor:
                rows += [(table, row) for row in cursor.execute(query).fetchall()]
        return rows, {table: count for table, count, _ in looked}

    def _touched(self) -> list[str]:
        """Tables with rows that are new, changed or gone."""
        before = self._counts[self._at]
        return [table for table, count, has_new in self._looked_at() if has_new or count < before[table]]

    def _looked_at(self) -> list[tuple[str, int, bool]]:
        """Each table with its count, and whether anything in it is new or changed."""
        each = " UNION ALL ".join(
            f"SELECT '{table}', count(*), coalesce(bool_or(xmin::text::bigint > {self._mark}), false)"
            f' FROM public."{table}"'
            for table in self.tables
        )
        return self._owner.execute(each).fetchall()

    def texts(self) -> Iterator[str]:
        """Every row as text."""
        for table in self.tables:
            for (text,) in self._owner.execute(f'SELECT t::text FROM public."{table}" t').fetchall():
                yield text

    def _key_of(self, table: str) -> str:
        found = self._owner.execute(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
            " AND a.attnum = ANY(i.indkey) WHERE i.indisprimary AND i.indrelid = %s::regclass",
            [f'public."{table}"'],
        )
        return ", ".join(f'"{name}"' for (name,) in found.fetchall())

    def _newest(self) -> int:
        found = self._owner.execute("SELECT txid_current()").fetchone()
        assert found is not None
        return int(found[0])
