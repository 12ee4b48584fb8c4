"""One scene for all refusals, because they leave no trace; another one that is rewound for what succeeds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.input.scene import Scene, scene
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def home() -> Iterator[Scene]:
    """A scene in memory."""
    with scene() as made:
        yield made


@pytest.fixture(scope="session")
def sqlite_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The same scene in a SQLite file."""
    path: Path = tmp_path_factory.mktemp("input") / "pay.db"
    with scene(f"sqlite:///{path}") as made:
        yield made


@pytest.fixture(scope="session")
def postgres_home(postgres_server: PostgresServer) -> Iterator[Scene]:
    """The same scene in PostgreSQL."""
    database = postgres_server.clone()
    with scene(postgres_server.url(database)) as made:
        yield made
    postgres_server.drop(database)


@pytest.fixture(scope="session")
def _acted_on() -> Iterator[tuple[Scene, dict[str, Any]]]:
    with scene() as made:
        yield made, made.stored()


@pytest.fixture
def fresh(_acted_on: tuple[Scene, dict[str, Any]]) -> Iterator[Scene]:
    """A scene in memory in which calls may succeed; the books are as at the beginning for every test."""
    made, stored = _acted_on
    yield made
    made.rewind(stored)
