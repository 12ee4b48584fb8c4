"""What the token side's news about mints mean, in whatever order they come (spec 4.4, 4.5)."""

from __future__ import annotations

from dataclasses import replace

from invoicepay.domain import effects, minting, postings
from invoicepay.domain.access import receiving_code
from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposit_returns import return_needs, settle_return
from invoicepay.domain.deposits import Deposit, Reserve, ReserveStatus
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, Observation, effects_of
from invoicepay.domain.money import total
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.policies import Custody
from invoicepay.domain.receiving import complete
from invoicepay.domain.tokens import (
    LIVE_MINTS,
    MINT,
    Mint,
    MintCommand,
    MintPurpose,
    MintStatus,
    mints_of,
)
from invoicepay.domain.withdrawals import WITHDRAWAL, Withdrawal, WithdrawalCommand
from invoicepay.errors import InvalidTransition, MintExceedsReserve

S, C = MintStatus, MintCommand


def fold_mint_needs(effect: Effect, seen: Snapshot) -> Needs:
    """The mint, and what its purpose makes of its end."""
    wanted = need((Mint, effect.cause_id), finds=[effects_of(effect.cause_id, EffectKind.MINT)])
    mint = seen.peek(Mint, effect.cause_id)
    if mint is None:
        return wanted
    if mint.purpose is MintPurpose.REMINT:
        back = Account(Code.REDEMPTION_RETURNED, mint.asset, mint.party_id)
        return (
            wanted
            | need((Withdrawal, mint.withdrawal_id), accounts=[back])
            | minting.minting_needs(mint.party_id, mint.asset)
        )
    wanted |= need((Reserve, mint.reserve_id))
    reserve = seen.peek(Reserve, mint.reserve_id)
    return wanted | return_needs(reserve.deposit_id, seen) if reserve else wanted


def fold_mint(change: Change, effect: Effect, seen: Observation) -> None:
    """Follow the mint; final tokens are booked once (P-03, P-36), a return that waited for them with it.

    Raises:
        InvalidTransition, MintExceedsReserve: the books cannot follow; a person has to look.
    """
    mint = change.get(Mint, effect.cause_id)
    status = EffectStatus(seen.status)
    if _is_known(mint, status, seen.provider_ref):
        return
    mint = replace(mint, provider=seen.provider, provider_ref=seen.provider_ref or mint.provider_ref)
    if mint.status is S.FAILED:
        _require_room(change, mint)
    if mint.status in (S.PENDING, S.FAILED):
        mint = _moved(change, mint, C.SUBMIT)
    match status:
        case EffectStatus.ACCEPTED | EffectStatus.SETTLED:
            if mint.status is S.UNKNOWN:
                _moved(change, mint, C.SUBMIT)
        case EffectStatus.UNKNOWN:
            if mint.status is S.SUBMITTED:
                _moved(change, mint, C.LOSE)
        case EffectStatus.FINAL:
            _completed(change, mint)
        case EffectStatus.REJECTED | EffectStatus.FAILED:
            _failed(change, replace(mint, reason=seen.provider_status))
        case _:
            raise InvalidTransition("mint", mint.status, status)


def _is_known(mint: Mint, status: EffectStatus, provider_ref: str) -> bool:
    """Whether the books say so already, as when a person confirms them after a doubt.

    Final under another reference is not the same: tokens were made twice.
    """
    if mint.status is S.FAILED:
        return status in (EffectStatus.REJECTED, EffectStatus.FAILED)
    is_same = provider_ref == mint.provider_ref
    return mint.status is S.COMPLETED and status is EffectStatus.FINAL and is_same


def _require_room(change: Change, mint: Mint) -> None:
    """A mint that failed and happened all the same still needs what it was made for (INV-05)."""
    if mint.purpose is MintPurpose.REMINT:
        withdrawal = change.get(Withdrawal, mint.withdrawal_id)
        WITHDRAWAL.after(withdrawal.status, WithdrawalCommand.REMINT)
        if withdrawal.mint_id != mint.id:
            raise InvalidTransition("withdrawal", "being reminted", WithdrawalCommand.REMINT)
        return
    reserve = change.get(Reserve, mint.reserve_id)
    counted = LIVE_MINTS | {S.COMPLETED}
    made = total(
        (other.amount for other in change.find(mints_of(reserve.id)) if other.status in counted), mint.asset
    )
    if reserve.status is not ReserveStatus.CONFIRMED or mint.amount > reserve.mintable - made:
        raise MintExceedsReserve(f"reserve {reserve.id} does not back it any more", reserve=reserve.id)


def _moved(change: Change, mint: Mint, command: MintCommand) -> Mint:
    status = MINT.after(mint.status, command)
    return change.put(replace(mint, status=status), f"mint.{status}")


def _completed(change: Change, mint: Mint) -> None:
    mint = _moved(change, replace(mint, completed_at=change.now), C.COMPLETE)
    for intent in change.find(effects_of(mint.id, EffectKind.MINT)):
        if intent.status is EffectStatus.PLANNED:
            effects.cancel(change, intent, reason="the tokens exist already")
    if mint.purpose is MintPurpose.REMINT:
        _reminted(change, mint)
    else:
        _minted(change, mint)


def _minted(change: Change, mint: Mint) -> None:
    """P-03; a wallet that was frozen meanwhile receives into 2030."""
    reserve = change.get(Reserve, mint.reserve_id)
    deposit = change.get(Deposit, reserve.deposit_id)
    change.post(
        postings.minted(
            mint.party_id,
            mint.asset,
            mint.amount.micros,
            custodied=_is_custodied(change, mint.asset),
            into=receiving_code(change, mint.party_id, mint.asset),
            memo=mint.id,
        )
    )
    made = [other.amount for other in change.find(mints_of(reserve.id)) if other.status is S.COMPLETED]
    if total(made, mint.asset) == reserve.mintable:
        deposit = complete(change, deposit, reserve)
    if deposit.returning:
        settle_return(change, deposit, deposit.returning)


def _reminted(change: Change, mint: Mint) -> None:
    """P-36: a payout that came back is tokens again."""
    withdrawal = change.get(Withdrawal, mint.withdrawal_id)
    change.post(
        postings.reminted(
            mint.party_id,
            mint.asset,
            mint.amount.micros,
            custodied=_is_custodied(change, mint.asset),
            into=receiving_code(change, mint.party_id, mint.asset),
            memo=withdrawal.id,
        )
    )
    status = WITHDRAWAL.after(withdrawal.status, WithdrawalCommand.REMINT)
    change.put(replace(withdrawal, status=status), "withdrawal.reminted")


def _failed(change: Change, mint: Mint) -> None:
    """No tokens exist; the reserve stays confirmed, unless its deposit's return was waiting (P-04)."""
    mint = _moved(change, mint, C.FAIL)
    if mint.purpose is MintPurpose.DEPOSIT:
        deposit = change.get(Deposit, change.get(Reserve, mint.reserve_id).deposit_id)
        if deposit.returning:
            settle_return(change, deposit, deposit.returning)


def _is_custodied(change: Change, asset: str) -> bool:
    return change.programme.asset(asset).custody is Custody.CUSTODIED
