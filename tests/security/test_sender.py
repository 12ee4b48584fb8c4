"""What an HTTP provider is told and tells stays out of logs, errors and reprs, whatever goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from invoicepay.adapters.http import Answer, Limits, Request, Sender, judge
from invoicepay.errors import InvoicePayError
from invoicepay.testing import AwaitingHost, BlockingHost, Host
from invoicepay.testing.simulators.server import Receive, Scope, Send, Served
from tests.adapters.http.test_classes import MAY_HAVE_ARRIVED
from tests.adapters.http.wire import answering, free_port, peer
from tests.security.canaries import Trap, digits_canary, text_canary

LIMITS = Limits(total_seconds=0.3, tries=2)
HEADER, BEARER, QUERY, PATH, BODY, NUMBER, ANSWER = (
    text_canary(name) for name in ("header", "bearer", "query", "path", "body", "number", "answer")
)
ACCOUNT = digits_canary("account", 16)

REQUEST = Request(
    "POST",
    f"/accounts/{PATH}",
    operation="transfer",
    query={"token": QUERY, "account": ACCOUNT},
    headers={"X-Api-Key": SecretStr(HEADER), "Authorization": f"Bearer {BEARER}"},
    json={"card": ACCOUNT, "name": BODY, "number": NUMBER},
)
ECHO = (
    f"HTTP/1.1 400 {ANSWER}\r\nSet-Cookie: {ANSWER}\r\nX-Echo: {HEADER}\r\nX-Request-Id: r-1\r\n\r\n"
    f'{{"error": "card {ACCOUNT} of {BODY} with {HEADER} refused", "token": "{ANSWER}"}}'
).encode()
WAYS = {
    **MAY_HAVE_ARRIVED,
    "answers": answering(ECHO),
    "401": answering(ECHO.replace(b"400", b"401")),
    "500": answering(ECHO.replace(b"400", b"500")),
    "redirects": answering(f"HTTP/1.1 302 x\r\nLocation: https://{ANSWER}.test/\r\n\r\n".encode()),
    "bad header": answering(f"HTTP/1.1 200 OK\r\n{ANSWER}\r\n\r\n".encode()),
    "bad chunks": answering(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{ANSWER}\r\n".encode()),
    "bad length": answering(f"HTTP/1.1 200 OK\r\nContent-Length: {ANSWER}\r\n\r\n".encode()),
}


@pytest.fixture
def trap() -> Trap:
    made = Trap()
    for value in (HEADER, BEARER, QUERY, PATH, BODY, NUMBER, ANSWER, ACCOUNT):
        made.plant(value[:8], value)
    return made


@pytest.fixture(params=[BlockingHost, AwaitingHost], ids=["blocking", "awaiting"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    made = request.param()
    yield made
    made.close()


def drive(host: Host, sender: Sender, trap: Trap, request: Request = REQUEST) -> None:
    """Order, ask and judge, and keep all that is told."""
    for is_order in (True, False):
        call = sender.order if is_order else sender.ask
        try:
            answer = host.run(call(request))
            trap.see("an answer", answer)
            trap.see("what an adapter may tell of it", sender.scrub(answer.body.decode()))
            _read(answer, is_order=is_order)
        except (InvoicePayError, ValueError) as error:
            trap.see_error("an error", error)
    trap.see("a sender", sender)
    host.run(sender.aclose())


def _read(answer: Answer, *, is_order: bool) -> None:
    judge(answer, is_order=is_order)
    answer.json()


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_told_of_a_call_that_goes_wrong(host: Host, trap: Trap, way: str) -> None:
    secrets = (HEADER, BEARER, QUERY, PATH, BODY, NUMBER, ANSWER)

    with peer(WAYS[way]) as server, trap.listening():
        drive(host, Sender("acme", server.url, limits=LIMITS, secrets=secrets), trap)

    assert trap.found() == []
    assert trap.looks > 5


def test_nothing_is_told_of_a_call_that_never_left(host: Host, trap: Trap) -> None:
    with trap.listening():
        drive(host, Sender("acme", f"http://127.0.0.1:{free_port()}", limits=LIMITS), trap)
        drive(host, Sender("acme", f"https://{HEADER}.invalid", limits=LIMITS), trap)

    assert [hit for hit in trap.found() if ".invalid" not in hit] == []


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/", operation="o", headers={"X-Key": SecretStr(f"{HEADER}\n")}),
        Request("GET", "/", operation="o", headers={"X-Key": SecretStr(f"{HEADER}ä")}),
        Request("GET", "/", operation="o", headers={f"X {HEADER}": "a"}),
        Request("GET", "/", operation="o", json={"card": object(), "key": HEADER}),
        Request("GET", "/", operation="o", json={HEADER: float("nan")}),
        Request("GET", f"/{HEADER}\x00", operation="o"),
        Request("GET", "/\ud800", operation="o", query={"key": f"{QUERY}\ud800"}),
    ],
    ids=range(7),
)
def test_nothing_is_told_of_a_request_that_cannot_be_written(
    host: Host, trap: Trap, request_: Request
) -> None:
    with peer(answering(b"HTTP/1.1 200 OK\r\n\r\n")) as server, trap.listening():
        drive(host, Sender("acme", server.url, limits=LIMITS), trap, request_)

    assert trap.found() == []


def test_the_libraries_still_log_the_calls_of_others(caplog: pytest.LogCaptureFixture) -> None:
    Sender("acme", "https://acme.test").close()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    with Served(app) as server, caplog.at_level(logging.DEBUG), httpx.Client(trust_env=False) as client:
        client.get(server.url)

    assert {record.name.partition(".")[0] for record in caplog.records} >= {"httpx", "httpcore"}


def test_our_own_log_says_what_became_of_a_call(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    with peer(answering(ECHO)) as server, caplog.at_level(logging.DEBUG, "invoicepay.http"):
        sender = Sender("acme", server.url)
        host.run(sender.order(REQUEST))
        host.run(sender.aclose())

    said: list[Any] = [one.getMessage() for one in caplog.records if one.name == "invoicepay.http"]
    assert len(said) == 1
    assert said[0].startswith("acme transfer: 400, ")
