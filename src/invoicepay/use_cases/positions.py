"""Opens the positions of an asset that had tokens before it was netted: what the chain holds (ADR 0029)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from invoicepay.domain.access import authorise, second_actor
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.money import Money, total
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.netting import (
    OPEN,
    TOKEN_WORK,
    ChainPosition,
    SettlementRun,
    is_netted,
    open_position,
    positions_of,
    require_netted,
)
from invoicepay.domain.parties import wallet_id
from invoicepay.domain.tie_out import ChainTieOut
from invoicepay.errors import ConcurrentUpdate, InvalidTransition, InvariantViolated
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps, UseCase, perform
from invoicepay.use_cases.settlement import books_ahead_of_positions, tie_out

_NOT_SENT = (EffectStatus.PLANNED, EffectStatus.SENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPositions:
    """Take what the chain holds as the positions of a netted asset.

    Attributes:
        approved_by: the second person (four eyes).
        known: the positions before the provider was asked; put in by the use case.
        found: books, positions and chain; put in by the use case.
    """

    asset: str
    approved_by: str
    known: tuple[ChainPosition, ...] = field(default=(), compare=False)
    found: ChainTieOut | None = field(default=None, compare=False)


def _positions(asset: str) -> Find[ChainPosition]:
    return find(ChainPosition, asset=asset)


def _open_work(asset: str) -> Find[Effect]:
    return find(Effect, asset=asset, kind__in=tuple(sorted(TOKEN_WORK)), status__in=tuple(sorted(OPEN)))


def _needs_open(command: OpenPositions, _seen: Snapshot) -> Needs:
    lines = command.found.lines if command.found else ()
    wallets = positions_of((line.party_id for line in lines), command.asset)
    return wallets | need(finds=[_positions(command.asset), _open_work(command.asset)])


def decide_open(command: OpenPositions, change: Change) -> ChainTieOut:
    """Each position becomes what the chain holds, if nothing moves and nothing is missing; else nothing does.

    Raises:
        NotAllowed, SecondActorRequired: the actor is no operator, or nobody else approved it.
        AssetNotAccepted: the asset does not settle by runs.
        InvalidTransition: tokens of it are on their way.
        InvariantViolated: wallets, supply and books do not hold the same in total.
        ConcurrentUpdate: a position moved while the provider was asked.
    """
    authorise(change)
    second_actor(change, command.approved_by)
    require_netted(change.programme, command.asset)
    assert command.found is not None, "the use case asks the provider about every netted asset"
    _refuse_moving(change, command.asset)
    if _versions(change.find(_positions(command.asset))) != _versions(command.known):
        raise ConcurrentUpdate(f"a position of {command.asset} moved while the provider was asked")
    _refuse_untied(command.found)
    for line in command.found.lines:
        open_position(change, line.party_id, line.chain)
    return replace(
        command.found, lines=tuple(replace(line, position=line.chain) for line in command.found.lines)
    )


def _refuse_moving(change: Change, asset: str) -> None:
    """What the chain holds is sure while nothing of it moves; a burn or mint that waits here does not."""
    moving = [intent.id for intent in change.find(_open_work(asset)) if _may_move(intent)]
    if moving:
        raise InvalidTransition(
            "asset",
            f"moving by {len(moving)} effects",
            "open its positions",
            hint="Let the worker bring them to their end, and resolve what is in review; then call again.",
            effects=moving[:10],
        )


def _may_move(intent: Effect) -> bool:
    waits = intent.status in _NOT_SENT and intent.last_sent_at is None
    return not waits or intent.kind is EffectKind.TRANSFER


def _versions(rows: tuple[ChainPosition, ...]) -> dict[str, int]:
    return {row.id: row.version for row in rows}


def _refuse_untied(found: ChainTieOut) -> None:
    chain = total((line.chain for line in found.lines), found.asset)
    if not chain == found.supply == found.books:
        raise InvariantViolated(
            f"the books hold {found.books}, the wallets {chain}, and the supply is {found.supply}",
            hint="Look at pay.tokens.tie_out(asset) and find out where the rest lies; nothing was changed.",
            asset=found.asset,
        )


OPEN_POSITIONS = UseCase("tokens.open_positions", ChainTieOut, _needs_open, decide_open)


async def open_positions(deps: Deps, command: OpenPositions, key: str | None = None) -> ChainTieOut:
    """Begin to net an asset that has tokens already, when every process has its new settlement.

    Raises:
        UnknownAsset, NotAllowed, SecondActorRequired, AssetNotAccepted, InvalidTransition,
        InvariantViolated, ConcurrentUpdate: no position was changed; `decide_open` says which is what.
        ProviderUnavailable: the provider did not answer.
    """
    await allow(deps, "tokens.open_positions", command=command)
    code = deps.programme.asset(command.asset).code
    command = OpenPositions(asset=code, approved_by=command.approved_by)
    if is_netted(deps.programme, code):
        async with deps.repository.reader(deps.tenant_id) as reader:
            known = await reader.find(_positions(code))
        command = replace(command, known=known, found=await tie_out(deps, code))
    return await perform(deps, OPEN_POSITIONS, command, key)


async def are_open(deps: Deps, party_id: str, amount: Money) -> bool:
    """Whether a burn of a wallet can rely on positions: on its own, or on a run that brings what is missing.

    What covers it, and a run that was once opened, prove that; only without both are all wallets compared.
    """
    asset = amount.asset
    if not is_netted(deps.programme, asset):
        return True
    async with deps.repository.reader(deps.tenant_id) as reader:
        own = await reader.find(find(ChainPosition, id=wallet_id(party_id, asset)))
        if any(position.free >= amount for position in own):
            return True
        if await reader.find(find(SettlementRun, asset=asset, limit=1)):
            return True
        return await books_ahead_of_positions(reader, asset, deps.clock.now()) <= 0
