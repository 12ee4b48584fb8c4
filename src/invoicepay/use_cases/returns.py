"""Deposits that go back: released reserves, recorded returns, and what is owed then (P-04 to P-06)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from invoicepay.domain import minting, postings
from invoicepay.domain.access import authorise, receiving_code, second_actor
from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposit_returns import return_needs, take_back
from invoicepay.domain.deposits import RESERVE, Deposit, DepositStatus, Reserve, ReserveCommand
from invoicepay.domain.ids import clean_text
from invoicepay.domain.money import Money, document_amount, positive
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.policies import Custody
from invoicepay.domain.tokens import BurnPurpose, MintStatus
from invoicepay.errors import InsufficientFunds, InvalidInput, InvalidTransition
from invoicepay.use_cases.perform import Deps, UseCase, perform


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReserve:
    """Send a reserve back to its depositor before tokens exist."""

    reserve_id: str


def _needs_release(command: ReleaseReserve, seen: Snapshot) -> Needs:
    wanted = need((Reserve, command.reserve_id)) | minting.earlier_needs(command.reserve_id, seen)
    reserve = seen.peek(Reserve, command.reserve_id)
    return wanted | return_needs(reserve.deposit_id, seen) if reserve else wanted


def decide_release(command: ReleaseReserve, change: Change) -> Deposit:
    """P-04 by the operator's choice; tokens that exist or are being made forbid it."""
    reserve = change.get(Reserve, command.reserve_id)
    authorise(change, reserve)
    RESERVE.after(reserve.status, ReserveCommand.RETURN)
    earlier = minting.earlier_mints(change, reserve.id)
    if any(mint.status is MintStatus.COMPLETED for mint in earlier):
        raise InvalidTransition("reserve", "minted", "release", hint="Let the owner withdraw the tokens.")
    deposit = take_back(change, change.get(Deposit, reserve.deposit_id), reserve.amount, "")
    if deposit.returning:
        raise InvalidTransition("reserve", "being minted", "release", hint="Wait for the mint's end.")
    return deposit


RELEASE = UseCase("reserves.release", Deposit, _needs_release, decide_release)


async def release_reserve(deps: Deps, command: ReleaseReserve, key: str | None = None) -> Deposit:
    """Record that a reserve went back to its depositor before tokens existed (P-04); operators only.

    Raises:
        NotFound, NotAllowed: no such reserve, or the actor is no operator.
        InvalidTransition: tokens exist, may exist or are being made of it, or it went back already.
    """
    return await perform(deps, RELEASE, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReturn:
    """The bank took a deposit back, as a person read it in the statement.

    Attributes:
        amount: None means all of it.
    """

    deposit_id: str
    return_code: str = ""
    amount: Money | None = None


def _needs_return(command: RecordReturn, seen: Snapshot) -> Needs:
    return return_needs(command.deposit_id, seen)


def decide_return(command: RecordReturn, change: Change) -> Deposit:
    """As if the rail had told it (P-04, P-05)."""
    code = clean_text(command.return_code, 16, "the return code")
    if command.amount is not None:
        document_amount(positive(command.amount))
    deposit = change.get(Deposit, command.deposit_id)
    authorise(change, deposit)
    amount = command.amount or deposit.received
    if amount > deposit.received:
        raise InvalidInput(f"only {deposit.received} came in", received=str(deposit.received))
    return take_back(change, deposit, amount, code)


RECORD_RETURN = UseCase("deposits.record_return", Deposit, _needs_return, decide_return)


async def record_return(deps: Deps, command: RecordReturn, key: str | None = None) -> Deposit:
    """Record that the bank took a deposit back (P-04, P-05); operators only, for deposits recorded by hand.

    Raises:
        NotFound, NotAllowed: no such deposit, or the actor is no operator.
        InvalidInput, CurrencyMismatch: more than came in, or of another asset.
        InvalidTransition: nothing of it is here.
    """
    return await perform(deps, RECORD_RETURN, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverReceivable:
    """Take what a returned deposit left owed from the party's tokens.

    Attributes:
        amount: None means as much as is there.
    """

    deposit_id: str
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """Give up what a returned deposit left owed.

    Attributes:
        amount: None means all of it.
        approved_by: the second person (four eyes).
    """

    deposit_id: str
    approved_by: str
    amount: Money | None = None
    reason: str = ""


def _needs_owed(command: RecoverReceivable | WriteOff, seen: Snapshot) -> Needs:
    wanted = return_needs(command.deposit_id, seen)
    deposit = seen.peek(Deposit, command.deposit_id)
    if deposit is None:
        return wanted
    return wanted | need(accounts=[Account(Code.RETURNED_DEPOSIT, deposit.asset, deposit.party_id)])


def _refuse_odd(amount: Money | None) -> None:
    """What is owed is money at a bank, so a part of it is a document amount."""
    if amount is not None:
        document_amount(positive(amount))


def _refuse_unowed(deposit: Deposit, amount: Money | None) -> None:
    """The deposit must leave something owed, and at least the asked amount."""
    if deposit.status is not DepositStatus.RETURNED or not deposit.recoverable:
        raise InvalidTransition("deposit", f"{deposit.status}, nothing owed", "recover")
    if amount is not None and amount > deposit.recoverable:
        raise InvalidInput(f"only {deposit.recoverable} is owed", owed=str(deposit.recoverable))


def decide_recover(command: RecoverReceivable, change: Change) -> Deposit:
    """Take the tokens against the receivable and burn them (P-06); frozen ones as well."""
    _refuse_odd(command.amount)
    deposit = change.get(Deposit, command.deposit_id)
    authorise(change, deposit)
    _refuse_unowed(deposit, command.amount)
    asset, party_id = deposit.asset, deposit.party_id
    source = receiving_code(change, party_id, asset)
    there = Money.from_micros(change.balance(Account(source, asset, party_id)), asset)
    amount = command.amount or min(deposit.recoverable, there)
    if not amount:
        raise InsufficientFunds(f"{party_id} has nothing to recover from", party=party_id)
    steps = postings.receivable_recovered(
        party_id,
        asset,
        amount.micros,
        custodied=change.programme.asset(asset).custody is Custody.CUSTODIED,
        out_of=source,
        memo=deposit.id,
    )
    for step in steps:
        change.post(step)
    minting.book_burn(change, party_id, amount, BurnPurpose.RECOVERY, deposit.id)
    return change.put(replace(deposit, recoverable=deposit.recoverable - amount), "deposit.recovered")


RECOVER = UseCase("deposits.recover", Deposit, _needs_owed, decide_recover)


async def recover_receivable(deps: Deps, command: RecoverReceivable, key: str | None = None) -> Deposit:
    """Take what a returned deposit left owed from the party's tokens and burn them (P-06); operators only.

    Raises:
        AmountNotPositive, AmountPrecision: the amount cannot be used.
        NotFound, NotAllowed: no such deposit, or the actor is no operator.
        InvalidTransition, InvalidInput, CurrencyMismatch: nothing, less, or another asset is owed.
        InsufficientFunds: the party does not have it.
    """
    return await perform(deps, RECOVER, command, key)


def decide_write_off(command: WriteOff, change: Change) -> Deposit:
    """The operator's loss (P-06)."""
    clean_text(command.reason, 500, "the reason")
    _refuse_odd(command.amount)
    deposit = change.get(Deposit, command.deposit_id)
    authorise(change, deposit)
    second_actor(change, command.approved_by)
    _refuse_unowed(deposit, command.amount)
    amount = command.amount or deposit.recoverable
    posting = postings.receivable_written_off(deposit.party_id, deposit.asset, amount.micros, memo=deposit.id)
    change.post(posting)
    return change.put(replace(deposit, recoverable=deposit.recoverable - amount), "deposit.written_off")


WRITE_OFF = UseCase("deposits.write_off", Deposit, _needs_owed, decide_write_off)


async def write_off(deps: Deps, command: WriteOff, key: str | None = None) -> Deposit:
    """Give up what a returned deposit left owed (P-06); operators only, two of them.

    Raises:
        AmountNotPositive, AmountPrecision: the amount cannot be used.
        NotFound, NotAllowed: no such deposit, or the actor is no operator.
        SecondActorRequired: nobody else approved it.
        InvalidTransition, InvalidInput, CurrencyMismatch: nothing, less, or another asset is owed.
    """
    return await perform(deps, WRITE_OFF, command, key)
