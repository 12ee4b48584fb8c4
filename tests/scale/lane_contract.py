"""The contract of every repository on tables that other processes fill: `test_processes.py` runs several."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from invoicepay.adapters.sql import connect_store
from invoicepay.adapters.system import SystemIds
from invoicepay.ports.repository import Repository
from invoicepay.testing.hosts import Host
from invoicepay.testing.repository_contract import RepositoryContract
from invoicepay.testing.store import TENANT, Store

URL, LANE = "INVOICEPAY_TEST_URL", "INVOICEPAY_TEST_LANE"


class Lane:
    """A repository among others: of all tenants it lists those whose names begin with its prefix."""

    def __init__(self, inner: Repository, prefix: str) -> None:
        self._inner, self._prefix = inner, prefix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def tenants(self) -> tuple[str, ...]:
        """Its own tenants by their plain names."""
        prefix = self._prefix
        return tuple(id.removeprefix(prefix) for id in await self._inner.tenants() if id.startswith(prefix))


class LaneStore(Store):
    """A store whose tenants are nobody else's."""

    def __init__(self, host: Host, repository: Repository, prefix: str, tenant_id: str = TENANT) -> None:
        super().__init__(host, repository, tenant_id=prefix + tenant_id)
        self._prefix = prefix

    def of_tenant(self, tenant_id: str) -> Store:
        """The same repository for another tenant."""
        return LaneStore(self.host, self.repository, self._prefix, tenant_id)


class TestLane(RepositoryContract):
    @pytest.fixture
    def prefix(self, request: pytest.FixtureRequest) -> str:
        return f"{os.environ[LANE]}/{request.node.name}/"

    @pytest.fixture
    def repository(self, prefix: str) -> Repository:
        url, stream = os.environ[URL], os.environ[LANE]
        return Lane(connect_store(url, SystemIds().new, blocking=True, stream=stream), prefix)

    @pytest.fixture
    def store(self, host: Host, repository: Repository, prefix: str) -> Iterator[Store]:
        yield LaneStore(host, repository, prefix)
        host.run(repository.close())
