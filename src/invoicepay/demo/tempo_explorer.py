"""What a block explorer shows: every movement of our tokens on the chain, with hash, block and memo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from invoicepay.adapters.tempo.addresses import TRANSFER_WITH_MEMO, ZERO
from invoicepay.adapters.tempo.network import TempoToken
from invoicepay.adapters.tempo.rpc import TempoRpc
from invoicepay.adapters.tempo.wire import Log
from invoicepay.demo.story import ChainMove
from invoicepay.domain.money import Money


class Explorer:
    """Reads on from where it read last.

    Args:
        names: of the addresses that we know.
    """

    def __init__(self, rpc: TempoRpc, tokens: Sequence[TempoToken], names: Mapping[str, str]) -> None:
        self._rpc, self._names = rpc, {**names, ZERO: ""}
        self._assets = {token.address: token.asset for token in tokens}
        self._next_block = 0

    async def news(self) -> list[ChainMove]:
        """The movements in blocks that became final since the last call, in the chain's order."""
        last = (await self._rpc.block("finalized")).number
        if last < self._next_block:
            return []
        first, self._next_block = self._next_block, last + 1
        return list(
            self._moves(
                await self._rpc.logs(list(self._assets), [TRANSFER_WITH_MEMO], first=first, last=last)
            )
        )

    def _moves(self, logs: Sequence[Log]) -> Iterator[ChainMove]:
        for log in logs:
            source, target = self._name(log.party(1)), self._name(log.party(2))
            yield ChainMove(
                block=log.block_number,
                hash=log.transaction_hash,
                kind="mint" if not source else "burn" if not target else "transfer",
                source=source,
                target=target,
                amount=Money.from_micros(log.amount, self._assets[log.address]),
                memo=log.topics[3][2:],
            )

    def _name(self, address: str) -> str:
        return self._names.get(address, address)
