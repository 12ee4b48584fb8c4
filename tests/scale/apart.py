"""Tests that share one database: each has tenants that are nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from invoicepay.ports.repository import Repository
from invoicepay.testing.hosts import Host
from invoicepay.testing.store import TENANT, Store


def lane(repository: Repository, prefix: str) -> Repository:
    """The repository, which of all tenants lists those whose names begin with a prefix."""
    return cast(Repository, _Lane(repository, prefix))


class _Lane:
    def __init__(self, inner: Repository, prefix: str) -> None:
        self._inner, self._prefix = inner, prefix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def tenants(self) -> tuple[str, ...]:
        """Its own tenants by their plain names."""
        prefix = self._prefix
        return tuple(id.removeprefix(prefix) for id in await self._inner.tenants() if id.startswith(prefix))


class LaneStore(Store):
    """A store whose tenants have names that begin with a prefix."""

    def __init__(self, host: Host, repository: Repository, prefix: str, tenant_id: str = TENANT) -> None:
        super().__init__(host, repository, tenant_id=prefix + tenant_id)
        self._prefix = prefix

    def of_tenant(self, tenant_id: str) -> Store:
        """The same repository for another tenant."""
        return LaneStore(self.host, self.repository, self._prefix, tenant_id)


class Apart:
    """For a `RepositoryContract` whose tests share a database; its `repository` is a `lane`."""

    @pytest.fixture
    def prefix(self, request: pytest.FixtureRequest) -> str:
        """What the names of this test's tenants begin with."""
        return f"{request.node.name}/"

    @pytest.fixture
    def store(self, host: Host, repository: Repository, prefix: str) -> Iterator[Store]:
        """The repository with what drives it."""
        yield LaneStore(host, repository, prefix)
        host.run(repository.close())
