"""Both kinds of host, and senders that are closed in the host that used them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from invoicepay.adapters.http import Sender
from invoicepay.testing import AwaitingHost, BlockingHost, Host

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
