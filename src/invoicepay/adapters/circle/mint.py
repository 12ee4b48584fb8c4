"""Circle Mint: requests to the operator's own account, under one key where they move money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import SecretStr, ValidationError

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.config import MintConfig
from invoicepay.adapters.circle.errors import Cause, cause_of, require_done, unreadable
from invoicepay.adapters.circle.ids import KeysUsed
from invoicepay.adapters.circle.w3s import data_of
from invoicepay.adapters.circle.wallets import Pairs, instant, next_page, page_of
from invoicepay.adapters.http import Answer, Request, Sender
from invoicepay.domain.money import Money
from invoicepay.errors import ProviderRejected, ProviderUnavailable

M = TypeVar("M", bound=wire.Wire)
E = TypeVar("E", bound=wire.Entry)
P = TypeVar("P", bound=wire.Wire)

TRANSFERS = "/v1/businessAccount/transfers"
PAYOUTS = "/v1/businessAccount/payouts"
DEPOSITS = "/v1/businessAccount/deposits"
BALANCES = "/v1/businessAccount/balances"

CENT_MICROS = 10_000


class Data(wire.Wire, Generic[P]):
    """The envelope of a list."""

    data: tuple[P, ...]


class MintApi:
    """One account at Mint: questions freely, orders under one key."""

    def __init__(self, config: MintConfig, sender: Sender) -> None:
        self._sender, self._used = sender, KeysUsed()
        self._bearer = SecretStr(f"Bearer {config.api_key.get_secret_value()}")

    async def ask(self, path: str, kind: type[M], *, operation: str) -> M:
        """The answer to a question.

        Raises:
            ProviderUnavailable: not answered, or refused; ask again.
        """
        found = await self.ask_for(path, kind, operation=operation)
        if found is None:
            raise ProviderUnavailable(f"Circle knows nothing of {operation}", operation=operation)
        return found

    async def ask_for(self, path: str, kind: type[M], *, operation: str) -> M | None:
        """The same, or None where Circle has no such thing, or says that nothing can have such an id."""
        answer = await self._sender.ask(self._signed(Request("GET", path, operation=operation)))
        if not answer.is_success and cause_of(answer)[0] in (Cause.NOT_FOUND, Cause.INVALID):
            return None
        require_done(answer, operation=operation, is_order=False)
        return data_of(answer, kind, operation=operation)

    async def listed(self, path: str, kind: type[E], *, operation: str, query: Pairs = ()) -> tuple[E, ...]:
        """A whole list, page by page.

        Raises:
            ProviderUnavailable: not answered, or refused; ask again.
        """
        found, after = list[E](), ""
        while True:
            request = page_of(path, operation=operation, query=query, after=after)
            answer = await self._sender.ask(self._signed(request))
            require_done(answer, operation=operation, is_order=False)
            page = entries_of(answer, kind, operation=operation)
            found += page
            after = next_page(answer, [entry.id for entry in page], after=after)
            if not after:
                return tuple(found)

    async def order(
        self, path: str, body: Mapping[str, object], kind: type[M], *, operation: str, key: str
    ) -> M:
        """Send what moves money; Mint compares a repeated key by itself, and we do before it.

        Raises:
            ProviderRejected: refused for good; nothing was done.
            ProviderUnavailable: surely not done; send it again under the same key.
            ProviderUnknown: it may have been done; send it again under the same key.
            IdempotencyConflict: the key belongs to another request.
        """
        asked = {"idempotencyKey": key, **body}
        self._used.check(key, asked)
        answer = await self._sender.order(
            self._signed(Request("POST", path, operation=operation, json=asked))
        )
        require_done(answer, operation=operation, is_order=True, waits_for_funds=True)
        return data_of(answer, kind, operation=operation, is_order=True)

    def _signed(self, request: Request) -> Request:
        return replace(request, headers=(("Authorization", self._bearer),))


def entries_of(answer: Answer, kind: type[E], *, operation: str) -> tuple[E, ...]:
    """The entries of one page.

    Raises:
        ProviderUnavailable: it cannot be read.
    """
    try:
        page: Data[E] = Data[kind].model_validate_json(answer.body)  # type: ignore[valid-type]
    except ValidationError:
        raise unreadable(operation, answer, is_order=False) from None
    return page.data


def transfer_body(config: MintConfig, amount: Money) -> dict[str, object]:
    """USDC from the account to the approved recipient.

    Raises:
        ProviderRejected: parts of a cent, or another asset.
    """
    destination = {"type": "verified_blockchain", "addressId": config.recipient_id}
    return {"destination": destination, "amount": amount_body(config, amount)}


def payout_body(config: MintConfig, amount: Money) -> dict[str, object]:
    """Money from the account to the linked bank account; the same refusals."""
    destination = {"type": config.bank_kind, "id": config.bank_id}
    return {"destination": destination, "amount": amount_body(config, amount)}


def amount_body(config: MintConfig, amount: Money) -> dict[str, str]:
    """Money as Mint writes it: two decimals, because bank money has no more.

    Raises:
        ProviderRejected: parts of a cent, or another asset.
    """
    cents = whole_cents(config, amount)
    return {"amount": f"{cents // 100}.{cents % 100:02}", "currency": config.currency}


def whole_cents(config: MintConfig, amount: Money) -> int:
    """Money of the account in cents.

    Raises:
        ProviderRejected: parts of a cent, nothing or less, or another asset.
    """
    if amount.asset != config.asset:
        raise ProviderRejected(f"{config.name} holds {config.asset}, not {amount.asset}")
    cents, rest = divmod(amount.micros, CENT_MICROS)
    if rest or cents <= 0:
        raise ProviderRejected(f"Mint moves whole cents above zero, not {amount}")
    return cents


def window(since: datetime, until: datetime | None) -> Pairs:
    """The part of a list that was made in a time."""
    return (("from", instant(since)), *((("to", instant(until)),) if until else ()))
