"""What every table has in common, whichever entities there will be."""

from __future__ import annotations

from dataclasses import fields

import pytest
from sqlalchemy import Dialect, Table, create_mock_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from invoicepay.adapters.sql.schema import TABLE_NAMES, schema_of
from invoicepay.domain.entity import Entity
from invoicepay.domain.invoices import Invoice
from invoicepay.testing.samples import kinds

SCHEMA = schema_of()
SQLITE, POSTGRES = (
    create_mock_engine(f"{name}://", print).dialect for name in ("sqlite", "postgresql+psycopg")
)
TABLES = SCHEMA.metadata.sorted_tables


def test_every_kind_of_entity_has_its_table() -> None:
    assert set(TABLE_NAMES) == set(kinds())


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.KIND)
def test_every_field_of_an_entity_has_its_column(kind: type[Entity]) -> None:
    stored = {part.name for part in fields(kind) if not part.metadata.get("transient")}

    assert {column.name for column in SCHEMA.kinds[kind].table.columns} == stored | {"tenant_id"}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_key_starts_with_the_tenant(table: Table) -> None:
    if table is SCHEMA.version:
        return
    first = [next(iter(index.columns)).name for index in table.indexes]

    assert {next(iter(table.primary_key.columns)).name, *first} == {"tenant_id"}


def test_no_index_names_the_status_of_an_invoice() -> None:
    named = [str(CreateIndex(index)) for index in SCHEMA.kinds[Invoice].table.indexes]

    assert named
    assert not [text for text in named if "status" in text]


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRES], ids=lambda dialect: dialect.name)
def test_names_stay_short_enough_under_a_prefix(dialect: Dialect) -> None:
    for table in schema_of(None, "p" * 8 + "_").metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=dialect))
        assert all(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)


def test_sqlite_tables_refuse_values_of_another_type() -> None:
    lax = [table.name for table in TABLES if "STRICT" not in str(CreateTable(table).compile(dialect=SQLITE))]

    assert lax == []
