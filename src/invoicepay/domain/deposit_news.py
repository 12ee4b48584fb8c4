"""What the rail's news about a deposit mean, in whatever order they come (spec 4.4, reliability 2.2)."""

from __future__ import annotations

from dataclasses import replace

from invoicepay.domain import effects, receiving
from invoicepay.domain.change import Change, Needs, Snapshot
from invoicepay.domain.deposit_returns import return_needs, take_back
from invoicepay.domain.deposits import DEPOSIT, Deposit, DepositCommand, DepositStatus
from invoicepay.domain.effects import Effect, EffectStatus, Observation

S, C = DepositStatus, DepositCommand


def fold_deposit_needs(effect: Effect, seen: Snapshot) -> Needs:
    """What any news of the rail about a deposit can touch."""
    return receiving.confirm_needs(effect.cause_id, seen) | return_needs(effect.cause_id, seen)


def fold_deposit(change: Change, effect: Effect, seen: Observation) -> None:
    """Do what the rail's news mean; facts that were skipped are made up for, in order (reliability 2.2)."""
    deposit = change.get(Deposit, effect.cause_id)
    match EffectStatus(seen.status):
        case EffectStatus.ACCEPTED:
            _accepted(change, deposit, seen)
        case EffectStatus.REJECTED | EffectStatus.FAILED:
            status = DEPOSIT.after(deposit.status, C.FAIL)
            change.put(replace(deposit, status=status, reason=seen.provider_status), "deposit.failed")
        case EffectStatus.SETTLED | EffectStatus.FINAL:
            is_final = seen.status == EffectStatus.FINAL
            _confirmed_if_due(change, _arrived(change, deposit, seen), is_final=is_final)
        case EffectStatus.RETURNED:
            _returned(change, effect, _arrived(change, deposit, seen), seen)
        case EffectStatus.RETURN_REVERSED:
            _return_reversed(change, _arrived(change, deposit, seen), seen)
        case _:
            return


def _accepted(change: Change, deposit: Deposit, seen: Observation) -> Deposit:
    deposit = replace(deposit, provider=seen.provider, provider_ref=seen.provider_ref)
    if deposit.status is not S.INITIATED:
        return change.put(deposit)
    return change.put(replace(deposit, status=DEPOSIT.after(deposit.status, C.ACCEPT)), "deposit.pending")


def _arrived(change: Change, deposit: Deposit, seen: Observation) -> Deposit:
    """P-01, unless it is booked; under review the money waits where the deposit does."""
    if deposit.has_arrived:
        return deposit
    if not deposit.provider_ref or deposit.status is S.INITIATED:
        deposit = _accepted(change, deposit, seen)
    deposit = receiving.receive(change, deposit, seen.amount, seen.fee)
    if deposit.status is S.IN_REVIEW:
        return change.put(deposit, "deposit.arrived")
    status = DEPOSIT.after(deposit.status, C.RECEIVE)
    return change.put(replace(deposit, status=status), "deposit.received")


def _confirmed_if_due(change: Change, deposit: Deposit, *, is_final: bool) -> None:
    if is_final:
        deposit = change.put(replace(deposit, is_final=True))
    if deposit.status is S.RECEIVED and receiving.is_due(change, deposit):
        receiving.confirm(change, deposit)


def _returned(change: Change, effect: Effect, deposit: Deposit, seen: Observation) -> None:
    if C.RETURN not in DEPOSIT.allowed(deposit.status) or deposit.returning:
        effects.review(change, effect, f"returned by the bank, and the deposit is {deposit.status}")
        return
    take_back(change, deposit, seen.amount, seen.return_code)


def _return_reversed(change: Change, deposit: Deposit, seen: Observation) -> None:
    """The bank gave a returned deposit back after all: kept until somebody has looked whose it is (P-07)."""
    if deposit.returning:
        change.put(replace(deposit, returning=None, return_code=""), "deposit.return_reversed")
    elif deposit.status is S.RETURNED:
        change.put(deposit, "deposit.return_reversed")
        ref = f"{seen.provider_ref}/return_reversed"
        receiving.keep_unmatched(change, seen.amount, seen.provider, ref, f"return of {deposit.id} reversed")
