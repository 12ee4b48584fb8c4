"""TilliPay as a RailsProvider: the profile says what to send and how to read it, this says when."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from invoicepay.adapters.http import Limits, Sender
from invoicepay.adapters.signatures import Secret
from invoicepay.adapters.system import SystemClock
from invoicepay.adapters.tillipay import wire
from invoicepay.adapters.tillipay.accounts import (
    AccountToken,
    BankDetails,
    CardDetails,
    check_account,
    fields_of,
    fingerprint,
    last_four,
)
from invoicepay.adapters.tillipay.credentials import Credentials, secrets_of
from invoicepay.adapters.tillipay.exchange import Exchange
from invoicepay.adapters.tillipay.parts import ORDERS, QUERIES, Purpose
from invoicepay.adapters.tillipay.payers import Payers, sources_of
from invoicepay.adapters.tillipay.profile import TilliPayProfile
from invoicepay.adapters.tillipay.readiness import PRODUCTION, base_url_of, check_accepted, check_credentials
from invoicepay.domain.money import Money, currency_of
from invoicepay.errors import ConfigurationError, ProviderError, ProviderRejected, ProviderUnavailable
from invoicepay.ports.health import Check, Health
from invoicepay.ports.rails import Direction, RailEvent, RailOrder, RailsCapabilities, RailTransfer
from invoicepay.ports.runtime import Clock

if TYPE_CHECKING:
    import httpx
    from pydantic import SecretStr


class TilliPay:
    """Cards and e-checks in; what else the gateway can do is what its profile describes.

    Args:
        environment: one of the profile's base URLs, or `production` with a `base_url`. In production every
            unconfirmed fact of the profile must be accepted by its id.
        asset: what dollars of the gateway are called in our books, such as "USD" or "USD.tempo".
        webhook_secrets: made by `profile.webhook.signature().secret("…")`; without one, no delivery is taken.
        fingerprint_key: keys the digest by which an account number is recognised; needed to tokenise.
        payers: tells names and addresses of whoever pays, for gateways that want them.

    Raises:
        ConfigurationError: an option contradicts the profile, or assumptions were not accepted; the message
            lists them.
    """

    profile: TilliPayProfile

    def __init__(
        self,
        profile: TilliPayProfile,
        credentials: Credentials,
        *,
        environment: str,
        accept_assumptions: Collection[str] = (),
        base_url: str | None = None,
        asset: str = "USD",
        webhook_secrets: Sequence[Secret] = (),
        fingerprint_key: SecretStr | None = None,
        payers: Payers | None = None,
        clock: Clock | None = None,
        limits: Limits | None = None,
        transport: httpx.BaseTransport | None = None,
        async_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        check_credentials(profile, credentials)
        check_accepted(profile, environment, accept_assumptions)
        self.profile, self._credentials = profile, credentials
        self._environment = environment
        self._asset, self._webhook_secrets = asset, tuple(webhook_secrets)
        self._fingerprint_key, self._payers = fingerprint_key, payers
        self._clock, self._signature = clock or SystemClock(), profile.webhook.signature()
        self._sender = Sender(
            profile.name,
            base_url_of(profile, environment, base_url),
            limits=limits or Limits(),
            secrets=secrets_of(credentials),
            transport=transport,
            async_transport=async_transport,
        )
        self._exchange = Exchange(self._sender, profile, credentials, self._clock)
        self._capabilities = self._described()

    @property
    def name(self) -> str:
        return self.profile.name

    def production_faults(self) -> tuple[str, ...]:
        elsewhere = (f"{self.name} is used in its environment {self._environment}",)
        here = self._environment == PRODUCTION
        return (*(() if here else elsewhere), *self._sender.production_faults())

    def capabilities(self) -> RailsCapabilities:
        return self._capabilities

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:  # noqa: ARG002
        return await self._order(Direction.DEPOSIT, order)

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:  # noqa: ARG002
        return await self._order(Direction.WITHDRAWAL, order)

    async def cancel(self, provider_ref: str, *, idempotency_key: str) -> RailTransfer:  # noqa: ARG002
        raise ProviderRejected(f"{self.name} has no call that cancels", provider_ref=provider_ref)

    async def find(self, reference: str) -> RailTransfer | None:
        queries = list(self._queries())
        if not queries:
            raise ProviderUnavailable(f"{self.name} has no status query", reference=reference)
        silence: ProviderUnavailable | None = None
        for direction, name, channel in queries:
            try:
                reply = await self._exchange.ask(name, channel, {"reference": reference})
            except ProviderUnavailable as error:
                silence = error  # another channel may know it; only all of them together know that none does
                continue
            if reply is not None:
                return self._transfer(name, reply, direction, reference, ordered=None)
        if silence is not None:
            raise silence
        return None

    async def balance(self, asset: str) -> Money:
        raise ProviderUnavailable(f"{self.name} tells no balance", asset=asset)

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[RailEvent, ...]:
        proof = self._signature.verified(self._webhook_secrets, body, headers, received_at=received_at)
        event = wire.event_of(
            self.profile,
            body,
            id=proof.id,
            is_vouched=proof.body_authenticated,
            asset=self._asset,
            received_at=received_at,
        )
        return (event,)

    async def tokenise(
        self, account: BankDetails | CardDetails, *, party_id: str, rail: str = ""
    ) -> AccountToken:
        """Save an account at the gateway and keep only its token, last four digits and fingerprint.

        Args:
            rail: where the token will be used; by default `card` or `bank_debit`.

        Raises:
            InvalidIdentifier: a number cannot be right; nothing was sent.
            ConfigurationError: there is no fingerprint key, or the profile cannot spell such an account.
            ProviderRejected: the gateway refused it, or has no call for it.
            ProviderUnavailable, ProviderUnknown: call again; no money moves here.
        """
        if self._fingerprint_key is None:
            raise ConfigurationError("tokenising needs a fingerprint_key")
        check_account(account, self.profile.letters)
        chosen = rail or ("card" if isinstance(account, CardDetails) else "bank_debit")
        channel, name = self._serving(Purpose.SAVE_ACCOUNT, chosen)
        sources: dict[str, wire.Source] = {"party_id": party_id}
        sources |= fields_of(account, self.profile.letters)
        reply = await self._exchange.order(name, channel, sources)
        return AccountToken(
            token=self._exchange.account_token(name, reply),
            last_four=last_four(account),
            fingerprint=fingerprint(account, self._fingerprint_key),
            rail=chosen,
        )

    async def forget(self, token: AccountToken) -> None:
        """Delete a saved account at the gateway.

        Raises:
            ProviderRejected: the gateway refused, or has no call for it.
            ProviderUnavailable, ProviderUnknown: call again.
        """
        channel, name = self._serving(Purpose.FORGET_ACCOUNT, token.rail)
        await self._exchange.order(name, channel, {"account_token": token.token})

    async def health(self) -> Health:
        """Log in to every channel; say how settlement is learnt of, and how many assumptions stand."""
        logins = [await self._login_check(channel) for channel in sorted(self._credentials)]
        ways = {"webhooks": self._webhook_secrets, "status queries": self._capabilities.finds_by_reference}
        news = [way for way, is_there in ways.items() if is_there]
        heard = Check("news", is_ok=bool(news), detail=", ".join(news) or "nothing tells of settlement")
        standing = Check("assumptions", is_ok=True, detail=f"{len(self.profile.unconfirmed())} unconfirmed")
        return Health(self.name, (*logins, heard, standing))

    def close(self) -> None:
        """End the connections of a blocking host."""
        self._sender.close()

    async def aclose(self) -> None:
        """End the connections."""
        await self._sender.aclose()

    async def _order(self, direction: Direction, order: RailOrder) -> RailTransfer:
        channel, name = self._serving(ORDERS[direction], order.rail)
        if order.amount.asset != self._asset:
            raise ProviderRejected(f"{self.name} moves {self._asset} here, not {order.amount.asset}")
        if not order.account_token:
            raise ProviderRejected(f"{self.name} needs the token of a saved account")
        sources: dict[str, wire.Source] = {
            "reference": order.reference,
            "account_token": order.account_token,
            "amount": wire.amount_text(order.amount),
            "currency": currency_of(self._asset),
            "party_id": order.party_id,
        }
        sources |= await sources_of(self._payers, order.party_id)
        reply = await self._exchange.order(name, channel, sources)
        return self._transfer(name, reply, direction, order.reference, ordered=order.amount)

    def _transfer(
        self, name: str, reply: wire.Reply, direction: Direction, reference: str, *, ordered: Money | None
    ) -> RailTransfer:
        return wire.transfer_of(
            self.profile,
            self.profile.operations[name],
            reply,
            direction=direction,
            reference=reference,
            ordered=ordered,
            asset=self._asset,
            now=self._clock.now(),
        )

    def _serving(self, purpose: Purpose, rail: str) -> tuple[str, str]:
        """The channel of a rail, and the name of the operation that serves the purpose there.

        Raises:
            ProviderRejected: there is none; nothing was sent.
        """
        for channel in self._credentials:
            name = self.profile.operation(purpose, channel)
            if name and self.profile.channels[channel].rail == rail:
                return channel, name
        raise ProviderRejected(f"{self.name} has no {purpose} over {rail}", rail=rail)

    def _described(self) -> RailsCapabilities:
        """What the profile's operations serve, in the channels that we have credentials for."""
        known = self.profile.idempotency
        return RailsCapabilities(
            deposit_rails=frozenset(self._rails(Direction.DEPOSIT)),
            withdrawal_rails=frozenset(self._rails(Direction.WITHDRAWAL)),
            deduplicates=known.deduplicates,
            finds_by_reference=self._finds_every_order(),
            absent_grace_seconds=known.absent_grace_seconds,
            key_lifetime_seconds=known.key_lifetime_seconds,
        )

    def _rails(self, direction: Direction) -> Iterator[str]:
        for channel in self._credentials:
            if self.profile.operation(ORDERS[direction], channel):
                yield self.profile.channels[channel].rail

    def _queries(self) -> Iterator[tuple[Direction, str, str]]:
        """Every query that may know a reference: which way the money went, operation, channel."""
        for direction, purpose in QUERIES.items():
            for channel in self._credentials:
                if name := self.profile.operation(purpose, channel):
                    yield direction, name, channel

    def _finds_every_order(self) -> bool:
        ordered = {
            (direction, channel)
            for direction, purpose in ORDERS.items()
            for channel in self._credentials
            if self.profile.operation(purpose, channel)
        }
        return ordered <= {(direction, channel) for direction, _, channel in self._queries()}

    async def _login_check(self, channel: str) -> Check:
        try:
            await self._exchange.log_in(channel)
        except ProviderError as error:
            return Check(f"login.{channel}", is_ok=False, detail=error.message)
        return Check(f"login.{channel}", is_ok=True)
