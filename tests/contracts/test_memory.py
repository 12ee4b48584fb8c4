"""The repository in memory keeps the contract of every repository."""

import pytest

from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.system import SystemIds
from invoicepay.ports.repository import Repository
from invoicepay.testing.repository_contract import RepositoryContract


class TestMemory(RepositoryContract):
    @pytest.fixture
    def repository(self) -> Repository:
        return MemoryRepository(SystemIds().new)
