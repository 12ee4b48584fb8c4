"""Databases of a host, with our tables in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from invoicepay import InvoicePay, migrate
from tests.hosts.shop import opened
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine as a host makes it, without any of our settings."""
    if request.param == "sqlite":
        yield from _lasting(f"sqlite:///{tmp_path_factory.mktemp('host') / 'shop.db'}")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    database = server.clone()
    migrate(server.url(database))
    yield from _lasting(server.url(database))
    server.drop(database)


def _lasting(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def pay(engine: Engine) -> Iterator[InvoicePay]:
    """A client on the host's engine."""
    with opened(engine) as pay:
        yield pay


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    """A fresh file."""
    yield from _lasting(f"sqlite:///{tmp_path / 'shop.db'}")
