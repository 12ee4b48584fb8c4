"""What may have left and what surely did not, against servers that fail on real sockets (reliability 1.4)."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from invoicepay.adapters.http import Answer, Limits, Request, Sender
from invoicepay.errors import ProviderError, ProviderUnavailable, ProviderUnknown
from invoicepay.testing import Host
from invoicepay.testing.simulators.server import App, Receive, Scope, Send, Served
from tests.adapters.http.conftest import MakeSender
from tests.adapters.http.wire import (
    OK,
    Act,
    answering,
    certificate,
    dripping,
    heard,
    held_port,
    peer,
    trusting,
)

ORDER = Request("POST", "/transfers", operation="transfer", json={"amount": "12.00"})
QUICK = Limits(total_seconds=0.4, tries=2)
SOON = Limits(total_seconds=1.0, tries=2)
"""For orders that have to leave within it, also on a busy machine."""
DEADLINE = 10.0
"""Seconds by which a call of one second must be over; without a bound it lasts 15, or for ever."""
PATIENCE = 30.0
"""Seconds that a test waits for what surely comes."""
TRUST = ssl.create_default_context()
"""Read before a call begins, whose time it would take."""


def error_of(host: Host, call: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        host.run(call)
    return caught.value


def reset(connection: socket.socket, over: threading.Event) -> None:
    heard(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def silent(connection: socket.socket, over: threading.Event) -> None:
    heard(connection)
    over.wait()


MAY_HAVE_ARRIVED: dict[str, Act] = {
    "closed after the request": answering(b""),
    "reset after the request": reset,
    "silent": silent,
    "closed in the head": answering(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "closed in the body": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
    "drips the head": dripping(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "drips the body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
    "drips chunks": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "drips early hints": dripping(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "no HTTP": answering(b"\x00\x01\x02 what?\r\n\r\n"),
    "too large, as announced": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n" + b"x" * 1000),
    "too large, unannounced": answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_048_577),
    "compressed": answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
}


@pytest.mark.parametrize("act", MAY_HAVE_ARRIVED.values(), ids=MAY_HAVE_ARRIVED)
def test_an_order_that_left_and_came_to_nothing_is_unknown_in_time_and_sent_once(
    host: Host, sender: MakeSender, act: Act
) -> None:
    with peer(act) as server:
        started = time.monotonic()

        error = error_of(host, sender(server.url, limits=SOON, tls=TRUST).order(ORDER))

        assert time.monotonic() - started < DEADLINE
        assert type(error) is ProviderUnknown
        assert server.connections == 1


@pytest.mark.parametrize("act", MAY_HAVE_ARRIVED.values(), ids=MAY_HAVE_ARRIVED)
def test_a_question_that_came_to_nothing_is_unavailable_in_time(
    host: Host, sender: MakeSender, act: Act
) -> None:
    with peer(act) as server:
        started = time.monotonic()

        error = error_of(host, sender(server.url, limits=QUICK).ask(ORDER))

        assert time.monotonic() - started < DEADLINE
        assert type(error) is ProviderUnavailable


def test_a_refused_connection_is_begun_again_and_then_unavailable(host: Host, sender: MakeSender) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with held_port() as (_, port):
        refused = sender(f"http://127.0.0.1:{port}", limits=Limits(tries=3), sleep=sleep)
        error = error_of(host, refused.order(ORDER))

    assert type(error) is ProviderUnavailable
    assert error.message == "acme did not answer transfer: it refuses connections"
    assert len(waits) == 2


def test_an_order_reaches_a_server_that_comes_up_between_two_tries(host: Host, sender: MakeSender) -> None:
    with held_port() as (held, port), ExitStack() as stack:

        async def sleep(seconds: float) -> None:
            stack.enter_context(peer(answering(OK), held=held))

        answer = host.run(sender(f"http://127.0.0.1:{port}", sleep=sleep).order(ORDER))

        assert answer.status == 200


def test_a_server_that_never_accepts_is_unavailable_in_time(host: Host, sender: MakeSender) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as stack:
        for _ in range(3):  # fill the queue of connections that nobody accepts
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        started = time.monotonic()

        error = error_of(host, sender(f"http://127.0.0.1:{full.getsockname()[1]}", limits=QUICK).order(ORDER))

        assert time.monotonic() - started < DEADLINE
        assert type(error) is ProviderUnavailable


def test_an_unknown_name_is_unavailable(host: Host, sender: MakeSender) -> None:
    error = error_of(host, sender("https://nowhere.invalid", limits=QUICK).order(ORDER))

    assert type(error) is ProviderUnavailable


def test_a_certificate_that_nobody_vouches_for_is_unavailable_and_nothing_is_sent(
    host: Host, sender: MakeSender, tmp_path: Path
) -> None:
    arrived: list[str] = []
    own, key = certificate(tmp_path)

    with Served(noting(arrived), certificate=own, key=key) as server:
        error = error_of(host, sender(server.url, limits=Limits(tries=2)).order(ORDER))

    assert type(error) is ProviderUnavailable
    assert "its TLS certificate is not accepted" in error.message
    assert arrived == []


def test_a_trusted_certificate_is_accepted(host: Host, sender: MakeSender, tmp_path: Path) -> None:
    arrived: list[str] = []
    own, key = certificate(tmp_path)

    with Served(noting(arrived), certificate=own, key=key) as server:
        answer = host.run(sender(server.url, tls=trusting(own)).order(ORDER))

    assert (answer.status, arrived) == (201, ["/transfers"])


@pytest.mark.parametrize(
    ("head", "byte"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", b"x"), (b"\x16\x03\x03\x40\x00", b"\x02"), (b"", b"")],
    ids=["speaks plain HTTP", "drips the handshake", "silent"],
)
def test_a_tls_handshake_that_comes_to_nothing_is_unavailable_in_time(
    host: Host, sender: MakeSender, head: bytes, byte: bytes
) -> None:
    def shaking(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(head)
        while not over.wait(0.05):
            connection.sendall(byte)

    with peer(shaking) as server:
        started = time.monotonic()

        error = error_of(host, sender(f"https://127.0.0.1:{server.port}", limits=QUICK).order(ORDER))

        assert time.monotonic() - started < DEADLINE
        assert type(error) is ProviderUnavailable


def test_a_server_that_stops_reading_makes_an_order_unknown_in_time(host: Host, sender: MakeSender) -> None:
    def deaf(connection: socket.socket, over: threading.Event) -> None:
        over.wait()

    huge = Request("POST", "/files", operation="upload", content=b"x" * 50_000_000)
    with peer(deaf) as server:
        started = time.monotonic()

        error = error_of(host, sender(server.url, limits=SOON, tls=TRUST).order(huge))

        assert time.monotonic() - started < DEADLINE
        assert type(error) is ProviderUnknown


def test_a_pool_that_is_in_use_makes_an_order_unavailable(host: Host, sender: MakeSender) -> None:
    arrived, may_end = threading.Event(), threading.Event()

    def held_up(connection: socket.socket, over: threading.Event) -> None:
        heard(connection)
        arrived.set()
        may_end.wait(PATIENCE)

    with peer(held_up) as server:
        narrow = sender(server.url, limits=Limits(pool_seconds=0.2, connections=1, tries=1))

        errors = both(host, narrow, arrived, may_end)

    assert [type(error) for error in errors] == [ProviderUnknown, ProviderUnavailable]


def both(
    host: Host, narrow: Sender, arrived: threading.Event, may_end: threading.Event
) -> tuple[ProviderError, ProviderError]:
    """What an order comes to, and one that is made while the first has the only connection."""
    if host.name == "blocking":
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(lambda: error_of(host, narrow.order(ORDER)))
            assert arrived.wait(PATIENCE)
            second = error_of(host, narrow.order(ORDER))
            may_end.set()
            return first.result(), second

    async def error_from(order: Coroutine[Any, Any, Answer]) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            await order
        return caught.value

    async def together() -> tuple[ProviderError, ProviderError]:
        first = asyncio.create_task(error_from(narrow.order(ORDER)))
        assert await asyncio.to_thread(arrived.wait, PATIENCE)
        second = await error_from(narrow.order(ORDER))
        may_end.set()
        return await first, second

    return host.run(together())


def test_a_cancelled_order_is_cancelled_and_its_connection_closed() -> None:
    arrived, closed = threading.Event(), threading.Event()

    def waiting(connection: socket.socket, over: threading.Event) -> None:
        heard(connection)
        arrived.set()
        if connection.recv(1) == b"":
            closed.set()

    async def cancel() -> None:
        made = Sender("acme", server.url)
        task = asyncio.ensure_future(made.order(ORDER))
        assert await asyncio.to_thread(arrived.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await made.aclose()

    with peer(waiting) as server:
        asyncio.run(cancel())

        assert closed.wait(PATIENCE)


def noting(arrived: list[str]) -> App:
    """An application that notes the paths it is asked for."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        arrived.append(scope["path"])
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    return app
