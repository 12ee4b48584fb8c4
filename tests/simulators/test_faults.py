"""Each fault does what its name says: what the client meets, and whether the effect took place."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from invoicepay.testing.simulators.faults import Faults
from invoicepay.testing.simulators.server import App, Message, Receive, Scope, Send, Served

Order = Callable[[Faults], None]


class Till:
    """An application that counts what it carried out."""

    def __init__(self) -> None:
        self.done = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await receive()
            self.done += 1
            headers = [(b"content-type", b"application/json"), (b"content-length", b"16")]
            await send({"type": "http.response.start", "status": 201, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"state": "', "more_body": True})
            await send({"type": "http.response.body", "body": b"DONE}"})


@pytest.fixture(scope="module")
def till() -> Till:
    return Till()


@pytest.fixture(scope="module")
def faults(till: Till) -> Faults:
    return Faults(till)


@pytest.fixture(scope="module")
def client(faults: Faults) -> Iterator[httpx.Client]:
    with Served(faults) as server, httpx.Client(base_url=server.url, trust_env=False) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_left(till: Till, faults: Faults) -> Iterator[None]:
    till.done = 0
    yield
    assert faults.pending == 0


def met(client: httpx.Client) -> int | str:
    """The status that comes back; whether a lost connection was ended or reset is a matter of chance."""
    try:
        return client.post("/orders", content=b"{}").status_code
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return "no answer"


@pytest.mark.parametrize(
    ("order", "answer", "done"),
    [
        (lambda faults: faults.drop_request(), "no answer", 0),
        (lambda faults: faults.drop_answer(), "no answer", 1),
        (lambda faults: faults.fail_before(500), 500, 0),
        (lambda faults: faults.fail_after(502), 502, 1),
        (lambda faults: faults.too_many(), 429, 0),
        (lambda faults: faults.delay(0.05), 201, 1),
        (lambda faults: faults.drip(0.001), 201, 1),
        (lambda faults: faults.change(lambda body: body * 3), 201, 1),
    ],
)
def test_a_fault_meets_one_request_and_the_next_one_goes_through(
    client: httpx.Client, faults: Faults, till: Till, order: Order, answer: int | str, done: int
) -> None:
    order(faults)

    first, done_then, second = met(client), till.done, met(client)

    assert (first, done_then, second) == (answer, done, 201)


def test_a_changed_answer_has_the_length_of_what_was_made_of_it(client: httpx.Client, faults: Faults) -> None:
    faults.change(lambda body: body.replace(b"DONE", b"AWAITING THE MOON"))

    answer = client.post("/orders")

    assert answer.content == b'{"state": "AWAITING THE MOON}'
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["content-type"] == "application/json"


def test_a_pause_is_asked_for_where_one_was_ordered(client: httpx.Client, faults: Faults) -> None:
    faults.too_many(retry_after=7)
    faults.fail_before(503)

    asked = [client.post("/orders").headers.get("retry-after") for _ in range(2)]

    assert asked == ["7", None]


def test_a_delay_is_waited_for(client: httpx.Client, faults: Faults) -> None:
    faults.delay(0.2)
    started = time.monotonic()

    client.post("/orders")

    assert time.monotonic() - started >= 0.2


def test_a_fault_waits_for_the_request_that_it_was_ordered_on(client: httpx.Client, faults: Faults) -> None:
    faults.fail_before(500, on="POST /refunds", times=2)
    before = len(faults.seen)

    statuses = [
        client.post(path).status_code for path in ("/orders", "/refunds/1", "/refunds/2", "/refunds/3")
    ]
    got = client.get("/refunds/1").status_code

    assert (statuses, got) == ([201, 500, 500, 201], 201)
    assert faults.seen[before:] == (
        "POST /orders",
        "POST /refunds/1",
        "POST /refunds/2",
        "POST /refunds/3",
        "GET /refunds/1",
    )


def test_faults_are_met_in_the_order_in_which_they_were_ordered(client: httpx.Client, faults: Faults) -> None:
    faults.fail_before(500)
    faults.fail_before(502)

    assert [met(client) for _ in range(3)] == [500, 502, 201]


def test_faults_can_be_taken_back(client: httpx.Client, faults: Faults) -> None:
    faults.fail_before(500, times=9)
    faults.clear()

    assert met(client) == 201


def test_a_fault_of_ones_own_has_the_application_at_hand(
    client: httpx.Client, faults: Faults, till: Till
) -> None:
    async def teapot(app: App, scope: Scope, receive: Receive, send: Send) -> None:
        async def brewed(message: Message) -> None:
            await send({**message, "status": 418} if "status" in message else message)

        await app(scope, receive, brewed)

    faults.order(teapot)

    assert (met(client), till.done) == (418, 1)


def test_a_server_that_cannot_start_says_so() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="did not start"), Served(broken):
        pass
