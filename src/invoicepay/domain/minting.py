"""Making and destroying tokens: guards of a mint, intents behind mints and burns (spec 4.4, 4.5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from invoicepay.domain import access, effects
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposits import Reserve, ReserveStatus
from invoicepay.domain.effects import Effect, EffectKind, effects_of, refuse_contested
from invoicepay.domain.ids import Prefix
from invoicepay.domain.money import Money, total
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.reserves import deficit_needs, refuse_deficit, refuse_stale
from invoicepay.domain.tokens import (
    BURN,
    LIVE_MINTS,
    MINT,
    Burn,
    BurnCommand,
    BurnPurpose,
    Mint,
    MintCommand,
    MintPurpose,
    MintStatus,
    mints_of,
)
from invoicepay.errors import (
    MintExceedsReserve,
    ReserveDeficit,
    ReserveNotConfirmed,
    ReserveStale,
    WalletFrozen,
)


def minting_needs(party_id: str, asset: str) -> Needs:
    """What every guard of a mint reads, besides the reserve and its earlier mints."""
    return access.party_needs(party_id, asset=asset) | deficit_needs(asset)


def earlier_needs(reserve_id: str, seen: Snapshot) -> Needs:
    """A reserve's mints and their intents, which `earlier_mints` reads."""
    mints = mints_of(reserve_id)
    return need(finds=[mints, *(effects_of(mint.id, EffectKind.MINT) for mint in seen.search(mints))])


def earlier_mints(change: Change, reserve_id: str) -> tuple[Mint, ...]:
    """A reserve's mints, none of them in doubt.

    Raises:
        InvalidTransition: a person has to say first what became of one; it may have made tokens.
    """
    mints = change.find(mints_of(reserve_id))
    for mint in mints:
        refuse_contested("mint", change.find(effects_of(mint.id, EffectKind.MINT)))
    return mints


def refuse_mint(change: Change, reserve: Reserve, amount: Money, earlier: Iterable[Mint]) -> None:
    """Check everything that stands between a reserve and new tokens (spec 4.4, INV-05).

    Args:
        earlier: the reserve's other mints, whatever became of them.

    Raises:
        ReserveNotConfirmed: the money behind it is not final, or went back.
        MintExceedsReserve: with its other mints, more than the reserve holds net of its fee.
        WalletFrozen: the recipient's wallet is blocked.
        ReserveDeficit, ReserveStale: the programme's reserve is short, or was not tied out lately.
    """
    if reserve.status is not ReserveStatus.CONFIRMED:
        raise ReserveNotConfirmed(f"the reserve is {reserve.status}", reserve=reserve.id)
    counted = [mint for mint in earlier if mint.status in LIVE_MINTS | {MintStatus.COMPLETED}]
    if any(mint.status in LIVE_MINTS for mint in counted):
        raise MintExceedsReserve("another mint of this reserve is still under way", reserve=reserve.id)
    left = reserve.mintable - total((mint.amount for mint in counted), reserve.asset)
    if amount > left:
        raise MintExceedsReserve(f"{left} of the reserve is left to mint", reserve=reserve.id, left=str(left))
    refuse_new_tokens(change, reserve.party_id, reserve.asset)


def refuse_new_tokens(change: Change, party_id: str, asset: str) -> None:
    """Check what holds for any new tokens, a first mint or one after a returned payout.

    Raises:
        WalletFrozen, ReserveDeficit, ReserveStale: as for `refuse_mint`.
    """
    access.payable(change, party_id, asset)
    refuse_deficit(change, asset)
    refuse_stale(change, asset)


def start_mint(change: Change, reserve: Reserve, amount: Money, earlier: Iterable[Mint] = ()) -> Mint:
    """Record a mint against a confirmed reserve and the intent towards the token provider.

    Raises:
        ReserveNotConfirmed, MintExceedsReserve, WalletFrozen, ReserveDeficit, ReserveStale: from the guards.
    """
    refuse_mint(change, reserve, amount, earlier)
    return add_mint(change, reserve.party_id, amount, MintPurpose.DEPOSIT, reserve_id=reserve.id)


def try_mint(change: Change, reserve: Reserve, earlier: Collection[Mint] = ()) -> str:
    """Start the mint of what is left of a reserve, unless the programme or the wallet has to wait.

    Returns:
        Empty, or the code of what it waits for; the reserve stays confirmed and can be minted later.
    """
    made = total((mint.amount for mint in earlier if mint.status is MintStatus.COMPLETED), reserve.asset)
    try:
        start_mint(change, reserve, reserve.mintable - made, earlier)
    except (WalletFrozen, ReserveDeficit, ReserveStale) as barrier:
        return barrier.code
    return ""


def add_mint(
    change: Change,
    party_id: str,
    amount: Money,
    purpose: MintPurpose,
    *,
    reserve_id: str = "",
    withdrawal_id: str = "",
) -> Mint:
    """A new mint with its intent; the caller has checked that it may be made."""
    mint = change.add(
        Mint(
            id=change.new_id(Prefix.MINT),
            party_id=party_id,
            asset=amount.asset,
            amount=amount,
            status=MINT.after(None, MintCommand.START),
            purpose=purpose,
            reserve_id=reserve_id,
            withdrawal_id=withdrawal_id,
        ),
        "mint.pending",
    )
    _plan_mint(change, mint)
    return mint


def mint_again(change: Change, mint: Mint, failed: Effect) -> Mint:
    """Submit a failed mint again: same row, a new intent in place of the one that failed for certain."""
    again = change.put(
        replace(
            mint,
            status=MINT.after(mint.status, MintCommand.SUBMIT),
            generation=mint.generation + 1,
            reason="",
        ),
        "mint.submitted",
    )
    _plan_mint(change, again, supersedes=failed)
    return again


def _plan_mint(change: Change, mint: Mint, supersedes: Effect | None = None) -> None:
    effects.plan(
        change,
        kind=EffectKind.MINT,
        cause=mint,
        amount=mint.amount,
        request={"to_party": mint.party_id},
        generation=mint.generation,
        supersedes=supersedes,
    )


def withdraw_mint(change: Change, mint: Mint, effect: Effect) -> Mint:
    """Take a mint back whose intent was never sent.

    Raises:
        InvalidTransition: it was sent; wait for the answer.
    """
    effects.cancel(change, effect, reason="deposit returned")
    is_first = mint.status is MintStatus.PENDING
    command = MintCommand.CANCEL if is_first else MintCommand.FAIL
    after = MINT.after(mint.status, command)
    return change.put(replace(mint, status=after, reason="deposit returned"), f"mint.{after}")


def start_burn(change: Change, party_id: str, amount: Money, withdrawal_id: str) -> Burn:
    """The burn that precedes a payout; it is booked when the token side says it is final (P-31)."""
    return _add_burn(
        change, party_id, amount, BurnCommand.START, BurnPurpose.WITHDRAWAL, withdrawal_id=withdrawal_id
    )


def book_burn(change: Change, party_id: str, amount: Money, purpose: BurnPurpose, deposit_id: str) -> Burn:
    """A burn that is a fact in the books already (P-05, P-06); the token side follows."""
    return _add_burn(change, party_id, amount, BurnCommand.BOOK, purpose, deposit_id=deposit_id)


def _add_burn(
    change: Change,
    party_id: str,
    amount: Money,
    command: BurnCommand,
    purpose: BurnPurpose,
    *,
    withdrawal_id: str = "",
    deposit_id: str = "",
) -> Burn:
    status = BURN.after(None, command)
    burn = change.add(
        Burn(
            id=change.new_id(Prefix.BURN),
            party_id=party_id,
            asset=amount.asset,
            amount=amount,
            status=status,
            purpose=purpose,
            withdrawal_id=withdrawal_id,
            deposit_id=deposit_id,
            completed_at=change.now if command is BurnCommand.BOOK else None,
        ),
        f"burn.{status}",
    )
    plan_burn(change, burn)
    return burn


def plan_burn(change: Change, burn: Burn, supersedes: Effect | None = None) -> None:
    """The intent towards the token provider behind a burn."""
    effects.plan(
        change,
        kind=EffectKind.BURN,
        cause=burn,
        amount=burn.amount,
        request={"from_party": burn.party_id},
        generation=burn.generation,
        supersedes=supersedes,
    )
