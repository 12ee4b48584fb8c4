"""Settlement runs: compare books and chain at one cut, move the nets; tie both out (ADR 0029)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from invoicepay.domain.access import authorise
from invoicepay.domain.accounts import WALLET_CODES, Account
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.money import Money, total
from invoicepay.domain.needs import Needs, find, need
from invoicepay.domain.nets import Leg, Standing, nets
from invoicepay.domain.netting import (
    OPEN,
    TOKEN_WORK,
    ChainPosition,
    RunStatus,
    SettlementRun,
    is_netted,
    not_open,
    open_run,
    require_netted,
    running,
)
from invoicepay.domain.parties import wallet_id
from invoicepay.domain.sums import summed
from invoicepay.domain.tie_out import ChainTieOut, WalletLine
from invoicepay.domain.tokens import Burn, Mint
from invoicepay.errors import AssetNotAccepted, InvalidTransition, InvariantViolated
from invoicepay.ports.repository import Reader
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps, UseCase, perform
from invoicepay.use_cases.providers import issuer_for

T = TypeVar("T", Mint, Burn)

MOST_TRANSFERS = 1_000
"""The most transfers of one run, the largest nets first; more are left to the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Books and positions of one asset at one instant.

    Attributes:
        standings: of every wallet that holds tokens in the books or on the chain, by party.
        intents: token work under way.
    """

    at: datetime
    standings: tuple[Standing, ...] = ()
    intents: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Move the nets of one asset.

    Attributes:
        legs, cut_at, wallets, left_out: what was found at the cut; put in by the use case.
    """

    asset: str
    legs: tuple[Leg, ...] = field(default=(), compare=False)
    cut_at: datetime | None = field(default=None, compare=False)
    wallets: int = field(default=0, compare=False)
    left_out: tuple[str, ...] = field(default=(), compare=False)


def _needs_settle(command: Settle, _seen: Snapshot) -> Needs:
    givers = {leg.from_party for leg in command.legs}
    positions = [(ChainPosition, wallet_id(party, command.asset)) for party in givers]
    return need(*positions, finds=[running(command.asset)])


def decide_settle(command: Settle, change: Change) -> SettlementRun:
    """Open the one run of the asset, with an intent for every net that its wallet can give.

    Raises:
        NotAllowed: the actor is no operator.
        AssetNotAccepted: the asset does not settle by runs.
        InvalidTransition: a run of the asset goes on.
    """
    authorise(change)
    require_netted(change.programme, command.asset)
    for other in change.find(running(command.asset)):
        hint = "Wait until its last transfer is final or has failed; a doubtful one waits for a person."
        raise InvalidTransition("settlement_run", RunStatus.RUNNING, "open another", hint=hint, run=other.id)
    return open_run(
        change,
        command.asset,
        command.legs,
        cut_at=command.cut_at or change.now,
        wallets=command.wallets,
        left_out=command.left_out,
    )


SETTLE = UseCase("tokens.settle", SettlementRun, _needs_settle, decide_settle)


async def settle(deps: Deps, command: Settle, key: str | None = None) -> SettlementRun:
    """Bring the chain to where the books of a netted asset are; operators only.

    Raises:
        UnknownAsset, NotAllowed, AssetNotAccepted, InvalidTransition: no run was opened.
        PositionsNotOpen: there are tokens from before the asset was netted.
        InvariantViolated: positions add up to more tokens than the books have (INV-24).
    """
    await allow(deps, "tokens.settle", command=command)
    code = deps.programme.asset(command.asset).code
    return await perform(deps, SETTLE, await _with_nets(deps, code), key)


async def _with_nets(deps: Deps, asset: str) -> Settle:
    """The command with what a look at one cut found to do."""
    if not is_netted(deps.programme, asset):
        return Settle(asset=asset)
    async with deps.repository.reader(deps.tenant_id) as reader:
        cut = await _cut(reader, asset, deps.clock.now())
    off = _ahead(cut)
    if off > 0:
        raise not_open(asset, f"the books have {Money.from_micros(off, asset)} more than the positions")
    if off < 0:
        raise InvariantViolated(
            f"books and positions of {asset} differ by {Money.from_micros(off, asset)} in total", asset=asset
        )
    return Settle(
        asset=asset,
        legs=nets(cut.standings)[:MOST_TRANSFERS],
        cut_at=cut.at,
        wallets=len(cut.standings),
        left_out=tuple(one.party_id for one in cut.standings if one.net and one.stands_aside),
    )


def _ahead(cut: Cut) -> int:
    """What the books have more than the positions, in micros; nothing where both tell of the same tokens."""
    return sum(standing.net for standing in cut.standings)


async def books_ahead_of_positions(reader: Reader, asset: str, at: datetime) -> int:
    """The same of an asset as a reader sees it; every wallet is compared."""
    return _ahead(await _cut(reader, asset, at))


async def _cut(reader: Reader, asset: str, at: datetime) -> Cut:
    balances = await reader.balances()
    positions = {row.party_id: row for row in await reader.find(find(ChainPosition, asset=asset))}
    intents = await reader.find(
        find(Effect, asset=asset, kind__in=tuple(sorted(TOKEN_WORK)), status__in=tuple(sorted(OPEN)))
    )
    ahead = await _books_ahead(reader, asset)
    books = _in_books(balances, asset)
    aside = set(_doubtful(intents))
    parties = sorted({*books, *ahead, *positions})
    standings = [
        Standing(
            party_id=party,
            wanted=books.get(party, 0) - ahead.get(party, 0),
            held=positions[party].held.micros if party in positions else 0,
            stands_aside=party in aside,
        )
        for party in parties
    ]
    return Cut(at=at, standings=tuple(standings), intents=intents)


def _in_books(balances: Mapping[Account, int], asset: str) -> dict[str, int]:
    """Tokens by party, whatever they are set aside for."""
    return summed(
        (account.party_id, micros)
        for account, micros in balances.items()
        if account.asset == asset and account.code in WALLET_CODES and micros
    )


def _doubtful(intents: Iterable[Effect]) -> Iterable[str]:
    """Parties of whose wallets a movement waits for a person, or a transfer goes on outside a run."""
    for intent in intents:
        if intent.status is EffectStatus.NEEDS_REVIEW or intent.kind is EffectKind.TRANSFER:
            yield from (party for party in _sides(intent) if party)


def _sides(intent: Effect) -> tuple[str, str]:
    return intent.request.get("from_party", ""), intent.request.get("to_party", "")


async def _books_ahead(reader: Reader, asset: str) -> dict[str, int]:
    """By party, what the books have made or burned already and the chain has not, as far as is known.

    A clawed back deposit is burned in the books first (P-05); a mint may be contested after it was booked.
    """
    mints = await _done_without_effect(reader, asset, EffectKind.MINT, Mint)
    burns = await _done_without_effect(reader, asset, EffectKind.BURN, Burn)
    return summed(
        [
            *((mint.party_id, mint.amount.micros) for mint in mints),
            *((burn.party_id, -burn.amount.micros) for burn in burns),
        ]
    )


async def _done_without_effect(reader: Reader, asset: str, kind: EffectKind, cause: type[T]) -> list[T]:
    """Causes that the books have and none of whose intents is final."""
    not_final = tuple(sorted(set(EffectStatus) - {EffectStatus.FINAL}))
    intents = await reader.find(find(Effect, asset=asset, kind=kind, status__in=not_final))
    if not intents:
        return []
    ids = tuple(sorted({intent.cause_id for intent in intents}))
    done = await reader.find(find(cause, id__in=ids, status="completed"))
    final = await reader.find(find(Effect, kind=kind, cause_id__in=ids, status=EffectStatus.FINAL))
    followed = {intent.cause_id for intent in final}
    return [row for row in done if row.id not in followed]


async def tie_out(deps: Deps, asset: str) -> ChainTieOut:
    """Books, positions and what the provider says, for every wallet and in total; operators only.

    The provider is asked about one wallet after the other, after the look at the books: what moved meanwhile
    shows as a difference that the next tie-out does not have.

    Raises:
        UnknownAsset, NotAllowed: nothing was asked.
        AssetNotAccepted: nobody issues it, or no wallet is kept for each party, so that there is nothing to
            compare.
        ProviderUnavailable: the provider did not answer.
    """
    await allow(deps, "tokens.tie_out")
    code = deps.programme.asset(asset).code
    issuer = issuer_for(deps, code)
    if not issuer.capabilities().per_party:
        raise AssetNotAccepted(f"{issuer.name} keeps {code} in one place, not by party")
    async with deps.repository.reader(deps.tenant_id) as reader:
        cut = await _cut(reader, code, deps.clock.now())
    is_run = is_netted(deps.programme, code)
    lines = [await _line(deps, code, cut, one, has_position=is_run) for one in cut.standings]
    return ChainTieOut(
        asset=code,
        at=cut.at,
        lines=tuple(lines),
        supply=await issuer.supply(code),
        minting=_under_way(cut, code, lambda intent: intent.kind is EffectKind.MINT),
        burning=_under_way(cut, code, lambda intent: intent.kind is EffectKind.BURN),
    )


async def _line(deps: Deps, asset: str, cut: Cut, one: Standing, *, has_position: bool) -> WalletLine:
    """One wallet; where nothing is netted, the chain should hold what the books want it to."""
    return WalletLine(
        party_id=one.party_id,
        books=Money.from_micros(one.wanted, asset),
        position=Money.from_micros(one.held if has_position else one.wanted, asset),
        leaving=_under_way(cut, asset, lambda intent: _sides(intent)[0] == one.party_id),
        arriving=_under_way(cut, asset, lambda intent: _sides(intent)[1] == one.party_id),
        chain=await issuer_for(deps, asset).balance(one.party_id, asset),
    )


def _under_way(cut: Cut, asset: str, is_meant: Callable[[Effect], bool]) -> Money:
    return total((intent.amount for intent in cut.intents if is_meant(intent)), asset)
