"""What the rail's news about a deposit mean, in whatever order they come (spec 4.4, reliability 2.2)."""

from __future__ import annotations

from dataclasses import replace

from invoicepay.domain import receiving
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposit_parts import close_parts, part_returned, part_reversed, part_settled
from invoicepay.domain.deposit_returns import return_needs, take_back
from invoicepay.domain.deposits import DEPOSIT, Deposit, DepositCommand, DepositStatus, later_settlements
from invoicepay.domain.effects import Effect, EffectStatus, Observation, Source
from invoicepay.domain.needs import Needs, need, together
from invoicepay.domain.receiving import LATE, RETURN_REVERSED, keep_surplus, keep_unmatched
from invoicepay.errors import InvalidTransition

S, C = DepositStatus, DepositCommand

_OVER_WITHOUT_MONEY = (S.FAILED, S.EXPIRED, S.CANCELLED, S.REJECTED)


def fold_deposit_needs(effect: Effect, seen: Snapshot) -> Needs:
    """What any news of the rail about a deposit can touch."""
    later = later_settlements(effect.cause_id)
    ids = [effect.cause_id, *(one.id for one in seen.search(later))]
    wanted = need(finds=[later])
    return together([wanted, *(receiving.confirm_needs(id, seen) | return_needs(id, seen) for id in ids)])


def fold_deposit(change: Change, effect: Effect, seen: Observation) -> None:
    """Do what the rail's news mean; facts that were skipped are made up for, in order (reliability 2.2).

    Raises:
        InvalidTransition: the books cannot follow; a person has to look.
    """
    deposit = change.get(Deposit, effect.cause_id)
    status = EffectStatus(seen.status)
    if _is_known(deposit, status, seen.source):
        return
    match status:
        case EffectStatus.ACCEPTED:
            _accepted(change, deposit, seen)
        case EffectStatus.REJECTED | EffectStatus.FAILED:
            give_deposit_up(change, deposit.id, seen.provider_status)
        case EffectStatus.SETTLED | EffectStatus.FINAL:
            _settled(change, deposit, seen, is_final=status is EffectStatus.FINAL)
        case EffectStatus.RETURNED:
            _returned(change, deposit, seen)
        case EffectStatus.RETURN_REVERSED:
            _return_reversed(change, deposit, seen)
        case _:
            return


def give_deposit_up(change: Change, deposit_id: str, reason: str) -> None:
    """End a deposit for which the bank was not asked and will not be."""
    deposit = change.get(Deposit, deposit_id)
    failed = DEPOSIT.after(deposit.status, C.FAIL)
    change.put(replace(deposit, status=failed, reason=reason), "deposit.failed")


def _is_known(deposit: Deposit, status: EffectStatus, source: Source) -> bool:
    """Whether the books say so already, as when a person confirms them after a doubt."""
    if status in (EffectStatus.REJECTED, EffectStatus.FAILED):
        return deposit.status is S.FAILED
    is_back = deposit.status in (S.RETURNED, S.REJECTED) and deposit.has_arrived
    return is_back and status is EffectStatus.RETURNED and source is Source.OPERATOR


def _accepted(change: Change, deposit: Deposit, seen: Observation) -> Deposit:
    deposit = replace(deposit, provider=seen.provider, provider_ref=seen.provider_ref)
    if deposit.status is not S.INITIATED:
        return change.put(deposit)
    return change.put(replace(deposit, status=DEPOSIT.after(deposit.status, C.ACCEPT)), "deposit.pending")


def _arrived(change: Change, deposit: Deposit, seen: Observation) -> Deposit:
    """P-01, unless it is booked; under review the money waits where the deposit does."""
    if deposit.has_arrived:
        return deposit
    deposit = _accepted_if_new(change, deposit, seen)
    wanted = min(seen.amount, deposit.requested)
    fee = keep_surplus(change, seen, wanted, deposit)
    return receiving.received(change, deposit, wanted, fee)


def _accepted_if_new(change: Change, deposit: Deposit, seen: Observation) -> Deposit:
    is_new = not deposit.provider_ref or deposit.status is S.INITIATED
    return _accepted(change, deposit, seen) if is_new and not deposit.has_arrived else deposit


def keep_foreign(change: Change, effect: Effect, seen: Observation) -> None:
    """Money that came in another currency than was asked for: kept in its own, never exchanged (P-07).

    The deposit itself is left to a person; where the programme knows no such asset, nothing is booked.
    """
    came = seen.status in (EffectStatus.SETTLED, EffectStatus.FINAL)
    if not came or seen.amount.asset == effect.asset or not change.programme.knows(seen.amount.asset):
        return
    reason = f"came instead of {effect.amount} of deposit {effect.cause_id}"
    ref = f"{seen.provider_ref or effect.provider_ref}/{seen.amount.asset}"
    kept = seen.amount - seen.fee if seen.fee.asset == seen.amount.asset else seen.amount
    keep_unmatched(change, kept, seen.provider, ref, reason)


def _settled(change: Change, deposit: Deposit, seen: Observation, *, is_final: bool) -> None:
    if deposit.status in _OVER_WITHOUT_MONEY and not deposit.has_arrived:
        _too_late(change, deposit, seen)
    elif seen.part:
        part_settled(change, _accepted_if_new(change, deposit, seen), seen, is_final=is_final)
    elif is_final and deposit.parts:
        close_parts(change, deposit)
    else:
        _confirmed_if_due(change, _arrived(change, deposit, seen), is_final=is_final)


def _confirmed_if_due(change: Change, deposit: Deposit, *, is_final: bool) -> None:
    if is_final:
        deposit = change.put(replace(deposit, is_final=True))
    if deposit.status is S.RECEIVED and receiving.is_due(change, deposit):
        receiving.confirm(change, deposit)


def _returned(change: Change, deposit: Deposit, seen: Observation) -> None:
    if seen.part or deposit.parts:
        part_returned(change, deposit, seen)
        return
    deposit = _arrived(change, deposit, seen)
    if deposit.returning:
        raise InvalidTransition("deposit", "being returned", C.RETURN)
    take_back(change, deposit, seen.amount, seen.return_code)


def _too_late(change: Change, deposit: Deposit, seen: Observation) -> None:
    """Money of a deposit that had ended came after all, as a person found: it is kept, not minted (P-07)."""
    reason = f"came after deposit {deposit.id} was {deposit.status}"
    ref = f"{seen.provider_ref}/{seen.part}" if seen.part else seen.provider_ref
    keep_unmatched(change, seen.amount - seen.fee, seen.provider, ref + LATE, reason)


def _return_reversed(change: Change, deposit: Deposit, seen: Observation) -> None:
    """The bank gave a returned deposit back after all: kept until somebody has looked whose it is (P-07)."""
    if seen.part:
        part_reversed(change, deposit, seen)
        return
    deposit = _arrived(change, deposit, seen)
    if deposit.returning:
        change.put(replace(deposit, returning=None, return_code=""), "deposit.return_reversed")
    elif deposit.status is S.RETURNED:
        change.put(deposit, "deposit.return_reversed")
        ref = f"{seen.provider_ref}{RETURN_REVERSED}"
        keep_unmatched(change, seen.amount, seen.provider, ref, f"return of {deposit.id} reversed")
