"""Tokens: mint against confirmed reserves, retry what failed for certain, tell whether all are backed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from invoicepay.domain import minting
from invoicepay.domain.access import authorise
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposits import Deposit, Reserve
from invoicepay.domain.effects import ENDED_FOR_CERTAIN, EffectKind, effects_of, refuse_contested
from invoicepay.domain.money import Money, document_amount, positive, total
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.reserves import Backing, backing_of
from invoicepay.domain.tokens import (
    MINT,
    Burn,
    BurnStatus,
    Mint,
    MintPurpose,
    MintStatus,
)
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.errors import InvalidTransition, MintExceedsReserve, ReserveNotConfirmed
from invoicepay.use_cases.looking import allow_anybody
from invoicepay.use_cases.perform import Deps, UseCase, perform


@dataclass(frozen=True, slots=True, kw_only=True)
class MintTokens:
    """Make tokens of a confirmed reserve.

    Attributes:
        amount: None means everything that is left of it.
    """

    reserve_id: str
    amount: Money | None = None


def _needs_mint(command: MintTokens, seen: Snapshot) -> Needs:
    wanted = need((Reserve, command.reserve_id)) | minting.earlier_needs(command.reserve_id, seen)
    reserve = seen.peek(Reserve, command.reserve_id)
    if reserve is None:
        return wanted
    deposit = need((Deposit, reserve.deposit_id))
    return wanted | deposit | minting.minting_needs(reserve.party_id, reserve.asset)


def decide_mint(command: MintTokens, change: Change) -> Mint:
    """A new mint with its intent, within what the reserve can back."""
    if command.amount is not None:
        document_amount(positive(command.amount))
    reserve = change.get(Reserve, command.reserve_id)
    authorise(change, reserve)
    earlier = minting.earlier_mints(change, reserve.id)
    made = (mint.amount for mint in earlier if mint.status is MintStatus.COMPLETED)
    amount = command.amount or reserve.mintable - total(made, reserve.asset)
    if not amount:
        raise MintExceedsReserve("nothing of the reserve is left to mint", reserve=reserve.id)
    mint = minting.start_mint(change, reserve, amount, earlier)
    deposit = change.get(Deposit, reserve.deposit_id)
    if deposit.reason:
        change.put(replace(deposit, reason=""))
    return mint


MINT_TOKENS = UseCase("tokens.mint", Mint, _needs_mint, decide_mint)


async def mint(deps: Deps, command: MintTokens, key: str | None = None) -> Mint:
    """Make tokens of a confirmed reserve that waited, or a part of it; operators only (spec 4.4).

    Raises:
        AmountNotPositive, AmountPrecision, CurrencyMismatch: the amount cannot be used.
        NotFound, NotAllowed: no such reserve, or the actor is no operator.
        ReserveNotConfirmed: its money is not final, or went back.
        MintExceedsReserve: more than is left of it, or another mint of it is under way.
        InvalidTransition: it is in doubt what became of an earlier mint.
        WalletFrozen: the recipient's wallet is blocked.
        ReserveDeficit, ReserveStale: the programme's reserve is short, or was not tied out lately.
    """
    return await perform(deps, MINT_TOKENS, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryMint:
    """Submit a failed mint again, under the same id."""

    mint_id: str


def _needs_retry_mint(command: RetryMint, seen: Snapshot) -> Needs:
    wanted = need((Mint, command.mint_id), finds=[effects_of(command.mint_id, EffectKind.MINT)])
    mint = seen.peek(Mint, command.mint_id)
    if mint is None:
        return wanted
    wanted |= minting.minting_needs(mint.party_id, mint.asset)
    if mint.purpose is MintPurpose.REMINT:
        return wanted | need((Withdrawal, mint.withdrawal_id))
    return wanted | need((Reserve, mint.reserve_id)) | minting.earlier_needs(mint.reserve_id, seen)


def decide_retry_mint(command: RetryMint, change: Change) -> Mint:
    """The same guards as for a first mint; the failed intent is superseded."""
    failed = change.get(Mint, command.mint_id)
    authorise(change, failed)
    if failed.status is not MintStatus.FAILED:
        raise InvalidTransition("mint", failed.status, "retry", MINT.allowed(failed.status))
    if failed.purpose is MintPurpose.REMINT:
        _refuse_remint(change, failed)
    else:
        reserve = change.get(Reserve, failed.reserve_id)
        minting.refuse_mint(change, reserve, failed.amount, minting.earlier_mints(change, reserve.id))
    intents = change.find(effects_of(failed.id, EffectKind.MINT))
    refuse_contested("mint", intents)
    *_, effect = intents
    return minting.mint_again(change, failed, effect)


def _refuse_remint(change: Change, mint: Mint) -> None:
    """The withdrawal must still wait for this mint, and not have taken another way."""
    withdrawal = change.get(Withdrawal, mint.withdrawal_id)
    if withdrawal.status is not WithdrawalStatus.RETURNED or withdrawal.mint_id != mint.id:
        raise ReserveNotConfirmed(f"the withdrawal is {withdrawal.status}", withdrawal=withdrawal.id)
    minting.refuse_new_tokens(change, mint.party_id, mint.asset)


RETRY_MINT = UseCase("tokens.retry_mint", Mint, _needs_retry_mint, decide_retry_mint)


async def retry_mint(deps: Deps, command: RetryMint, key: str | None = None) -> Mint:
    """Submit a mint again that failed for certain; operators only. An unknown one is never retried.

    Raises:
        NotFound, NotAllowed: no such mint, or the actor is no operator.
        InvalidTransition: it did not fail, or that is in doubt.
        ReserveNotConfirmed, MintExceedsReserve, WalletFrozen, ReserveDeficit, ReserveStale: as for `mint`.
    """
    return await perform(deps, RETRY_MINT, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBurn:
    """Ask the token side again for a burn that the books have already."""

    burn_id: str


def _needs_retry_burn(command: RetryBurn, _seen: Snapshot) -> Needs:
    return need((Burn, command.burn_id), finds=[effects_of(command.burn_id, EffectKind.BURN)])


def decide_retry_burn(command: RetryBurn, change: Change) -> Burn:
    """A new intent for a burn that was booked (P-05, P-06) and that the token side refused."""
    burn = change.get(Burn, command.burn_id)
    authorise(change, burn)
    *_, effect = change.find(effects_of(burn.id, EffectKind.BURN))
    if burn.status is not BurnStatus.COMPLETED or effect.status not in ENDED_FOR_CERTAIN:
        raise InvalidTransition("burn", f"{burn.status}, its intent {effect.status}", "retry")
    burn = change.put(replace(burn, generation=burn.generation + 1, reason=""), "burn.submitted")
    minting.plan_burn(change, burn, supersedes=effect)
    return burn


RETRY_BURN = UseCase("tokens.retry_burn", Burn, _needs_retry_burn, decide_retry_burn)


async def retry_burn(deps: Deps, command: RetryBurn, key: str | None = None) -> Burn:
    """Ask the token side again for a booked burn that it refused; operators only.

    A refused burn of a withdrawal is not retried: its tokens went back to the owner.

    Raises:
        NotFound, NotAllowed: no such burn, or the actor is no operator.
        InvalidTransition: it was not refused, or its tokens went back.
    """
    return await perform(deps, RETRY_BURN, command, key)


async def validate_backing(deps: Deps, asset: str) -> Backing:
    """Whether the tokens of an asset are backed, and what covers the rest of the reserve (INV-02, INV-04)."""
    await allow_anybody(deps, "tokens.validate_backing")
    code = deps.programme.asset(asset).code
    async with deps.repository.reader(deps.tenant_id) as reader:
        return backing_of(await reader.balances(), code)
