"""Both kinds of host, and a desk in front of a fresh gateway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.testing.hosts import AwaitingHost, BlockingHost, Host
from tests.adapters.tillipay.desk import Desk, desk


@pytest.fixture(params=[BlockingHost, AwaitingHost], ids=["blocking", "awaiting"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    made: Host = request.param()
    yield made
    made.close()


@pytest.fixture
def at(host: Host) -> Iterator[Desk]:
    """A desk whose connections are ended in the host that made them."""
    with desk() as made:
        yield made
        host.run(made.rails.aclose())
