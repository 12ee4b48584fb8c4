"""Requests to Circle's wallet API and what its answers mean: pure steps, nothing is sent here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.config import CircleAsset, CircleConfig
from invoicepay.adapters.http import Answer, Request
from invoicepay.domain.money import Money
from invoicepay.errors import ProviderUnavailable
from invoicepay.ports.tokens import TokenOrder, TokenStatus, TokenTransfer

PAGE = 50
"""The most that Circle lists at once."""

STATUS: Mapping[str, TokenStatus] = MappingProxyType(
    {
        "INITIATED": TokenStatus.PENDING,
        "PENDING_RISK_SCREENING": TokenStatus.PENDING,
        "CLEARED": TokenStatus.PENDING,
        "QUEUED": TokenStatus.PENDING,
        "SENT": TokenStatus.PENDING,
        "STUCK": TokenStatus.PENDING,
        "CONFIRMED": TokenStatus.PENDING,  # in a block that may still vanish (FAILED_REORG): not money yet
        "COMPLETE": TokenStatus.FINAL,
        "FAILED": TokenStatus.FAILED,
        "DENIED": TokenStatus.FAILED,
        "CANCELLED": TokenStatus.FAILED,
    }
)
"""Circle's states in our words: only COMPLETE is money; a state that is not here needs a person."""

ATTENTION: Mapping[str, str] = MappingProxyType(
    {
        "STUCK": "stuck for a low fee: accelerate or cancel it",
        "DENIED": "denied by transaction screening",
        "CANCELLED": "cancelled before it reached the chain",
    }
)

RELATIONS = frozenset({"self", "first", "prev", "previous", "next", "last"})
"""What a Link header tells of pages."""
_REL = re.compile(r"""rel\s*=\s*["']?([a-z ]+)""")

Pairs = tuple[tuple[str, str], ...]


def status_of(state: str) -> TokenStatus:
    """Circle's state in our word."""
    return STATUS.get(state, TokenStatus.NEEDS_REVIEW)


def transfer_body(
    config: CircleConfig, asset: CircleAsset, order: TokenOrder, *, wallet_id: str, address: str
) -> dict[str, object]:
    """One transfer of a stablecoin from a wallet to an address, under our reference."""
    return {
        "walletId": wallet_id,
        "destinationAddress": address,
        "tokenId": asset.token_id,
        "amounts": [order.amount.amount_text],
        "feeLevel": config.fee_level,
        "refId": order.reference,
    }


def wallet_body(wallet_set_id: str, blockchain: str, ref_id: str, *, account_type: str) -> dict[str, object]:
    """One wallet that bears a reference of ours: the party's id."""
    return {
        "walletSetId": wallet_set_id,
        "blockchains": [blockchain],
        "count": 1,
        "accountType": account_type,
        "metadata": [{"refId": ref_id}],
    }


def wallets_query(*, wallet_set_id: str, blockchain: str, ref_id: str = "", address: str = "") -> Pairs:
    """The wallets of a set that bear a reference or an address."""
    named = (("refId", ref_id), ("address", address))
    return (
        ("walletSetId", wallet_set_id),
        ("blockchain", blockchain),
        *((name, value) for name, value in named if value),
    )


def outbound_query(since: datetime | None, *, wallet_id: str = "", destination: str = "") -> Pairs:
    """Transfers that our wallets sent, oldest first from an instant on, or newest first."""
    pairs = [("txType", "OUTBOUND"), ("operation", "TRANSFER"), ("includeAll", "true")]
    pairs += [("custodyType", "DEVELOPER"), ("order", "DESC" if since is None else "ASC")]
    if since is not None:
        pairs.append(("from", instant(since)))
    named = (("walletIds", wallet_id), ("destinationAddress", destination))
    return (*pairs, *((name, value) for name, value in named if value))


def question(path: str, *, operation: str, query: Pairs = ()) -> Request:
    """A question to the wallet API."""
    return Request("GET", path, operation=operation, query=query)


def page_of(path: str, *, operation: str, query: Pairs, after: str) -> Request:
    """One page of a list, behind the id that ended the last one."""
    paged = (*query, ("pageSize", str(PAGE)), *((("pageAfter", after),) if after else ()))
    return question(path, operation=operation, query=paged)


def next_page(answer: Answer, ids: Sequence[str], *, after: str = "", size: int = PAGE) -> str:
    """The id behind which the next page begins; empty after the last page.

    Circle writes the Link header with and without angle brackets: only its relations are read. Where it is
    absent, or names a relation that is not known, a full page may have another behind it.

    Args:
        after: the id behind which this page was to begin.

    Raises:
        ProviderUnavailable: it did not, so the list would have no end.
    """
    if after and after in ids:
        raise ProviderUnavailable("Circle listed a page again in place of the next one")
    if not ids:
        return ""
    relations = set(" ".join(_REL.findall(answer.headers.get("link", "").lower())).split())
    is_told = relations and relations <= RELATIONS
    has_more = "next" in relations or (not is_told and len(ids) >= size)
    return ids[-1] if has_more else ""


def instant(at: datetime) -> str:
    """An instant as Circle reads it.

    Examples:
        >>> instant(datetime(2026, 1, 31, 9, 30, tzinfo=UTC))
        '2026-01-31T09:30:00.000Z'
    """
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def transfer_from(config: CircleConfig, seen: wire.Transaction) -> TokenTransfer:
    """A transaction in our words; what cannot be read as one of our assets needs a person."""
    asset = config.asset_of_token(seen.token_id)
    amount = None if asset is None else amount_of(asset, seen)
    is_read = amount is not None
    return TokenTransfer(
        provider_ref=seen.id,
        reference=seen.ref_id,
        status=status_of(seen.state) if is_read else TokenStatus.NEEDS_REVIEW,
        provider_status=seen.state,
        amount=amount or Money.zero((asset or config.assets[0]).asset),
        observed_at=seen.update_date,
        reason=reason_of(seen) if is_read else "a token or amount that is not one of ours",
    )


def amount_of(asset: CircleAsset, seen: wire.Transaction) -> Money | None:
    """The one amount of a transaction of a stablecoin; None where there is no such thing."""
    if seen.blockchain != asset.blockchain or seen.amounts is None or len(seen.amounts) != 1:
        return None
    try:
        return wire.money_from(seen.amounts[0], asset.asset)
    except ValueError:
        return None


def reason_of(seen: wire.Transaction) -> str:
    """Why it failed or waits, in Circle's words first."""
    rule = seen.transaction_screening_evaluation
    parts = (seen.error_reason, ATTENTION.get(seen.state, ""), rule.rule_name if rule else "")
    return ": ".join(part for part in parts if part)[:500]


def is_as_ordered(seen: wire.Transaction, body: Mapping[str, object]) -> bool:
    """Whether a transaction is the one that a body asks for; addresses are compared in lower case."""
    asked = (body["walletId"], body["tokenId"], body["refId"], str(body["destinationAddress"]).lower())
    return asked == (seen.wallet_id, seen.token_id, seen.ref_id, seen.destination_address.lower())


def held(balances: Sequence[wire.Balance], asset: CircleAsset) -> int:
    """Micros of a stablecoin among what a wallet holds.

    Raises:
        ValueError: an amount that our books cannot hold exactly.
    """
    ours = [balance for balance in balances if balance.token.id == asset.token_id]
    return sum(wire.money_from(balance.amount, asset.asset).micros for balance in ours)
