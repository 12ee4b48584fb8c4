"""Circle Mint and the treasury wallet as a Treasury: the operator's float, filled and emptied in batches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from invoicepay.adapters.circle import health, mint, movements, webhooks_v1, wire
from invoicepay.adapters.circle.address_book import Purse
from invoicepay.adapters.circle.config import CircleAsset, MintConfig
from invoicepay.adapters.circle.errors import is_locked_out
from invoicepay.adapters.circle.ids import leg_key
from invoicepay.adapters.circle.tokens import CircleTokens
from invoicepay.adapters.circle.wallets import outbound_query
from invoicepay.adapters.http import Limits, Request, Sender
from invoicepay.adapters.system import SystemClock
from invoicepay.domain.money import Money
from invoicepay.domain.strict_json import strict_json
from invoicepay.errors import ConfigurationError, ProviderUnavailable, WebhookSignatureInvalid
from invoicepay.ports.health import Health
from invoicepay.ports.runtime import Clock
from invoicepay.ports.tokens import TokenOrder
from invoicepay.ports.treasury import (
    TreasuryEvent,
    TreasuryKind,
    TreasuryMovement,
    TreasuryOrder,
    TreasuryPosition,
    TreasuryStatus,
)

S = TreasuryStatus

SNS_URL = "https://sns.us-west-2.amazonaws.com"
PATHS: Mapping[TreasuryKind, str] = {
    TreasuryKind.DEPOSIT: mint.DEPOSITS,
    TreasuryKind.FUND: mint.TRANSFERS,
    TreasuryKind.ARRIVAL: mint.TRANSFERS,
    TreasuryKind.PAYOUT: mint.PAYOUTS,
}
MODELS: Mapping[str, type[wire.Entry]] = {
    mint.DEPOSITS: wire.MintDeposit,
    mint.TRANSFERS: wire.MintTransfer,
    mint.PAYOUTS: wire.Payout,
}
RESOURCES: Mapping[str, tuple[str, type[wire.Entry]]] = {
    "deposits": ("deposit", wire.MintDeposit),
    "transfers": ("transfer", wire.MintTransfer),
    "payouts": ("payout", wire.Payout),
}
"""By type of notification: the field that holds what it is about, and what that is."""

_REF = re.compile(r"[0-9A-Za-z-]{1,64}")


class CircleTreasury:
    """The operator's account at Circle Mint and its treasury wallet, as a Treasury.

    Circle issues USDC when a wire from the operator's own bank account arrives (`DEPOSIT`), and redeems it
    when the operator pays out to that account (`PAYOUT`). Parties' money never touches these calls.

    Args:
        tokens: the adapter whose treasury wallet this is; leave it out for an account without wallets.
        fetch: gets certificates and confirmation links from Amazon; both are checked before.
    """

    def __init__(
        self,
        config: MintConfig,
        tokens: CircleTokens | None = None,
        *,
        clock: Clock | None = None,
        limits: Limits | None = None,
        fetch: webhooks_v1.Fetch | None = None,
    ) -> None:
        self._config, self._tokens, self._clock = config, tokens, clock or SystemClock()
        limits = limits or Limits()
        self._sender = Sender(
            config.name,
            config.base_url,
            limits=limits,
            secrets=(config.api_key,),
            is_locked_out=is_locked_out,
        )
        self._amazon = Sender("amazon-sns", SNS_URL, limits=limits)
        self._get = fetch or self._fetched
        self.api: mint.MintApi = mint.MintApi(config, self._sender)
        self._certificates = webhooks_v1.Certificates(self._get)

    def __repr__(self) -> str:
        return f"<CircleTreasury {self.name}: {self._config.asset}>"

    @property
    def name(self) -> str:
        return self._config.name

    def production_faults(self) -> tuple[str, ...]:
        return (*self._config.production_faults(), *self._sender.production_faults())

    async def position(self) -> TreasuryPosition:
        seen = await self.api.ask(mint.BALANCES, wire.MintBalances, operation="balances")
        wallet = Money.zero(self._config.asset)
        if self._tokens is not None:
            asset = self._asset()
            wallet = await self._tokens.balance_of_wallet(asset.treasury_wallet_id, asset)
        return TreasuryPosition(
            available=self._sum(seen.available), unsettled=self._sum(seen.unsettled), wallet=wallet
        )

    async def fund(self, order: TreasuryOrder, *, idempotency_key: str) -> TreasuryMovement:
        self._configured(recipient_id=self._config.recipient_id)
        body, key = mint.transfer_body(self._config, order.amount), leg_key(idempotency_key, "fund")
        seen = await self.api.order(mint.TRANSFERS, body, wire.MintTransfer, operation="fund", key=key)
        moved = movements.movement_of_transfer(self._config, seen, self._clock.now())
        return self._compared(order, moved, moved.kind is TreasuryKind.FUND)

    async def pay_out(self, order: TreasuryOrder, *, idempotency_key: str) -> TreasuryMovement:
        self._configured(bank_id=self._config.bank_id)
        body, key = mint.payout_body(self._config, order.amount), leg_key(idempotency_key, "pay_out")
        seen = await self.api.order(mint.PAYOUTS, body, wire.Payout, operation="payout", key=key)
        moved = movements.movement_of_payout(self._config, seen)
        return self._compared(order, moved, seen.destination.id == self._config.bank_id)

    async def sweep(self, order: TreasuryOrder, *, idempotency_key: str) -> TreasuryMovement:
        self._configured(deposit_address=self._config.deposit_address)
        mint.whole_cents(self._config, order.amount)  # what arrives is an amount of the account
        tokens, asset = self._wallets(), self._asset()
        source = await tokens.wallets.treasury(asset.treasury_wallet_id)
        target = Purse("", self._config.deposit_address)
        sent = await tokens.mover.moved(
            TokenOrder(reference=order.reference, amount=order.amount),
            asset,
            source,
            target,
            leg_key(idempotency_key, "sweep"),
        )
        return movements.movement_of_sent(sent, target.address)

    async def find(self, kind: TreasuryKind, provider_ref: str) -> TreasuryMovement | None:
        if not _REF.fullmatch(provider_ref):
            return None
        if kind is TreasuryKind.SWEEP:
            swept = await self._wallets().mover.finder.by_id(provider_ref)
            return None if swept is None else self._swept(swept)
        path = PATHS[kind]
        found = await self.api.ask_for(f"{path}/{provider_ref}", MODELS[path], operation=f"{kind} look-up")
        moved = None if found is None else self._movement(found)
        return moved if moved is not None and moved.kind is kind else None

    async def movements(
        self, kind: TreasuryKind, *, since: datetime, until: datetime | None = None
    ) -> tuple[TreasuryMovement, ...]:
        if kind is TreasuryKind.SWEEP:
            return await self._sweeps(since, until)
        path, query = PATHS[kind], mint.window(since, until)
        listed = await self.api.listed(path, MODELS[path], operation=f"{kind} list", query=query)
        moved = [self._movement(each) for each in listed]
        return tuple(each for each in moved if each.kind is kind)

    async def prepare_webhook(
        self,
        body: bytes,
        headers: Mapping[str, str],  # noqa: ARG002
        *,
        received_at: datetime,
    ) -> None:
        """Have the certificate at hand that a delivery of a topic of ours names."""
        try:
            seen = webhooks_v1.message_from(body, self._config.topics)
        except WebhookSignatureInvalid:
            return  # refused when it is parsed
        await self._certificates.prepare(seen.signing_cert_url, received_at)

    def parse_webhook(
        self,
        body: bytes,
        headers: dict[str, str],  # noqa: ARG002
        *,
        received_at: datetime,
    ) -> tuple[TreasuryEvent, ...]:
        """Verify, then read; SNS signs no headers. Age proves nothing: the inbox keeps a message once.

        A delivery about the subscription itself tells no movement: see `subscription_offer`.
        """
        seen = webhooks_v1.verified(self._certificates, self._config.topics, body, received_at)
        movement = self._told(seen) if seen.type == "Notification" else None
        if movement is None:
            return ()
        event = TreasuryEvent(event_id=seen.message_id, occurred_at=movement.observed_at, movement=movement)
        return (event,)

    def subscription_offer(
        self, body: bytes, *, received_at: datetime
    ) -> webhooks_v1.SubscriptionOffer | None:
        """The subscription that a verified delivery offers or ends; None for a notification.

        Raises:
            WebhookSignatureInvalid: not from a topic of ours, or mangled.
        """
        seen = webhooks_v1.verified(self._certificates, self._config.topics, body, received_at)
        return webhooks_v1.offer_from(seen)

    async def confirm_subscription(self, offer: webhooks_v1.SubscriptionOffer) -> None:
        """Say yes to a subscription; an operator's own act, never done because a delivery asks for it.

        Raises:
            ProviderRejected: the offer is none of a topic of ours.
            ProviderUnavailable: Amazon did not answer; confirm again.
        """
        webhooks_v1.require_confirmable(offer, self._config.topics)
        await self._get(offer.url)

    async def health(self) -> Health:
        """Let in; recipient approved, bank linked, notifications confirmed, as far as they are configured."""
        return await health.of_treasury(self._config, self.api)

    def close(self) -> None:
        """End the connections of a blocking host."""
        self._sender.close()
        self._amazon.close()

    async def aclose(self) -> None:
        """End the connections."""
        await self._sender.aclose()
        await self._amazon.aclose()

    async def _fetched(self, url: str) -> bytes:
        answer = await self._amazon.ask(Request("GET", url, operation="fetch"))
        if not answer.is_success:
            raise ProviderUnavailable("Amazon SNS did not serve what it named", status=answer.status)
        return answer.body

    def _told(self, seen: webhooks_v1.SnsMessage) -> TreasuryMovement | None:
        """The movement in a verified notification, or None when it is about something else."""
        try:
            message: Any = strict_json(seen.message.encode())
            resource = RESOURCES.get(message["notificationType"])
            return resource and self._movement(resource[1].model_validate(message[resource[0]]))
        except (ValueError, TypeError, KeyError):
            pass
        raise WebhookSignatureInvalid("signed, but the notification in it cannot be read")

    def _movement(self, seen: wire.Wire) -> TreasuryMovement:
        if isinstance(seen, wire.MintTransfer):
            return movements.movement_of_transfer(self._config, seen, self._clock.now())
        if isinstance(seen, wire.Payout):
            return movements.movement_of_payout(self._config, seen)
        assert isinstance(seen, wire.MintDeposit), "Mint lists nothing else here"
        return movements.movement_of_deposit(self._config, seen)

    async def _sweeps(self, since: datetime, until: datetime | None) -> tuple[TreasuryMovement, ...]:
        asset, after, found = self._asset(), "", list[TreasuryMovement]()
        query = outbound_query(
            since, wallet_id=asset.treasury_wallet_id, destination=self._config.deposit_address
        )
        while True:
            page, after = await self._wallets().api.page(
                "/v1/w3s/transactions", wire.Transactions, operation="sweep list", query=query, after=after
            )
            found += [
                self._swept(each) for each in page.transactions if until is None or each.create_date <= until
            ]
            if not after:
                return tuple(reversed(found))

    def _swept(self, seen: wire.Transaction) -> TreasuryMovement:
        return movements.movement_of_sweep(self._asset(), seen)

    def _compared(self, order: TreasuryOrder, moved: TreasuryMovement, is_right: bool) -> TreasuryMovement:
        """What was answered, under the operator's name; an answer about another order needs a person."""
        told = replace(moved, reference=order.reference)
        if is_right and moved.amount == order.amount:
            return told
        return replace(told, status=S.NEEDS_REVIEW, reason="the answer is about another order")

    def _sum(self, amounts: tuple[wire.Amount, ...]) -> Money:
        """Our currency's part of a balance.

        Raises:
            ProviderUnavailable: an amount that our books cannot hold exactly.
        """
        ours = [each.amount for each in amounts if each.currency == self._config.currency]
        try:
            return sum((wire.money_from(text, self._config.asset) for text in ours), self._nothing())
        except ValueError as error:
            raise ProviderUnavailable(f"Mint tells {error}") from error

    def _nothing(self) -> Money:
        return Money.zero(self._config.asset)

    def _wallets(self) -> CircleTokens:
        if self._tokens is None:
            raise ConfigurationError("this treasury has no wallet: pass the CircleTokens that hold it")
        return self._tokens

    def _asset(self) -> CircleAsset:
        found = self._wallets().config.asset(self._config.asset)
        if found is None:
            raise ConfigurationError(f"the wallets hold no {self._config.asset}")
        return found

    def _configured(self, **needed: str) -> None:
        """Raises ConfigurationError for what the account is not told and the order needs."""
        lacking = [name for name, value in needed.items() if not value]
        if lacking:
            raise ConfigurationError(f"set {lacking[0]} of MintConfig for this order")
