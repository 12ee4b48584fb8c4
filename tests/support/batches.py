"""A simulated issuer that takes several orders in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from invoicepay.adapters.simulated import SimulatedTokens
from invoicepay.errors import InvoicePayError
from invoicepay.ports.tokens import MoveKind, TokenMove, TokenTransfer
from tests.support.desk import Desk


class BatchedTokens(SimulatedTokens):
    """The simulated issuer with `move`.

    Attributes:
        calls: the orders of each call, in the order they came.
        watch: called with the orders of a call before any is carried out; may raise what the call raises.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.calls: list[tuple[TokenMove, ...]] = []
        self.watch: Callable[[Sequence[TokenMove]], None] = lambda moves: None

    async def move(self, moves: Sequence[TokenMove]) -> Sequence[TokenTransfer | InvoicePayError]:
        """Carry out each order as if it had come alone."""
        self.calls.append(tuple(moves))
        self.watch(moves)
        return [await self._moved(move) for move in moves]

    async def _moved(self, move: TokenMove) -> TokenTransfer | InvoicePayError:
        orders = {MoveKind.MINT: self.mint, MoveKind.BURN: self.burn, MoveKind.TRANSFER: self.transfer}
        try:
            return await orders[move.kind](move.order, idempotency_key=move.idempotency_key)
        except InvoicePayError as error:
            return error


def with_batches(desk: Desk, **options: Any) -> BatchedTokens:
    """Give a desk an issuer that takes several orders in one call."""
    tokens = BatchedTokens(desk.clock, **options)
    desk.tokens, desk.deps = tokens, replace(desk.deps, tokens=tokens)
    return tokens
