"""What may have changed since an intent was planned, asked in the last commit before bytes leave."""

from __future__ import annotations

from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposit_returns import return_needs, take_back
from invoicepay.domain.deposits import Deposit, Reserve, ReserveStatus
from invoicepay.domain.effects import Effect, EffectKind, effects_of, refuse_contested
from invoicepay.domain.minting import earlier_mints, earlier_needs, minting_needs, refuse_new_tokens
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.tokens import LIVE_MINTS, Mint
from invoicepay.errors import (
    InvalidTransition,
    ReserveDeficit,
    ReserveNotConfirmed,
    ReserveStale,
    WalletFrozen,
)

BARRIERS = (InvalidTransition, ReserveNotConfirmed, WalletFrozen, ReserveDeficit, ReserveStale)


def guard_needs(effect: Effect, seen: Snapshot) -> Needs:
    """What `barrier` reads: a cause's intents; for a mint also its reserve and the state of the programme."""
    wanted = need(finds=[effects_of(effect.cause_id, effect.kind)])
    if effect.kind is not EffectKind.MINT:
        return wanted
    mint = seen.peek(Mint, effect.cause_id)
    wanted |= need((Mint, effect.cause_id))
    if mint is None:
        return wanted
    wanted |= minting_needs(mint.party_id, mint.asset)
    if not mint.reserve_id:
        return wanted
    wanted |= need((Reserve, mint.reserve_id)) | earlier_needs(mint.reserve_id, seen)
    reserve = seen.peek(Reserve, mint.reserve_id)
    return wanted | _return_needs(reserve.deposit_id, seen) if reserve else wanted


def _return_needs(deposit_id: str, seen: Snapshot) -> Needs:
    """The deposit of a mint; what its return touches only where one waits."""
    deposit = seen.peek(Deposit, deposit_id)
    is_returning = deposit is not None and deposit.returning is not None
    return return_needs(deposit_id, seen) if is_returning else need((Deposit, deposit_id))


def barrier(change: Change, effect: Effect) -> str:
    """The code of what keeps an intent that never left from being sent now, or nothing."""
    try:
        refuse_contested(effect.cause_kind, change.find(effects_of(effect.cause_id, effect.kind)))
        mint = change.peek(Mint, effect.cause_id) if effect.kind is EffectKind.MINT else None
        if mint is not None:
            _refuse_mint(change, mint)
    except BARRIERS as refusal:
        return refusal.code
    return ""


def _refuse_mint(change: Change, mint: Mint) -> None:
    """The guards of a mint hold, and no other mint of its reserve is in doubt."""
    if mint.status not in LIVE_MINTS:
        raise InvalidTransition("mint", mint.status, "send")
    if mint.reserve_id:
        reserve = change.get(Reserve, mint.reserve_id)
        if reserve.status is not ReserveStatus.CONFIRMED or _returning(change, reserve):
            raise ReserveNotConfirmed(reserve=reserve.id)
        earlier_mints(change, reserve.id)
    refuse_new_tokens(change, mint.party_id, mint.asset)


def _returning(change: Change, reserve: Reserve) -> Money | None:
    return change.get(Deposit, reserve.deposit_id).returning


def give_way(change: Change, effect: Effect) -> None:
    """Book the return that waited for a mint which, as it turns out, never left (reliability 2.2)."""
    mint = change.peek(Mint, effect.cause_id) if effect.kind is EffectKind.MINT else None
    if mint is None or not mint.reserve_id:
        return
    deposit = change.get(Deposit, change.get(Reserve, mint.reserve_id).deposit_id)
    if deposit.returning:
        take_back(change, deposit, deposit.returning, deposit.return_code)
