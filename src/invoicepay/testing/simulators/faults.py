"""ASGI middleware with what goes wrong between a client and a provider, ordered in advance."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from invoicepay.testing.simulators.server import HANG_UP, App, Message, Receive, Scope, Send

Fault = Callable[[App, Scope, Receive, Send], Awaitable[None]]


@dataclass(slots=True)
class _Ordered:
    fault: Fault
    on: str
    times: int


class Faults:
    """Stands in front of a simulator's application; each fault that was ordered is used up by one request.

    Every order takes `times`, how many requests it is for, and `on`: a request whose "METHOD /path" contains
    it. The first fault that fits is taken; requests that none fits go through. Safe to call from any thread.

    Examples:
        >>> faults = Faults(app=None)
        >>> faults.drop_answer(on="POST /transfers")
        >>> faults.pending
        1
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._ordered: list[_Ordered] = []
        self._lock = threading.Lock()
        self._seen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Meet the next fault that fits, or the application."""
        fault = self._taken(f"{scope['method']} {scope['path']}") if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await fault(self._app, scope, receive, send)

    def _taken(self, line: str) -> Fault | None:
        with self._lock:
            self._seen.append(line)
            for ordered in self._ordered:
                if ordered.on in line:
                    ordered.times -= 1
                    if ordered.times <= 0:
                        self._ordered.remove(ordered)
                    return ordered.fault
        return None

    @property
    def seen(self) -> tuple[str, ...]:
        """Every request that arrived as "METHOD /path", faults or not."""
        return tuple(self._seen)

    @property
    def pending(self) -> int:
        """How many requests will still meet a fault."""
        with self._lock:
            return sum(ordered.times for ordered in self._ordered)

    def clear(self) -> None:
        """Forget every fault that is not used up."""
        with self._lock:
            self._ordered.clear()

    def order(self, fault: Fault, *, times: int = 1, on: str = "") -> None:
        """Order a fault of one's own: it is called in place of the application, with the application."""
        with self._lock:
            self._ordered.append(_Ordered(fault, on, times))

    def delay(self, seconds: float, *, times: int = 1, on: str = "") -> None:
        """Carry out and answer, later."""

        async def fault(app: App, scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(seconds)
            await app(scope, receive, send)

        self.order(fault, times=times, on=on)

    def drop_request(self, *, times: int = 1, on: str = "") -> None:
        """Close the connection and carry nothing out; the client cannot tell that from a lost answer."""

        async def fault(_app: App, scope: Scope, receive: Receive, _send: Send) -> None:
            await _hang_up(scope, receive)

        self.order(fault, times=times, on=on)

    def drop_answer(self, *, times: int = 1, on: str = "") -> None:
        """Carry out, then close the connection without a byte."""

        async def fault(app: App, scope: Scope, receive: Receive, _send: Send) -> None:
            await _answer_of(app, scope, receive)
            await _hang_up(scope, receive)

        self.order(fault, times=times, on=on)

    def fail_before(
        self, status: int = 503, *, retry_after: int | None = None, times: int = 1, on: str = ""
    ) -> None:
        """Answer with an error and carry nothing out."""

        async def fault(_app: App, _scope: Scope, _receive: Receive, send: Send) -> None:
            await _refuse(send, status, retry_after)

        self.order(fault, times=times, on=on)

    def fail_after(
        self, status: int = 500, *, retry_after: int | None = None, times: int = 1, on: str = ""
    ) -> None:
        """Carry out, then answer with an error all the same."""

        async def fault(app: App, scope: Scope, receive: Receive, send: Send) -> None:
            await _answer_of(app, scope, receive)
            await _refuse(send, status, retry_after)

        self.order(fault, times=times, on=on)

    def too_many(self, *, retry_after: int | None = 1, times: int = 1, on: str = "") -> None:
        """Answer 429 and carry nothing out."""
        self.fail_before(429, retry_after=retry_after, times=times, on=on)

    def drip(self, seconds_per_byte: float, *, times: int = 1, on: str = "") -> None:
        """Carry out, then answer byte by byte."""

        async def fault(app: App, scope: Scope, receive: Receive, send: Send) -> None:
            start, body = await _answer_of(app, scope, receive)
            await send(start)
            for at in range(len(body)):
                if await _is_gone(receive, seconds_per_byte):
                    return
                await send({"type": "http.response.body", "body": body[at : at + 1], "more_body": True})
            await send({"type": "http.response.body", "body": b""})

        self.order(fault, times=times, on=on)

    def change(self, made: Callable[[bytes], bytes], *, times: int = 1, on: str = "") -> None:
        """Carry out, and answer with another body: other words, another amount, no JSON at all.

        Examples:
            >>> Faults(app=None).change(lambda body: body.replace(b'"PENDING"', b'"AWAITING_MOON"'))
        """

        async def fault(app: App, scope: Scope, receive: Receive, send: Send) -> None:
            start, body = await _answer_of(app, scope, receive)
            body = made(body)
            kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            length = (b"content-length", str(len(body)).encode())
            await send({**start, "headers": [*kept, length]})
            await send({"type": "http.response.body", "body": body})

        self.order(fault, times=times, on=on)


async def _answer_of(app: App, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """Let the application carry the request out, and keep its answer: the start message and the body."""
    start: Message = {"type": "http.response.start", "status": 500, "headers": []}
    body = bytearray()

    async def keep(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = {"headers": [], **message}
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, keep)
    return start, bytes(body)


async def _refuse(send: Send, status: int, retry_after: int | None) -> None:
    body = json.dumps({"code": status, "message": "an ordered fault"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _is_gone(receive: Receive, seconds: float) -> bool:
    """Wait, and tell whether the client went away meanwhile."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection and wait until the server has noticed, so that it writes no error page."""
    scope["extensions"][HANG_UP]()
    while (await receive())["type"] != "http.disconnect":
        pass
