"""Netted assets: the book moves tokens at once, settlement runs bring the chain after it (ADR 0029)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain import effects
from invoicepay.domain.change import Change
from invoicepay.domain.effects import ENDED_FOR_CERTAIN, Effect, EffectKind, EffectStatus
from invoicepay.domain.entity import Entity
from invoicepay.domain.ids import Prefix
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.nets import Leg
from invoicepay.domain.parties import wallet_id
from invoicepay.domain.policies import Programme, Settlement
from invoicepay.errors import AssetNotAccepted, PositionsNotOpen

TOKEN_WORK = frozenset({EffectKind.MINT, EffectKind.BURN, EffectKind.TRANSFER})
OPEN = frozenset(EffectStatus) - ENDED_FOR_CERTAIN - {EffectStatus.FINAL, EffectStatus.RETURN_REVERSED}
"""Under these the chain may or may not have moved already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPosition(Entity):
    """What the chain holds for a wallet; its id is the wallet's.

    Attributes:
        held: moved by every mint, burn and transfer of the wallet that became final.
        leaving: of it what was sent off, and is not known to have left or to have stayed.
    """

    KIND: ClassVar[str] = "chain_position"

    party_id: str
    asset: str
    held: Money
    leaving: Money

    @property
    def free(self) -> Money:
        """What may still be sent off."""
        return self.held - self.leaving


class RunStatus(StrEnum):
    """A run goes on until each of its transfers is final or has ended without."""

    RUNNING = "running"
    SETTLED = "settled"
    INCOMPLETE = "incomplete"


class RunCommand(StrEnum):
    """What moves a run; the fate of its last transfer ends it."""

    OPEN = "open"
    SETTLE = "settle"
    FALL_SHORT = "fall_short"


S, C = RunStatus, RunCommand
SETTLEMENT_RUN: Lifecycle[RunStatus, RunCommand] = Lifecycle(
    "settlement_run",
    {
        (None, C.OPEN): S.RUNNING,
        (None, C.SETTLE): S.SETTLED,
        (S.RUNNING, C.SETTLE): S.SETTLED,
        (S.RUNNING, C.FALL_SHORT): S.INCOMPLETE,
        (S.SETTLED, C.FALL_SHORT): S.INCOMPLETE,
        (S.INCOMPLETE, C.SETTLE): S.SETTLED,
    },
)
"""A run's states; a transfer that is contested after the end, or found after all, moves it once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementRun(Entity):
    """One settlement of an asset: the nets of its wallets at one instant, each a transfer on the chain.

    Attributes:
        cut_at: the instant of the books and positions that were compared.
        running: the asset while the run goes on, else empty; so an asset has one running at most.
        wallets: how many were compared.
        left_out: parties that had a net and took no part, because a movement of theirs is in doubt.
        transfers, final, failed: counts; the others are on their way.
        amount, moved: of all transfers, and of those that are final.
    """

    KIND: ClassVar[str] = "settlement_run"

    asset: str
    status: RunStatus
    cut_at: datetime
    amount: Money
    moved: Money
    running: str = ""
    wallets: int = 0
    left_out: tuple[str, ...] = ()
    transfers: int = 0
    final: int = 0
    failed: int = 0

    @property
    def under_way(self) -> int:
        """Transfers that are neither final nor failed."""
        return self.transfers - self.final - self.failed


def is_netted(programme: Programme, asset: str) -> bool:
    """Whether the programme settles this asset by runs; only a listed asset can be."""
    listed = programme.assets.get(asset)
    return listed is not None and listed.settlement is Settlement.NETTED


def require_netted(programme: Programme, asset: str) -> None:
    """Let an asset go on that settles by runs.

    Raises:
        UnknownAsset, AssetNotAccepted: it does not.
    """
    known = programme.asset(asset)
    if known.settlement is not Settlement.NETTED:
        raise AssetNotAccepted(
            f"{known.code} settles by {known.settlement}: there are no nets to move",
            accepted=Settlement.NETTED,
        )


def not_open(asset: str, found: str = "it has tokens from before it was netted") -> PositionsNotOpen:
    """The refusal of what relies on positions that are not there."""
    hint = f'Two operators open them once: pay.tokens.open_positions("{asset}", approved_by=...).'
    return PositionsNotOpen(f"positions of {asset} are not open: {found}", hint=hint, asset=asset)


def running(asset: str) -> Find[SettlementRun]:
    """The search for the run of an asset that goes on."""
    return find(SettlementRun, running=asset)


def open_run(
    change: Change,
    asset: str,
    legs: tuple[Leg, ...],
    *,
    cut_at: datetime,
    wallets: int,
    left_out: tuple[str, ...],
) -> SettlementRun:
    """A run with a transfer for every leg that its wallet can still give.

    Since the cut a wallet may have got less to give; then the next run sees it as it is by then.
    """
    legs = _covered(change, asset, legs)
    amount = Money.from_micros(sum(leg.micros for leg in legs), asset)
    command = C.OPEN if legs else C.SETTLE
    status = SETTLEMENT_RUN.after(None, command)
    run = SettlementRun(
        id=change.new_id(Prefix.SETTLEMENT_RUN),
        asset=asset,
        status=status,
        cut_at=cut_at,
        amount=amount,
        moved=Money.zero(asset),
        running=asset if status is S.RUNNING else "",
        wallets=wallets,
        left_out=left_out,
        transfers=len(legs),
    )
    run = change.add(run, f"settlement_run.{status}")
    for number, leg in enumerate(legs, start=1):
        _plan(change, run, leg, number)
    return run


def _covered(change: Change, asset: str, legs: tuple[Leg, ...]) -> tuple[Leg, ...]:
    free = {leg.from_party: _position(change, leg.from_party, asset).free.micros for leg in legs}
    covered = []
    for leg in legs:
        if leg.micros <= free[leg.from_party]:
            free[leg.from_party] -= leg.micros
            covered.append(leg)
    return tuple(covered)


def _plan(change: Change, run: SettlementRun, leg: Leg, number: int) -> None:
    planned = effects.plan(
        change,
        kind=EffectKind.TRANSFER,
        cause=run,
        amount=Money.from_micros(leg.micros, run.asset),
        request={"from_party": leg.from_party, "to_party": leg.to_party},
        generation=number,
    )
    follow_chain(change, None, planned)


def position_needs(programme: Programme, effect: Effect) -> Needs:
    """What `follow_chain` and `covers` read."""
    if effect.kind not in TOKEN_WORK or not is_netted(programme, effect.asset):
        return need()
    positions = positions_of(
        [effect.request.get(side, "") for side in ("from_party", "to_party")], effect.asset
    )
    is_of_run = effect.cause_kind == SettlementRun.KIND
    return positions | need((SettlementRun, effect.cause_id)) if is_of_run else positions


def positions_of(parties: Iterable[str], asset: str) -> Needs:
    """The positions of the parties that are named."""
    return need(*((ChainPosition, wallet_id(party, asset)) for party in parties if party))


def covers(change: Change, effect: Effect) -> bool:
    """Whether the chain holds what a burn wants to take, besides all that is leaving the wallet already.

    A withdrawal of tokens that came in the book waits here for the run that brings them.
    """
    if effect.kind is not EffectKind.BURN or not is_netted(change.programme, effect.asset):
        return True
    return _position(change, effect.request["from_party"], effect.asset).free >= effect.amount


def follow_chain(change: Change, before: Effect | None, after: Effect) -> None:
    """Keep the positions and the run of an intent in step with it; call it wherever one may have moved."""
    if after.kind not in TOKEN_WORK or not is_netted(change.programme, after.asset):
        return
    became_final = _is_final(after) - _is_final(before)
    began_to_leave = _is_leaving(after) - _is_leaving(before)
    giver, taker = after.request.get("from_party", ""), after.request.get("to_party", "")
    if giver and (became_final or began_to_leave):
        _move(change, giver, after.amount, held=-became_final, leaving=began_to_leave)
    if taker and became_final:
        _move(change, taker, after.amount, held=became_final)
    if after.cause_kind == SettlementRun.KIND and before is not None:
        _count(change, before, after)


def _is_final(effect: Effect | None) -> int:
    return int(effect is not None and effect.status is EffectStatus.FINAL)


def _is_ended(effect: Effect) -> int:
    return int(effect.status not in OPEN)


def _is_leaving(effect: Effect | None) -> int:
    """A transfer leaves from when it is planned, since a run has judged it; a burn from when it is sent."""
    if effect is None or effect.kind is EffectKind.MINT or effect.status not in OPEN:
        return 0
    return int(effect.kind is EffectKind.TRANSFER or effect.last_sent_at is not None)


def arrived(change: Change, from_party: str, to_party: str, amount: Money) -> None:
    """A transfer that nobody asked us for moved the chain: a push from one of our wallets to another."""
    if from_party:
        _move(change, from_party, amount, held=-1)
    _move(change, to_party, amount, held=1)


def open_position(change: Change, party_id: str, held: Money) -> None:
    """Take what the chain holds for a wallet as its position, while nothing of it is on its way."""
    known = _position(change, party_id, held.asset)
    if (known.held, known.leaving.micros) != (held, 0):
        _store(change, replace(known, held=held, leaving=Money.zero(held.asset)))


def _move(change: Change, party_id: str, amount: Money, *, held: int = 0, leaving: int = 0) -> None:
    known = _position(change, party_id, amount.asset)
    moved = replace(
        known, held=_grown(known.held, amount, held), leaving=_grown(known.leaving, amount, leaving)
    )
    _store(change, moved)


def _store(change: Change, position: ChainPosition) -> None:
    if position.version:
        change.put(position)
    else:
        change.add(position)


def _grown(start: Money, amount: Money, sign: int) -> Money:
    return start + amount if sign > 0 else start - amount if sign < 0 else start


def _position(change: Change, party_id: str, asset: str) -> ChainPosition:
    """The position as stored, or an empty one that is not."""
    id, nothing = wallet_id(party_id, asset), Money.zero(asset)
    return change.peek(ChainPosition, id) or ChainPosition(
        id=id, party_id=party_id, asset=asset, held=nothing, leaving=nothing
    )


def _count(change: Change, before: Effect, after: Effect) -> None:
    """One more or less of the run's transfers is final or failed; the last one ends the run.

    Whatever ended is one or the other, so that a run never waits for what will not happen.
    """
    final = _is_final(after) - _is_final(before)
    failed = _is_ended(after) - _is_ended(before) - final
    if not final and not failed:
        return
    run = change.get(SettlementRun, after.cause_id)
    run = replace(
        run,
        final=run.final + final,
        failed=run.failed + failed,
        moved=_grown(run.moved, after.amount, final),
    )
    command = _next(run)
    if command is None:
        change.put(run)
        return
    status = SETTLEMENT_RUN.after(run.status, command)
    change.put(replace(run, status=status, running=""), f"settlement_run.{status}")


def _next(run: SettlementRun) -> RunCommand | None:
    """What the counts make of the run, unless it goes on or stays what it is."""
    if run.final == run.transfers:
        return None if run.status is S.SETTLED else C.SETTLE
    if run.status is S.SETTLED or (run.status is S.RUNNING and not run.under_way):
        return C.FALL_SHORT
    return None
