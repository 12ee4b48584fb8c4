"""Connections to one provider, made when first needed, for a blocking process and for each event loop."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

import httpx

from invoicepay.adapters.hosts import is_blocking
from invoicepay.adapters.http.awaiting import AwaitingTransport
from invoicepay.adapters.http.blocking import Addresses, BlockingTransport, until
from invoicepay.adapters.http.classify import Encoded, Failure, Progress, TooLarge, failure_of
from invoicepay.adapters.http.messages import Answer, Limits, Request, header_map, pairs_of
from invoicepay.adapters.http.redaction import hush, quiet_libraries
from invoicepay.adapters.system import elapsed_seconds

Outcome = tuple[Answer, None] | tuple[None, Failure]

ALWAYS = (("Accept-Encoding", "identity"), ("User-Agent", "invoicepay"))


class Connections:
    """Exchanges one request for one answer, within a time and a size, in either kind of host.

    Works below httpx's clients, which keep cookies from one call to the next and log every URL.

    Safe to share between threads, and usable in a child after a fork: a process never touches the sockets
    that it inherited.

    Args:
        tls: what certificates are checked with, and our own certificate where a provider wants one.
        transport, async_transport: instead of sockets; one that serves both kinds of host may come alone.
        addresses: where names lead, instead of this machine's resolver: `PublicAddresses` for URLs that
            somebody else chose.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        tls: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
        async_transport: httpx.AsyncBaseTransport | None = None,
        addresses: Addresses | None = None,
    ) -> None:
        self._limits, self._tls, self._addresses = limits, tls, addresses
        if async_transport is None and isinstance(transport, httpx.AsyncBaseTransport):
            async_transport = transport
        self._transport, self._async_transport = transport, async_transport
        self._blocking: dict[int, httpx.BaseTransport] = {}
        self._awaiting: dict[asyncio.AbstractEventLoop, httpx.AsyncBaseTransport] = {}
        hush()

    async def exchange(self, base_url: str, request: Request, seconds: float) -> Outcome:
        """Send once; an answer, or what became of the call without one.

        Args:
            seconds: the longest that it may take.
        """
        with quiet_libraries():
            if is_blocking():
                return self._exchanged(base_url, request, seconds)
            return await self._exchanged_awaiting(base_url, request, seconds)

    def _exchanged(self, base_url: str, request: Request, seconds: float) -> Outcome:
        progress = Progress(is_told=self._transport is None)
        try:
            made = _built(base_url, request, self._extensions(seconds, progress, progress.watch))
            with until(elapsed_seconds() + seconds):
                answer = self._here().handle_request(made)
                try:
                    assert isinstance(answer.stream, httpx.SyncByteStream)
                    body = b"".join(_bounded(answer, answer.stream, self._limits.max_bytes))
                finally:
                    answer.close()
        except Exception as error:  # noqa: BLE001 - told as a value: its frames hold what was sent
            return None, failure_of(error, progress)
        return _answer(answer, body), None

    async def _exchanged_awaiting(self, base_url: str, request: Request, seconds: float) -> Outcome:
        progress = Progress(is_told=self._async_transport is None)
        try:
            made = _built(base_url, request, self._extensions(seconds, progress, progress.watch_awaiting))
            async with asyncio.timeout(seconds):
                answer = await self._in_this_loop().handle_async_request(made)
                try:
                    assert isinstance(answer.stream, httpx.AsyncByteStream)
                    pieces = _bounded_awaiting(answer, answer.stream, self._limits.max_bytes)
                    body = b"".join([piece async for piece in pieces])
                finally:
                    await answer.aclose()
        except Exception as error:  # noqa: BLE001 - told as a value: its frames hold what was sent
            return None, failure_of(error, progress)
        return _answer(answer, body), None

    def _here(self) -> httpx.BaseTransport:
        """This process's connections."""
        if transport := self._blocking.get(os.getpid()):
            return transport
        made = self._transport or BlockingTransport(
            self._trust(), connections=self._limits.connections, addresses=self._addresses
        )
        return self._blocking.setdefault(os.getpid(), made)  # another thread's, if it was faster

    def _in_this_loop(self) -> httpx.AsyncBaseTransport:
        loop = asyncio.get_running_loop()
        if transport := self._awaiting.get(loop):
            return transport
        for other in tuple(self._awaiting):
            if other.is_closed():  # nothing can be done with its connections; the collector closes them
                self._awaiting.pop(other, None)
        made = self._async_transport or AwaitingTransport(
            self._trust(), connections=self._limits.connections, addresses=self._addresses
        )
        self._awaiting[loop] = made
        return made

    def _trust(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = httpx.create_ssl_context(trust_env=False)
        return self._tls

    def _extensions(self, seconds: float, progress: Progress, watch: object) -> dict[str, object]:
        """What the transport is told: the longest silence of each phase, none longer than the whole call."""
        limits = self._limits
        longest = {
            "connect": limits.connect_seconds,
            "write": limits.write_seconds,
            "read": limits.read_seconds,
            "pool": limits.pool_seconds,
        }
        timeout = {phase: min(most, seconds) for phase, most in longest.items()}
        return {"timeout": timeout, "trace": watch} if progress.is_told else {"timeout": timeout}

    def close(self) -> None:
        """End the connections of this process that were made in a blocking host."""
        if transport := self._blocking.pop(os.getpid(), None):
            transport.close()

    async def aclose(self) -> None:
        """End the connections of this process, and in an awaiting host those of the running loop."""
        self.close()
        if not is_blocking() and (transport := self._awaiting.pop(asyncio.get_running_loop(), None)):
            await transport.aclose()


def _built(base_url: str, request: Request, extensions: dict[str, object]) -> httpx.Request:
    """The request as httpx sends it; the only place where its secrets are readable."""
    content, kind = request.content, []
    if request.json is not None:
        content = json.dumps(
            request.json, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()
        kind = [("Content-Type", "application/json")]
    own = httpx.Headers(pairs_of(request.headers))
    return httpx.Request(
        request.method,
        request.path if "://" in request.path else base_url.rstrip("/") + request.path,
        params=tuple(pairs_of(request.query)) or None,
        headers=[*own.multi_items(), *(pair for pair in (*ALWAYS, *kind) if pair[0] not in own)],
        content=content,
        extensions=extensions,
    )


def _answer(answer: httpx.Response, body: bytes) -> Answer:
    return Answer(answer.status_code, header_map(answer.headers.multi_items()), body)


def _bounded(answer: httpx.Response, pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Pieces of the body as long as they fit.

    Raises:
        TooLarge, Encoded: they do not, or have to be unpacked first.
    """
    _check_head(answer, most)
    for piece in pieces:
        most -= len(piece)
        if most < 0:
            raise TooLarge
        yield piece


async def _bounded_awaiting(
    answer: httpx.Response, pieces: AsyncIterable[bytes], most: int
) -> AsyncIterator[bytes]:
    """The same in an awaiting host."""
    _check_head(answer, most)
    async for piece in pieces:
        most -= len(piece)
        if most < 0:
            raise TooLarge
        yield piece


def _check_head(answer: httpx.Response, most: int) -> None:
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Encoded
    length = answer.headers.get("content-length", "")
    if length.isdigit() and int(length[:20]) > most:
        raise TooLarge
