"""Stores on both databases for tests of what happens at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.sql import Stores, engine_for, wait_long


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'pay.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def stores() -> Iterator[Stores]:
    """Opens stores; closes them after the test."""
    stores = Stores()
    yield stores
    stores.close()


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """An engine for looking at the PostgreSQL database of the test."""
    with engine_for(postgres_url) as engine:
        yield engine


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many writers at once each wait until it is their turn."""
    wait_long(monkeypatch)
