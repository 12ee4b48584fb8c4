"""Authorization holds: tokens set aside for a payee until captured, released or expired (spec 4.7)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from invoicepay.domain.access import (
    authorise,
    check_limit,
    known_party,
    party_needs,
    payable,
)
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.holds import (
    HOLD,
    Hold,
    HoldCommand,
    HoldPurpose,
    HoldStatus,
    expire,
    has_expired,
    hold_needs,
    place,
    release,
)
from invoicepay.domain.ids import clean_text
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Find, Needs, find
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.time import aware
from invoicepay.domain.transfers import (
    NOTE_LENGTH,
    carry_out_held,
    move_needs,
    new_transfer,
    token_amount,
    two_parties,
)
from invoicepay.errors import (
    CurrencyMismatch,
    InsufficientFunds,
    InvalidInput,
    InvalidTime,
    InvalidTransition,
)
from invoicepay.ports.screening import Screened
from invoicepay.use_cases.compliance import ALLOWED, require_allowed, screened
from invoicepay.use_cases.neighbours import Served, carried_out, served
from invoicepay.use_cases.perform import Call, Deps, UseCase, call_of, perform
from invoicepay.use_cases.queries import get

PAGE = 200
TIME = Actor("expiry", Role.SYSTEM)
"""Who marks what is over: the clock, whoever starts the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHold:
    """Set tokens aside.

    Attributes:
        payee_id: who may capture or release it; empty leaves both to the owner.
        expires_at: from then on it goes back by itself; None never.
        verdict: of screening; put in by the use case.
    """

    owner_id: str
    amount: Money
    payee_id: str = ""
    expires_at: datetime | None = None
    verdict: Screened = field(default=ALLOWED, compare=False)


def _needs_place(command: PlaceHold, seen: Snapshot) -> Needs:
    payee_id = command.payee_id or command.owner_id
    return move_needs(seen, command.owner_id, payee_id, command.amount.asset)


def decide_place_hold(command: PlaceHold, change: Change) -> Hold:
    """Move the tokens to 2010 (P-10); they count against the owner's limits from now on."""
    asset = change.programme.asset(command.amount.asset).code
    two_parties(command.owner_id, command.payee_id)
    expires_at = _future(command.expires_at, change.now)
    owner = known_party(change, command.owner_id)
    payee = known_party(change, command.payee_id) if command.payee_id else owner
    amount = token_amount(command.amount, payee)
    authorise(change, payer=command.owner_id)
    require_allowed(command.verdict)
    payable(change, command.owner_id, asset)
    check_limit(change, owner, amount)
    return place(
        change,
        owner_id=command.owner_id,
        amount=amount,
        purpose=HoldPurpose.AUTHORIZATION,
        payee_id=command.payee_id,
        expires_at=expires_at,
    )


def _future(expires_at: datetime | None, now: datetime) -> datetime | None:
    if expires_at is None:
        return None
    instant = aware(expires_at, "expires_at")
    if instant <= now:
        raise InvalidTime("expires_at is over already", expires_at=instant)
    return instant


PLACE = UseCase("holds.place", Hold, _needs_place, decide_place_hold)


async def place_hold(deps: Deps, command: PlaceHold, key: str | None = None) -> Hold:
    """Set tokens aside, for a payee or for the owner's own later use (P-10).

    Raises:
        SelfPayment: owner and payee are the same.
        AmountNotPositive, AmountPrecision, UnknownAsset: the amount cannot be held.
        InvalidTime: the expiry is over already.
        NotFound, NotThePayer: an unknown party, or the actor is not the owner.
        ComplianceBlocked, ComplianceReview, LimitExceeded, WalletFrozen: compliance does not let it through.
        InsufficientFunds: the owner has less available.
    """
    if not command.payee_id:
        return await perform(deps, PLACE, command, key)
    verdict = await _screened(deps, command.owner_id, command.payee_id, command.amount)
    return await perform(deps, PLACE, replace(command, verdict=verdict), key)


async def _screened(deps: Deps, owner_id: str, payee_id: str, amount: Money) -> Screened:
    return await screened(deps, "transfer", party_id=owner_id, counterparty_id=payee_id, amount=amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureHold:
    """Take tokens that were set aside.

    Attributes:
        amount: None takes all; the rest of a smaller amount is released.
        payee_id: needed where the hold names none, and not allowed to differ where it does.
        verdict: of screening; put in by the use case.
    """

    hold_id: str
    amount: Money | None = None
    payee_id: str = ""
    verdict: Screened = field(default=ALLOWED, compare=False)


def _needs_capture(command: CaptureHold, seen: Snapshot) -> Needs:
    needs = hold_needs(command.hold_id, seen)
    hold = seen.peek(Hold, command.hold_id)
    payee_id = (hold.payee_id if hold else "") or command.payee_id
    return needs | party_needs(payee_id, asset=hold.asset) if hold and payee_id else needs


def decide_capture_hold(command: CaptureHold, change: Change) -> Hold:
    """Move the captured part to the payee (P-17 from 2010) and give the rest back (P-12)."""
    hold = change.get(Hold, command.hold_id)
    payee = known_party(change, _payee(hold, command.payee_id))
    _who_decides(change, hold)
    _require(hold, HoldCommand.CAPTURE, change.now)
    amount = token_amount(hold.amount if command.amount is None else command.amount, payee)
    _within(hold, amount)
    two_parties(hold.owner_id, payee.id)
    require_allowed(command.verdict)
    payable(change, hold.owner_id, hold.asset)
    transfer = new_transfer(change, payer_id=hold.owner_id, payee_id=payee.id, amount=amount)
    carry_out_held(change, transfer, hold)
    return change.get(Hold, hold.id)


def _payee(hold: Hold, named: str) -> str:
    if hold.payee_id and named not in ("", hold.payee_id):
        raise InvalidInput(f"{hold.id} is for {hold.payee_id}", hold=hold.id)
    payee_id = hold.payee_id or named
    if not payee_id:
        raise InvalidInput(f"{hold.id} names no payee: say who takes it", hold=hold.id)
    return payee_id


def _who_decides(change: Change, hold: Hold) -> None:
    """The payee whom the owner authorized; where there is none, the owner alone."""
    if hold.payee_id:
        authorise(change, hold, payee=hold.payee_id)
    else:
        authorise(change, hold, payer=hold.owner_id)


def _require(hold: Hold, command: HoldCommand, now: datetime) -> None:
    """Refuse what the hold's state forbids; the hold of a payment is moved by its payment alone."""
    HOLD.after(hold.status, command)
    if hold.purpose is not HoldPurpose.AUTHORIZATION:
        raise InvalidTransition("hold", f"part of {hold.cause_id}", command)
    if has_expired(hold, now) and command is HoldCommand.CAPTURE:
        raise InvalidTransition("hold", HoldStatus.EXPIRED, command, expires_at=hold.expires_at)


def _within(hold: Hold, amount: Money) -> None:
    if amount.asset != hold.asset:
        raise CurrencyMismatch(assets=[hold.asset, amount.asset])
    if amount > hold.amount:
        raise InsufficientFunds(f"{hold.id} holds {hold.amount}, not {amount}", hold=hold.id)


CAPTURE = UseCase("holds.capture", Hold, _needs_capture, decide_capture_hold)


async def capture_hold(deps: Deps, command: CaptureHold, key: str | None = None) -> Hold:
    """Take all or a part of what was set aside; the rest goes back (P-17, P-12).

    Returns:
        The hold: captured, or still active while a chain confirms the transfer.

    Raises:
        NotFound: no such hold, or an unknown payee.
        InvalidInput: no payee, another than the hold's; `AmountNotPositive`, `CurrencyMismatch` likewise.
        NotAllowed, NotThePayer: the actor is not the payee; for a hold without one, not the owner.
        InvalidTransition: it has ended, its time is over, or it belongs to a payment.
        InsufficientFunds: more than it holds.
        ComplianceBlocked, ComplianceReview, WalletFrozen: compliance does not let it through.
    """
    hold = await get(deps, Hold, command.hold_id)
    if hold.payee_id or not command.payee_id:
        return await perform(deps, CAPTURE, command, key)  # its payee was screened when it was placed
    verdict = await _screened(deps, hold.owner_id, command.payee_id, command.amount or hold.amount)
    return await perform(deps, CAPTURE, replace(command, verdict=verdict), key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHold:
    """Give up tokens that were set aside."""

    hold_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireHold:
    """End a hold whose time is over."""

    hold_id: str


def _needs_end(command: ReleaseHold | ExpireHold, seen: Snapshot) -> Needs:
    return hold_needs(command.hold_id, seen)


def decide_release_hold(command: ReleaseHold, change: Change) -> Hold:
    """The owner has the tokens back (P-12)."""
    reason = clean_text(command.reason, NOTE_LENGTH, "the reason")
    hold = change.get(Hold, command.hold_id)
    _who_decides(change, hold)
    _require(hold, HoldCommand.RELEASE, change.now)
    return release(change, hold, reason=reason)


def decide_expire_hold(command: ExpireHold, change: Change) -> Hold:
    """Its time is over, `now >= expires_at`: the owner has the tokens back (P-12)."""
    hold = change.get(Hold, command.hold_id)
    authorise(change, hold)
    _require(hold, HoldCommand.EXPIRE, change.now)
    if not has_expired(hold, change.now):
        raise InvalidTransition("hold", hold.status, "expire before expires_at", HOLD.allowed(hold.status))
    return expire(change, hold)


RELEASE = UseCase("holds.release", Hold, _needs_end, decide_release_hold)
EXPIRE = UseCase("holds.expire", Hold, _needs_end, decide_expire_hold)


async def release_hold(deps: Deps, command: ReleaseHold, key: str | None = None) -> Hold:
    """Give up tokens that were set aside; a hold for a payee is the payee's to give up (P-12).

    Raises:
        NotFound: no such hold.
        NotAllowed, NotThePayer: the actor is not the payee; for a hold without one, not the owner.
        InvalidTransition: it has ended, or belongs to a payment.
    """
    return await perform(deps, RELEASE, command, key)


async def expire_hold(deps: Deps, command: ExpireHold, key: str | None = None) -> Hold:
    """End a hold whose time is over; `expire_due` does it for all (P-12).

    Raises:
        NotFound, NotAllowed: no such hold, or the actor is no operator.
        InvalidTransition: it has ended, or its time is not over.
    """
    return await perform(deps, EXPIRE, command, key)


def expiring_holds(now: datetime, limit: int = PAGE) -> Find[Hold]:
    """The search for holds whose time is over, the longest overdue first."""
    return find(Hold, status=HoldStatus.ACTIVE, expires_at__le=now, order=("expires_at",), limit=limit)


async def expire_due(deps: Deps, limit: int = PAGE) -> Served:
    """Expire up to `limit` holds whose time is over; call it as often as you like."""
    deps = replace(deps, actor=TIME)
    async with deps.repository.reader(deps.tenant_id) as reader:
        page = await reader.find(expiring_holds(deps.clock.now(), limit))
    return served(await carried_out(deps, [_expiry(deps, hold) for hold in page]))


def _expiry(deps: Deps, hold: Hold) -> Call[ExpireHold, Hold]:
    return call_of(deps, EXPIRE, ExpireHold(hold_id=hold.id), f"{hold.id}/expire/{hold.version}")
