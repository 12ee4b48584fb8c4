"""JSON-RPC with a Tempo node: questions, which may be repeated, and the one order, to send bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr, TypeAdapter, ValidationError

from invoicepay.adapters.http import Answer, Limits, Request, Sender, judge
from invoicepay.adapters.tempo import calls as ask_for
from invoicepay.adapters.tempo.errors import (
    Refusal,
    is_already_known,
    refusal_error,
    refusal_of,
    revert_error,
)
from invoicepay.adapters.tempo.transaction import ACCOUNT_NONCE, Call
from invoicepay.adapters.tempo.wire import Block, Log, Octets, Quantity, Receipt, RpcRefusal
from invoicepay.errors import InvoicePayError, ProviderUnavailable, ProviderUnknown

T = TypeVar("T")
Tag = int | str
"""A block: its number, or `latest`, or `finalized`."""

LARGEST_ANSWER = 16 << 20
LEAST_KEY = 16
"""Parts of a URL that are so long are keys rather than words."""
TOGETHER = 10
"""How many questions go in one request: ten receipts of 32 transfers each take about half a megabyte."""
REVERTED = 3
"""The code of JSON-RPC for a call that was carried out and undone; nodes agree on this one."""

_QUANTITY = TypeAdapter[int](Quantity)
_OCTETS = TypeAdapter[bytes](Octets)
_BLOCK = TypeAdapter(Block)
_RECEIPT_OR_NONE = TypeAdapter[Receipt | None](Receipt | None)
_LOGS = TypeAdapter[tuple[Log, ...]](tuple[Log, ...])
_REFUSAL = TypeAdapter(RpcRefusal)


@dataclass(frozen=True, slots=True)
class Refused:
    """The node did not take a transaction.

    Attributes:
        why: what is to be done about it.
        said: the node's own words.
    """

    why: Refusal
    said: str

    def error(self) -> InvoicePayError:
        """For whoever cannot mend it."""
        return refusal_error(self.why, self.said)


def sender_to(url: str, *, provider: str = "tempo", secrets: Sequence[SecretStr] = ()) -> Sender:
    """A sender to a node, which takes answers as large as those of a node are.

    Long parts of the URL's path and query are taken for keys, and shown nowhere.
    """
    found = urlsplit(url)
    parts = [*found.path.split("/"), *(value for _, value in parse_qsl(found.query))]
    keys = [SecretStr(part) for part in parts if len(part) >= LEAST_KEY]
    return Sender(provider, url, limits=Limits(max_bytes=LARGEST_ANSWER), secrets=(*secrets, *keys))


class TempoRpc:
    """A Tempo node.

    Decide by one node only: another one may be a few blocks behind, and the receipt of this one beside the
    nonce of that one has led others to pay twice.

    Args:
        sender: made for the node's URL, by `sender_to` for example.
        headers: credentials of a node that asks for them, such as `{"Authorization": SecretStr("Bearer …")}`.
    """

    def __init__(self, sender: Sender, *, headers: Mapping[str, SecretStr] | None = None) -> None:
        self._sender, self._headers = sender, dict(headers or {})

    def production_faults(self) -> tuple[str, ...]:
        """What of the way to the node is not for production."""
        return self._sender.production_faults()

    def close(self) -> None:
        """End the connections made in a blocking host."""
        self._sender.close()

    async def aclose(self) -> None:
        """End the connections of the running loop."""
        await self._sender.aclose()

    async def chain_id(self) -> int:
        """The number of the network; compare it before anything is signed for it."""
        return await self._question(_QUANTITY, "eth_chainId")

    async def fork(self) -> str:
        """The name of the active fork; empty where the node does not tell, as the local one."""
        told = (await self._ask([("tempo_forkSchedule", [])]))[0]
        return str(told.get("active", "")) if isinstance(told, dict) else ""

    async def block(self, tag: Tag = "latest") -> Block:
        """The head of a block. A `latest` one can still be dropped, a `finalized` one never."""
        return await self._question(_BLOCK, "eth_getBlockByNumber", _tag(tag), False)

    async def call(self, call: Call, *, sender: str | None = None, at: Tag = "latest") -> bytes:
        """Try a call without sending it.

        Args:
            sender: address that would send it.

        Raises:
            InvoicePayError: it reverts; the error of `revert_error`.
            ProviderUnavailable: the node did not answer.
        """
        answered = (await self.try_calls([call], sender=sender, at=at))[0]
        if isinstance(answered, InvoicePayError):
            raise answered
        return answered

    async def try_calls(
        self, calls: Sequence[Call], *, sender: str | None = None, at: Tag = "latest"
    ) -> list[bytes | InvoicePayError]:
        """Try several calls, each by itself; a revert is told as the error in the call's place."""
        given = {"from": sender} if sender else {}
        asked = [
            ("eth_call", [{**given, "to": call.to, "data": _hex(call.data)}, _tag(at)]) for call in calls
        ]
        return [_returned(told) for told in await self._ask(asked)]

    async def number(self, call: Call, *, at: Tag = "latest") -> int:
        """The number that a call answers.

        Raises:
            ProviderUnavailable: something else came back, as from a network without that contract.
        """
        try:
            return ask_for.number(await self.call(call, at=at))
        except ValueError as error:
            raise ProviderUnavailable("the node answered no number", contract=call.to) from error

    async def nonce(self, address: str, nonce_key: int, *, at: Tag = "latest") -> int:
        """The next free nonce of a lane: every slot below it is used."""
        if nonce_key == ACCOUNT_NONCE:
            return await self._question(_QUANTITY, "eth_getTransactionCount", address, _tag(at))
        return await self.number(ask_for.lane_nonce(address, nonce_key), at=at)

    async def receipts(self, hashes: Sequence[str]) -> list[Receipt | None]:
        """What became of transactions; None for one that is in no block that this node knows."""
        told = await self._ask([("eth_getTransactionReceipt", [hash]) for hash in hashes])
        return [_read(_RECEIPT_OR_NONE, one, "eth_getTransactionReceipt") for one in told]

    async def receipt(self, hash: str) -> Receipt | None:
        """What became of a transaction."""
        return (await self.receipts([hash]))[0]

    async def logs(
        self,
        addresses: str | Sequence[str],
        topics: Sequence[str | Sequence[str] | None],
        *,
        first: int,
        last: int,
    ) -> tuple[Log, ...]:
        """Events of contracts in a range of blocks, in the chain's order.

        Args:
            topics: by place; None is any, several are alternatives.
            first, last: block numbers, both included; nodes limit how many at once.
        """
        wanted = {
            "address": addresses if isinstance(addresses, str) else list(addresses),
            "topics": list(topics),
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        return await self._question(_LOGS, "eth_getLogs", wanted)

    async def why_reverted(self, calls: Sequence[Call], *, sender: str, at: int) -> InvoicePayError | None:
        """The error of the first call that reverts by itself on the state after block `at`.

        Receipts hold no reason, so a failed transaction is tried again on the block before its own. None
        when every call passes by itself: then it was an earlier call, or gas, that made it fail.
        """
        for answered in await self.try_calls(calls, sender=sender, at=at):
            if isinstance(answered, InvoicePayError):
                return answered
        return None

    async def send(self, raw: bytes) -> Refused | None:
        """Send a signed transaction; None when the node has it now, or had it already.

        Taken is not mined: only a receipt in a finalized block tells that.

        Raises:
            ProviderUnavailable: it did not leave; send the same bytes again.
            ProviderUnknown: it may be on its way; look for its receipt, then send the same bytes again.
        """
        answer = await self._sender.order(self._request([("eth_sendRawTransaction", [_hex(raw)])]))
        judge(answer, is_order=True)
        try:
            told = self._scrubbed(_parts(answer, 1)[0])
        except ValueError as error:
            raise ProviderUnknown("the node's answer to a transaction makes no sense") from error
        if not isinstance(told, RpcRefusal):
            return None
        return None if is_already_known(told.message) else Refused(refusal_of(told.message), told.message)

    async def _question(self, shape: TypeAdapter[T], method: str, *params: object) -> T:
        return _read(shape, (await self._ask([(method, params)]))[0], method)

    async def _ask(self, asked: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """What the node answers to each question: its result, or its refusal as a value."""
        parts = list[Any]()
        for start in range(0, len(asked), TOGETHER):
            some = asked[start : start + TOGETHER]
            answer = await self._sender.ask(self._request(some))
            judge(answer, is_order=False)
            try:
                parts += map(self._scrubbed, _parts(answer, len(some)))
            except ValueError as error:
                raise ProviderUnavailable(f"the node's answer to {some[0][0]} makes no sense") from error
        return parts

    def _scrubbed(self, part: Any) -> Any:
        """A refusal in the node's words, without what it should not repeat; a result as it is."""
        if not isinstance(part, RpcRefusal):
            return part
        return part.model_copy(update={"message": self._sender.scrub(part.message)})

    def _request(self, asked: Sequence[tuple[str, Sequence[object]]]) -> Request:
        together = [
            {"jsonrpc": "2.0", "id": place, "method": method, "params": list(params)}
            for place, (method, params) in enumerate(asked)
        ]
        body = together[0] if len(together) == 1 else together
        return Request("POST", "", operation=asked[0][0], headers=self._headers, json=body)


def _parts(answer: Answer, count: int) -> list[Any]:
    """Results and refusals in the order asked.

    Raises:
        ValueError: it is no JSON-RPC, or something was left out.
    """
    told = answer.json()
    listed = told if isinstance(told, list) else [told]
    places = {one["id"]: one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), int)}
    if set(places) != set(range(count)):
        raise ValueError("the answers are not those of the questions")
    return [_part(places[place]) for place in range(count)]


def _part(told: dict[str, Any]) -> Any:
    if told.get("error") is not None:
        return _REFUSAL.validate_python(told["error"])
    return told["result"] if "result" in told else _REFUSAL.validate_python(None)


def _read(shape: TypeAdapter[T], told: object, method: str) -> T:
    """A result in its shape.

    Raises:
        ProviderUnavailable: the node refused the question, or answered in another shape.
    """
    if isinstance(told, RpcRefusal):
        raise ProviderUnavailable(f"the node refuses {method}", node_said=told.message, rpc_code=told.code)
    try:
        return shape.validate_python(told)
    except ValidationError as error:
        raise ProviderUnavailable(f"the node's answer to {method} makes no sense") from error


def _returned(told: object) -> bytes | InvoicePayError:
    """What a tried call gave back, or the error of its revert."""
    if isinstance(told, RpcRefusal) and (told.code == REVERTED or isinstance(told.data, str)):
        return revert_error(_read(_OCTETS, told.data or "0x", "eth_call"))
    return _read(_OCTETS, told, "eth_call")


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _tag(at: Tag) -> str:
    return at if isinstance(at, str) else hex(at)
