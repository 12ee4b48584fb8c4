"""What may have changed since an intent was planned, asked in the last commit before bytes leave."""

from __future__ import annotations

from dataclasses import replace

from invoicepay.domain.bank_accounts import (
    BankAccount,
    account_id,
    account_needs,
    is_disabled,
    refuse_disabled,
)
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposit_news import give_deposit_up
from invoicepay.domain.deposit_returns import return_needs, take_back
from invoicepay.domain.deposits import Deposit, Reserve, ReserveStatus
from invoicepay.domain.effects import Effect, EffectKind, cancel, effects_of, refuse_contested, slot_of
from invoicepay.domain.minting import earlier_mints, earlier_needs, minting_needs, refuse_new_tokens
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.netting import covers, position_needs
from invoicepay.domain.tokens import LIVE_MINTS, Mint
from invoicepay.domain.withdrawal_news import fold_payout_needs, give_payout_up
from invoicepay.errors import (
    BankAccountDisabled,
    InvalidTransition,
    ReserveDeficit,
    ReserveNotConfirmed,
    ReserveStale,
    WalletFrozen,
)

UNSETTLED = "unsettled"
"""The chain does not hold yet what the books gave the wallet; the next settlement run brings it."""

BARRIERS = (
    BankAccountDisabled,
    InvalidTransition,
    ReserveNotConfirmed,
    WalletFrozen,
    ReserveDeficit,
    ReserveStale,
)


def guard_needs(effect: Effect, seen: Snapshot) -> Needs:
    """What `barrier` reads: a cause's intents; the bank account of a rail's, the reserve behind a mint."""
    wanted = need(finds=[effects_of(effect.cause_id, effect.kind)]) | position_needs(seen.programme, effect)
    if slot_of(effect.kind) == "rails":
        return wanted | _account_needs(effect, seen)
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


def _account_needs(effect: Effect, seen: Snapshot) -> Needs:
    """The bank account; what giving the intent up touches only where that was ruled out."""
    token = _account_token(effect)
    wanted = account_needs(token)
    if not token or not is_disabled(seen.peek(BankAccount, account_id(token))):
        return wanted
    is_deposit = effect.kind is EffectKind.DEPOSIT
    return wanted | (need((Deposit, effect.cause_id)) if is_deposit else fold_payout_needs(effect, seen))


def _account_token(effect: Effect) -> str:
    return effect.request.get("account_token", "")


def _return_needs(deposit_id: str, seen: Snapshot) -> Needs:
    """The deposit of a mint; what its return touches only where one waits."""
    deposit = seen.peek(Deposit, deposit_id)
    is_returning = deposit is not None and deposit.returning is not None
    return return_needs(deposit_id, seen) if is_returning else need((Deposit, deposit_id))


def barrier(change: Change, effect: Effect) -> str:
    """The code of what keeps an intent that never left from being sent now, or nothing."""
    try:
        refuse_contested(effect.cause_kind, change.find(effects_of(effect.cause_id, effect.kind)))
        if slot_of(effect.kind) == "rails":
            refuse_disabled(change, _account_token(effect))
        mint = change.peek(Mint, effect.cause_id) if effect.kind is EffectKind.MINT else None
        if mint is not None:
            _refuse_mint(change, mint)
    except BARRIERS as refusal:
        return refusal.code
    return "" if covers(change, effect) else UNSETTLED


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


def give_way(change: Change, effect: Effect, code: str) -> None:
    """What follows for certain from an intent that never left: a bad account ends it, a return is booked.

    Args:
        code: of what stands in its way, as `barrier` told it.
    """
    if code == BankAccountDisabled.code:
        cancel(change, effect, reason=code)
        give_up = give_deposit_up if effect.kind is EffectKind.DEPOSIT else give_payout_up
        give_up(change, effect.cause_id, code)
        return
    _book_waiting_return(change, effect)


def _book_waiting_return(change: Change, effect: Effect) -> None:
    """Book the return that waited for a mint which, as it turns out, never left (reliability 2.2)."""
    mint = change.peek(Mint, effect.cause_id) if effect.kind is EffectKind.MINT else None
    if mint is None or not mint.reserve_id:
        return
    deposit = change.get(Deposit, change.get(Reserve, mint.reserve_id).deposit_id)
    if deposit.returning:  # told again as if new: it waits no more, and is not taken off what is left twice
        take_back(change, replace(deposit, returning=None), deposit.returning, deposit.return_code)
