"""Answering a request: pay it, pay a part of it, pay it later, take that back (spec 4.6, P-17)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from invoicepay.domain import effects
from invoicepay.domain.access import authorise, known_party
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import EffectKind, EffectStatus, effects_of
from invoicepay.domain.ids import Prefix, clean_text
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.parties import Role
from invoicepay.domain.requests import (
    REQUEST,
    PaymentRequest,
    RequestCommand,
    RequestStatus,
    Transfer,
    TransferStatus,
    Uses,
    accept,
    payment_amount,
    reopen,
    request_needs,
    require_at_rest,
    require_payable,
    settle,
)
from invoicepay.domain.time import aware
from invoicepay.domain.transfers import (
    NOTE_LENGTH,
    cancel,
    carry_out,
    move_needs,
    new_transfer,
    outcome_needs,
    schedule,
    token_amount,
    two_parties,
)
from invoicepay.errors import (
    InvalidInput,
    InvalidTime,
    NotThePayer,
    RequestInFlight,
)
from invoicepay.ports.screening import Screened
from invoicepay.use_cases.compliance import ALLOWED, require_allowed, screened
from invoicepay.use_cases.perform import Deps, UseCase, perform
from invoicepay.use_cases.queries import get
from invoicepay.use_cases.requests.asking import part_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveRequest:
    """Pay a request, now or at an instant before its expiry.

    Attributes:
        payer_id: empty means whom the request names, or the acting party when it names nobody.
        amount: None means what is due; needed for an open amount, allowed where parts are.
        pay_at: None means now.
        verdict: of screening; put in by the use case.
    """

    request_id: str
    payer_id: str = ""
    amount: Money | None = None
    pay_at: datetime | None = None
    verdict: Screened = field(default=ALLOWED, compare=False)


def _needs_approve(command: ApproveRequest, seen: Snapshot) -> Needs:
    needs = request_needs(command.request_id, seen)
    request = seen.peek(PaymentRequest, command.request_id)
    if request is None:
        return needs
    if request.transfer_id:
        needs |= need((Transfer, request.transfer_id))
    return needs | move_needs(seen, command.payer_id, request.requester_id, request.asset)


def decide_approve_request(command: ApproveRequest, change: Change) -> PaymentRequest:
    """Accept, then move the tokens: at once in the book, held on chain, or set for later."""
    request = change.get(PaymentRequest, command.request_id)
    _only_the_payer(change, request, command.payer_id)
    if _is_repeated(change, request, command):
        return request
    require_payable(request, change.now)
    pay_at = _checked_instant(command.pay_at, request, change.now)
    known_party(change, command.payer_id)
    requester = known_party(change, request.requester_id)
    amount = token_amount(payment_amount(request, command.amount), requester)
    require_allowed(command.verdict)
    one = _spawned(change, request, command.payer_id, amount) if request.uses is Uses.MANY else request
    transfer = new_transfer(
        change,
        payer_id=command.payer_id,
        payee_id=one.requester_id,
        amount=amount,
        request_id=one.id,
        note=one.note,
    )
    if pay_at is not None:
        return accept(change, one, schedule(change, transfer, pay_at))
    moved = carry_out(change, transfer)
    accepted = accept(change, one, moved)
    return settle(change, accepted, amount) if moved.status is TransferStatus.COMPLETED else accepted


def _only_the_payer(change: Change, request: PaymentRequest, payer_id: str) -> None:
    if request.payer_id and payer_id != request.payer_id:
        raise NotThePayer(f"{request.id} is not addressed to {payer_id}", payer=payer_id, request=request.id)
    authorise(change, request, payer=payer_id)
    two_parties(payer_id, request.requester_id)


def _is_repeated(change: Change, request: PaymentRequest, command: ApproveRequest) -> bool:
    """Whether this very command led to the present state (spec 4.6)."""
    if request.status not in (RequestStatus.ACCEPTED, RequestStatus.PAID) or not request.transfer_id:
        return False
    transfer = change.get(Transfer, request.transfer_id)
    return (
        transfer.payer_id == command.payer_id
        and command.amount in (None, transfer.amount)
        and command.pay_at == transfer.pay_at
    )


def _checked_instant(pay_at: datetime | None, request: PaymentRequest, now: datetime) -> datetime | None:
    """When to pay: ahead, and within the request's time."""
    if pay_at is None:
        return None
    instant = aware(pay_at, "pay_at")
    if instant <= now:
        raise InvalidTime("pay_at is over already; leave it out to pay now", pay_at=instant)
    if request.expires_at is not None and instant > request.expires_at:
        raise InvalidTime("pay_at is after the request's expiry", expires_at=request.expires_at)
    return instant


def _spawned(change: Change, parent: PaymentRequest, payer_id: str, amount: Money) -> PaymentRequest:
    """A multi-use request stays pending; each payment of it is a request of its own."""
    child = part_of(parent, change.new_id(Prefix.REQUEST), payer_id, amount)
    return change.add(child, "request.created")


APPROVE = UseCase("requests.approve", PaymentRequest, _needs_approve, decide_approve_request)


async def approve_request(deps: Deps, command: ApproveRequest, key: str | None = None) -> PaymentRequest:
    """Pay a request (P-17).

    Returns:
        The request: paid, partially paid, or accepted while the payment is on its way; of a multi-use request
        the part that this payment made.

    Raises:
        NotFound: no such request, or an unknown party.
        NotThePayer: it is addressed to somebody else, or the actor is not the payer.
        SelfPayment: the requester cannot pay it.
        RequestExpired, RequestInFlight, RequestAlreadyResolved: it does not wait for this payment.
        InvalidTime: `pay_at` is over, or after the expiry.
        OverpaymentRefused, PartialPaymentRefused, BelowMinimumPartial: the amount does not fit.
        ComplianceBlocked, ComplianceReview, LimitExceeded, WalletFrozen: compliance does not let it through.
        InsufficientFunds: the payer has less available.
    """
    request = await get(deps, PaymentRequest, command.request_id)
    named = replace(command, payer_id=command.payer_id or request.payer_id or _acting_party(deps))
    amount = command.amount or request.due
    if not amount or named.payer_id == request.requester_id:
        return await perform(deps, APPROVE, named, key)
    verdict = await screened(
        deps, "transfer", party_id=named.payer_id, counterparty_id=request.requester_id, amount=amount
    )
    return await perform(deps, APPROVE, replace(named, verdict=verdict), key)


def _acting_party(deps: Deps) -> str:
    if deps.actor.role is not Role.PARTY:
        raise InvalidInput("the request names no payer: say who pays")
    return deps.actor.party_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeApproval:
    """Take back an approval whose transfer has not started."""

    request_id: str
    reason: str = ""


def _needs_revoke(command: RevokeApproval, seen: Snapshot) -> Needs:
    needs = need((PaymentRequest, command.request_id))
    request = seen.peek(PaymentRequest, command.request_id)
    if request is None or not request.transfer_id:
        return needs
    intents = effects_of(request.transfer_id, EffectKind.TRANSFER)
    needs |= need((Transfer, request.transfer_id), finds=[intents])
    return needs | outcome_needs(seen.peek(Transfer, request.transfer_id))


def decide_revoke_approval(command: RevokeApproval, change: Change) -> PaymentRequest:
    """Nothing moves; whom the request names has declined it, an open one waits for somebody else."""
    reason = clean_text(command.reason, NOTE_LENGTH, "the reason")
    request = change.get(PaymentRequest, command.request_id)
    authorise(change, request, payer=_payer_of(change, request))
    if request.status is RequestStatus.DECLINED and request.transfer_id and request.reason == reason:
        return request
    if request.status is not RequestStatus.ACCEPTED:
        require_at_rest(request)
    status = REQUEST.after(request.status, RequestCommand.REVOKE)
    _withdraw(change, request, reason)
    if not request.payer_id:
        return reopen(change, request, reason=reason)
    return change.put(replace(request, status=status, pay_at=None, reason=reason), "request.declined")


def _payer_of(change: Change, request: PaymentRequest) -> str:
    """Whoever accepted it last, else whom it names."""
    if not request.transfer_id:
        return request.payer_id
    return change.get(Transfer, request.transfer_id).payer_id


def _withdraw(change: Change, request: PaymentRequest, reason: str) -> None:
    """Stop the transfer: not due yet, or its intent was never sent (P-12 for what was held)."""
    intents = change.find(effects_of(request.transfer_id, EffectKind.TRANSFER))
    if any(intent.status is not EffectStatus.PLANNED for intent in intents):
        raise RequestInFlight(f"the transfer of {request.id} has started", request=request.id)
    for intent in intents:
        effects.cancel(change, intent, reason=reason)
    cancel(change, change.get(Transfer, request.transfer_id), reason=reason)


REVOKE = UseCase("requests.revoke", PaymentRequest, _needs_revoke, decide_revoke_approval)


async def revoke_approval(deps: Deps, command: RevokeApproval, key: str | None = None) -> PaymentRequest:
    """Take back an approval whose transfer has not started.

    Raises:
        NotFound, NotThePayer: no such request, or the actor did not accept it.
        RequestInFlight: its transfer has started.
        RequestAlreadyResolved: it is paid, cancelled or expired.
        InvalidTransition: it was not accepted.
    """
    return await perform(deps, REVOKE, command, key)
