"""A provider that counts what it carried out, behind faults, and a clock that is moved by waiting."""

from __future__ import annotations

from typing import Any

from invoicepay.adapters.http import Answer, Request
from invoicepay.errors import ProviderError
from invoicepay.testing import Host
from invoicepay.testing.simulators.faults import Faults
from invoicepay.testing.simulators.server import Receive, Scope, Send

ORDER = Request("POST", "/transfers", operation="transfer", json={"amount": "12.00"})
QUESTION = Request("GET", "/transfers/7", operation="find")


class Hours:
    """A clock that is moved by waiting."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds


class Provider:
    """A provider that counts what it carried out, behind faults on command."""

    def __init__(self) -> None:
        self.done = 0
        self.faults = Faults(self._app)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.done += 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", b"a=1")]})
        await send({"type": "http.response.body", "body": b'{"id": "t-1"}'})


class Place:
    """Where the provider of the test at hand answers."""

    provider: Provider
    url: str

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.provider.faults(scope, receive, send)


def outcome(host: Host, call: Any) -> Answer | ProviderError:
    try:
        answer: Answer = host.run(call)
    except ProviderError as error:
        return error
    return answer
