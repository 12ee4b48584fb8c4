"""Both kinds of host, and senders that are closed in the host that used them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from invoicepay.adapters.http import Sender
from invoicepay.testing import AwaitingHost, BlockingHost, Host
from invoicepay.testing.simulators.server import Served
from tests.adapters.http.provider import Hours, Place, Provider

MakeSender = Callable[..., Sender]


@pytest.fixture(params=[BlockingHost, AwaitingHost], ids=["blocking", "awaiting"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    made = request.param()
    yield made
    made.close()


@pytest.fixture
def sender(host: Host) -> Iterator[MakeSender]:
    made: list[Sender] = []

    def make(url: str, **options: Any) -> Sender:
        made.append(Sender("acme", url, **options))
        return made[-1]

    yield make
    for one in made:
        host.run(one.aclose())


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    made = Place()
    with Served(made.app) as server:
        made.url = server.url
        yield made


@pytest.fixture
def provider(place: Place) -> Provider:
    place.provider = Provider()
    return place.provider


@pytest.fixture
def url(place: Place, provider: Provider) -> str:
    return place.url


@pytest.fixture
def hours() -> Hours:
    return Hours()
