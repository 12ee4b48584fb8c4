"""Withdrawals: hold, burn, pay out; and what an owner or operator does when it comes back (spec 4.5)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from invoicepay.domain import access, effects, holds, minting
from invoicepay.domain.accounts import Account, Code, available
from invoicepay.domain.bank_accounts import account_needs, clean_token, refuse_disabled
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import EffectKind, effects_of
from invoicepay.domain.holds import Hold, HoldPurpose, hold_needs
from invoicepay.domain.ids import Prefix, clean_text
from invoicepay.domain.money import Money, document_amount, positive
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.netting import not_open
from invoicepay.domain.receiving import finality_of
from invoicepay.domain.reserves import deficit_needs, refuse_deficit
from invoicepay.domain.seasoning import refuse_young, young_needs
from invoicepay.domain.tokens import BURN, LIVE_MINTS, Burn, BurnCommand, Mint, MintPurpose
from invoicepay.domain.withdrawal_news import plan_payout, submit_again
from invoicepay.domain.withdrawals import WITHDRAWAL, Withdrawal, WithdrawalCommand, WithdrawalStatus
from invoicepay.errors import (
    AmountNotPositive,
    ComplianceBlocked,
    InvalidIdentifier,
    InvalidTransition,
    NotFound,
)
from invoicepay.ports.screening import Screened, Verdict
from invoicepay.use_cases.compliance import ALLOWED, require_allowed, screened
from invoicepay.use_cases.perform import Deps, UseCase, perform
from invoicepay.use_cases.positions import are_open
from invoicepay.use_cases.queries import get

S, C = WithdrawalStatus, WithdrawalCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class InitiateWithdrawal:
    """Turn tokens into money in a bank account.

    Attributes:
        amount: tokens to burn; the account receives it less the programme's fee.
        account_token: the provider's token for the bank account; never an account number.
        verdict: screening's word; put in by the use case.
        is_redeemable: whether the chain's side of the tokens is known (`are_open`); put in by the use case.
    """

    party_id: str
    amount: Money
    rail: str
    account_token: str
    verdict: Screened = field(default=ALLOWED, compare=False)
    is_redeemable: bool = field(default=True, compare=False)


def _needs_initiate(command: InitiateWithdrawal, seen: Snapshot) -> Needs:
    party_id, asset = command.party_id, command.amount.asset
    return (
        access.party_needs(party_id, asset=asset)
        | access.limit_needs(seen, party_id, asset)
        | deficit_needs(asset)
        | account_needs(command.account_token)
        | young_needs(seen, party_id, asset)
        | need(accounts=[available(party_id, asset)])
    )


def decide_initiate(command: InitiateWithdrawal, change: Change) -> Withdrawal:
    """Set the tokens aside (P-30) and plan their burn; a review holds them and sends nothing."""
    amount = document_amount(positive(command.amount))
    account = clean_token(command.account_token)
    fee = change.programme.withdrawal_fee(change.programme.asset(amount.asset).code)
    if amount <= fee:
        raise AmountNotPositive(f"a withdrawal must be larger than its fee of {fee}", fee=str(fee))
    finality_of(change.programme, command.rail)
    effects.require_route(change, EffectKind.PAYOUT, amount.asset, command.rail)
    party = access.known_party(change, command.party_id)
    access.authorise(change, payer=party.id)
    if command.verdict.verdict is Verdict.BLOCK:
        raise ComplianceBlocked(reason=command.verdict.reason)
    access.payable(change, party.id, amount.asset)
    refuse_disabled(change, account)
    refuse_deficit(change, amount.asset)
    refuse_young(change, party.id, amount, account)
    if not command.is_redeemable:
        raise not_open(amount.asset)
    access.check_limit(change, party, amount)
    return _held(change, replace(command, account_token=account), fee)


def _held(change: Change, command: InitiateWithdrawal, fee: Money) -> Withdrawal:
    id = change.new_id(Prefix.WITHDRAWAL)
    is_reviewed = command.verdict.verdict is Verdict.REVIEW
    hold = holds.place(
        change,
        owner_id=command.party_id,
        amount=command.amount,
        purpose=HoldPurpose.WITHDRAWAL,
        cause_id=id,
        rule="P-30",
    )
    status = WITHDRAWAL.after(None, C.REVIEW if is_reviewed else C.INITIATE)
    withdrawal = Withdrawal(
        id=id,
        party_id=command.party_id,
        asset=command.amount.asset,
        amount=command.amount,
        fee=fee,
        rail=command.rail,
        account_token=command.account_token,
        status=status,
        hold_id=hold.id,
        reason=command.verdict.reason,
    )
    if not is_reviewed:
        burn = minting.start_burn(change, withdrawal.party_id, withdrawal.amount, withdrawal.id)
        withdrawal = replace(withdrawal, burn_id=burn.id)
    return change.add(withdrawal, f"withdrawal.{status}")


INITIATE = UseCase("withdrawals.initiate", Withdrawal, _needs_initiate, decide_initiate)


async def initiate_withdrawal(deps: Deps, command: InitiateWithdrawal, key: str | None = None) -> Withdrawal:
    """Turn tokens into money in a bank account: hold now, burn next, pay out last (spec 4.5).

    Raises:
        AmountNotPositive, AmountPrecision, UnknownAsset, InvalidInput: amount, asset or rail cannot be used.
        NotFound: no such party.
        NotThePayer: somebody else asks.
        ComplianceBlocked, WalletFrozen, LimitExceeded: nothing was set aside.
        BankAccountDisabled: a return code or an operator ruled the account out.
        FundsNotSeasoned: it would take tokens of a young deposit to another account.
        ReserveDeficit: the reserve is short; payments between holders go on, withdrawals wait.
        PositionsNotOpen: the asset became netted, and its burn would wait for ever.
        InsufficientFunds: the available balance is smaller than the amount.
    """
    verdict = await screened(deps, "withdrawal", party_id=command.party_id, amount=command.amount)
    can = await are_open(deps, command.party_id, command.amount)
    return await perform(deps, INITIATE, replace(command, verdict=verdict, is_redeemable=can), key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseWithdrawal:
    """Let a withdrawal under review go on.

    Attributes:
        is_redeemable: as for `InitiateWithdrawal`.
    """

    withdrawal_id: str
    reason: str = ""
    is_redeemable: bool = field(default=True, compare=False)


def _needs_release(command: ReleaseWithdrawal, seen: Snapshot) -> Needs:
    wanted = need((Withdrawal, command.withdrawal_id))
    withdrawal = seen.peek(Withdrawal, command.withdrawal_id)
    if withdrawal is None:
        return wanted
    return (
        wanted
        | access.party_needs(withdrawal.party_id, asset=withdrawal.asset)
        | deficit_needs(withdrawal.asset)
        | account_needs(withdrawal.account_token)
    )


def decide_release(command: ReleaseWithdrawal, change: Change) -> Withdrawal:
    """The tokens are held already; their burn is planned now."""
    clean_text(command.reason, 500, "the reason")
    withdrawal = change.get(Withdrawal, command.withdrawal_id)
    access.authorise(change, withdrawal)
    status = WITHDRAWAL.after(withdrawal.status, C.RELEASE)
    access.payable(change, withdrawal.party_id, withdrawal.asset)
    refuse_disabled(change, withdrawal.account_token)
    refuse_deficit(change, withdrawal.asset)
    if not command.is_redeemable:
        raise not_open(withdrawal.asset)
    burn = minting.start_burn(change, withdrawal.party_id, withdrawal.amount, withdrawal.id)
    released = replace(withdrawal, status=status, burn_id=burn.id, reason="")
    return change.put(released, "withdrawal.held")


RELEASE = UseCase("withdrawals.release", Withdrawal, _needs_release, decide_release)


async def release_withdrawal(deps: Deps, command: ReleaseWithdrawal, key: str | None = None) -> Withdrawal:
    """Let a withdrawal under review go on; operators only.

    Raises:
        NotFound, NotAllowed: no such withdrawal, or the actor is no operator.
        InvalidTransition: it is not under review.
        WalletFrozen, ReserveDeficit, BankAccountDisabled, PositionsNotOpen: it has to wait.
    """
    can = await _is_redeemable(deps, command.withdrawal_id)
    return await perform(deps, RELEASE, replace(command, is_redeemable=can), key)


async def _is_redeemable(deps: Deps, withdrawal_id: str) -> bool:
    """Whether the chain's side of its tokens is known; of no withdrawal, the command itself says so."""
    try:
        withdrawal = await get(deps, Withdrawal, withdrawal_id)
    except (NotFound, InvalidIdentifier):
        return True
    return await are_open(deps, withdrawal.party_id, withdrawal.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectWithdrawal:
    """End a withdrawal under review."""

    withdrawal_id: str
    reason: str


def _needs_hold(command: RejectWithdrawal | CancelWithdrawal, seen: Snapshot) -> Needs:
    wanted = need((Withdrawal, command.withdrawal_id))
    withdrawal = seen.peek(Withdrawal, command.withdrawal_id)
    if withdrawal is None:
        return wanted
    wanted |= hold_needs(withdrawal.hold_id, seen)
    if withdrawal.burn_id:
        intents = effects_of(withdrawal.burn_id, EffectKind.BURN)
        wanted |= need((Burn, withdrawal.burn_id), finds=[intents])
    return wanted


def decide_reject(command: RejectWithdrawal, change: Change) -> Withdrawal:
    """The owner has the tokens back (P-12)."""
    reason = clean_text(command.reason, 500, "the reason")
    withdrawal = change.get(Withdrawal, command.withdrawal_id)
    access.authorise(change, withdrawal)
    status = WITHDRAWAL.after(withdrawal.status, C.REJECT)
    holds.release(change, change.get(Hold, withdrawal.hold_id), reason=reason)
    return change.put(replace(withdrawal, status=status, reason=reason), "withdrawal.rejected")


REJECT = UseCase("withdrawals.reject", Withdrawal, _needs_hold, decide_reject)


async def reject_withdrawal(deps: Deps, command: RejectWithdrawal, key: str | None = None) -> Withdrawal:
    """End a withdrawal under review and give the tokens back (P-12); operators only.

    Raises:
        NotFound, NotAllowed: no such withdrawal, or the actor is no operator.
        InvalidTransition: it is not under review.
    """
    return await perform(deps, REJECT, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelWithdrawal:
    """Take a withdrawal back before its burn was sent."""

    withdrawal_id: str


def decide_cancel(command: CancelWithdrawal, change: Change) -> Withdrawal:
    """The burn's intent is withdrawn and the owner has the tokens back (P-12)."""
    withdrawal = change.get(Withdrawal, command.withdrawal_id)
    access.authorise(change, withdrawal, payer=withdrawal.party_id)
    status = WITHDRAWAL.after(withdrawal.status, C.CANCEL)
    *_, intent = change.find(effects_of(withdrawal.burn_id, EffectKind.BURN))
    effects.cancel(change, intent, reason="withdrawal cancelled")
    burn = change.get(Burn, withdrawal.burn_id)
    not_sent = BURN.after(burn.status, BurnCommand.FAIL)
    change.put(replace(burn, status=not_sent, reason="withdrawal cancelled"), "burn.failed")
    holds.release(change, change.get(Hold, withdrawal.hold_id), reason="withdrawal cancelled")
    return change.put(replace(withdrawal, status=status), "withdrawal.cancelled")


CANCEL = UseCase("withdrawals.cancel", Withdrawal, _needs_hold, decide_cancel)


async def cancel_withdrawal(deps: Deps, command: CancelWithdrawal, key: str | None = None) -> Withdrawal:
    """Take a withdrawal back before its burn was sent (P-12).

    Raises:
        NotFound, NotThePayer: no such withdrawal, or somebody else asks.
        InvalidTransition: its burn was sent, or may have been; or it is under review, or over.
    """
    return await perform(deps, CANCEL, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remint:
    """Turn a payout that came back into tokens again."""

    withdrawal_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPayout:
    """Pay a payout that came back to another bank account.

    Attributes:
        verdict: screening's word on the new account; put in by the use case.
    """

    withdrawal_id: str
    account_token: str
    verdict: Screened = field(default=ALLOWED, compare=False)


def _needs_returned(command: Remint | RetryPayout, seen: Snapshot) -> Needs:
    intents = effects_of(command.withdrawal_id, EffectKind.PAYOUT)
    wanted = need((Withdrawal, command.withdrawal_id), finds=[intents])
    withdrawal = seen.peek(Withdrawal, command.withdrawal_id)
    if withdrawal is None:
        return wanted
    if withdrawal.mint_id:
        mints = [effects_of(withdrawal.mint_id, EffectKind.MINT)]
        wanted |= need((Mint, withdrawal.mint_id), finds=mints)
    back = Account(Code.REDEMPTION_RETURNED, withdrawal.asset, withdrawal.party_id)
    if isinstance(command, RetryPayout):
        wanted |= account_needs(command.account_token)
        wanted |= young_needs(seen, withdrawal.party_id, withdrawal.asset)
    return wanted | minting.minting_needs(withdrawal.party_id, withdrawal.asset) | need(accounts=[back])


def decide_remint(command: Remint, change: Change) -> Withdrawal:
    """A mint over what came back; it is booked when it is final (P-36)."""
    withdrawal = change.get(Withdrawal, command.withdrawal_id)
    access.authorise(change, withdrawal, payer=withdrawal.party_id)
    WITHDRAWAL.after(withdrawal.status, C.REMINT)
    _refuse_second_way(change, withdrawal, C.REMINT)
    minting.refuse_new_tokens(change, withdrawal.party_id, withdrawal.asset)
    mint = minting.add_mint(
        change,
        withdrawal.party_id,
        withdrawal.payout,
        MintPurpose.REMINT,
        withdrawal_id=withdrawal.id,
    )
    return change.put(replace(withdrawal, mint_id=mint.id), "withdrawal.reminting")


def _refuse_second_way(change: Change, withdrawal: Withdrawal, command: WithdrawalCommand) -> None:
    """A payout in doubt, and a remint that may still succeed or is in doubt, exclude every other way out."""
    effects.refuse_contested("payout", change.find(effects_of(withdrawal.id, EffectKind.PAYOUT)))
    if withdrawal.mint_id:
        effects.refuse_contested("mint", change.find(effects_of(withdrawal.mint_id, EffectKind.MINT)))
    mint = change.get(Mint, withdrawal.mint_id) if withdrawal.mint_id else None
    if mint is not None and mint.status in LIVE_MINTS:
        raise InvalidTransition("withdrawal", "being reminted", command, hint="Wait for the mint's end.")


REMINT = UseCase("withdrawals.remint", Withdrawal, _needs_returned, decide_remint)


async def remint(deps: Deps, command: Remint, key: str | None = None) -> Withdrawal:
    """Turn a payout that came back into tokens again; the fee stays paid (P-36).

    Raises:
        NotFound, NotThePayer: no such withdrawal, or somebody else asks.
        InvalidTransition: nothing came back, that is in doubt, or it is being reminted already.
        WalletFrozen, ReserveDeficit, ReserveStale: new tokens have to wait.
    """
    return await perform(deps, REMINT, command, key)


def decide_retry_payout(command: RetryPayout, change: Change) -> Withdrawal:
    """A new intent supersedes the one that ended; what came back is on its way once more (P-32)."""
    account = clean_token(command.account_token)
    withdrawal = change.get(Withdrawal, command.withdrawal_id)
    access.authorise(change, withdrawal, payer=withdrawal.party_id)
    WITHDRAWAL.after(withdrawal.status, C.RETRY_PAYOUT)
    _refuse_second_way(change, withdrawal, C.RETRY_PAYOUT)
    require_allowed(command.verdict)
    access.payable(change, withdrawal.party_id, withdrawal.asset)
    refuse_disabled(change, account)
    refuse_young(change, withdrawal.party_id, withdrawal.payout, account, besides=withdrawal.payout)
    *_, ended = change.find(effects_of(withdrawal.id, EffectKind.PAYOUT))
    again = replace(
        withdrawal,
        account_token=account,
        generation=withdrawal.generation + 1,
        mint_id="",
        provider_ref="",
        return_code="",
        reason="",
    )
    again = submit_again(change, again)
    return plan_payout(change, again, supersedes=ended)


RETRY_PAYOUT = UseCase("withdrawals.retry_payout", Withdrawal, _needs_returned, decide_retry_payout)


async def retry_payout(deps: Deps, command: RetryPayout, key: str | None = None) -> Withdrawal:
    """Pay a payout that came back to another bank account (P-32 from 2320).

    Raises:
        NotFound, NotThePayer: no such withdrawal, or somebody else asks.
        InvalidTransition: nothing came back, that is in doubt, or it is being reminted.
        ComplianceBlocked, ComplianceReview, WalletFrozen: the new account or the party's wallet is blocked.
        BankAccountDisabled: a return code or an operator ruled the new account out.
        FundsNotSeasoned: it would take tokens of a young deposit to another account.
    """
    withdrawal = await get(deps, Withdrawal, command.withdrawal_id)
    verdict = await screened(
        deps,
        "payee_change",
        party_id=withdrawal.party_id,
        counterparty_id=command.account_token,
        amount=withdrawal.payout,
    )
    return await perform(deps, RETRY_PAYOUT, replace(command, verdict=verdict), key)
