"""The contract of every repository on tables that other processes fill: `test_processes.py` runs several."""

from __future__ import annotations

import os

import pytest

from invoicepay.adapters.sql import connect_store
from invoicepay.adapters.system import SystemIds
from invoicepay.ports.repository import Repository
from invoicepay.testing.repository_contract import RepositoryContract
from tests.scale.apart import Apart, lane

URL, LANE = "INVOICEPAY_TEST_URL", "INVOICEPAY_TEST_LANE"


class TestLane(Apart, RepositoryContract):
    @pytest.fixture
    def prefix(self, request: pytest.FixtureRequest) -> str:
        return f"{os.environ[LANE]}/{request.node.name}/"

    @pytest.fixture
    def repository(self, prefix: str) -> Repository:
        url, stream = os.environ[URL], os.environ[LANE]
        return lane(connect_store(url, SystemIds().new, blocking=True, stream=stream), prefix)
