"""A deposit's way in: money received, trusted after the rail's delay, and made into tokens (spec 4.4)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from invoicepay.domain import minting, postings
from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.calendar import bank_date, extended_return_deadline, opening_after, settlement_after
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposits import (
    DEPOSIT,
    RESERVE,
    UNMATCHED,
    Deposit,
    DepositCommand,
    DepositStatus,
    Reserve,
    ReserveCommand,
    UnmatchedCommand,
    UnmatchedFunds,
)
from invoicepay.domain.effects import Observation
from invoicepay.domain.ids import Prefix
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, find, need
from invoicepay.domain.policies import Finality, Programme
from invoicepay.domain.reserves import Cover, cover
from invoicepay.domain.tokens import Mint
from invoicepay.errors import DuplicateProviderReference, InvalidInput, InvalidTransition, not_what

LATE = "/late"
SURPLUS = "/surplus"
RETURN_REVERSED = "/return_reversed"
"""Endings of a provider's reference, under which unmatched money of a transfer is kept beside its deposit."""

OVERDUE = "overdue"
"""Reason of what the rail has not settled a banking day after it should have."""


def confirm_needs(deposit_id: str, seen: Snapshot) -> Needs:
    """The deposit, its reserve, and what confirming and minting read."""
    wanted = need((Deposit, deposit_id))
    deposit = seen.peek(Deposit, deposit_id)
    if deposit is None:
        return wanted
    inbound = Account(Code.INBOUND, deposit.asset)
    owed = Account(Code.UNCONFIRMED, deposit.asset, deposit.party_id)
    rows = [(Reserve, deposit.reserve_id)] if deposit.reserve_id else []
    return (
        wanted
        | need(*rows, accounts=[inbound, owed])
        | minting.minting_needs(deposit.party_id, deposit.asset)
    )


def finality_of(programme: Programme, rail: str) -> Finality:
    """When the programme trusts money of this rail.

    Raises:
        InvalidInput: the programme has no such rail.
    """
    if rail not in programme.finality:
        known = ", ".join(programme.finality)
        raise InvalidInput(f"there is no such rail{not_what(rail)} (known: {known})")
    return programme.finality[rail]


def expected_settlement(programme: Programme, rail: str, sent_at: datetime) -> datetime:
    """When money that is sent over a rail now should settle.

    Raises:
        InvalidInput: the programme has no such rail.
    """
    finality = finality_of(programme, rail)
    return settlement_after(sent_at, finality.settles_in_days, finality.cut_off)


def expecting(deposit: Deposit, programme: Programme, sent_at: datetime) -> Deposit:
    """A deposit that is asked for now, with the dates by which it should be here and be tokens."""
    settled_at = expected_settlement(programme, deposit.rail, sent_at)
    days = finality_of(programme, deposit.rail).business_days
    available_at = opening_after(settled_at, days)
    return replace(deposit, expected_settlement_at=settled_at, expected_available_at=available_at)


def receive(change: Change, deposit: Deposit, amount: Money, processor_fee: Money) -> Deposit:
    """Book what the rail delivered (P-01) and open its reserve; never the amount that was requested.

    A deposit under review stays there, with its money.

    Raises:
        InvalidTransition: the processor kept more than came.
    """
    if processor_fee > amount:
        raise InvalidTransition("deposit", f"{amount} with a fee of {processor_fee}", DepositCommand.RECEIVE)
    finality = finality_of(change.programme, deposit.rail)
    kept = Money.zero(deposit.asset) if change.programme.bears_processor_fee else processor_fee
    reserve = change.add(
        Reserve(
            id=change.new_id(Prefix.RESERVE),
            deposit_id=deposit.id,
            party_id=deposit.party_id,
            asset=deposit.asset,
            amount=amount - kept,
            fee=min(deposit.fee, amount - kept),
            status=RESERVE.after(None, ReserveCommand.RECEIVE),
            provider=deposit.provider,
            provider_ref=deposit.provider_ref,
        ),
        "reserve.pending",
    )
    change.post(postings.deposit_received(deposit.party_id, deposit.asset, amount.micros, memo=deposit.id))
    returnable = extended_return_deadline(bank_date(change.now)) if finality.needs_buffer else None
    return replace(
        deposit,
        received=amount,
        processor_fee=processor_fee,
        fee=reserve.fee,
        reserve_id=reserve.id,
        received_at=change.now,
        confirm_at=opening_after(change.now, finality.business_days),
        returnable_until=returnable,
        seasoned_at=opening_after(change.now, young) if (young := finality.seasoning_days) else None,
        reason="" if deposit.reason == OVERDUE else deposit.reason,
    )


def received(change: Change, deposit: Deposit, amount: Money, processor_fee: Money) -> Deposit:
    """Book what the rail delivered (P-01) of a deposit that waited for it; a reviewed one goes on waiting."""
    deposit = receive(change, deposit, amount, processor_fee)
    if deposit.status is DepositStatus.IN_REVIEW:
        return change.put(deposit, "deposit.arrived")
    status = DEPOSIT.after(deposit.status, DepositCommand.RECEIVE)
    return change.put(replace(deposit, status=status), "deposit.received")


def is_due(change: Change, deposit: Deposit) -> bool:
    """Whether the money counts as final at this point of the decision."""
    return is_trusted(deposit, change.programme, cover(change, deposit.asset), change.now)


def is_trusted(deposit: Deposit, programme: Programme, cover: Cover, now: datetime) -> bool:
    """Whether the rail calls the money final, or its delay is over and the buffer covers it."""
    if deposit.is_final:
        return True
    is_late_enough = deposit.confirm_at is not None and deposit.confirm_at <= now
    needs_buffer = finality_of(programme, deposit.rail).needs_buffer
    return is_late_enough and (not needs_buffer or cover.headroom >= deposit.received)


def confirm(change: Change, deposit: Deposit) -> Deposit:
    """Trust the money (P-02), and plan its mint in the same commit.

    While the reserve is short, stale or the wallet frozen, the deposit stays confirmed and unminted; `reason`
    then tells the code of what it waits for.
    """
    status = DEPOSIT.after(deposit.status, DepositCommand.CONFIRM)
    reserve = _confirmed(change, deposit, change.get(Reserve, deposit.reserve_id))
    deposit = change.put(replace(deposit, status=status, confirmed_at=change.now), "deposit.confirmed")
    if not reserve.mintable:
        return complete(change, deposit, reserve)
    return mint_or_wait(change, deposit, reserve)


def mint_or_wait(
    change: Change, deposit: Deposit, reserve: Reserve, earlier: Collection[Mint] = ()
) -> Deposit:
    """Start the mint of what is left of a reserve, or note on its deposit what it waits for."""
    barrier = minting.try_mint(change, reserve, earlier)
    if not barrier:
        return deposit
    return change.put(replace(deposit, reason=barrier), "deposit.mint_waiting")


def _confirmed(change: Change, deposit: Deposit, reserve: Reserve) -> Reserve:
    change.post(
        postings.reserve_confirmed(
            deposit.party_id,
            deposit.asset,
            deposit.received.micros,
            fee=reserve.fee.micros,
            processor_fee=deposit.processor_fee.micros,
            borne=change.programme.bears_processor_fee,
            memo=deposit.id,
        )
    )
    status = RESERVE.after(reserve.status, ReserveCommand.CONFIRM)
    return change.put(replace(reserve, status=status, confirmed_at=change.now), "reserve.confirmed")


def complete(change: Change, deposit: Deposit, reserve: Reserve) -> Deposit:
    """Everything the reserve can back is minted."""
    allocated = RESERVE.after(reserve.status, ReserveCommand.ALLOCATE)
    change.put(replace(reserve, status=allocated), "reserve.allocated")
    status = DEPOSIT.after(deposit.status, DepositCommand.COMPLETE)
    return change.put(replace(deposit, status=status, reason=""), "deposit.completed")


def reference_needs(provider: str, provider_ref: str, asset: str) -> Needs:
    """What `refuse_known` reads, and the account that keeps money with an owner and money without in step."""
    return need(
        finds=[
            find(kind, provider=provider, provider_ref=provider_ref) for kind in (Deposit, UnmatchedFunds)
        ],
        accounts=[Account(Code.OPERATIONAL, asset)],
    )


def refuse_known(change: Change, provider: str, provider_ref: str) -> None:
    """Check that money under a provider's reference is not in the books yet.

    Raises:
        DuplicateProviderReference: it is, with an owner or without.
    """
    known = (
        *change.find(find(Deposit, provider=provider, provider_ref=provider_ref)),
        *change.find(find(UnmatchedFunds, provider=provider, provider_ref=provider_ref)),
    )
    for row in known:
        raise DuplicateProviderReference(id=row.id, provider=provider, provider_ref=provider_ref)


def keep_unmatched(
    change: Change, amount: Money, provider: str, provider_ref: str, reason: str
) -> UnmatchedFunds:
    """Money that is ours to keep for somebody unknown (P-07)."""
    funds = change.add(
        UnmatchedFunds(
            id=change.new_id(Prefix.UNMATCHED_FUNDS),
            asset=amount.asset,
            amount=amount,
            provider=provider,
            provider_ref=provider_ref,
            status=UNMATCHED.after(None, UnmatchedCommand.RECEIVE),
            reason=reason,
        ),
        "unmatched_funds.received",
    )
    change.post(postings.unmatched_received(amount.asset, amount.micros, memo=funds.id))
    return funds


def keep_surplus(change: Change, seen: Observation, wanted: Money, deposit: Deposit) -> Money:
    """What came above what was asked for is nobody's yet, and no token is made of it (P-07).

    The processor's fee was kept from what was `wanted`; only what of it exceeds that, from the surplus.

    Returns:
        The fee to book on what was wanted.

    Raises:
        InvalidTransition: the processor kept more than came.
    """
    fee = min(seen.fee, wanted)
    surplus = seen.amount - wanted - (seen.fee - fee)
    if surplus.micros < 0:
        raise InvalidTransition("deposit", f"{seen.amount} with a fee of {seen.fee}", DepositCommand.RECEIVE)
    if surplus:
        ref = "/".join(name for name in (seen.provider_ref or deposit.provider_ref, seen.part) if name)
        reason = f"more than deposit {deposit.id} asked for"
        keep_unmatched(change, surplus, seen.provider, ref + SURPLUS, reason)
    return fee
