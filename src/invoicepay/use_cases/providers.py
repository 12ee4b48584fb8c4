"""Asks the provider of an intent about it, and says what it answered in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, slot_of
from invoicepay.domain.money import Money
from invoicepay.domain.reducer import ABSENT
from invoicepay.errors import AssetNotAccepted, ProviderUnavailable, ProviderUnknown
from invoicepay.ports.rails import Direction, RailOrder, RailsProvider, RailStatus, RailTransfer
from invoicepay.ports.routes import RailsRoutes, TokenRoutes
from invoicepay.ports.tokens import (
    MoveKind,
    TokenBatches,
    TokenMove,
    TokenOrder,
    TokenProvider,
    TokenStatus,
    TokenTransfer,
)
from invoicepay.use_cases.perform import Deps

P = TypeVar("P")
Transfer = RailTransfer | TokenTransfer

RAIL_WORDS: Mapping[RailStatus, EffectStatus] = {
    RailStatus.PENDING: EffectStatus.ACCEPTED,
    RailStatus.IN_REVIEW: EffectStatus.ACCEPTED,
    RailStatus.SENT: EffectStatus.ACCEPTED,
    RailStatus.SETTLED: EffectStatus.SETTLED,
    RailStatus.FINAL: EffectStatus.FINAL,
    RailStatus.REJECTED: EffectStatus.REJECTED,
    RailStatus.CANCELLED: EffectStatus.FAILED,
    RailStatus.FAILED: EffectStatus.FAILED,
    RailStatus.RETURNED: EffectStatus.RETURNED,
    RailStatus.RETURN_REVERSED: EffectStatus.RETURN_REVERSED,
    RailStatus.NEEDS_REVIEW: EffectStatus.NEEDS_REVIEW,
}
MOVES: Mapping[EffectKind, MoveKind] = {
    EffectKind.MINT: MoveKind.MINT,
    EffectKind.BURN: MoveKind.BURN,
    EffectKind.TRANSFER: MoveKind.TRANSFER,
}
TOKEN_WORDS: Mapping[TokenStatus, EffectStatus] = {
    TokenStatus.PENDING: EffectStatus.ACCEPTED,
    TokenStatus.FINAL: EffectStatus.FINAL,
    TokenStatus.FAILED: EffectStatus.FAILED,
    TokenStatus.NEEDS_REVIEW: EffectStatus.NEEDS_REVIEW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was seen of an intent, before it is recorded as an observation.

    Attributes:
        status: an EffectStatus, or `absent` when the provider has nothing under our reference.
        word: names the fact; two reports of one fact have the same word.
        part: of several settlements or returns, the one that this is about.
    """

    status: str
    word: str
    provider_status: str
    amount: Money
    fee: Money
    provider_ref: str = ""
    return_code: str = ""
    occurred_at: datetime | None = None
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What the provider of an intent promises about keys and look-ups."""

    deduplicates: bool
    finds_by_reference: bool
    absent_grace_seconds: int
    key_lifetime_seconds: int


NOBODY = Abilities(
    deduplicates=False, finds_by_reference=True, absent_grace_seconds=0, key_lifetime_seconds=0
)
"""Of a provider that this client has not: what may have left there waits until it can be asked."""


def banks(deps: Deps) -> tuple[RailsProvider, ...]:
    """Every bank of this client."""
    return deps.rails.providers if isinstance(deps.rails, RailsRoutes) else (deps.rails,)


def issuers(deps: Deps) -> tuple[TokenProvider, ...]:
    """Every token network of this client."""
    return deps.tokens.providers if isinstance(deps.tokens, TokenRoutes) else (deps.tokens,)


def issuer_for(deps: Deps, asset: str) -> TokenProvider:
    """The token network that issues an asset.

    Raises:
        AssetNotAccepted: no network of this client does.
    """
    issuer = deps.tokens.issuer_for(asset) if isinstance(deps.tokens, TokenRoutes) else deps.tokens
    if issuer is None:
        raise AssetNotAccepted(f"no token network of this client issues {asset}")
    return issuer


def bank_of(deps: Deps, effect: Effect) -> RailsProvider | None:
    """The bank that an intent is at, or goes to; None where this client has no such bank."""
    if not isinstance(deps.rails, RailsRoutes):
        return deps.rails if effect.provider in ("rails", deps.rails.name) else None
    return deps.rails.named(_name(deps, effect, "rails"))


def issuer_of(deps: Deps, effect: Effect) -> TokenProvider | None:
    """The token network that an intent is at, or goes to; None where this client has no such network."""
    if not isinstance(deps.tokens, TokenRoutes):
        return deps.tokens if effect.provider in ("tokens", deps.tokens.name) else None
    return deps.tokens.named(_name(deps, effect, "tokens"))


def _name(deps: Deps, effect: Effect, side: str) -> str:
    """The name that an intent has its provider by, or by the routes of now where it has none."""
    if effect.provider != side:
        return effect.provider
    return deps.route(effect.kind, effect.asset, effect.request.get("rail", "")) or ""


def provider_of(deps: Deps, effect: Effect) -> RailsProvider | TokenProvider | None:
    """The provider that an intent is at, or goes to; None where this client has no such provider."""
    return bank_of(deps, effect) if slot_of(effect.kind) == "rails" else issuer_of(deps, effect)


def provider_name(deps: Deps, effect: Effect) -> str:
    """The name of the provider that an intent goes to."""
    provider = provider_of(deps, effect)
    return effect.provider if provider is None else provider.name


def sides(deps: Deps) -> dict[str, tuple[str, ...]]:
    """The names of the providers on each side of this client."""
    return {
        "rails": tuple(bank.name for bank in banks(deps)),
        "tokens": tuple(issuer.name for issuer in issuers(deps)),
    }


def names(deps: Deps) -> tuple[str, ...]:
    """The name of every provider of this client."""
    return tuple(name for several in sides(deps).values() for name in several)


def default_name(deps: Deps, slot: str) -> str:
    """The name of the provider that does all work of a side; empty where routes say who does."""
    side = deps.rails if slot == "rails" else deps.tokens
    return "" if isinstance(side, RailsRoutes | TokenRoutes) else side.name


def abilities(deps: Deps, effect: Effect) -> Abilities:
    """The promises of the provider that an intent goes to."""
    provider = provider_of(deps, effect)
    if provider is None:
        return NOBODY
    can = provider.capabilities()
    return Abilities(
        deduplicates=can.deduplicates,
        finds_by_reference=can.finds_by_reference,
        absent_grace_seconds=can.absent_grace_seconds,
        key_lifetime_seconds=can.key_lifetime_seconds,
    )


async def send(deps: Deps, effect: Effect) -> Transfer:
    """Ask the provider to do it, with the frozen request and the intent's own key.

    Raises:
        ProviderRejected: refused for good.
        ProviderUnavailable: it did not leave.
        ProviderUnknown: it may have arrived.
    """
    key = effect.provider_key
    if slot_of(effect.kind) == "rails":
        bank = _there(bank_of(deps, effect), effect)
        start = bank.initiate_deposit if effect.kind is EffectKind.DEPOSIT else bank.initiate_withdrawal
        return await start(_rail_order(effect), idempotency_key=key)
    tokens = _there(issuer_of(deps, effect), effect)
    if effect.kind is EffectKind.MINT:
        return await tokens.mint(_token_order(effect), idempotency_key=key)
    if effect.kind is EffectKind.BURN:
        return await tokens.burn(_token_order(effect), idempotency_key=key)
    return await tokens.transfer(_token_order(effect), idempotency_key=key)


def _there(provider: P | None, effect: Effect) -> P:
    """The provider, where this client has it.

    Raises:
        ProviderUnavailable: it has not; nothing was sent or asked.
    """
    if provider is None:
        wanted = effect.request.get("rail", "")
        hint = "Wire that provider again, or name one for this asset and rail; what waits goes on by itself."
        raise ProviderUnavailable(
            f"this client has no provider {effect.provider} for {effect.asset} {wanted}".rstrip(), hint=hint
        )
    return provider


def goes_together(deps: Deps, effect: Effect) -> bool:
    """Whether the provider takes intents of this kind several at a time."""
    return effect.kind in MOVES and isinstance(issuer_of(deps, effect), TokenBatches)


async def send_together(deps: Deps, effects: Sequence[Effect]) -> list[Transfer | Exception]:
    """Hand intents over in one call to each network, each with its frozen request and its own key.

    Returns:
        For each what the provider said, or an exception that says the same as one raised by `send`.
    """
    by_issuer = dict[str, list[Effect]]()
    for effect in effects:
        by_issuer.setdefault(provider_name(deps, effect), []).append(effect)
    said = dict[str, Transfer | Exception]()
    for several in by_issuer.values():
        answers = await _handed_over(issuer_of(deps, several[0]), several)
        said |= {effect.id: answer for effect, answer in zip(several, answers, strict=True)}
    return [said[effect.id] for effect in effects]


async def _handed_over(
    issuer: TokenProvider | None, effects: Sequence[Effect]
) -> Sequence[Transfer | Exception]:
    assert isinstance(issuer, TokenBatches), "only what goes together is handed over together"
    moves = [
        TokenMove(kind=MOVES[effect.kind], order=_token_order(effect), idempotency_key=effect.provider_key)
        for effect in effects
    ]
    try:
        answers = list[Transfer | Exception](await issuer.move(moves))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer to each of them
        return [error] * len(moves)
    if len(answers) != len(moves):
        return [ProviderUnknown(f"{len(answers)} answers to {len(moves)} orders")] * len(moves)
    return answers


async def look_up(deps: Deps, effect: Effect) -> Transfer | None:
    """What the provider has under the intent's reference; None when it has nothing.

    Raises:
        ProviderUnavailable: the question was not answered.
    """
    if slot_of(effect.kind) == "rails":
        return await _there(bank_of(deps, effect), effect).find(effect.id)
    return await _there(issuer_of(deps, effect), effect).find(effect.id)


def sighting_of(effect: Effect, transfer: Transfer) -> Sighting:
    """A provider's answer in our words; an answer about something else needs a person."""
    if not isinstance(transfer.amount, Money):
        return doubt(effect, "an amount that is no Money")
    if isinstance(transfer, RailTransfer):
        status, fee, code = RAIL_WORDS[transfer.status], transfer.fee, transfer.return_code
        part = transfer.part
        wanted = Direction.DEPOSIT if effect.kind is EffectKind.DEPOSIT else Direction.WITHDRAWAL
        is_ours = effect.kind in (EffectKind.DEPOSIT, EffectKind.PAYOUT) and transfer.direction is wanted
    else:
        status, fee, code = TOKEN_WORDS[transfer.status], Money.zero(transfer.amount.asset), ""
        part = ""
        is_ours = slot_of(effect.kind) == "tokens"
    if not is_ours or transfer.reference not in ("", effect.id):
        return doubt(effect, f"an answer about {transfer.reference or transfer.provider_ref}")
    return Sighting(
        status=status,
        word=transfer.status.value,
        provider_status=transfer.provider_status,
        amount=transfer.amount,
        fee=fee,
        provider_ref=transfer.provider_ref,
        return_code=code,
        occurred_at=transfer.observed_at,
        part=part,
    )


def unanswered(effect: Effect) -> Sighting:
    """It may have arrived, and nobody said so."""
    return _ours(effect, EffectStatus.UNKNOWN, f"unknown/{effect.fence}")


def refused(effect: Effect, reason: str) -> Sighting:
    """Refused for good before anything moved."""
    return _ours(effect, EffectStatus.REJECTED, "rejected", reason)


def absent(effect: Effect, at: datetime) -> Sighting:
    """The provider has nothing under our reference."""
    return _ours(effect, ABSENT, f"absent/{effect.fence}", at=at)


def doubt(effect: Effect, reason: str) -> Sighting:
    """Something that a person has to look at."""
    return _ours(effect, EffectStatus.NEEDS_REVIEW, f"needs_review/{effect.fence}", reason)


def _ours(
    effect: Effect, status: str, word: str, reason: str = "", *, at: datetime | None = None
) -> Sighting:
    return Sighting(
        status=status,
        word=word,
        provider_status=reason[:500],
        amount=effect.amount,
        fee=Money.zero(effect.asset),
        occurred_at=at,
    )


def _rail_order(effect: Effect) -> RailOrder:
    return RailOrder(
        reference=effect.id,
        amount=effect.amount,
        rail=effect.request["rail"],
        party_id=effect.request["party_id"],
        account_token=effect.request.get("account_token", ""),
    )


def _token_order(effect: Effect) -> TokenOrder:
    return TokenOrder(
        reference=effect.id,
        amount=effect.amount,
        from_party=effect.request.get("from_party", ""),
        to_party=effect.request.get("to_party", ""),
        memo=effect.request["memo"],
    )
