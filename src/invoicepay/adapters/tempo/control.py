"""What an operator does to a token and its wallets: freeze, pause, cap; and what stands on the chain."""

from __future__ import annotations

from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.addresses import FEE_MANAGER
from invoicepay.adapters.tempo.desk import Desk
from invoicepay.adapters.tempo.network import TempoAccounts, TempoToken
from invoicepay.adapters.tempo.rpc import Tag, TempoRpc
from invoicepay.adapters.tempo.transaction import Call
from invoicepay.domain.money import Money
from invoicepay.errors import ComplianceBlocked, ComplianceError, CurrencyMismatch, NotAllowed, WalletFrozen

FINAL = "finalized"


class TempoControl:
    """Levers of one token; each looks first, so that pulling it twice changes nothing more.

    Each returns when what it did is final.

    Args:
        desk: signs for the guard and the admin.
    """

    def __init__(self, rpc: TempoRpc, desk: Desk, accounts: TempoAccounts, token: TempoToken) -> None:
        self._rpc, self._desk, self._accounts, self._token = rpc, desk, accounts, token

    async def freeze(self, wallet: str) -> None:
        """Let a wallet's tokens neither come nor go.

        Raises:
            NotAllowed: the address is one that the token cannot do without.
            ProviderRejected, ProviderUnavailable, ProviderUnknown: see `Desk.carry_out`.
        """
        if wallet.lower() in await self._needed():
            raise NotAllowed("the token stops when this address is frozen", address=wallet)
        if not await self.is_frozen(wallet):
            await self._guarded(calls.blacklist(self._token.policy, wallet, is_blocked=True))

    async def unfreeze(self, wallet: str) -> None:
        """Let a frozen wallet's tokens move again."""
        if await self.is_frozen(wallet):
            await self._guarded(calls.blacklist(self._token.policy, wallet, is_blocked=False))

    async def is_frozen(self, wallet: str, *, at: Tag = "latest") -> bool:
        """Whether the token's policy refuses a wallet."""
        return await self._rpc.number(calls.is_authorized(self._token.policy, wallet), at=at) == 0

    async def pause(self) -> None:
        """Stop every transfer, mint and burn of the token."""
        if not await self.is_paused():
            await self._guarded(calls.pause(self._token.address))

    async def unpause(self) -> None:
        """Let a paused token move again."""
        if await self.is_paused():
            await self._guarded(calls.unpause(self._token.address))

    async def is_paused(self, *, at: Tag = "latest") -> bool:
        """Whether the token stands still."""
        return await self._rpc.number(calls.is_paused(self._token.address), at=at) == 1

    async def set_cap(self, cap: Money) -> None:
        """Set the most that may be outstanding; needs the admin's key.

        Raises:
            CurrencyMismatch: the amount is of another asset.
            ProviderRejected: the cap is below what is outstanding.
        """
        if cap.asset != self._token.asset:
            raise CurrencyMismatch(f"the cap of {self._token.asset} is not {cap}")
        if await self._rpc.number(calls.supply_cap(self._token.address)) != cap.micros:
            await self._desk.carry_out(
                self._accounts.admin, calls.set_supply_cap(self._token.address, cap.micros)
            )

    async def supply(self, *, at: Tag = FINAL) -> Money:
        """Tokens outstanding; at finality this is what the books are compared with."""
        return self._money(await self._rpc.number(calls.total_supply(self._token.address), at=at))

    async def balance(self, wallet: str, *, at: Tag = FINAL) -> Money:
        """Tokens that a wallet holds."""
        return self._money(await self._rpc.number(calls.balance_of(self._token.address, wallet), at=at))

    async def why_forbidden(self, *wallets: str) -> ComplianceError:
        """What a refusal of the policy is told as: our freeze, when one of the wallets is frozen."""
        for wallet in wallets:
            if await self.is_frozen(wallet):
                return WalletFrozen("the wallet is frozen on the chain", address=wallet)
        return ComplianceBlocked("the token's transfer policy refuses a party")

    async def _needed(self) -> set[str]:
        """Addresses whose freeze would stop everybody's tokens."""
        accounts = self._accounts
        roles = (accounts.admin, accounts.guard, accounts.fees, *accounts.moving)
        return {FEE_MANAGER, *[await self._desk.address(account) for account in roles]}

    async def _guarded(self, call: Call) -> None:
        await self._desk.carry_out(self._accounts.guard, call)

    def _money(self, units: int) -> Money:
        """Every TIP-20 token has 6 decimals, so one base unit is one micro."""
        return Money.from_micros(units, self._token.asset)
