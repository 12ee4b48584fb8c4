"""Serves an ASGI application on a free port of this machine, in a thread that ends with the block."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any

import uvicorn

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HANG_UP = "invoicepay.hang_up"
"""An extension of the ASGI scope: a function that closes the connection without another byte."""

PATIENCE_SECONDS = 30.0


class Served:
    """A server that runs while its block is entered.

    Args:
        certificate: a PEM file, for https; the names in it must include `localhost`.
        key: the PEM file of its key.

    Examples:
        >>> async def hello(scope, receive, send):
        ...     await send({"type": "http.response.start", "status": 200, "headers": []})
        ...     await send({"type": "http.response.body", "body": b"hello"})
        >>> from invoicepay import run_blocking
        >>> from invoicepay.adapters.http import Request, Sender
        >>> with Served(hello) as server:
        ...     sender = Sender("acme", server.url)
        ...     print(run_blocking(sender.ask(Request("GET", "/", operation="greet"))).body)
        ...     sender.close()
        b'hello'
    """

    def __init__(self, app: App, *, certificate: str | None = None, key: str | None = None) -> None:
        self._app, self._certificate, self._key = app, certificate, key

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        scheme, host = ("https", "localhost") if self._certificate else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self.port}"

    def __enter__(self) -> Served:
        # Named TCP, or asyncio leaves Nagle's algorithm on, and each answer waits 40 ms to be acknowledged.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(128)
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                self._with_hang_up,
                log_config=None,
                access_log=False,
                http="h11",
                loop="asyncio",
                ws="none",
                interface="asgi3",
                proxy_headers=False,
                server_header=False,
                ssl_certfile=self._certificate,
                ssl_keyfile=self._key,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._serve, name=f"simulator on {self.port}", daemon=True)
        self._thread.start()
        if not self._server.is_up.wait(PATIENCE_SECONDS) or not self._server.started:
            self._end()
            raise RuntimeError("the simulator's server did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _serve(self) -> None:
        with suppress(SystemExit):  # uvicorn's way to say that it could not start, which `started` says, too
            self._server.run([self._socket])

    def _end(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE_SECONDS)
        self._socket.close()

    async def _with_hang_up(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("extensions", {})[HANG_UP] = lambda: self._server.hang_up(scope["client"])
        await self._app(scope, receive, send)


class _Server(uvicorn.Server):
    """A server that says when it is up, and can end one connection."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.is_up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):  # those whose client does not take its leave
            transport: asyncio.Transport = connection.transport
            transport.abort()
        await asyncio.sleep(0.01)  # until they are closed

    def hang_up(self, client: tuple[str, int]) -> None:
        """Close the connection from that address."""
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == client:
                transport: asyncio.Transport = connection.transport
                transport.close()
