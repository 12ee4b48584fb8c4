"""Stablecoins in Circle's wallets as tokens: a mint is released from the treasury, a burn returns to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from invoicepay.adapters.circle import health, wire
from invoicepay.adapters.circle.address_book import CircleWallets, Purse
from invoicepay.adapters.circle.config import CircleAsset, CircleConfig
from invoicepay.adapters.circle.errors import is_locked_out
from invoicepay.adapters.circle.ids import leg_key
from invoicepay.adapters.circle.moving import Mover
from invoicepay.adapters.circle.w3s import LONGEST_SECONDS, WalletsApi
from invoicepay.adapters.circle.wallets import held, transfer_from
from invoicepay.adapters.circle.webhooks_v2 import NotificationKeys, notification_from, transaction_of
from invoicepay.adapters.http import Limits, Sender, together
from invoicepay.adapters.system import SystemClock
from invoicepay.domain.money import Money
from invoicepay.errors import ProviderRejected, ProviderUnavailable, WebhookSignatureInvalid
from invoicepay.ports.health import Health
from invoicepay.ports.runtime import Clock
from invoicepay.ports.tokens import TokenCapabilities, TokenEvent, TokenOrder, TokenTransfer

LIMITS = Limits(total_seconds=10.0)
"""A party's first mint takes up to five requests, one after the other, and has to end within its claim."""

KEY_LIFETIME_SECONDS = 86_400
"""How long we rely on Circle's memory of a key; its pages promise no time."""


class CircleTokens:
    """Parties' USDC or EURC in developer-controlled wallets, as a TokenProvider.

    No call here makes or destroys USDC. `mint` releases units from the treasury's float to a party, against
    bank money that has settled; `burn` returns them to the treasury. What fills and empties the float is the
    operator's business with Circle Mint: see `CircleTreasury`.

    Every movement has one idempotency key, derived from the intent's own, and is found again by its
    reference. Circle answers a repeated key with the first movement, whatever is asked the second time: so a
    request is compared with what its key was sent for before, and a repeated answer with the order.

    Examples:
        >>> from pydantic import SecretStr
        >>> from invoicepay.adapters.circle import CircleAsset, CircleConfig, CircleTokens
        >>> wallet = "11111111-2222-4333-8444-555555555555"
        >>> usdc = CircleAsset(asset="USD.usdc", blockchain="BASE-SEPOLIA", treasury_wallet_id=wallet)
        >>> config = CircleConfig(
        ...     api_key=SecretStr("TEST_API_KEY:id:secret"),
        ...     entity_secret=SecretStr("00" * 32),
        ...     wallet_set_id="66666666-7777-4888-8999-aaaaaaaaaaaa",
        ...     assets=(usdc,),
        ... )
        >>> CircleTokens(config)
        <CircleTokens circle: USD.usdc on BASE-SEPOLIA>
    """

    config: CircleConfig

    def __init__(self, config: CircleConfig, *, clock: Clock | None = None, limits: Limits = LIMITS) -> None:
        self.config, self._clock = config, clock or SystemClock()
        secrets = (config.api_key, config.entity_secret)
        self._sender = Sender(
            config.name, config.base_url, limits=limits, secrets=secrets, is_locked_out=is_locked_out
        )
        self.api: WalletsApi = WalletsApi(config.api_key, config.entity_secret, self._sender)
        self.wallets: CircleWallets = CircleWallets(config, self.api)
        self.mover: Mover = Mover(config, self.api, self._clock)
        self._keys = NotificationKeys(self._fetch_key)

    def __repr__(self) -> str:
        places = ", ".join(f"{asset.asset} on {asset.blockchain}" for asset in self.config.assets)
        return f"<CircleTokens {self.config.name}: {places}>"

    @property
    def name(self) -> str:
        return self.config.name

    def production_faults(self) -> tuple[str, ...]:
        return (*self.config.production_faults(), *self._sender.production_faults())

    def capabilities(self) -> TokenCapabilities:
        return TokenCapabilities(
            deduplicates=True,
            finds_by_reference=True,
            absent_grace_seconds=self.config.finds_after_seconds,
            key_lifetime_seconds=KEY_LIFETIME_SECONDS,
            per_party=True,
        )

    async def mint(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return await self._moved(order, None, order.to_party, leg_key(idempotency_key, "mint"))

    async def burn(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        return await self._moved(order, order.from_party, None, leg_key(idempotency_key, "burn"))

    async def transfer(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        key = leg_key(idempotency_key, "transfer")
        return await self._moved(order, order.from_party, order.to_party, key)

    async def find(self, reference: str) -> TokenTransfer | None:
        found = await self.mover.finder.find(reference)
        return None if found is None else transfer_from(self.config, found)

    async def supply(self, asset: str) -> Money:
        """Tokens in all wallets of the set but the treasury's, read page by page over some seconds."""
        held_asset = self._known(asset)
        query = (("blockchain", held_asset.blockchain), ("walletSetId", self.config.wallet_set_id))
        path, after, micros = "/v1/w3s/developer/wallets/balances", "", 0
        while True:
            page, after = await self.api.page(
                path, wire.WalletsWithBalances, operation="supply", query=query, after=after
            )
            for wallet in page.wallets:
                if wallet.id != held_asset.treasury_wallet_id:
                    micros += _held(wallet.token_balances, held_asset)
            if not after:
                return Money.from_micros(micros, asset)

    async def balance(self, party_id: str, asset: str) -> Money:
        held_asset = self._known(asset)
        purse = await self.wallets.known_purse(party_id, held_asset.blockchain)
        if purse is None:
            return Money.zero(asset)
        return await self.balance_of_wallet(purse.wallet_id, held_asset)

    async def balance_of_wallet(self, wallet_id: str, asset: CircleAsset) -> Money:
        """What any wallet of ours holds of a stablecoin.

        Raises:
            ProviderUnavailable: not answered; ask again.
        """
        path, after, micros = f"/v1/w3s/wallets/{wallet_id}/balances", "", 0
        while True:
            page, after = await self.api.page(path, wire.Balances, operation="balance", after=after)
            micros += _held(page.token_balances, asset)
            if not after:
                return Money.from_micros(micros, asset.asset)

    async def prepare_webhook(
        self, body: bytes, headers: Mapping[str, str], *, received_at: datetime
    ) -> None:
        """Have the key at hand; of a verified arrival, find out whether it came from a wallet of ours."""
        await self._keys.prepare(headers, received_at)
        try:
            seen = transaction_of(self._verified(body, headers))
        except WebhookSignatureInvalid:
            return  # refused when it is parsed
        if seen is not None and _has_arrived(seen) and seen.source_address:
            await self.wallets.is_ours(seen.source_address, seen.blockchain)

    def parse_webhook(
        self,
        body: bytes,
        headers: dict[str, str],
        *,
        received_at: datetime,  # noqa: ARG002
    ) -> tuple[TokenEvent, ...]:
        """Verify, then read. Age proves nothing: Circle delivers again for a day; the inbox keeps it once.

        What moved between two wallets of ours is told by the sending side. What came from elsewhere is told
        without a party: nobody books it, and it waits in the inbox for a person.
        """
        news = self._verified(body, headers)
        seen = transaction_of(news)
        if seen is None or self.config.asset_of_token(seen.token_id) is None:
            return ()
        told = transfer_from(self.config, seen)
        if _has_arrived(seen):
            if self._is_told_elsewhere(seen):
                return ()
            # Nobody ordered it here, though Circle may repeat a reference that the sender gave.
            told = replace(told, reference="")
        return (TokenEvent(event_id=news.notification_id, occurred_at=seen.update_date, transfer=told),)

    async def accelerate(self, provider_ref: str, *, idempotency_key: str) -> None:
        """Send a transfer that is stuck for a low fee again at a high one; an operator's act, paid in gas.

        Raises:
            ProviderRejected: it is in a block already, or over.
            ProviderUnavailable, ProviderUnknown: not done, or not known; look at the transfer.
        """
        await self.mover.replaced(provider_ref, "accelerate", leg_key(idempotency_key, "accelerate"))

    async def cancel(self, provider_ref: str, *, idempotency_key: str) -> None:
        """Try to take a transfer back before it is in a block; it ends as CANCELLED, or goes through.

        Raises:
            ProviderRejected: it is in a block already, or over.
            ProviderUnavailable, ProviderUnknown: not done, or not known; look at the transfer.
        """
        await self.mover.replaced(provider_ref, "cancel", leg_key(idempotency_key, "cancel"))

    async def health(self) -> Health:
        """Reached, let in, treasury alive, float and gas above the configured marks."""
        return await health.of_tokens(self.config, self.api, self.balance_of_wallet)

    def close(self) -> None:
        """End the connections of a blocking host."""
        self._sender.close()

    async def aclose(self) -> None:
        """End the connections."""
        await self._sender.aclose()

    async def _moved(
        self, order: TokenOrder, source: str | None, target: str | None, key: str
    ) -> TokenTransfer:
        """Find both wallets and order the transfer, all within the time that a worker allows."""
        asset = self._asset(order)
        with together(LONGEST_SECONDS):
            sender, receiver = await self._purse(asset, source), await self._purse(asset, target)
            return await self.mover.moved(order, asset, sender, receiver, key)

    async def _purse(self, asset: CircleAsset, party_id: str | None) -> Purse:
        """A party's wallet, or the treasury's where None is said."""
        if party_id is None:
            return await self.wallets.treasury(asset.treasury_wallet_id)
        return await self.wallets.purse_of(party_id, asset.blockchain)

    def _verified(self, body: bytes, headers: Mapping[str, str]) -> wire.Notification:
        self._keys.verified(body, headers)
        return notification_from(body)

    def _is_told_elsewhere(self, arrived: wire.Transaction) -> bool:
        """By the sending wallet of ours, or by the treasury that was funded."""
        is_treasury = arrived.wallet_id in {asset.treasury_wallet_id for asset in self.config.assets}
        return is_treasury or self.wallets.is_known(arrived.source_address, arrived.blockchain)

    async def _fetch_key(self, key_id: str) -> wire.NotificationKey | None:
        path = f"/v2/notifications/publicKey/{key_id}"
        return await self.api.ask_for(path, wire.NotificationKey, operation="notification key")

    def _asset(self, order: TokenOrder) -> CircleAsset:
        found = self.config.asset(order.amount.asset)
        if found is None:
            raise ProviderRejected(f"{self.name} holds no {order.amount.asset}", asset=order.amount.asset)
        return found

    def _known(self, asset: str) -> CircleAsset:
        found = self.config.asset(asset)
        if found is None:
            raise ProviderUnavailable(f"{self.name} holds no {asset}", asset=asset)
        return found


def _has_arrived(seen: wire.Transaction) -> bool:
    """Whether it is the receiving side of a movement."""
    return seen.transaction_type == "INBOUND"


def _held(balances: tuple[wire.Balance, ...], asset: CircleAsset) -> int:
    """Micros among what a wallet holds.

    Raises:
        ProviderUnavailable: an amount that our books cannot hold exactly.
    """
    try:
        return held(balances, asset)
    except ValueError as error:
        raise ProviderUnavailable(f"Circle tells {error}", asset=asset.asset) from error
