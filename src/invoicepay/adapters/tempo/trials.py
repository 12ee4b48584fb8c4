"""Tries movements on the chain's state without sending them, and says what stands in their way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.errors import provider_answer
from invoicepay.adapters.tempo.orders import Wallets
from invoicepay.adapters.tempo.rpc import Tag, TempoRpc
from invoicepay.errors import ComplianceBlocked, InvoicePayError, WalletFrozen
from invoicepay.ports.slots import Move

ALLOWANCE = "allowance"
"""Reason of a refusal that an approval of the wallet cures."""


class Trials:
    """Asks the node what a call would do."""

    def __init__(self, rpc: TempoRpc, wallets: Wallets) -> None:
        self._rpc, self._wallets = rpc, wallets

    async def faults(
        self, moves: Sequence[Move], *, sender: str, at: Tag = "latest"
    ) -> list[InvoicePayError | None]:
        """The provider's answer that each movement would get by itself; None where it would go through.

        Of a burn only the pull is tried: the burn itself spends what the pull brings.

        Args:
            sender: the address that would send them.

        Raises:
            ProviderUnavailable: the node did not answer.
        """
        made = [self._wallets.calls_of(move, sender)[0] for move in moves]
        told = await self._rpc.try_calls(made, sender=sender, at=at)
        return [
            await self._named(move, one) if isinstance(one, InvoicePayError) else None
            for move, one in zip(moves, told, strict=True)
        ]

    async def _named(self, move: Move, error: InvoicePayError) -> InvoicePayError:
        """A refusal by the transfer policy is told as a freeze where it is one of ours."""
        if isinstance(error, ComplianceBlocked):
            frozen = [party for party, address in _parties(move) if await self._is_frozen(move, address)]
            if frozen:
                said = f"the wallet of {' and of '.join(frozen)} is frozen on the chain"
                details: dict[str, Any] = error.details
                return provider_answer(WalletFrozen(said, **details))
        return provider_answer(error)

    async def _is_frozen(self, move: Move, address: str) -> bool:
        policy = self._wallets.token(move.amount.asset).policy
        return not await self._rpc.number(calls.is_authorized(policy, address))


def _parties(move: Move) -> list[tuple[str, str]]:
    sides = ((move.from_party, move.source), (move.to_party, move.target))
    return [(party, address) for party, address in sides if address]
