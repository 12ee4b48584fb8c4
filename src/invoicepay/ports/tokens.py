"""The token side: mint, burn and move tokens, tell what is outstanding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from invoicepay.domain.money import Money
from invoicepay.errors import InvoicePayError


class TokenStatus(StrEnum):
    """What a provider says of one operation, in our words; an unmapped word is NEEDS_REVIEW."""

    PENDING = "pending"
    FINAL = "final"
    FAILED = "failed"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOrder:
    """One movement of tokens.

    Attributes:
        reference: our effect's id; the provider can be asked by it.
        from_party, to_party: empty on the side of the issuer (mint has no source, burn no destination).
        memo: digest that ties the movement to its cause; never personal data.
    """

    reference: str
    amount: Money
    from_party: str = ""
    to_party: str = ""
    memo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTransfer:
    """What the provider said of an order.

    Attributes:
        provider_ref: transaction hash or operation id.
        provider_status: the provider's own word.
        amount: as the provider states it; compared with the order.
    """

    provider_ref: str
    reference: str
    status: TokenStatus
    provider_status: str
    amount: Money
    observed_at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEvent:
    """A delivered or polled fact about one movement.

    Attributes:
        from_party, to_party: set for transfers that we did not start (pushes).
        invoice_id: the invoice named by the transfer's memo, when it names one.
    """

    event_id: str
    occurred_at: datetime
    transfer: TokenTransfer
    from_party: str = ""
    to_party: str = ""
    invoice_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCapabilities:
    """What the provider can do; what is not confirmed is False.

    Attributes:
        deduplicates: two orders under one key move tokens once.
        finds_by_reference: `find` sees every order that arrived, after `absent_grace_seconds` at the latest.
        key_lifetime_seconds: how long a key is remembered; 0 means for ever.
        per_party: each party has a wallet of its own with the provider, and a burn or transfer takes only
            what that wallet holds. False: one pot for all, and whose tokens they are, only our book knows.
    """

    deduplicates: bool
    finds_by_reference: bool
    absent_grace_seconds: int
    key_lifetime_seconds: int = 0
    freezes: bool = False
    per_party: bool = False


class MoveKind(StrEnum):
    """Which of a provider's three orders a move is."""

    MINT = "mint"
    BURN = "burn"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMove:
    """One of several orders that are handed over together, with its own key."""

    kind: MoveKind
    order: TokenOrder
    idempotency_key: str


class TokenProvider(Protocol):
    """Issues and moves tokens of one or more assets.

    Every money call carries a key: two calls with one key move tokens once and answer alike.
    Checked for every adapter by `invoicepay.testing.TokenContract`.
    """

    @property
    def name(self) -> str:
        """Stable name, part of every provider reference."""
        ...

    def capabilities(self) -> TokenCapabilities:
        """What this provider can do."""
        ...

    async def mint(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        """Issue `order.amount` to `order.to_party`.

        Raises:
            ProviderRejected: refused for good; nothing was issued.
            ProviderUnavailable: not reached; nothing was issued; retry with the same key.
            ProviderUnknown: sent, not answered; look it up, do not resend.
        """
        ...

    async def burn(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        """Take `order.amount` of `order.from_party` out of circulation.

        Raises:
            ProviderRejected: refused for good; nothing was burned.
            ProviderUnavailable: not reached; retry with the same key.
            ProviderUnknown: sent, not answered; look it up, do not resend.
        """
        ...

    async def transfer(self, order: TokenOrder, *, idempotency_key: str) -> TokenTransfer:
        """Move `order.amount` from `order.from_party` to `order.to_party`.

        Raises:
            ProviderRejected: refused for good; nothing moved.
            ProviderUnavailable: not reached; retry with the same key.
            ProviderUnknown: sent, not answered; look it up, do not resend.
        """
        ...

    async def find(self, reference: str) -> TokenTransfer | None:
        """The order under our reference, or None when the provider never saw it.

        Raises:
            ProviderUnavailable: the question was not answered; ask again.
        """
        ...

    async def supply(self, asset: str) -> Money:
        """Tokens outstanding at finality, as the provider counts them.

        Raises:
            ProviderUnavailable: the question was not answered; ask again.
        """
        ...

    async def balance(self, party_id: str, asset: str) -> Money:
        """Tokens of a party at finality, as the provider counts them.

        Raises:
            ProviderUnavailable: the question was not answered; ask again.
        """
        ...

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[TokenEvent, ...]:
        """Verify the signature over the raw bytes, then read the events.

        Raises:
            WebhookSignatureInvalid: not from the provider, replayed or mangled.
        """
        ...


@runtime_checkable
class TokenBatches(Protocol):
    """An ability of some token providers: several orders in one call, so that they may share transactions.

    How they are shared is the provider's matter; each order keeps its key, its reference and its fate.
    """

    async def move(self, moves: Sequence[TokenMove]) -> Sequence[TokenTransfer | InvoicePayError]:
        """Carry out several orders, each as if `mint`, `burn` or `transfer` had been called with its key.

        The whole call keeps to the time that one order may take: what was not sent by then is answered with
        `ProviderUnavailable`. Orders that share a transaction still have a `provider_ref` each, which stays
        the same in every later answer.

        Returns:
            For each move, in order, what the provider said, or the error that the single call would raise.

        Raises:
            ProviderRejected, ProviderUnavailable, ProviderUnknown: the same is true of every move.
        """
        ...
