"""Asking for money: one person, many, or whoever scans it; splitting a bill (spec 4.6, 1.2)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from invoicepay.domain.access import authorise, known_party, party_needs
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.ids import Prefix, clean_text
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs
from invoicepay.domain.parties import Party
from invoicepay.domain.requests import (
    REQUEST,
    PaymentRequest,
    RequestCommand,
    RequestStatus,
    Uses,
    shares,
)
from invoicepay.domain.time import aware
from invoicepay.domain.transfers import NOTE_LENGTH, token_amount, two_parties
from invoicepay.errors import CurrencyMismatch, InvalidInput, InvalidTime
from invoicepay.use_cases.perform import Deps, UseCase, perform

MOST_PARTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """Ask for money.

    Attributes:
        payer_id: empty lets whoever scans it pay.
        amount: None lets the payer choose, between `minimum` and `maximum` where given.
        amount_editable: the payer may pay in parts, each at least `minimum` where given.
        uses: `many` stays open and takes a payment from each payer.
        nonce: random text for the code; put in by the use case.
    """

    requester_id: str
    asset: str
    payer_id: str = ""
    amount: Money | None = None
    minimum: Money | None = None
    maximum: Money | None = None
    amount_editable: bool = False
    uses: Uses = Uses.ONE
    note: str = ""
    expires_at: datetime | None = None
    nonce: str = field(default="", compare=False)


def _needs_create(command: CreateRequest, _seen: Snapshot) -> Needs:
    payer = [command.payer_id] if command.payer_id else []
    return party_needs(command.requester_id, *payer)


def decide_create_request(command: CreateRequest, change: Change) -> PaymentRequest:
    """Check what is asked for, and from whom."""
    asset = change.programme.asset(command.asset).code
    two_parties(command.payer_id, command.requester_id)
    expires_at = _future(command.expires_at, change)
    note = clean_text(command.note, NOTE_LENGTH, "the note")
    requester = known_party(change, command.requester_id)
    if command.payer_id:
        known_party(change, command.payer_id)
    _check_amounts(command, requester)
    authorise(change, payee=command.requester_id)
    request = PaymentRequest(
        id=change.new_id(Prefix.REQUEST),
        requester_id=command.requester_id,
        payer_id=command.payer_id,
        asset=asset,
        status=REQUEST.after(None, RequestCommand.CREATE),
        paid=Money.zero(asset),
        amount=command.amount,
        minimum=command.minimum,
        maximum=command.maximum,
        amount_editable=command.amount_editable,
        uses=command.uses,
        note=note,
        nonce=command.nonce,
        expires_at=expires_at,
    )
    return change.add(request, "request.created")


def _future(expires_at: datetime | None, change: Change) -> datetime | None:
    if expires_at is None:
        return None
    instant = aware(expires_at, "expires_at")
    if instant <= change.now:
        raise InvalidTime("expires_at is over already", expires_at=instant)
    return instant


def _check_amounts(command: CreateRequest, requester: Party) -> None:
    for amount in (command.amount, command.minimum, command.maximum):
        if amount is not None and token_amount(amount, requester).asset != command.asset:
            raise CurrencyMismatch(assets=[command.asset, amount.asset])
    problem = _bounds_problem(command.amount, command.minimum, command.maximum, command.amount_editable)
    if problem:
        raise InvalidInput(problem)


def _bounds_problem(
    amount: Money | None, minimum: Money | None, maximum: Money | None, editable: bool
) -> str | None:
    if amount is not None and maximum is not None:
        return "a maximum belongs to an open amount"
    if amount is not None and minimum is not None and not editable:
        return "a minimum belongs to an amount that the payer may choose or pay in parts"
    most = maximum if amount is None else amount
    if minimum is not None and most is not None and minimum > most:
        return f"the minimum {minimum} is above {most}"
    return None


CREATE = UseCase("requests.create", PaymentRequest, _needs_create, decide_create_request)


async def create_request(deps: Deps, command: CreateRequest, key: str | None = None) -> PaymentRequest:
    """Ask a person, or whoever scans the code, for money.

    Raises:
        SelfPayment: requester and payer are the same.
        InvalidTime: the expiry is over already.
        AmountNotPositive, AmountPrecision, CurrencyMismatch, UnknownAsset: an amount cannot be asked for.
        InvalidInput: minimum, maximum and amount contradict each other.
        NotFound: an unknown party.
        NotAllowed: the actor is not the requester.
    """
    return await perform(deps, CREATE, replace(command, nonce=deps.ids.nonce()), key)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRequest:
    """Ask several people for a share each.

    Attributes:
        payer_ids: in the order in which units that are left over are given out.
        nonces: random text for each code; put in by the use case.
    """

    requester_id: str
    amount: Money
    payer_ids: tuple[str, ...]
    amount_editable: bool = False
    note: str = ""
    expires_at: datetime | None = None
    nonces: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A bill and its parts, in the order of the payers."""

    parent: PaymentRequest
    children: tuple[PaymentRequest, ...]


def _needs_split(command: SplitRequest, _seen: Snapshot) -> Needs:
    return party_needs(command.requester_id, *command.payer_ids)


def decide_split_request(command: SplitRequest, change: Change) -> Split:
    """One request for each payer; the shares sum to the whole (spec 1.2, E12)."""
    asset = change.programme.asset(command.amount.asset).code
    parts = _shares(command)
    expires_at = _future(command.expires_at, change)
    note = clean_text(command.note, NOTE_LENGTH, "the note")
    requester = known_party(change, command.requester_id)
    for payer_id in command.payer_ids:
        known_party(change, payer_id)
    token_amount(command.amount, requester)
    authorise(change, payee=command.requester_id)
    whole = PaymentRequest(
        id=change.new_id(Prefix.REQUEST),
        requester_id=command.requester_id,
        payer_id="",
        asset=asset,
        status=REQUEST.after(None, RequestCommand.CREATE),
        paid=Money.zero(asset),
        amount=command.amount,
        amount_editable=command.amount_editable,
        is_split=True,
        note=note,
        expires_at=expires_at,
    )
    parent = change.add(whole, "request.created")
    children = tuple(
        change.add(part_of(parent, change.new_id(Prefix.REQUEST), payer_id, share, nonce), "request.created")
        for payer_id, share, nonce in zip(command.payer_ids, parts, command.nonces, strict=True)
    )
    return Split(parent=parent, children=children)


def _shares(command: SplitRequest) -> tuple[Money, ...]:
    if not 1 <= len(set(command.payer_ids)) == len(command.payer_ids) <= MOST_PARTS:
        raise InvalidInput(f"a split has 1 to {MOST_PARTS} payers, each once")
    for payer_id in command.payer_ids:
        two_parties(payer_id, command.requester_id)
    return shares(command.amount, len(command.payer_ids))


def part_of(parent: PaymentRequest, id: str, payer_id: str, amount: Money, nonce: str = "") -> PaymentRequest:
    """A request for one payer's part of another: of a split, or one payment of a multi-use request."""
    return replace(
        parent,
        id=id,
        version=0,
        payer_id=payer_id,
        status=RequestStatus.PENDING,
        paid=Money.zero(parent.asset),
        amount=amount,
        minimum=None,
        maximum=None,
        amount_editable=parent.is_split and parent.amount_editable,
        uses=Uses.ONE,
        parent_id=parent.id,
        is_split=False,
        nonce=nonce,
    )


SPLIT = UseCase("requests.split", Split, _needs_split, decide_split_request)


async def split_request(deps: Deps, command: SplitRequest, key: str | None = None) -> Split:
    """Ask several people for a share of one amount; the bill is paid when every part is (spec 4.6).

    Raises:
        InvalidInput: no payer, or one twice.
        SelfPayment: the requester is among the payers; leave the own share out of the amount.
        AmountNotPositive: there is less than one unit for each.
        InvalidTime, AmountPrecision, UnknownAsset, NotFound, NotAllowed: as for `create_request`.
    """
    nonces = tuple(deps.ids.nonce() for _ in command.payer_ids)
    return await perform(deps, SPLIT, replace(command, nonces=nonces), key)
