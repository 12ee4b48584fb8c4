"""What is sent in bulk arrives letter by letter: COPY's blocks and PostgreSQL's arrays, for any text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from invoicepay.adapters.sql.blocks import array, blocks
from invoicepay.adapters.sql.wire import Ask, ask, copy
from invoicepay.errors import InvalidText
from tests.support.sql import engine_for

LETTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.one_of(
    st.text(LETTERS),
    st.text(st.sampled_from('\\Nntr\t\n\r"{},\x02 é漢')),
    st.sampled_from(["", "\\N", "\\.", "NULL", "null", "{}", "\\", "\r\n"]),
)
VALUES = st.one_of(st.none(), TEXTS)
ROWS = st.lists(st.tuples(VALUES, TEXTS, VALUES), min_size=1, max_size=150)
FAST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def connection(postgres_url: str) -> Iterator[Connection]:
    with engine_for(postgres_url) as engine, engine.connect() as connection:
        connection.exec_driver_sql(
            "CREATE TEMPORARY TABLE kept (place serial, one text, two text, three text)"
        )
        yield connection


@FAST
@given(rows=ROWS)
def test_blocks_arrive_as_they_were(connection: Connection, rows: list[Any]) -> None:
    connection.exec_driver_sql("TRUNCATE kept")

    copy(connection, "COPY kept (one, two, three) FROM STDIN", blocks(rows))

    stored = connection.exec_driver_sql("SELECT one, two, three FROM kept ORDER BY place").all()
    assert [tuple(row) for row in stored] == rows


@FAST
@given(values=st.lists(VALUES, max_size=20))
def test_an_array_arrives_as_it_was(connection: Connection, values: list[Any]) -> None:
    (answer,) = ask(connection, [Ask("SELECT unnest(%s::text[])", (array(values),))])

    assert [row[0] for row in answer.rows] == values


def test_a_row_with_a_nul_is_refused() -> None:
    with pytest.raises(InvalidText):
        list(blocks([("a", "b\0c")]))
