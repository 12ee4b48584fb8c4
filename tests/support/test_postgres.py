"""The tests' own PostgreSQL: it answers, keeps databases apart, and leaves nothing behind."""

import os

import pytest
from sqlalchemy import create_engine, text

from tests.support import postgres
from tests.support.postgres import PostgresServer, PostgresUnavailable


def query(url: str, statement: str) -> object:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            found = connection.execute(text(statement))
            return found.scalar() if found.returns_rows else None
    finally:
        engine.dispose()


def test_a_fresh_database_answers(postgres_url: str) -> None:
    assert query(postgres_url, "select 1") == 1


def test_two_databases_know_nothing_of_each_other(postgres_server: PostgresServer, postgres_url: str) -> None:
    query(postgres_url, "create table only_here (id int)")

    other = postgres_server.clone()

    assert query(postgres_url, "select to_regclass('only_here')::text") == "only_here"
    assert query(postgres_server.url(other), "select to_regclass('only_here')::text") is None
    postgres_server.drop(other)


def test_a_clone_starts_with_what_its_template_holds(postgres_server: PostgresServer) -> None:
    template = postgres_server.clone()
    query(postgres_server.url(template), "create table seed as select 7 as id")

    copy = postgres_server.clone(template)

    assert query(postgres_server.url(copy), "select id from seed") == 7
    postgres_server.drop(copy)
    postgres_server.drop(template)


def test_an_older_durable_server_can_be_had_and_stopping_it_leaves_nothing() -> None:
    with postgres.start(16, durable=True) as server:
        version = str(query(server.url(), "show server_version"))
        fsync = query(server.url(), "show fsync")

    assert version.startswith("16.")
    assert fsync == "on"
    assert not server.folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server.process.pid, 0)


def test_a_version_that_is_not_in_the_wheel_is_refused_with_a_sentence() -> None:
    with pytest.raises(PostgresUnavailable, match=r"PostgreSQL 9 is not in the wheel; there are \[16, 18\]"):
        postgres.start(9)


def test_without_the_wheel_the_tests_fail_and_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "WHEEL", "a_wheel_that_is_not_here")

    with pytest.raises(PostgresUnavailable, match=r"dev\.py test"):
        postgres.start()
