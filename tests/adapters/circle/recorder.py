"""ASGI middleware that keeps every request and its answer, to be held against a specification later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from invoicepay.testing.simulators.server import App, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, headers in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    answer_headers: Mapping[str, str]
    answer: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status}"


@dataclass(slots=True)
class _Heard:
    body: bytearray = field(default_factory=bytearray)
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    answer: bytearray = field(default_factory=bytearray)


class Recorder:
    """Stands in front of a simulator; `exchanges` grows."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.exchanges: list[Exchange] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass through, and keep what passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        heard = _Heard()

        async def listen() -> Message:
            message = await receive()
            heard.body.extend(message.get("body", b""))
            return message

        async def speak(message: Message) -> None:
            if message["type"] == "http.response.start":
                heard.status, heard.headers = message["status"], _read(message["headers"])
            heard.answer.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, listen, speak)
        self.exchanges.append(
            Exchange(
                scope["method"],
                scope["path"],
                scope["query_string"].decode(),
                _read(scope["headers"]),
                bytes(heard.body),
                heard.status,
                heard.headers,
                bytes(heard.answer),
            )
        )


def _read(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in headers}
