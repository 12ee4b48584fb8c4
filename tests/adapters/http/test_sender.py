"""When a call is begun again, when a provider is left alone, and what is never followed or read."""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakSet

import httpcore
import httpx
import pytest

from invoicepay import run_blocking
from invoicepay.adapters.http import Answer, Limits, Request, Sender, together
from invoicepay.errors import ConfigurationError, ProviderError, ProviderUnavailable, ProviderUnknown
from invoicepay.testing import Host
from invoicepay.testing.simulators.faults import Faults
from invoicepay.testing.simulators.server import Receive, Scope, Send, Served
from tests.adapters.http.conftest import MakeSender
from tests.adapters.http.wire import answering, dripping, peer, staying

ORDER = Request("POST", "/transfers", operation="transfer", json={"amount": "12.00"})
QUESTION = Request("GET", "/transfers/7", operation="find")
PATIENT = Limits(failures=1_000)


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


def outcome(host: Host, call: Any) -> Answer | ProviderError:
    try:
        answer: Answer = host.run(call)
    except ProviderError as error:
        return error
    return answer


def test_an_answer_is_read_to_its_end(host: Host, sender: MakeSender, url: str) -> None:
    answer = host.run(sender(url).order(ORDER))

    assert (answer.status, answer.json(), answer.provider, answer.operation) == (
        200,
        {"id": "t-1"},
        "acme",
        "transfer",
    )


@pytest.mark.parametrize(
    "lose",
    [Faults.drop_request, Faults.drop_answer, lambda faults: faults.fail_after(500)],
    ids=["request lost", "answer lost", "500 after the effect"],
)
def test_an_order_that_may_have_arrived_is_never_sent_again(
    host: Host, sender: MakeSender, url: str, provider: Provider, lose: Callable[[Faults], None]
) -> None:
    lose(provider.faults)

    outcome(host, sender(url).order(ORDER))

    assert provider.faults.seen == ("POST /transfers",)


def test_an_order_is_not_repeated_after_503_or_429_either(
    host: Host, sender: MakeSender, url: str, provider: Provider
) -> None:
    provider.faults.fail_before(503)
    provider.faults.too_many()
    made = sender(url)

    statuses = [host.run(made.order(ORDER)).status for _ in range(2)]

    assert (statuses, provider.done, len(provider.faults.seen)) == ([503, 429], 0, 2)


@pytest.mark.parametrize(
    "trouble",
    [
        lambda faults: faults.drop_answer(times=2),
        lambda faults: faults.fail_before(503, times=2),
        lambda faults: faults.fail_after(502, times=2),
        lambda faults: faults.fail_before(504, times=2),
    ],
    ids=["lost", "503", "502", "504"],
)
def test_a_question_is_repeated_until_it_is_answered(
    host: Host,
    sender: MakeSender,
    url: str,
    provider: Provider,
    hours: Hours,
    trouble: Callable[[Faults], None],
) -> None:
    trouble(provider.faults)

    answer = host.run(sender(url, clock=hours, sleep=hours.sleep).ask(QUESTION))

    assert (answer.status, len(provider.faults.seen), len(hours.waits)) == (200, 3, 2)


def test_a_question_that_is_refused_to_the_end_gives_the_last_answer(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    provider.faults.fail_before(503, times=3)

    answer = host.run(sender(url, clock=hours, sleep=hours.sleep).ask(QUESTION))

    assert (answer.status, len(provider.faults.seen)) == (503, 3)


def test_a_question_waits_as_long_as_the_provider_asks(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    provider.faults.too_many(retry_after=7)

    answer = host.run(sender(url, clock=hours, sleep=hours.sleep).ask(QUESTION))

    assert (answer.status, len(hours.waits)) == (200, 1)
    assert hours.waits[0] >= 7


def test_a_wait_that_would_pass_the_deadline_is_not_begun(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    provider.faults.too_many(retry_after=60)

    answer = host.run(sender(url, clock=hours, sleep=hours.sleep).ask(QUESTION))

    assert (answer.status, hours.waits) == (429, [])


def test_an_operation_rests_as_long_as_retry_after_says_and_others_go_on(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    made = sender(url, clock=hours, sleep=hours.sleep)
    provider.faults.too_many(retry_after=60)
    host.run(made.order(ORDER))

    resting = outcome(host, made.order(ORDER))
    other = outcome(host, made.ask(QUESTION))
    hours.seconds += 60
    again = outcome(host, made.order(ORDER))

    assert isinstance(resting, ProviderUnavailable)
    assert resting.details["retry_after_seconds"] == 60
    assert isinstance(other, Answer)
    assert isinstance(again, Answer)
    assert len(provider.faults.seen) == 3


@pytest.mark.parametrize(
    ("fail", "most"),
    [
        (lambda faults: faults.drop_answer(times=9), 6),
        (lambda faults: faults.fail_before(500, times=9), 6),
        (lambda faults: faults.fail_before(401, times=9), 2),
        (lambda faults: faults.fail_before(403, times=9), 2),
    ],
    ids=["lost answers", "500", "401", "403"],
)
def test_failures_in_a_row_let_an_operation_rest_until_one_trial_succeeds(
    host: Host,
    sender: MakeSender,
    url: str,
    provider: Provider,
    hours: Hours,
    fail: Callable[[Faults], None],
    most: int,
) -> None:
    made = sender(url, clock=hours, sleep=hours.sleep)
    fail(provider.faults)
    for _ in range(most):
        outcome(host, made.order(ORDER))
    provider.faults.clear()

    resting = [outcome(host, made.order(ORDER)) for _ in range(3)]
    arrived = len(provider.faults.seen)
    hours.seconds += 30
    trial, after = outcome(host, made.order(ORDER)), outcome(host, made.order(ORDER))

    assert arrived == most
    assert [type(error) for error in resting] == [ProviderUnavailable] * 3
    assert isinstance(trial, Answer)
    assert isinstance(after, Answer)


def test_a_trial_that_fails_means_another_rest(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    made = sender(url, clock=hours, sleep=hours.sleep)
    provider.faults.drop_answer(times=7)
    for _ in range(6):
        outcome(host, made.order(ORDER))
    hours.seconds += 30

    trial, next_one = outcome(host, made.order(ORDER)), outcome(host, made.order(ORDER))

    assert (type(trial), type(next_one)) == (ProviderUnknown, ProviderUnavailable)
    assert len(provider.faults.seen) == 7


def test_a_success_ends_a_row_of_failures(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    made = sender(url, clock=hours, sleep=hours.sleep)
    for _ in range(3):
        provider.faults.drop_answer(times=5)
        outcomes = [outcome(host, made.order(ORDER)) for _ in range(6)]
        assert isinstance(outcomes[-1], Answer)

    assert len(provider.faults.seen) == 18


def test_calls_together_end_as_one_call_does_and_what_comes_too_late_is_not_sent(
    host: Host, sender: MakeSender
) -> None:
    async def log_in_and_order() -> list[Answer | ProviderError]:
        found: list[Answer | ProviderError] = []
        with together(0.5):
            for call in (made.ask(QUESTION), made.order(ORDER), made.order(ORDER)):
                try:
                    found.append(await call)
                except ProviderError as error:
                    found.append(error)
        return found

    with peer(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")) as server:
        made = sender(server.url, limits=Limits(total_seconds=20, tries=1))
        started = time.monotonic()

        outcomes = host.run(log_in_and_order())

        assert time.monotonic() - started < 2
        assert [type(one) for one in outcomes] == [ProviderUnavailable] * 3
        assert server.connections == 1


def test_a_call_after_calls_together_has_its_own_time_again(host: Host, sender: MakeSender, url: str) -> None:
    made = sender(url)

    async def too_late() -> Answer:
        with together(-1):
            return await made.order(ORDER)

    late = [outcome(host, too_late()) for _ in range(9)]

    assert {str(one) for one in late} == {"no time was left to call acme"}
    assert host.run(made.order(ORDER)).status == 200


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


def test_refused_credentials_and_a_rest_are_warnings_in_the_log(
    host: Host,
    sender: MakeSender,
    url: str,
    provider: Provider,
    hours: Hours,
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider.faults.fail_before(401, times=2)
    made = sender(url, clock=hours, sleep=hours.sleep)

    with caplog.at_level(logging.WARNING, "invoicepay.http"):
        for _ in range(2):
            host.run(made.order(ORDER))

    assert [record.getMessage() for record in caplog.records] == [
        "acme refused our credentials for transfer (401)",
        "acme refused our credentials for transfer (401)",
        "acme: transfer rests for 30 s after failures",
    ]
