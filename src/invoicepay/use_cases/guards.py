"""What may have changed since an intent was planned, asked in the last commit before bytes leave."""

from __future__ import annotations

from invoicepay.domain.change import Change, Needs, Snapshot, need
from invoicepay.domain.deposits import Reserve, ReserveStatus
from invoicepay.domain.effects import Effect, EffectKind
from invoicepay.domain.minting import minting_needs, refuse_new_tokens
from invoicepay.domain.tokens import Mint
from invoicepay.errors import ReserveDeficit, ReserveNotConfirmed, ReserveStale, WalletFrozen


def guard_needs(effect: Effect, seen: Snapshot) -> Needs:
    """What `barrier` reads: a mint, its reserve and the state of the programme; nothing for other kinds."""
    if effect.kind is not EffectKind.MINT:
        return need()
    mint = seen.peek(Mint, effect.cause_id)
    wanted = need((Mint, effect.cause_id))
    if mint is None:
        return wanted
    wanted |= minting_needs(mint.party_id, mint.asset)
    return wanted | need((Reserve, mint.reserve_id)) if mint.reserve_id else wanted


def barrier(change: Change, effect: Effect) -> str:
    """The code of what keeps an intent that never left from being sent now, or nothing."""
    mint = change.peek(Mint, effect.cause_id) if effect.kind is EffectKind.MINT else None
    if mint is None:
        return ""
    reserve = change.get(Reserve, mint.reserve_id) if mint.reserve_id else None
    if reserve is not None and reserve.status is not ReserveStatus.CONFIRMED:
        return ReserveNotConfirmed.code
    try:
        refuse_new_tokens(change, mint.party_id, mint.asset)
    except (WalletFrozen, ReserveDeficit, ReserveStale) as refusal:
        return refusal.code
    return ""
