"""Moves a stablecoin from a wallet of ours to an address: once for each key, compared when repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.address_book import Purse
from invoicepay.adapters.circle.config import CircleAsset, CircleConfig
from invoicepay.adapters.circle.finding import Finder
from invoicepay.adapters.circle.w3s import WalletsApi, data_of
from invoicepay.adapters.circle.wallets import (
    ATTENTION,
    amount_of,
    is_as_ordered,
    status_of,
    transfer_body,
    transfer_from,
)
from invoicepay.errors import ProviderRejected, ProviderUnavailable, ProviderUnknown
from invoicepay.ports.runtime import Clock
from invoicepay.ports.tokens import TokenOrder, TokenStatus, TokenTransfer

_ID = re.compile(r"[0-9a-f-]{36}")

OPERATION = "transfer"
PATH = "/v1/w3s/developer/transactions/transfer"


class Mover:
    """Orders transfers; mint, burn, transfer and sweep are the same to Circle."""

    def __init__(self, config: CircleConfig, api: WalletsApi, clock: Clock) -> None:
        self._config, self._api, self._clock = config, api, clock
        self.finder: Finder = Finder(api)

    async def moved(
        self, order: TokenOrder, asset: CircleAsset, source: Purse, target: Purse, key: str
    ) -> TokenTransfer:
        """Order the transfer; where Circle says that it knows the key, tell what it did then.

        Raises:
            ProviderRejected: refused for good; nothing moved.
            ProviderUnavailable: surely not done; order it again under the same key.
            ProviderUnknown: it may have been done.
            IdempotencyConflict: the key stands for another transfer.
        """
        if source.address.lower() == target.address.lower():
            raise ProviderRejected("source and destination are one wallet", reference=order.reference)
        body = transfer_body(self._config, asset, order, wallet_id=source.wallet_id, address=target.address)
        answer = await self._api.order(
            PATH,
            body,
            operation=OPERATION,
            key=key,
            waits_for_funds=source.wallet_id == asset.treasury_wallet_id,
        )
        created = data_of(answer, wire.Created, operation=OPERATION, is_order=True)
        self.finder.remember(order.reference, created.id)
        if answer.status == 200:
            return await self._repeated(created.id, order, asset, body)
        return TokenTransfer(
            provider_ref=created.id,
            reference=order.reference,
            status=status_of(created.state),
            provider_status=created.state,
            amount=order.amount,
            observed_at=self._clock.now(),
            reason=ATTENTION.get(created.state, ""),
        )

    async def replaced(self, id: str, how: str, key: str) -> None:
        """Have a transfer that is in no block yet sent again (`accelerate`), or taken back (`cancel`).

        Raises:
            ProviderRejected: there is no such transfer, or its state forbids it (155215, 155229).
            ProviderUnavailable, ProviderUnknown: not done, or not known; ask for the transfer.
        """
        if not _ID.fullmatch(id):
            raise ProviderRejected("a transfer is named by Circle's id of it", transfer=id)
        path = f"/v1/w3s/developer/transactions/{id}/{how}"
        await self._api.order(path, {}, operation=how, key=key)

    async def _repeated(
        self, id: str, order: TokenOrder, asset: CircleAsset, body: Mapping[str, object]
    ) -> TokenTransfer:
        """What a repeated key stands for: read, and compared with the order."""
        try:
            seen = await self.finder.by_id(id)
        except ProviderUnavailable as error:
            raise ProviderUnknown("Circle knows the key, and did not tell what it did") from error
        if seen is None:
            raise ProviderUnknown("Circle knows the key, and not its transaction", transaction=id)
        told = transfer_from(self._config, seen)
        if is_as_ordered(seen, body) and amount_of(asset, seen) == order.amount:
            return told
        return replace(told, status=TokenStatus.NEEDS_REVIEW, reason="the key was used for another transfer")
