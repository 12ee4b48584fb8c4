"""Sends the operator's own transactions, set-up, freezes and pauses, and waits until they are final."""

from __future__ import annotations

from collections.abc import Sequence

from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt, wait_exponential

from invoicepay.adapters import hosts
from invoicepay.adapters.system import Sleep, fresh_secret
from invoicepay.adapters.tempo.errors import provider_answer
from invoicepay.adapters.tempo.network import TempoAccounts, TempoNetwork
from invoicepay.adapters.tempo.rpc import TempoRpc
from invoicepay.adapters.tempo.transaction import (
    EXPIRING_NONCE,
    Call,
    SignedTransaction,
    TempoTransaction,
    sign_transaction,
)
from invoicepay.adapters.tempo.wire import Receipt
from invoicepay.errors import ConfigurationError, ProviderRejected, ProviderUnavailable, ProviderUnknown
from invoicepay.ports.runtime import Clock
from invoicepay.ports.signing import Signer

WINDOW_SECONDS = 20
"""How long such a transaction lives; the chain takes no more than 30 seconds."""
GAS = 6_000_000
"""Enough for the dearest of it, a token made with all its roles (4 million); what is not used is not paid."""
LOOKS = 30
"""How often to look whether it is final, in all about 26 seconds: by then it is, or surely never will be."""


class Desk:
    """Carries out work that may be carried out twice without harm, and never moves money.

    Its transactions have no slot but an end: they expire within seconds, so several processes can work for
    one account, and a lost answer is cleared up by waiting.

    Args:
        clock, sleep: for tests.
    """

    def __init__(
        self,
        rpc: TempoRpc,
        signer: Signer,
        network: TempoNetwork,
        accounts: TempoAccounts,
        *,
        clock: Clock,
        sleep: Sleep = hosts.sleep,
    ) -> None:
        self._rpc, self._signer, self._network, self._accounts = rpc, signer, network, accounts
        self._clock, self._sleep = clock, sleep
        self._is_checked = False

    async def address(self, account: str) -> str:
        """The address of an account."""
        return await self._signer.address(account)

    async def carry_out(self, account: str, *calls: Call) -> Receipt:
        """Send calls of an account together; `fees` pays for them.

        Returns:
            The receipt, in a finalized block.

        Raises:
            ProviderRejected: it reverted, or the node refuses it; nothing was changed.
            ProviderUnavailable: it was not carried out, and never will be.
            ProviderUnknown: it may still be carried out; look, and do what is missing.
            ConfigurationError: the node is of another network.
        """
        await self.check_network()
        signed, ends_at = await self._signed(account, calls)
        try:
            refused = await self._rpc.send(signed.raw)
        except ProviderUnknown:
            refused = None  # whether it arrived shows below
        if refused is not None:
            raise refused.error()
        receipt = await self._final(signed.hash, ends_at)
        if not receipt.is_success:
            raise await self._reason(account, calls, receipt)
        return receipt

    async def check_network(self) -> None:
        """Compare the node's network with ours, once.

        Raises:
            ConfigurationError: it is another one.
        """
        if self._is_checked:
            return
        found = await self._rpc.chain_id()
        if found != self._network.chain_id:
            raise ConfigurationError(
                f"the node is of chain {found}, not of chain {self._network.chain_id}",
                hint="Correct the node's URL or the chain id in the settings.",
            )
        self._is_checked = True

    async def _signed(self, account: str, calls: Sequence[Call]) -> tuple[SignedTransaction, int]:
        """The bytes, and the second from which on no block takes them.

        The same calls may come twice within a second, as freeze, unfreeze, freeze do. A little chance in the
        price that is offered, at most 0.07 percent, gives each its own hash: the chain takes a hash once.
        """
        head = await self._rpc.block()
        ends_at = max(head.timestamp, int(self._clock.now().timestamp())) + WINDOW_SECONDS
        transaction = TempoTransaction(
            chain_id=self._network.chain_id,
            calls=tuple(calls),
            nonce_key=EXPIRING_NONCE,
            nonce=0,
            gas=GAS,
            fee_token=self._network.fee_token,
            max_fee=self._network.max_fee + int.from_bytes(fresh_secret()[:3]),
            valid_before=ends_at,
        )
        fees = self._accounts.fees
        payer = fees if account != fees else None
        return await sign_transaction(self._signer, transaction, account=account, fee_payer=payer), ends_at

    async def _final(self, hash: str, ends_at: int) -> Receipt:
        """The receipt once its block is final; looks again, ever less often, until the time is over."""
        looks = AsyncRetrying(
            retry=retry_if_result(lambda found: found is None),
            wait=wait_exponential(multiplier=0.05, max=1),
            stop=stop_after_attempt(LOOKS),
            sleep=self._sleep,
            retry_error_callback=lambda _state: None,
        )

        async def look() -> Receipt | None:
            return await self._look(hash, ends_at)

        receipt: Receipt | None = await looks(look)
        if receipt is None:
            raise ProviderUnknown("the chain has not told what became of a transaction", hash=hash)
        return receipt

    async def _look(self, hash: str, ends_at: int) -> Receipt | None:
        final = await self._rpc.block("finalized")  # first: a receipt asked for later cannot be missed
        receipt = await self._rpc.receipt(hash)
        if receipt is None and final.timestamp >= ends_at:
            raise ProviderUnavailable("the chain did not take the transaction in time", hash=hash)
        return receipt if receipt is not None and receipt.block_number <= final.number else None

    async def _reason(self, account: str, calls: Sequence[Call], receipt: Receipt) -> Exception:
        """Why it failed: the error of the first call that fails by itself."""
        sender = await self._signer.address(account)
        why = await self._rpc.why_reverted(calls, sender=sender, at=receipt.block_number - 1)
        if why is None:
            return ProviderRejected(
                "the calls revert together", reason="reverted", hash=receipt.transaction_hash
            )
        return provider_answer(why)
