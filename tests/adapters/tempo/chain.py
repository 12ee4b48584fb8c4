"""The provider on the local node, with a wire that breaks on command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from invoicepay.adapters.http import Sender
from invoicepay.adapters.memory.slots import MemorySlots
from invoicepay.adapters.tempo.addresses import TRANSFER_WITH_MEMO
from invoicepay.adapters.tempo.answers import Outcome
from invoicepay.adapters.tempo.network import LOCAL, TempoToken
from invoicepay.adapters.tempo.provider import Tempo
from invoicepay.adapters.tempo.rpc import TempoRpc
from invoicepay.bridge import run_blocking
from invoicepay.domain.money import Money
from invoicepay.ports.signing import Signer
from invoicepay.ports.slots import Slot, SlotStore
from invoicepay.ports.tokens import MoveKind, TokenMove, TokenOrder, TokenStatus, TokenTransfer
from invoicepay.testing.contracts import Webhook
from tests.adapters.tempo.bench import Bench, usd

SEND = "eth_sendRawTransaction"


async def no_wait(_seconds: float) -> None:
    """Tries again at once."""


@dataclass
class Wire(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A real connection to the node, in both kinds of host, that loses what it is told to lose.

    Attributes:
        methods: every JSON-RPC method that was asked.
    """

    is_cut: bool = False
    lost_answers: int = 0
    lost_requests: int = 0
    methods: list[str] = field(default_factory=list[str])
    answers: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        self._real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut:
            raise httpx.ConnectError("cut")
        asked = json.loads(request.content)
        methods = [one["method"] for one in (asked if isinstance(asked, list) else [asked])]
        self.methods += methods
        if SEND in methods and self.lost_requests:
            self.lost_requests -= 1
            raise httpx.ReadTimeout("lost on the way")
        if (said := self.answers.pop(methods[0], None)) is not None:
            return httpx.Response(200, json={"jsonrpc": "2.0", "id": 0, **said})
        request.extensions.pop("trace", None)  # in an awaiting host it would have to be awaited
        answer = self._real.handle_request(request)
        body = answer.read()
        answer.close()
        if SEND in methods and self.lost_answers:
            self.lost_answers -= 1
            raise httpx.ReadTimeout("lost on the way back")
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)

    def refuse(self, message: str, *, method: str = SEND) -> None:
        """The next such request is refused with these words, as other nodes do."""
        self.answers[method] = {"error": {"code": -32000, "message": message}}

    def close(self) -> None:
        self._real.close()

    async def aclose(self) -> None:
        self.close()


@dataclass
class Chain:
    """A tenant with a token on a node, and a provider for it.

    Attributes:
        wire: between this provider and the node.
    """

    bench: Bench
    token: TempoToken
    tenant: str
    slots: SlotStore = field(default_factory=MemorySlots)
    wire: Wire = field(default_factory=Wire)

    def __post_init__(self) -> None:
        self._wires: list[Wire] = []
        self.first_block = run_blocking(self.bench.rpc.block()).number
        self.tempo = self.another()

    def another(self, **options: Any) -> Tempo:
        """One more provider for the same tenant, as in another process."""
        wire = options.pop("wire", self.wire)
        self._wires.append(wire)
        sender = Sender("tempo", self.bench.node.url, transport=wire, sleep=no_wait)
        keys: Signer = options.pop("keys", self.bench.keys)
        network = options.pop("network", LOCAL)
        given: dict[str, Any] = {"slots": self.slots, "tenant_id": self.tenant, **options}
        return Tempo(TempoRpc(sender), keys, network, [self.token], **given)

    def fund(self, party_id: str, amount: str, *, approves: bool = True) -> None:
        """Tokens from outside of the provider, and an approval."""
        self.bench.give(self.token, self.tempo.wallets.account_of(party_id), amount)
        if approves:
            run_blocking(self.tempo.prepare(party_id, self.token.asset))

    def done(self, moves: Sequence[TokenMove], tempo: Tempo | None = None) -> list[Outcome]:
        """Outcomes once every order is decided; a node mines a moment after it took a transaction."""
        outcomes = list(run_blocking((tempo or self.tempo).move(moves)))
        for place, outcome in enumerate(outcomes):
            if isinstance(outcome, TokenTransfer):
                outcomes[place] = self.decided(outcome.reference, tempo)
        return outcomes

    def decided(self, reference: str, tempo: Tempo | None = None) -> TokenTransfer:
        """What is known of an order when it is decided."""
        for _ in range(12):
            found = run_blocking((tempo or self.tempo).find(reference))
            assert found is not None
            if found.status is not TokenStatus.PENDING:
                return found
            self.bench.node.mine()
        raise AssertionError(f"{reference} stays pending")

    def held(self, party_id: str) -> Money:
        self.bench.node.mine()  # what waits
        return run_blocking(self.tempo.balance(party_id, self.token.asset))

    def memos(self) -> list[str]:
        """The memo of every movement on the chain since this began; a burn's pull is no movement."""
        self.bench.node.mine()  # what waits
        logs = run_blocking(
            self.bench.rpc.logs(
                self.token.address,
                [TRANSFER_WITH_MEMO],
                first=self.first_block,
                last=run_blocking(self.bench.rpc.block()).number,
            )
        )
        issuer = self.bench.address("issuer")
        later = [log for log in logs if log.block_number > self.first_block]
        return [log.topics[3] for log in later if log.party(2) != issuer]

    def mint(self, reference: str = "eff_1") -> TokenTransfer:
        """Order a dollar for ann."""
        return run_blocking(self.tempo.mint(an_order(reference, target="ann"), idempotency_key=reference))

    def slot_of(self, reference: str = "eff_1") -> Slot:
        """The slot that an order is bound to."""
        return run_blocking(self.slots.find([reference]))[reference]

    def freeze(self, party_id: str) -> None:
        run_blocking(self.tempo.freeze(party_id, self.token.asset))

    def close(self) -> None:
        for wire in self._wires:
            wire.close()


def an_order(
    reference: str, amount: str = "1.00", *, source: str = "", target: str = "", memo: str = ""
) -> TokenOrder:
    return TokenOrder(reference=reference, amount=usd(amount), from_party=source, to_party=target, memo=memo)


def a_transfer(reference: str, source: str, target: str, amount: str = "1.00", **more: str) -> TokenMove:
    order = an_order(reference, amount, source=source, target=target, **more)
    return TokenMove(kind=MoveKind.TRANSFER, order=order, idempotency_key=reference)


def a_mint(reference: str, target: str, amount: str = "1.00") -> TokenMove:
    order = an_order(reference, amount, target=target)
    return TokenMove(kind=MoveKind.MINT, order=order, idempotency_key=reference)


def a_burn(reference: str, source: str, amount: str = "1.00") -> TokenMove:
    order = an_order(reference, amount, source=source)
    return TokenMove(kind=MoveKind.BURN, order=order, idempotency_key=reference)


class ChainSide:
    """The node as the far side of a contract."""

    def __init__(self, chain: Chain, holder: str) -> None:
        self._chain, self._holder = chain, holder

    def now(self) -> datetime:
        return datetime.now(UTC)

    def movements(self) -> int:
        return len(self._chain.memos())

    def lose_next_answer(self) -> None:
        self._chain.wire.lost_answers = 1

    def reject_next(self) -> None:
        self._chain.freeze(self._holder)

    def be_unreachable(self) -> None:
        self._chain.wire.is_cut = True

    def finalize(self) -> None:
        """Every block of the node is final; a transaction that it took waits for its block a moment."""
        self._chain.bench.node.mine()

    def webhooks(self) -> list[Webhook]:
        pytest.skip("a chain sends no webhooks")
