"""What may have changed since an intent was planned, asked in the last commit before bytes leave."""

from __future__ import annotations

from invoicepay.domain.change import Change, Needs, Snapshot, need
from invoicepay.domain.deposits import Reserve, ReserveStatus
from invoicepay.domain.effects import Effect, EffectKind, effects_of, refuse_contested
from invoicepay.domain.minting import earlier_mints, earlier_needs, minting_needs, refuse_new_tokens
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
    return wanted | need((Reserve, mint.reserve_id)) | earlier_needs(mint.reserve_id, seen)


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
        if reserve.status is not ReserveStatus.CONFIRMED:
            raise ReserveNotConfirmed(reserve=reserve.id)
        earlier_mints(change, reserve.id)
    refuse_new_tokens(change, mint.party_id, mint.asset)
