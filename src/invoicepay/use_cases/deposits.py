"""Deposits: initiate or record, review, confirm, cancel (spec 4.4); the rail tells `domain.deposit_news`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from invoicepay.domain import effects, receiving
from invoicepay.domain.access import (
    authorise,
    known_party,
    party_needs,
    payable,
    second_actor,
)
from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.bank_accounts import account_needs, clean_token, refuse_disabled
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposit_returns import reject, return_needs
from invoicepay.domain.deposits import DEPOSIT, Deposit, DepositCommand, DepositStatus
from invoicepay.domain.effects import EffectKind, effects_of
from invoicepay.domain.ids import Prefix, clean_text
from invoicepay.domain.minting import minting_needs
from invoicepay.domain.money import Money, document_amount, positive
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.parties import Role
from invoicepay.errors import AmountNotPositive, ComplianceBlocked, InvalidTransition, ReserveNotConfirmed
from invoicepay.ports.screening import Screened, Verdict
from invoicepay.use_cases.compliance import ALLOWED, screened
from invoicepay.use_cases.perform import Deps, UseCase, perform

S, C = DepositStatus, DepositCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class InitiateDeposit:
    """Ask the party's bank for money.

    Attributes:
        account_token: the provider's token for the bank account; never an account number.
        verdict: screening's word; put in by the use case.
    """

    party_id: str
    amount: Money
    rail: str
    account_token: str = ""
    verdict: Screened = field(default=ALLOWED, compare=False)


def _needs_initiate(command: InitiateDeposit, _seen: Snapshot) -> Needs:
    party = party_needs(command.party_id, asset=command.amount.asset)
    return party | account_needs(command.account_token)


def decide_initiate(command: InitiateDeposit, change: Change) -> Deposit:
    """A new deposit with its intent; under review nothing is sent before a person let it go."""
    amount = document_amount(positive(command.amount))
    account = clean_token(command.account_token)
    receiving.finality_of(change.programme, command.rail)
    fee = change.programme.deposit_fee(change.programme.asset(amount.asset).code)
    if amount <= fee:
        raise AmountNotPositive(f"a deposit must be larger than its fee of {fee}", fee=str(fee))
    effects.require_route(change, EffectKind.DEPOSIT, amount.asset, command.rail)
    effects.require_route(change, EffectKind.MINT, amount.asset)
    known_party(change, command.party_id)
    authorise(change, payer=command.party_id)
    payable(change, command.party_id, amount.asset)
    refuse_disabled(change, account)
    _refuse_blocked(command.verdict)
    is_reviewed = command.verdict.verdict is Verdict.REVIEW
    status = DEPOSIT.after(None, C.REVIEW if is_reviewed else C.INITIATE)
    deposit = _new_deposit(change, command.party_id, amount, command.rail, account)
    deposit = replace(deposit, fee=fee, status=status, reason=command.verdict.reason)
    if is_reviewed:
        return change.add(deposit, "deposit.in_review")
    deposit = change.add(receiving.expecting(deposit, change.programme, change.now), "deposit.initiated")
    _plan(change, deposit)
    return deposit


def _new_deposit(change: Change, party_id: str, amount: Money, rail: str, account_token: str = "") -> Deposit:
    nothing = Money.zero(amount.asset)
    return Deposit(
        id=change.new_id(Prefix.DEPOSIT),
        party_id=party_id,
        asset=amount.asset,
        rail=rail,
        requested=amount,
        received=nothing,
        fee=nothing,
        processor_fee=nothing,
        recoverable=nothing,
        status=S.INITIATED,
        account_token=account_token,
    )


def _refuse_blocked(verdict: Screened) -> None:
    if verdict.verdict is Verdict.BLOCK:
        raise ComplianceBlocked(reason=verdict.reason)


def _plan(change: Change, deposit: Deposit) -> None:
    effects.plan(
        change,
        kind=EffectKind.DEPOSIT,
        cause=deposit,
        amount=deposit.requested,
        request={
            "rail": deposit.rail,
            "party_id": deposit.party_id,
            "account_token": deposit.account_token,
        },
    )


INITIATE = UseCase("deposits.initiate", Deposit, _needs_initiate, decide_initiate)


async def initiate_deposit(deps: Deps, command: InitiateDeposit, key: str | None = None) -> Deposit:
    """Ask the party's bank for money; tokens follow once the rail's money is final (spec 4.4).

    Raises:
        AmountNotPositive, AmountPrecision, UnknownAsset, InvalidInput: amount, asset or rail cannot be used.
        NotFound: no such party.
        NotThePayer: somebody else asks.
        WalletFrozen: the party's wallet is blocked.
        BankAccountDisabled: a return code or an operator ruled the account out.
        ComplianceBlocked: screening refused it; nothing was started.
    """
    verdict = await screened(deps, "deposit", party_id=command.party_id, amount=command.amount)
    return await perform(deps, INITIATE, replace(command, verdict=verdict), key)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDeposit:
    """Money that arrived without having been asked for: a customer's own wire, for example.

    Attributes:
        provider, provider_ref: the bank and its reference; recorded once.
        processor_fee: kept by a processor on the way; `amount` includes it.
    """

    party_id: str
    amount: Money
    rail: str
    provider: str
    provider_ref: str
    processor_fee: Money | None = None
    verdict: Screened = field(default=ALLOWED, compare=False)


def _needs_record(command: RecordDeposit, _seen: Snapshot) -> Needs:
    asset = command.amount.asset
    arrived = [Account(Code.INBOUND, asset), Account(Code.UNCONFIRMED, asset, command.party_id)]
    return (
        minting_needs(command.party_id, asset)
        | receiving.reference_needs(command.provider, command.provider_ref, asset)
        | need(accounts=arrived)
    )


def decide_record(command: RecordDeposit, change: Change) -> Deposit:
    """A deposit that is received at once (P-01); it is confirmed like any other."""
    amount = document_amount(positive(command.amount))
    kept = command.processor_fee or Money.zero(amount.asset)
    if kept:
        document_amount(positive(kept))
    if amount <= kept:
        raise AmountNotPositive(f"nothing is left of {amount}", processor_fee=str(kept))
    change.programme.asset(amount.asset)
    receiving.finality_of(change.programme, command.rail)
    known_party(change, command.party_id)
    authorise(change)
    _refuse_blocked(command.verdict)
    receiving.refuse_known(change, command.provider, command.provider_ref)
    deposit = replace(
        _new_deposit(change, command.party_id, amount, command.rail),
        status=DEPOSIT.after(None, C.RECORD),
        fee=change.programme.deposit_fee(amount.asset),
        provider=clean_text(command.provider, 64, "the provider"),
        provider_ref=clean_text(command.provider_ref, 255, "the provider's reference"),
    )
    deposit = change.add(receiving.receive(change, deposit, amount, kept), "deposit.received")
    if command.verdict.verdict is Verdict.REVIEW:
        return _put_under_review(change, deposit, command.verdict.reason)
    return receiving.confirm(change, deposit) if receiving.is_due(change, deposit) else deposit


RECORD = UseCase("deposits.record", Deposit, _needs_record, decide_record)


async def record_deposit(deps: Deps, command: RecordDeposit, key: str | None = None) -> Deposit:
    """Record money of a party that arrived by itself; operators only.

    Raises:
        AmountNotPositive, AmountPrecision, UnknownAsset, InvalidInput: amount, asset or rail cannot be used.
        NotFound: no such party.
        NotAllowed: the actor is no operator.
        ComplianceBlocked: screening refused it; record it as unmatched money until that is settled.
        DuplicateProviderReference: it is recorded already.
    """
    verdict = await screened(deps, "deposit", party_id=command.party_id, amount=command.amount)
    return await perform(deps, RECORD, replace(command, verdict=verdict), key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDeposit:
    """Hold a deposit back until a person has looked."""

    deposit_id: str
    reason: str


def decide_review(command: ReviewDeposit, change: Change) -> Deposit:
    """Facts are booked meanwhile, but nothing is confirmed."""
    deposit = change.get(Deposit, command.deposit_id)
    authorise(change, deposit)
    return _put_under_review(change, deposit, clean_text(command.reason, 500, "the reason"))


def _put_under_review(change: Change, deposit: Deposit, reason: str) -> Deposit:
    status = DEPOSIT.after(deposit.status, C.REVIEW)
    return change.put(replace(deposit, status=status, reason=reason), "deposit.in_review")


REVIEW = UseCase(
    "deposits.review", Deposit, lambda command, _: need((Deposit, command.deposit_id)), decide_review
)


async def review_deposit(deps: Deps, command: ReviewDeposit, key: str | None = None) -> Deposit:
    """Hold a pending or received deposit back until a person has looked; operators only.

    Raises:
        NotFound, NotAllowed: no such deposit, or the actor is no operator.
        InvalidTransition: it is confirmed already, or over.
    """
    return await perform(deps, REVIEW, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDeposit:
    """Let a deposit under review go on."""

    deposit_id: str
    reason: str = ""


def _needs_release(command: ReleaseDeposit, seen: Snapshot) -> Needs:
    return receiving.confirm_needs(command.deposit_id, seen)


def decide_release(command: ReleaseDeposit, change: Change) -> Deposit:
    """On from where it was: received, with the bank, or not even asked for."""
    clean_text(command.reason, 500, "the reason")
    deposit = replace(change.get(Deposit, command.deposit_id), reason="")
    authorise(change, deposit)
    if deposit.has_arrived:
        status = DEPOSIT.after(deposit.status, C.RELEASE)
        deposit = change.put(replace(deposit, status=status), "deposit.received")
        return receiving.confirm(change, deposit) if receiving.is_due(change, deposit) else deposit
    if deposit.provider_ref:
        status = DEPOSIT.after(deposit.status, C.ACCEPT)
        return change.put(replace(deposit, status=status), "deposit.pending")
    status = DEPOSIT.after(deposit.status, C.INITIATE)
    deposit = receiving.expecting(replace(deposit, status=status), change.programme, change.now)
    deposit = change.put(deposit, "deposit.initiated")
    _plan(change, deposit)
    return deposit


RELEASE = UseCase("deposits.release", Deposit, _needs_release, decide_release)


async def release_deposit(deps: Deps, command: ReleaseDeposit, key: str | None = None) -> Deposit:
    """Let a deposit under review go on; operators only.

    Raises:
        NotFound, NotAllowed: no such deposit, or the actor is no operator.
        InvalidTransition: it is not under review.
    """
    return await perform(deps, RELEASE, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectDeposit:
    """End a deposit under review: its money goes back, or is never asked for."""

    deposit_id: str
    reason: str


def _needs_reject(command: RejectDeposit, seen: Snapshot) -> Needs:
    return return_needs(command.deposit_id, seen)


def decide_reject(command: RejectDeposit, change: Change) -> Deposit:
    """Send back what arrived (P-04); money on its way cannot be stopped, only sent back."""
    deposit = change.get(Deposit, command.deposit_id)
    authorise(change, deposit)
    DEPOSIT.after(deposit.status, C.REJECT)
    if deposit.provider_ref and not deposit.has_arrived:
        raise InvalidTransition("deposit", "on its way", C.REJECT, hint="Wait until the money has arrived.")
    return reject(change, deposit, clean_text(command.reason, 500, "the reason"))


REJECT = UseCase("deposits.reject", Deposit, _needs_reject, decide_reject)


async def reject_deposit(deps: Deps, command: RejectDeposit, key: str | None = None) -> Deposit:
    """End a deposit under review and send its money back (P-04); operators only.

    Raises:
        NotFound, NotAllowed: no such deposit, or the actor is no operator.
        InvalidTransition: it is not under review, or its money is still on its way.
    """
    return await perform(deps, REJECT, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelDeposit:
    """Withdraw a deposit before the bank was asked."""

    deposit_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireDeposit:
    """Give up a deposit that the bank was not asked for in time."""

    deposit_id: str


def _needs_end(command: CancelDeposit | ExpireDeposit, _seen: Snapshot) -> Needs:
    intents = effects_of(command.deposit_id, EffectKind.DEPOSIT)
    return need((Deposit, command.deposit_id), finds=[intents])


def decide_cancel(command: CancelDeposit, change: Change) -> Deposit:
    """The owner takes it back; what the bank was asked for already cannot be."""
    deposit = change.get(Deposit, command.deposit_id)
    authorise(change, deposit, payer=deposit.party_id)
    return _ended_unsent(change, deposit, C.CANCEL)


def decide_expire(command: ExpireDeposit, change: Change) -> Deposit:
    """The operator gives it up."""
    deposit = change.get(Deposit, command.deposit_id)
    authorise(change, deposit)
    return _ended_unsent(change, deposit, C.EXPIRE)


def _ended_unsent(change: Change, deposit: Deposit, command: DepositCommand) -> Deposit:
    status = DEPOSIT.after(deposit.status, command)
    if deposit.has_arrived:
        raise InvalidTransition("deposit", "received", command, hint="Release its reserve instead.")
    for intent in change.find(effects_of(deposit.id, EffectKind.DEPOSIT)):
        effects.cancel(change, intent, reason=f"deposit {status}")
    return change.put(replace(deposit, status=status), f"deposit.{status}")


CANCEL = UseCase("deposits.cancel", Deposit, _needs_end, decide_cancel)
EXPIRE = UseCase("deposits.expire", Deposit, _needs_end, decide_expire)


async def cancel_deposit(deps: Deps, command: CancelDeposit, key: str | None = None) -> Deposit:
    """Withdraw a deposit before the bank was asked.

    Raises:
        NotFound, NotThePayer: no such deposit, or somebody else asks.
        InvalidTransition: the bank was asked already, or the deposit is over.
    """
    return await perform(deps, CANCEL, command, key)


async def expire_deposit(deps: Deps, command: ExpireDeposit, key: str | None = None) -> Deposit:
    """Give up a deposit that the bank was not asked for in time; operators only.

    Raises:
        NotFound, NotAllowed: no such deposit, or the actor is no operator.
        InvalidTransition: the bank was asked already, or the deposit is over.
    """
    return await perform(deps, EXPIRE, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmDeposit:
    """Trust a received deposit's money.

    Attributes:
        approved_by: the second person, needed before the rail's delay is over or without buffer cover.
    """

    deposit_id: str
    approved_by: str = ""
    reason: str = ""


def _needs_confirm(command: ConfirmDeposit, seen: Snapshot) -> Needs:
    return receiving.confirm_needs(command.deposit_id, seen)


def decide_confirm(command: ConfirmDeposit, change: Change) -> Deposit:
    """Confirm the reserve (P-02) and plan the mint in the same commit."""
    clean_text(command.reason, 500, "the reason")
    deposit = change.get(Deposit, command.deposit_id)
    authorise(change, deposit)
    DEPOSIT.after(deposit.status, C.CONFIRM)
    if not receiving.is_due(change, deposit):
        if change.actor.role is Role.SYSTEM:
            raise ReserveNotConfirmed("the rail's delay is not over, or the buffer does not cover it")
        second_actor(change, command.approved_by)
    return receiving.confirm(change, deposit)


CONFIRM = UseCase("deposits.confirm", Deposit, _needs_confirm, decide_confirm)


async def confirm_deposit(deps: Deps, command: ConfirmDeposit, key: str | None = None) -> Deposit:
    """Trust a received deposit's money; operators only, two of them before its time (spec 10).

    Raises:
        NotFound, NotAllowed: no such deposit, or the actor is no operator.
        InvalidTransition: it is not received, or is under review.
        SecondActorRequired: the rail's delay is not over, or the buffer does not cover it.
    """
    return await perform(deps, CONFIRM, command, key)
