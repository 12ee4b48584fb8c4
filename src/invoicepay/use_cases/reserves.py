"""The operator's side of the reserve: buffer, unmatched money, fees and interest (P-05, P-07, P-08)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from invoicepay.domain import postings, receiving
from invoicepay.domain.access import authorise, known_party, second_actor
from invoicepay.domain.accounts import Account, Code, Posting
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposits import (
    DEPOSIT,
    RESERVE,
    UNMATCHED,
    Deposit,
    DepositCommand,
    Reserve,
    ReserveCommand,
    UnmatchedCommand,
    UnmatchedFunds,
    UnmatchedStatus,
)
from invoicepay.domain.ids import Prefix, clean_text
from invoicepay.domain.minting import minting_needs
from invoicepay.domain.money import Money, document_amount, positive
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.reserves import Cover, cover, deficit_needs, refuse_new_deficit
from invoicepay.errors import InvalidTransition, NotFound
from invoicepay.ports.screening import Screened
from invoicepay.use_cases.compliance import ALLOWED, require_allowed, screened
from invoicepay.use_cases.perform import Deps, UseCase, perform

REFERENCE_LENGTH = 255
UNMATCHED_RAIL = "unmatched"
"""Rail of a deposit that was matched by hand: the money was in the safeguarded account already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOperatorCash:
    """Money between the operator and the safeguarded account.

    Attributes:
        reference: the bank's reference of the transfer; reconciliation matches by it.
    """

    amount: Money
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUp:
    """The operator's own money goes into the safeguarded account.

    Attributes:
        approved_by: the second person, for a top-up that never happened would hide a deficit.
        reference: the bank's reference of the transfer; reconciliation matches by it.
    """

    amount: Money
    approved_by: str
    reference: str = ""


def _needs_cash(command: MoveOperatorCash | TopUp, _seen: Snapshot) -> Needs:
    asset = command.amount.asset
    owed = [Account(code, asset) for code in (Code.FEES_PAYABLE, Code.RESERVE_INCOME)]
    return deficit_needs(asset) | need(accounts=owed)


def _asked(command: MoveOperatorCash | TopUp, change: Change) -> tuple[str, int, str]:
    """Asset, micros and memo of a valid command."""
    amount = document_amount(positive(command.amount))
    memo = clean_text(command.reference, REFERENCE_LENGTH, "the reference")
    return change.programme.asset(amount.asset).code, amount.micros, memo


def decide_top_up(command: TopUp, change: Change) -> Cover:
    """Raise the buffer (P-05, first line); it cures a deficit."""
    asset, micros, memo = _asked(command, change)
    authorise(change)
    second_actor(change, command.approved_by)
    change.post(postings.buffer_topped_up(asset, micros, memo=memo))
    return cover(change, asset)


TOP_UP = UseCase("reserves.top_up", Cover, _needs_cash, decide_top_up)


async def top_up(deps: Deps, command: TopUp, key: str | None = None) -> Cover:
    """Record that the operator placed own money in the safeguarded account; operators only, two of them.

    Returns:
        What covers the reserve now.

    Raises:
        AmountNotPositive, AmountPrecision, UnknownAsset: the amount cannot be used.
        NotAllowed, SecondActorRequired: the actor is no operator, or nobody else approved.
    """
    return await perform(deps, TOP_UP, command, key)


def decide_sweep_fees(command: MoveOperatorCash, change: Change) -> Cover:
    """Take earned fees out (P-08)."""
    asset, micros, memo = _asked(command, change)
    return _taken(change, postings.fees_swept(asset, micros, memo=memo), asset)


def decide_take_interest(command: MoveOperatorCash, change: Change) -> Cover:
    """Take interest out (P-08)."""
    asset, micros, memo = _asked(command, change)
    return _taken(change, postings.interest_taken(asset, micros, memo=memo), asset)


def _taken(change: Change, posting: Posting, asset: str) -> Cover:
    """Cash leaves for the operator, but never cash that the reserve is short of."""
    authorise(change)
    change.post(posting)
    refuse_new_deficit(change, asset)
    return cover(change, asset)


def decide_record_interest(command: MoveOperatorCash, change: Change) -> Cover:
    """Keep interest apart until it is taken (P-08); it backs nothing."""
    asset, micros, memo = _asked(command, change)
    authorise(change)
    change.post(postings.interest_received(asset, micros, memo=memo))
    return cover(change, asset)


SWEEP_FEES = UseCase("reserves.sweep_fees", Cover, _needs_cash, decide_sweep_fees)
RECORD_INTEREST = UseCase("reserves.record_interest", Cover, _needs_cash, decide_record_interest)
TAKE_INTEREST = UseCase("reserves.take_interest", Cover, _needs_cash, decide_take_interest)


async def sweep_fees(deps: Deps, command: MoveOperatorCash, key: str | None = None) -> Cover:
    """Record that earned fees left the safeguarded account (P-08); operators only.

    Raises:
        AmountNotPositive, AmountPrecision, UnknownAsset, NotAllowed: amount or actor.
        InsufficientFunds: more than the fees that are left.
        ReserveDeficit: the reserve needs the cash.
    """
    return await perform(deps, SWEEP_FEES, command, key)


async def record_interest(deps: Deps, command: MoveOperatorCash, key: str | None = None) -> Cover:
    """Record interest that the bank paid on the safeguarded account (P-08); operators only.

    Raises:
        AmountNotPositive, AmountPrecision, UnknownAsset, NotAllowed: amount or actor.
    """
    return await perform(deps, RECORD_INTEREST, command, key)


async def take_interest(deps: Deps, command: MoveOperatorCash, key: str | None = None) -> Cover:
    """Record that interest left the safeguarded account (P-08); operators only.

    Raises:
        AmountNotPositive, AmountPrecision, UnknownAsset, NotAllowed: amount or actor.
        InsufficientFunds: more than the interest that is left.
        ReserveDeficit: the reserve needs the cash.
    """
    return await perform(deps, TAKE_INTEREST, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveUnmatched:
    """Money on the safeguarded account whose owner is unknown."""

    amount: Money
    provider: str
    provider_ref: str
    reason: str = ""


def _needs_unmatched(command: ReceiveUnmatched, _seen: Snapshot) -> Needs:
    return receiving.reference_needs(command.provider, command.provider_ref, command.amount.asset)


def decide_unmatched(command: ReceiveUnmatched, change: Change) -> UnmatchedFunds:
    """Keep it in suspense (P-07); no token is made of it."""
    amount = document_amount(positive(command.amount))
    change.programme.asset(amount.asset)
    authorise(change)
    receiving.refuse_known(change, command.provider, command.provider_ref)
    return receiving.keep_unmatched(
        change,
        amount,
        clean_text(command.provider, 64, "the provider"),
        clean_text(command.provider_ref, REFERENCE_LENGTH, "the provider's reference"),
        clean_text(command.reason, 500, "the reason"),
    )


UNMATCHED_RECEIVED = UseCase(
    "reserves.unmatched_received", UnmatchedFunds, _needs_unmatched, decide_unmatched
)


async def unmatched_received(deps: Deps, command: ReceiveUnmatched, key: str | None = None) -> UnmatchedFunds:
    """Record money of an unknown owner (P-07); operators only.

    Raises:
        AmountNotPositive, AmountPrecision, UnknownAsset, NotAllowed: amount or actor.
        DuplicateProviderReference: it is recorded already.
    """
    return await perform(deps, UNMATCHED_RECEIVED, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeUnmatchedBack:
    """The bank says that it took unmatched money back.

    Attributes:
        amounts: what it may have kept of it: with the processor's fee, and without.
    """

    amounts: tuple[Money, ...]
    provider: str
    provider_ref: str

    @property
    def kept(self) -> Find[UnmatchedFunds]:
        """The search for the money."""
        return find(UnmatchedFunds, provider=self.provider, provider_ref=self.provider_ref)


TAKEN_BACK = "taken back by the bank"


def _needs_taken_back(command: TakeUnmatchedBack, _seen: Snapshot) -> Needs:
    asset = command.amounts[0].asset
    return deficit_needs(asset) | need(finds=[command.kept], accounts=[Account(Code.SUSPENSE, asset)])


def decide_taken_back(command: TakeUnmatchedBack, change: Change) -> UnmatchedFunds:
    """As if an operator had sent it back, but a fact: a deficit is told of and refuses nothing.

    It counts once: its message comes again when a process died before it was set aside.
    """
    for funds in change.find(command.kept):
        if funds.amount not in command.amounts:
            state = f"{funds.amount}, of which {command.amounts[0]} went back"
            raise InvalidTransition("unmatched_funds", state, UnmatchedCommand.RETURN)
        if funds.status is UnmatchedStatus.RETURNED and funds.reason == TAKEN_BACK:
            return funds
        returned = _given_back(change, funds, TAKEN_BACK)
        is_short = bool(cover(change, funds.asset).deficit)
        return change.put(returned, "reserve.deficit") if is_short else returned
    raise NotFound(f"no unmatched money came as {command.provider_ref}")


UNMATCHED_TAKEN_BACK = UseCase(
    "reserves.unmatched_taken_back", UnmatchedFunds, _needs_taken_back, decide_taken_back
)


def _given_back(change: Change, funds: UnmatchedFunds, reason: str) -> UnmatchedFunds:
    """The suspense and the cash are gone (P-07 back)."""
    returned = UNMATCHED.after(funds.status, UnmatchedCommand.RETURN)
    change.post(postings.unmatched_returned(funds.asset, funds.amount.micros, memo=funds.id))
    after = replace(funds, status=returned, reason=reason or funds.reason)
    return change.put(after, "unmatched_funds.returned")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchUnmatched:
    """The owner of unmatched money is found.

    Attributes:
        asset: of the money, and
        verdict: screening's word; both put in by the use case.
    """

    unmatched_id: str
    party_id: str
    asset: str = field(default="", compare=False)
    verdict: Screened = field(default=ALLOWED, compare=False)


def _needs_match(command: MatchUnmatched, _seen: Snapshot) -> Needs:
    suspense = Account(Code.SUSPENSE, command.asset)
    return minting_needs(command.party_id, command.asset) | need(
        (UnmatchedFunds, command.unmatched_id), accounts=[suspense]
    )


def decide_match(command: MatchUnmatched, change: Change) -> Deposit:
    """A confirmed deposit and reserve for the party (P-07), and the mint like after any other."""
    funds = change.get(UnmatchedFunds, command.unmatched_id)
    known_party(change, command.party_id)
    authorise(change, funds)
    require_allowed(command.verdict)
    matched = UNMATCHED.after(funds.status, UnmatchedCommand.MATCH)
    deposit, reserve = _confirmed(change, funds, command.party_id)
    change.post(
        postings.unmatched_matched(command.party_id, funds.asset, funds.amount.micros, memo=deposit.id)
    )
    change.put(replace(funds, status=matched, deposit_id=deposit.id), "unmatched_funds.matched")
    return receiving.mint_or_wait(change, deposit, reserve)


def _confirmed(change: Change, funds: UnmatchedFunds, party_id: str) -> tuple[Deposit, Reserve]:
    nothing = Money.zero(funds.asset)
    deposit_id, reserve_id = change.new_id(Prefix.DEPOSIT), change.new_id(Prefix.RESERVE)
    reserve = Reserve(
        id=reserve_id,
        deposit_id=deposit_id,
        party_id=party_id,
        asset=funds.asset,
        amount=funds.amount,
        fee=nothing,
        status=RESERVE.after(None, ReserveCommand.MATCH),
        provider=funds.provider,
        provider_ref=funds.provider_ref,
        confirmed_at=change.now,
    )
    deposit = Deposit(
        id=deposit_id,
        party_id=party_id,
        asset=funds.asset,
        rail=UNMATCHED_RAIL,
        requested=funds.amount,
        received=funds.amount,
        fee=nothing,
        processor_fee=nothing,
        recoverable=nothing,
        status=DEPOSIT.after(None, DepositCommand.MATCH),
        provider=funds.provider,
        provider_ref=funds.provider_ref,
        reserve_id=reserve_id,
        received_at=funds.created_at,
        confirmed_at=change.now,
        is_final=True,
    )
    return change.add(deposit, "deposit.confirmed"), change.add(reserve, "reserve.confirmed")


MATCH = UseCase("reserves.match_unmatched", Deposit, _needs_match, decide_match)


async def match_unmatched(deps: Deps, command: MatchUnmatched, key: str | None = None) -> Deposit:
    """Give unmatched money to its owner, as tokens (P-07, P-03); operators only.

    Raises:
        NotFound: no such money, or no such party.
        NotAllowed: the actor is no operator.
        ComplianceBlocked, ComplianceReview: screening did not let it through.
        InvalidTransition: it has an owner already.
    """
    wanted = find(UnmatchedFunds, id=command.unmatched_id)
    async with deps.repository.reader(deps.tenant_id) as reader:
        found = await reader.find(wanted)
    if not found:
        raise NotFound(kind=UnmatchedFunds.KIND, id=command.unmatched_id)
    (funds,) = found
    verdict = await screened(deps, "deposit", party_id=command.party_id, amount=funds.amount)
    return await perform(deps, MATCH, replace(command, asset=funds.asset, verdict=verdict), key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnUnmatched:
    """Unmatched money goes back to its sender."""

    unmatched_id: str
    reason: str = ""


def _needs_return(command: ReturnUnmatched, seen: Snapshot) -> Needs:
    wanted = need((UnmatchedFunds, command.unmatched_id))
    funds = seen.peek(UnmatchedFunds, command.unmatched_id)
    if funds is None:
        return wanted
    return wanted | deficit_needs(funds.asset) | need(accounts=[Account(Code.SUSPENSE, funds.asset)])


def decide_return_unmatched(command: ReturnUnmatched, change: Change) -> UnmatchedFunds:
    """Book it, as long as nobody else's money would be missing."""
    reason = clean_text(command.reason, 500, "the reason")
    funds = change.get(UnmatchedFunds, command.unmatched_id)
    authorise(change, funds)
    returned = _given_back(change, funds, reason)
    refuse_new_deficit(change, funds.asset)
    return returned


RETURN_UNMATCHED = UseCase(
    "reserves.return_unmatched", UnmatchedFunds, _needs_return, decide_return_unmatched
)


async def return_unmatched(deps: Deps, command: ReturnUnmatched, key: str | None = None) -> UnmatchedFunds:
    """Record that unmatched money went back to its sender (P-07 back); operators only.

    Raises:
        NotFound, NotAllowed: no such money, or the actor is no operator.
        InvalidTransition: it has an owner, or went back already.
        ReserveDeficit: the reserve needs the cash.
    """
    return await perform(deps, RETURN_UNMATCHED, command, key)
