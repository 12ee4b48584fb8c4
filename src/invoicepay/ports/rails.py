"""The bank side: fiat in and out over rails such as ACH, wires and instant payments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from invoicepay.domain.money import Money, currency_of, scale_of


class Direction(StrEnum):
    """Money coming in or going out."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"


class RailStatus(StrEnum):
    """What a provider says of one transfer, in our words; an unmapped word is NEEDS_REVIEW.

    PENDING: taken. IN_REVIEW: looked at by a person. SENT: released, no longer stoppable. SETTLED: the banks
    settled it. FINAL: the rail's hold or return window is over. The rest end it, before settlement (REJECTED,
    CANCELLED, FAILED) or after (RETURNED, RETURN_REVERSED).
    """

    PENDING = "pending"
    IN_REVIEW = "in_review"
    SENT = "sent"
    SETTLED = "settled"
    FINAL = "final"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"
    RETURNED = "returned"
    RETURN_REVERSED = "return_reversed"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class RailOrder:
    """One transfer to start.

    Attributes:
        reference: our effect's id; the provider can be asked by it.
        account_token: the provider's token for the bank account; never an account number.
    """

    reference: str
    amount: Money
    rail: str
    party_id: str
    account_token: str = ""

    @property
    def currency(self) -> str:
        """ISO 4217 code of what the bank moves, which an asset such as `USD.tempo` stands for."""
        return currency_of(self.amount.asset)

    @property
    def minor_units(self) -> int:
        """The amount in the smallest unit of its currency, for a bank that counts cents.

        Examples:
            >>> order = RailOrder(reference="e", amount=Money.of("12.50 USD"), rail="wire", party_id="ann")
            >>> order.minor_units
            1250
        """
        units = self.amount.amount.scaleb(scale_of(self.amount.asset))
        assert units == int(units), "what goes over a rail has no more decimals than its currency"
        return int(units)


@dataclass(frozen=True, slots=True, kw_only=True)
class RailTransfer:
    """What the provider said of a transfer.

    Attributes:
        provider_status: the provider's own word.
        amount: gross amount as the provider states it; compared with the order.
        fee: kept by the processor out of `amount`.
        return_code: for example R01; set when returned.
        part: names one of several settlements or returns of a deposit, with `amount` and `fee` of that part;
            empty where it moves once and in full. An amount other than ordered is only taken with a part.
    """

    provider_ref: str
    reference: str
    direction: Direction
    status: RailStatus
    provider_status: str
    amount: Money
    fee: Money
    observed_at: datetime
    return_code: str = ""
    reason: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RailEvent:
    """A delivered or polled fact about one transfer; `event_id` is unique per provider.

    Attributes:
        body_authenticated: False when the scheme does not sign the body; then the transfer is fetched again.
    """

    event_id: str
    occurred_at: datetime
    transfer: RailTransfer
    body_authenticated: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RailsCapabilities:
    """What the provider can do; what is not confirmed is False.

    Attributes:
        deduplicates: two orders under one key move money once.
        finds_by_reference: `find` sees every order that arrived, after `absent_grace_seconds` at the latest.
        key_lifetime_seconds: how long a key is remembered; 0 means for ever.
    """

    deposit_rails: frozenset[str]
    withdrawal_rails: frozenset[str]
    deduplicates: bool
    finds_by_reference: bool
    absent_grace_seconds: int
    key_lifetime_seconds: int = 0
    cancels: bool = False
    tells_balance: bool = False


class RailsProvider(Protocol):
    """Moves fiat money in and out.

    Every money call carries a key: two calls with one key move money once and answer alike.
    Checked for every adapter by `invoicepay.testing.RailsContract`.
    """

    @property
    def name(self) -> str:
        """Stable name, part of every provider reference."""
        ...

    def capabilities(self) -> RailsCapabilities:
        """What this provider can do."""
        ...

    async def initiate_deposit(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        """Ask the party's bank for `order.amount`.

        Raises:
            ProviderRejected: refused for good; no money moves.
            ProviderUnavailable: not reached; no money moves; retry with the same key.
            ProviderUnknown: sent, not answered; look it up, do not resend.
        """
        ...

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        """Pay `order.amount` out to the party's account.

        Raises:
            ProviderRejected: refused for good; no money moves.
            ProviderUnavailable: not reached; no money moves; retry with the same key.
            ProviderUnknown: sent, not answered; look it up, do not resend.
        """
        ...

    async def cancel(self, provider_ref: str, *, idempotency_key: str) -> RailTransfer:
        """Stop a transfer that was not sent yet.

        Raises:
            ProviderRejected: too late, or not supported; see `capabilities().cancels`.
            ProviderUnavailable: not reached; retry with the same key.
            ProviderUnknown: sent, not answered; look it up.
        """
        ...

    async def find(self, reference: str) -> RailTransfer | None:
        """The transfer under our reference, or None when the provider never saw it.

        Raises:
            ProviderUnavailable: the question was not answered; ask again.
        """
        ...

    async def balance(self, asset: str) -> Money:
        """Cash in the safeguarded account, as the bank counts it; see `capabilities().tells_balance`.

        Payouts wait until it covers them; those that are sent and not settled yet are taken off it.

        Raises:
            ProviderUnavailable: the question was not answered; ask again.
        """
        ...

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[RailEvent, ...]:
        """Verify the signature over the raw bytes, then read the events.

        Raises:
            WebhookSignatureInvalid: not from the provider, replayed or mangled.
        """
        ...
