"""A deposit that settles or returns in several parts: each is booked once, by its name (rails that split)."""

from __future__ import annotations

from dataclasses import replace

from invoicepay.domain import receiving
from invoicepay.domain.change import Change
from invoicepay.domain.deposit_returns import take_back
from invoicepay.domain.deposits import (
    DEPOSIT,
    Deposit,
    DepositCommand,
    DepositStatus,
    Part,
    PartKind,
    later_settlements,
)
from invoicepay.domain.effects import Observation
from invoicepay.domain.ids import Prefix
from invoicepay.domain.money import Money
from invoicepay.domain.receiving import RETURN_REVERSED, keep_surplus, keep_unmatched
from invoicepay.errors import InvalidTransition

S, C = DepositStatus, DepositCommand

_DOUBTED = (S.IN_REVIEW, S.REJECTED, S.RETURNED)
"""Where a deposit is that a person looks at, or that went back: what comes later is looked at as well."""


def part_settled(change: Change, deposit: Deposit, seen: Observation, *, is_final: bool) -> None:
    """Book a settlement; the first is the deposit's own, each later one a deposit with this as its parent.

    So every part has its own delay, reserve and mint. What exceeds the request is kept apart (P-07).

    Raises:
        InvalidTransition: the whole was told before, without parts.
    """
    if _is_told(deposit, PartKind.SETTLED, seen):
        if is_final and (known := _of_part(change, deposit, seen.part)):
            _confirm_if_due(change, known, is_final=True)
        return
    if deposit.has_arrived and not deposit.told(PartKind.SETTLED):
        raise InvalidTransition(
            "deposit", "received as a whole", C.RECEIVE, hint="Look at the rail's report."
        )
    came, nothing = deposit.told(PartKind.SETTLED), Money.zero(deposit.asset)
    wanted = min(seen.amount, max(deposit.requested - came, nothing))
    fee = keep_surplus(change, seen, wanted, deposit)
    is_first = not deposit.has_arrived
    deposit = _told(change, deposit, PartKind.SETTLED, seen)
    if not wanted:
        return
    one = receiving.received(change, deposit, wanted, fee) if is_first else None
    one = one or _later(change, deposit, seen, wanted, fee)
    _confirm_if_due(change, one, is_final=is_final)


def _of_part(change: Change, deposit: Deposit, name: str) -> Deposit | None:
    """The deposit that a settlement became: the first one's is `deposit`; None where all was surplus."""
    first = next(part for part in deposit.parts if part.kind is PartKind.SETTLED)
    if first.name == name:
        return deposit if deposit.has_arrived else None
    later = change.find(later_settlements(deposit.id))
    return next((one for one in later if one.provider_ref == _ref_of(deposit, name)), None)


def _ref_of(deposit: Deposit, part: str) -> str:
    return f"{deposit.provider_ref}/{part}"


def _later(change: Change, deposit: Deposit, seen: Observation, amount: Money, fee: Money) -> Deposit:
    """A later settlement as a deposit of its own; under review where an earlier one is, or was not kept."""
    earlier = (deposit, *change.find(later_settlements(deposit.id)))
    nothing = Money.zero(deposit.asset)
    later = Deposit(
        id=change.new_id(Prefix.DEPOSIT),
        party_id=deposit.party_id,
        asset=deposit.asset,
        rail=deposit.rail,
        requested=amount,
        received=nothing,
        fee=nothing,
        processor_fee=nothing,
        recoverable=nothing,
        status=DEPOSIT.after(None, C.RECORD),
        account_token=deposit.account_token,
        provider=deposit.provider,
        provider_ref=_ref_of(deposit, seen.part),
        parent_id=deposit.id,
    )
    later = change.add(receiving.receive(change, later, amount, fee), "deposit.received")
    doubted = next((one for one in earlier if one.status in _DOUBTED), None)
    if doubted is None:
        return later
    status = DEPOSIT.after(later.status, C.REVIEW)
    reason = doubted.reason or f"deposit {doubted.id} was {doubted.status}"
    return change.put(replace(later, status=status, reason=reason), "deposit.in_review")


def close_parts(change: Change, deposit: Deposit) -> None:
    """The rail calls the money final: nothing more comes, and what came waits for nothing any more."""
    for one in (deposit, *change.find(later_settlements(deposit.id))):
        if one.has_arrived:
            _confirm_if_due(change, one, is_final=True)


def _confirm_if_due(change: Change, deposit: Deposit, *, is_final: bool) -> None:
    if is_final and not deposit.is_final:
        deposit = change.put(replace(deposit, is_final=True))
    if deposit.status is S.RECEIVED and receiving.is_due(change, deposit):
        receiving.confirm(change, deposit)


def part_returned(change: Change, deposit: Deposit, seen: Observation) -> None:
    """Book a return over what came, the oldest settlement first (P-04, P-05).

    Raises:
        InvalidTransition: more than came and is still here; a person has to look.
    """
    if seen.part and _is_told(deposit, PartKind.RETURNED, seen):
        return
    later = change.find(later_settlements(deposit.id)) if deposit.parts else ()
    left = seen.amount
    if seen.part:
        deposit = _told(change, deposit, PartKind.RETURNED, seen)
    for one in (deposit, *later):
        here = min(left, _returnable(one))
        if here:
            take_back(change, one, here, seen.return_code)
            left -= here
    if left:
        raise InvalidTransition("deposit", f"short of {left} to return", C.RETURN)


def _returnable(deposit: Deposit) -> Money:
    is_here = deposit.has_arrived and (deposit.status, C.RETURN) in DEPOSIT.table
    return deposit.returnable if is_here else Money.zero(deposit.asset)


def part_reversed(change: Change, deposit: Deposit, seen: Observation) -> None:
    """The bank gave a returned part back after all: kept until somebody has looked whose it is (P-07).

    Raises:
        InvalidTransition: more than went back.
    """
    if _is_told(deposit, PartKind.RETURN_REVERSED, seen):
        return
    gone = deposit.told(PartKind.RETURNED) - deposit.told(PartKind.RETURN_REVERSED)
    if seen.amount > gone:
        raise InvalidTransition("deposit", f"{gone} returned", "reverse a return of more")
    deposit = _told(change, deposit, PartKind.RETURN_REVERSED, seen)
    ref = f"{deposit.provider_ref}/{seen.part}{RETURN_REVERSED}"
    keep_unmatched(change, seen.amount, seen.provider, ref, f"a return of {deposit.id} reversed")


def _is_told(deposit: Deposit, kind: PartKind, seen: Observation) -> bool:
    return any((part.kind, part.name) == (kind, seen.part) for part in deposit.parts)


def _told(change: Change, deposit: Deposit, kind: PartKind, seen: Observation) -> Deposit:
    part = Part(kind, seen.part, seen.amount)
    return change.put(replace(deposit, parts=(*deposit.parts, part)))
