"""A node over real HTTP that says whatever a test wants: what the local node cannot be brought to say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from invoicepay.adapters.http import Limits, Sender
from invoicepay.adapters.tempo.rpc import TempoRpc
from invoicepay.testing.simulators.server import HANG_UP, Receive, Scope, Send, Served


@dataclass
class Refusing:
    """An answer that is a JSON-RPC error."""

    message: str
    code: int = -32000
    data: str | None = None


@dataclass
class Raw:
    """An answer that is no JSON-RPC at all; without a status the connection is closed."""

    status: int | None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Said = Any
"""A result, a `Refusing`, a `Raw`, or a function of the parameters that gives one."""


class FakeNode:
    """Answers each method as told; keeps what it was asked."""

    def __init__(self, **said: Said) -> None:
        self.said = dict(said)
        self.asked: list[tuple[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.is_backwards = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        told = json.loads(await _body(receive))
        parts = told if isinstance(told, list) else [told]
        answers = [self._part(one) for one in parts]
        raw = next((answer for answer in answers if isinstance(answer, Raw)), None)
        if raw is not None:
            await _send_raw(scope, send, raw)
            return
        if self.is_backwards:
            answers.reverse()
        body = json.dumps(answers if isinstance(told, list) else answers[0]).encode()
        await _send_raw(scope, send, Raw(200, body))

    def times(self, method: str) -> int:
        """How often a method was asked."""
        return sum(name == method for name, _ in self.asked)

    def _part(self, asked: dict[str, Any]) -> Any:
        method, params = asked["method"], asked["params"]
        self.asked.append((method, params))
        said = self.said.get(method, Refusing("the method does not exist", -32601))
        said = said(*params) if callable(said) else said
        if isinstance(said, Raw):
            return said
        head = {"jsonrpc": "2.0", "id": asked["id"]}
        if isinstance(said, Refusing):
            return {**head, "error": {"code": said.code, "message": said.message, "data": said.data}}
        return {**head, "result": said}


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def _send_raw(scope: Scope, send: Send, raw: Raw) -> None:
    if raw.status is None:
        scope["extensions"][HANG_UP]()
        return
    headers = [(name.encode(), value.encode()) for name, value in raw.headers.items()]
    await send({"type": "http.response.start", "status": raw.status, "headers": headers})
    await send({"type": "http.response.body", "body": raw.body})


@contextmanager
def asking(node: FakeNode, *, limits: Limits | None = None, **options: Any) -> Iterator[TempoRpc]:
    """A client of the fake node; waits between repetitions take no time."""

    async def at_once(_seconds: float) -> None:
        return None

    with Served(node) as server:
        rpc = TempoRpc(Sender("tempo", server.url, limits=limits or Limits(), sleep=at_once), **options)
        yield rpc
        rpc.close()


def block(number: int, *, timestamp: int = 1_764_000_000) -> dict[str, str]:
    return {
        "number": hex(number),
        "hash": "0x" + "b1" * 32,
        "timestamp": hex(timestamp),
        "baseFeePerGas": "0x1",
    }


def word(number: int) -> str:
    return f"0x{number:064x}"


def receipt(hash: str, *, block_number: int, status: int = 1) -> dict[str, Any]:
    return {
        "transactionHash": hash,
        "blockNumber": hex(block_number),
        "blockHash": "0x" + "b1" * 32,
        "status": hex(status),
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x1",
        "logs": [],
        "feePayer": "0x" + "fe" * 20,
    }
