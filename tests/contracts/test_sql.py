"""SQLite and PostgreSQL keep the contract of every repository, through blocking and awaiting engines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from invoicepay.adapters.sql import connect_store, migrate_url
from invoicepay.adapters.system import SystemIds
from invoicepay.ports.repository import Repository
from invoicepay.testing.hosts import AwaitingHost, Host
from invoicepay.testing.repository_contract import RepositoryContract


class TestSqlite(RepositoryContract):
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Repository:
        return connect_store(f"sqlite:///{tmp_path / 'pay.db'}", SystemIds().new, blocking=True)


class TestPostgres(RepositoryContract):
    @pytest.fixture
    def repository(self, postgres_url: str) -> Repository:
        migrate_url(postgres_url)
        return connect_store(postgres_url, SystemIds().new, blocking=True)


class Awaiting:
    @pytest.fixture
    def host(self) -> Iterator[Host]:
        host = AwaitingHost()
        yield host
        host.close()


class TestSqliteAwaiting(Awaiting, RepositoryContract):
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Repository:
        return connect_store(f"sqlite:///{tmp_path / 'pay.db'}", SystemIds().new, blocking=False)


class TestPostgresAwaiting(Awaiting, RepositoryContract):
    @pytest.fixture
    def repository(self, postgres_url: str) -> Repository:
        migrate_url(postgres_url)
        return connect_store(postgres_url, SystemIds().new, blocking=False)


@pytest.mark.long
class TestPostgresInASchema(RepositoryContract):
    @pytest.fixture
    def repository(self, postgres_url: str) -> Repository:
        place: dict[str, Any] = {"schema": "billing", "table_prefix": "pay_"}
        migrate_url(postgres_url, **place)
        return connect_store(postgres_url, SystemIds().new, blocking=True, **place)
