"""What is sent and read, what is never followed or kept, and who may share a sender."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakSet

import httpcore
import httpx
import pytest

from invoicepay import run_blocking
from invoicepay.adapters.http import Limits, Request, Sender
from invoicepay.errors import ConfigurationError, ProviderUnavailable, ProviderUnknown
from invoicepay.testing import Host
from invoicepay.testing.simulators.server import Receive, Scope, Send, Served
from tests.adapters.http.conftest import MakeSender
from tests.adapters.http.provider import ORDER, QUESTION, Hours, Provider, outcome
from tests.adapters.http.wire import answering, peer, staying


def test_an_answer_is_read_to_its_end(host: Host, sender: MakeSender, url: str) -> None:
    answer = host.run(sender(url).order(ORDER))

    assert (answer.status, answer.json(), answer.provider, answer.operation) == (
        200,
        {"id": "t-1"},
        "acme",
        "transfer",
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(host: Host, sender: MakeSender, status: int) -> None:
    with peer(answering(b"HTTP/1.1 200 OK\r\n\r\n")) as elsewhere:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere.url}/\r\nContent-Length: 0\r\n\r\n"
        with peer(answering(head.encode())) as server:
            answer = host.run(sender(server.url).order(ORDER))

        assert (answer.status, elsewhere.connections) == (status, 0)


def test_cookies_are_forgotten(host: Host, sender: MakeSender) -> None:
    heard: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            heard.extend(value for name, value in scope["headers"] if name == b"cookie")
            await send({"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", b"a=1")]})
            await send({"type": "http.response.body", "body": b""})

    with Served(app) as server:
        made = sender(server.url)
        for _ in range(2):
            host.run(made.order(ORDER))

    assert heard == []


def test_proxies_and_logins_of_the_environment_are_not_read(
    host: Host, sender: MakeSender, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert host.run(sender(url).order(ORDER)).status == 200


def test_what_is_sent_is_what_the_request_says(host: Host, sender: MakeSender) -> None:
    heard: dict[str, Any] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            heard.update(scope, headers=dict(scope["headers"]), body=(await receive())["body"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    request = Request(
        "PUT",
        "/a%20b",
        operation="put",
        query={"at": "1 2"},
        headers={"X-Key": "k", "accept-encoding": "identity"},
        json={"ä": ["1.00"]},
    )
    with Served(app) as server:
        host.run(sender(server.url).order(request))

    assert (heard["method"], heard["raw_path"], heard["query_string"]) == ("PUT", b"/a%20b", b"at=1+2")
    assert heard["body"] == '{"ä":["1.00"]}'.encode()
    assert heard["headers"][b"x-key"] == b"k"
    assert heard["headers"][b"content-type"] == b"application/json"
    assert heard["headers"][b"accept-encoding"] == b"identity"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.acme.test",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "api.acme.test",
        "https://",
        "https://me:secret@api.acme.test",
        "http://localhost.evil.test",
    ],
)
def test_a_base_url_that_is_not_https_or_here_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Sender("acme", url)

    assert "secret" not in str(caught.value)


def test_an_absolute_url_of_a_request_is_held_to_the_same_rule(host: Host, sender: MakeSender) -> None:
    made = sender("https://api.acme.test")

    with pytest.raises(ConfigurationError):
        host.run(made.ask(Request("GET", "http://169.254.169.254/latest", operation="find")))


def test_a_transport_that_tells_nothing_is_judged_by_what_it_raises(host: Host, sender: MakeSender) -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("late")

    def maybe(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    outcomes = [
        outcome(host, sender("https://acme.test", transport=httpx.MockTransport(act)).order(ORDER))
        for act in (never, maybe)
    ]

    assert [type(one) for one in outcomes] == [ProviderUnavailable, ProviderUnknown]


@pytest.mark.parametrize("late", [httpx.PoolTimeout("full"), httpcore.PoolTimeout("full")])
def test_a_pool_of_ours_that_is_full_tells_nothing_about_the_provider(
    host: Host, sender: MakeSender, hours: Hours, late: Exception
) -> None:
    asked = 0

    def full(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        raise late

    made = sender("https://acme.test", transport=httpx.MockTransport(full), clock=hours, sleep=hours.sleep)
    outcomes = [outcome(host, made.ask(QUESTION)) for _ in range(6)]

    assert [type(one) for one in outcomes] == [ProviderUnavailable] * 6
    assert asked == 6 * Limits().tries
    assert all("every connection is in use" in str(one) for one in outcomes)


def test_a_refusal_of_one_order_by_403_lets_others_go_on(
    host: Host, sender: MakeSender, provider: Provider, url: str
) -> None:
    provider.faults.fail_before(403, times=6)
    made = sender(url, is_locked_out=lambda answer: answer.status == 401)

    assert [host.run(made.order(ORDER)).status for _ in range(7)] == [403] * 6 + [200]


def test_threads_share_a_sender(url: str, provider: Provider) -> None:
    made = Sender("acme", url)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: run_blocking(made.order(ORDER)).status, range(64)))
    made.close()

    assert answers == [200] * 64
    assert provider.done == 64


def test_one_sender_serves_one_event_loop_after_the_other_and_blocking_hosts_between(url: str) -> None:
    made = Sender("acme", url)

    async def once() -> int:
        answer = await made.order(ORDER)
        await made.aclose()
        return answer.status

    assert [asyncio.run(once()), run_blocking(once()), asyncio.run(once())] == [200, 200, 200]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_event_loops_that_ended_without_closing_leave_nothing_behind(url: str) -> None:
    made = Sender("acme", url)
    loops = WeakSet[asyncio.AbstractEventLoop]()

    async def once() -> int:
        loops.add(asyncio.get_running_loop())
        return (await made.order(ORDER)).status

    async def at_last() -> int:
        status = await once()
        await made.aclose()
        return status

    assert [asyncio.run(once()) for _ in range(20)] == [200] * 20
    assert asyncio.run(at_last()) == 200
    gc.collect()

    assert len(loops) == 0


def _in_a_child(made: Sender, pipe: Any) -> None:
    pipe.send(run_blocking(made.order(ORDER)).status)
    pipe.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_opens_connections_of_its_own() -> None:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    with peer(staying) as server:
        made = Sender("acme", server.url)
        run_blocking(made.order(ORDER))

        child = context.Process(target=_in_a_child, args=(made, there))
        child.start()
        in_child = here.recv()
        child.join()
        in_parent = run_blocking(made.order(ORDER)).status
        made.close()

        assert (in_child, in_parent, server.connections) == (200, 200, 2)
