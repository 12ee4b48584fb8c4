"""A blocking HTTP transport that ends at an instant, whatever the server does meanwhile.

httpx bounds the silence of each phase: a server that sends one byte a second is never silent. Here each wait
for the network is cut to what is left until the deadline of the calling thread.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from invoicepay.adapters.system import elapsed_seconds

Addresses = Callable[[str, int], Sequence[str]]
"""The addresses of a name in the order in which they are tried; raises `httpcore.ConnectError` for none."""

_NEVER = float("inf")
_deadline: ContextVar[float] = ContextVar("invoicepay_http_deadline", default=_NEVER)

PIECE = 1 << 14
"""Bytes handed over at once, so that a body is never written past the deadline by much."""


@contextmanager
def until(instant: float) -> Iterator[None]:
    """Cut every wait of this transport in here at an instant of `elapsed_seconds`."""
    before = _deadline.set(instant)
    try:
        yield
    finally:
        _deadline.reset(before)


class BlockingTransport(httpx.BaseTransport):
    """Bounded connections over sockets whose every wait ends at the deadline; no proxies, no HTTP/2.

    Args:
        addresses: where a name leads, instead of this machine's resolver; see `outside.PublicAddresses`.
    """

    def __init__(self, tls: ssl.SSLContext, *, connections: int, addresses: Addresses | None = None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=_Network(addresses or _looked_up),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The answer's body, read as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Network(httpcore.NetworkBackend):
    """Opens sockets address by address, each with what is left of the time.

    Looking up a name takes as long as the machine's resolver takes; nothing has been sent then, and nothing
    is sent afterwards if that was too long.
    """

    def __init__(self, addresses: Addresses) -> None:
        self._plain, self._addresses = httpcore.SyncBackend(), addresses

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception | None = None
        for address in self._addresses(host, port):
            try:
                left = _left(timeout, httpcore.ConnectTimeout)
                return _Stream(
                    self._plain.connect_tcp(address, port, left, local_address, socket_options or ())
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError("no address")


def _looked_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Stream(httpcore.NetworkStream):
    """A socket whose every wait ends at the deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self._inner.write(buffer[start : start + PIECE], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, too_late: Callable[[str], Exception]) -> float:
    """Seconds that this wait may take.

    Raises:
        httpcore.TimeoutException: the deadline has passed.
    """
    left = min(_deadline.get() - elapsed_seconds(), _NEVER if timeout is None else timeout)
    if left <= 0:
        raise too_late("the deadline has passed")
    return left
