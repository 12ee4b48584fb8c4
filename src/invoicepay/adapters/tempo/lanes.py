"""Lanes of the two accounts that move money, and the signing of what is bound to a slot of theirs."""

from __future__ import annotations

import hashlib
from typing import Final

from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.network import TempoNetwork
from invoicepay.adapters.tempo.orders import Wallets
from invoicepay.adapters.tempo.rpc import TempoRpc
from invoicepay.adapters.tempo.transaction import (
    MOST_GAS,
    TempoTransaction,
    gas_for,
    sign_transaction,
)
from invoicepay.adapters.tempo.wire import Block
from invoicepay.errors import ConfigurationError, InvoicePayError, ProviderUnavailable
from invoicepay.ports.runtime import Clock
from invoicepay.ports.signing import Signer
from invoicepay.ports.slots import Attempt, Lane, Move, Slot, SlotStore

VALID_SECONDS: Final = 120
"""How long signed bytes are taken, so that they do not lie about for ever; single they are by their slot."""
STALE_SECONDS: Final = 4
"""Nodes refuse bytes that end within three seconds of their last block."""
MOST_RAISED: Final = 10
"""How many times the configured fee is offered at most, unless the base fee itself is higher."""


class Lanes:
    """Signs for slots: always from the movements that the slot store has, never from what a caller says.

    A lane is a nonce key of an account. Keys follow from chain, tenant and number, so that neither two
    tenants nor two chains ever give out the same slot, even with one signer and one database.

    Args:
        count: lanes of each account. One that is used first costs 250,000 gas more, once.
    """

    def __init__(
        self,
        signer: Signer,
        network: TempoNetwork,
        wallets: Wallets,
        *,
        clock: Clock,
        tenant_id: str,
        count: int,
    ) -> None:
        self._signer, self._network, self._wallets, self._clock = signer, network, wallets, clock
        self._keys = [_nonce_key(network.chain_id, tenant_id, number) for number in range(count)]

    async def lane_for(self, move: Move) -> Lane:
        """The lane for a movement and those that share its transaction; they spread over all lanes."""
        number = int.from_bytes(hashlib.sha256(move.reference.encode()).digest()[:8]) % len(self._keys)
        return Lane(await self._wallets.sender(move.kind), self._keys[number])

    async def check(self, rpc: TempoRpc, slots: SlotStore) -> None:
        """Make sure that the chain has used no slot that the store has yet to give out.

        The chain is asked first: what others take meanwhile is in the store then.

        Raises:
            ProviderUnavailable: it has, so the store is older than the chain, as after a restore; or the
                question was not answered.
        """
        senders = [await self._signer.address(account) for account in self._wallets.accounts.moving]
        ours = [Lane(sender, key) for sender in dict.fromkeys(senders) for key in self._keys]
        answers = await rpc.try_calls(
            [calls.lane_nonce(lane.signer, int(lane.nonce_key, 16)) for lane in ours], at="latest"
        )
        known = await slots.lanes()
        for lane, answer in zip(ours, answers, strict=True):
            if isinstance(answer, InvoicePayError):
                raise ProviderUnavailable("the node does not tell the nonce of a lane") from answer
            if calls.number(answer) > known.get(lane, 0):
                raise ProviderUnavailable(
                    "the chain used slots that the store does not know: it is older than the chain",
                    hint="Restore the newest copy of the slot tables before anything is sent.",
                    signer=lane.signer,
                    nonce_key=lane.nonce_key,
                )

    def is_current(self, attempt: Attempt, head: Block) -> bool:
        """Whether a node would still take these bytes."""
        return attempt.valid_before > self._now(head) + STALE_SECONDS

    async def signed(self, slot: Slot, head: Block, *, gas_factor: int = 1) -> Attempt:
        """Fresh bytes for a slot: the same calls, a new end, and a fee that replaces earlier bytes.

        Raises:
            ProviderUnavailable, ProviderRejected, NotFound: the key service did not sign.
            ConfigurationError: the lane is of no account of ours.
        """
        account, payer = await self._account_of(slot.key.lane), self._wallets.accounts.fees
        sender = slot.key.lane.signer
        made = [call for move in slot.moves for call in self._wallets.calls_of(move, sender)]
        ends_at = self._now(head) + VALID_SECONDS
        transaction = TempoTransaction(
            chain_id=self._network.chain_id,
            calls=tuple(made),
            nonce_key=int(slot.key.lane.nonce_key, 16),
            nonce=slot.key.nonce,
            gas=min(gas_for(len(made), is_new_lane=slot.key.nonce == 0) * gas_factor, MOST_GAS),
            fee_token=self._network.fee_token,
            max_fee=self._max_fee(slot, head),
            valid_before=ends_at,
        )
        signed = await sign_transaction(
            self._signer, transaction, account=account, fee_payer=None if payer == account else payer
        )
        return Attempt(hash=signed.hash, raw=signed.raw, valid_before=ends_at, max_fee=transaction.max_fee)

    async def _account_of(self, lane: Lane) -> str:
        for account in self._wallets.accounts.moving:
            if await self._signer.address(account) == lane.signer:
                return account
        raise ConfigurationError(
            "a slot belongs to an address that none of the accounts has", signer=lane.signer
        )

    def _max_fee(self, slot: Slot, head: Block) -> int:
        """Above the base fee with room to spare, and a quarter above what the slot offered before."""
        least = max(self._network.max_fee, 2 * head.base_fee)
        if not slot.attempts:
            return least
        raised = slot.attempts[-1].max_fee * 5 // 4
        return max(least, min(raised, MOST_RAISED * self._network.max_fee))

    def _now(self, head: Block) -> int:
        """The chain's time, or ours where the chain has stood still."""
        return max(head.timestamp, int(self._clock.now().timestamp()))


def _nonce_key(chain_id: int, tenant_id: str, number: int) -> str:
    """The nonce key of a lane; half of its bytes stay zero, where the protocol has keys of its own."""
    told = f"invoicepay lane 1\n{chain_id}\n{tenant_id}\n{number}"
    return "0x" + hashlib.sha256(told.encode()).hexdigest()[:32]
