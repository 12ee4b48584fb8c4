"""Payouts leave only while the payout account covers them, in the order in which they were planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, find, need
from invoicepay.domain.resending import next_look
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.errors import PayoutAccountShort
from invoicepay.ports.rails import RailsProvider
from invoicepay.use_cases.neighbours import carried_out
from invoicepay.use_cases.observations import worker_call
from invoicepay.use_cases.outbound import postponing, taken_back
from invoicepay.use_cases.perform import Deps, UseCase
from invoicepay.use_cases.providers import bank_of

NOT_SETTLED = (
    EffectStatus.PLANNED,
    EffectStatus.SENDING,
    EffectStatus.UNKNOWN,
    EffectStatus.ACCEPTED,
    EffectStatus.NEEDS_REVIEW,
)
"""Payouts whose cash the bank may still count as there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForCash:
    """A payout that was claimed goes back into its queue; `effect` is as it was claimed."""

    effect: Effect
    due_at: datetime


def _needs_wait(command: WaitForCash, _seen: Snapshot) -> Needs:
    return need((Effect, command.effect.id), (Withdrawal, command.effect.cause_id))


def decide_wait(command: WaitForCash, change: Change) -> bool:
    """Planned again, and its withdrawal tells what it waits for."""
    effect = change.get(Effect, command.effect.id)
    if effect.fence != command.effect.fence or effect.status is not EffectStatus.SENDING:
        return False
    change.put(taken_back(effect, command.due_at), "effect.waiting")
    withdrawal = change.get(Withdrawal, effect.cause_id)
    if withdrawal.reason != PayoutAccountShort.code:
        change.put(replace(withdrawal, reason=PayoutAccountShort.code), "withdrawal.payout_waiting")
    return True


WAIT = UseCase("withdrawals.wait_for_cash", bool, _needs_wait, decide_wait)


async def covered(deps: Deps, effects: Sequence[Effect]) -> dict[str, Exception]:
    """Put claimed payouts back that the payout account does not cover, where the rail tells its balance.

    Everything that may have left and is not settled is taken off the balance, then every payout that was
    planned before: none overtakes another, and several workers come to the same answer.

    Returns:
        What keeps each payout that waits, by intent: a refusal, or whatever broke; the others may be sent.
    """
    fresh = [one for one in effects if one.kind is EffectKind.PAYOUT and one.last_sent_at is None]
    accounts = dict[tuple[str, str], tuple[RailsProvider, list[Effect]]]()
    for effect in fresh:
        bank = bank_of(deps, effect)
        if bank is not None and bank.capabilities().tells_balance:
            accounts.setdefault((effect.asset, bank.name), (bank, []))[1].append(effect)
    refusals = dict[str, Exception]()
    for (asset, _), (bank, paid_there) in sorted(accounts.items(), key=lambda account: account[0]):
        try:
            missing = await _missing(deps, bank, asset, max(one.id for one in paid_there))
        except Exception as error:  # noqa: BLE001 - nothing left; it keeps these payouts and nothing else
            refusals |= {effect.id: error for effect in paid_there}
        else:
            refusals |= {id: _short(asset, amount) for id, amount in missing.items()}
    waiting = {effect.id: refusals[effect.id] for effect in fresh if effect.id in refusals}
    await _put_back(deps, [effect for effect in fresh if effect.id in waiting], waiting)
    return waiting


async def _missing(deps: Deps, bank: RailsProvider, asset: str, last_id: str) -> Mapping[str, Money]:
    """What is missing up to and including each payout that cannot leave; read before the bank is asked.

    So a payout that settles in between is taken off twice, never not at all. What was planned after
    `last_id` is behind all that is asked about, however long that queue is. What is planned without a bank is
    taken as this one's.
    """
    payouts = find(
        Effect,
        kind=EffectKind.PAYOUT,
        asset=asset,
        provider__in=(bank.name, "rails"),
        status__in=NOT_SETTLED,
        order=("id",),
    )
    left_before = replace(payouts, where=(*payouts.where, ("last_sent_at", "ne", None)))
    waiting = replace(payouts, where=(*payouts.where, ("last_sent_at", "eq", None), ("id", "le", last_id)))
    async with deps.repository.reader(deps.tenant_id) as reader:
        queued = await reader.find(waiting)
        found = [*await reader.find(left_before), *queued]
    left = await bank.balance(asset)
    missing = dict[str, Money]()
    for effect in found:
        left -= effect.amount
        if left.micros < 0:
            missing[effect.id] = -left
    return missing


def _short(asset: str, missing: Money) -> PayoutAccountShort:
    return PayoutAccountShort(f"the payout account lacks {missing}", asset=asset, missing=str(missing))


async def _put_back(deps: Deps, effects: Sequence[Effect], refusals: Mapping[str, Exception]) -> None:
    now = deps.clock.now()
    calls: list[Any] = []
    for effect in effects:
        due_at = next_look(effect, now)
        is_short = isinstance(refusals[effect.id], PayoutAccountShort)
        wait = WaitForCash(effect=effect, due_at=due_at)
        calls.append(worker_call(deps, WAIT, wait) if is_short else postponing(deps, effect, due_at))
    await carried_out(deps, calls)
