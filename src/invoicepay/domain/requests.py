"""Payment requests between people, split bills, and the transfers that settle them (spec 4.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.entity import Entity
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money, positive
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.errors import (
    BelowMinimumPartial,
    CurrencyMismatch,
    InvalidInput,
    OverpaymentRefused,
    PartialPaymentRefused,
    RequestAlreadyResolved,
    RequestExpired,
    RequestInFlight,
)


class RequestStatus(StrEnum):
    """States of a payment request."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class RequestCommand(StrEnum):
    """What moves a request; `collect…` follows from the payments of its children."""

    CREATE = "create"
    ACCEPT = "accept"
    SETTLE_PART = "settle_part"
    SETTLE_REST = "settle_rest"
    REOPEN = "reopen"
    REOPEN_PART = "reopen_part"
    REOPEN_LATE = "reopen_late"
    REVOKE = "revoke"
    DECLINE = "decline"
    CANCEL = "cancel"
    EXPIRE = "expire"
    COLLECT = "collect"
    COLLECT_PART = "collect_part"
    COLLECT_REST = "collect_rest"


S, C = RequestStatus, RequestCommand
REQUEST: Lifecycle[RequestStatus, RequestCommand] = Lifecycle(
    "request",
    {
        (None, C.CREATE): S.PENDING,
        (S.PENDING, C.ACCEPT): S.ACCEPTED,
        (S.PENDING, C.DECLINE): S.DECLINED,
        (S.PENDING, C.CANCEL): S.CANCELLED,
        (S.PENDING, C.EXPIRE): S.EXPIRED,
        (S.PENDING, C.COLLECT): S.PENDING,
        (S.PENDING, C.COLLECT_PART): S.PARTIALLY_PAID,
        (S.PENDING, C.COLLECT_REST): S.PAID,
        (S.ACCEPTED, C.SETTLE_PART): S.PARTIALLY_PAID,
        (S.ACCEPTED, C.SETTLE_REST): S.PAID,
        (S.ACCEPTED, C.REOPEN): S.PENDING,
        (S.ACCEPTED, C.REOPEN_PART): S.PARTIALLY_PAID,
        (S.ACCEPTED, C.REOPEN_LATE): S.EXPIRED,
        (S.ACCEPTED, C.REVOKE): S.DECLINED,
        (S.PARTIALLY_PAID, C.ACCEPT): S.ACCEPTED,
        (S.PARTIALLY_PAID, C.CANCEL): S.CANCELLED,
        (S.PARTIALLY_PAID, C.EXPIRE): S.EXPIRED,
        (S.PARTIALLY_PAID, C.COLLECT_PART): S.PARTIALLY_PAID,
        (S.PARTIALLY_PAID, C.COLLECT_REST): S.PAID,
    },
)
"""A request's states (spec 4.6); `accepted` means a payment of it is on its way or set for later."""

OPEN = frozenset({S.PENDING, S.PARTIALLY_PAID})
"""States in which a request waits for a payer."""


class Uses(StrEnum):
    """Whether a request is paid once, or stays open for many payers."""

    ONE = "one"
    MANY = "many"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest(Entity):
    """A person asks another, or whoever scans it, for money.

    Attributes:
        payer_id: empty means open to whoever scans it.
        amount: absent means the payer chooses, between `minimum` and `maximum` where given.
        amount_editable: the payer may pay it in parts.
        paid: what was paid so far; for a split parent, the sum over its children.
        parent_id: the split or the multi-use request that this one belongs to.
        pay_at: an accepted request is executed then.
        transfer_id: the latest payment of it.
        nonce: random text inside the signed QR payload.
    """

    KIND: ClassVar[str] = "request"

    requester_id: str
    payer_id: str
    asset: str
    status: RequestStatus
    paid: Money
    amount: Money | None = None
    minimum: Money | None = None
    maximum: Money | None = None
    amount_editable: bool = False
    uses: Uses = Uses.ONE
    parent_id: str = ""
    is_split: bool = False
    note: str = ""
    nonce: str = ""
    expires_at: datetime | None = None
    pay_at: datetime | None = None
    transfer_id: str = ""
    reason: str = ""

    @property
    def due(self) -> Money | None:
        """What is still asked for; None leaves it to the payer. A multi-use request asks each payer anew."""
        if self.amount is None or self.uses is Uses.MANY:
            return self.amount
        return self.amount - self.paid


class TransferStatus(StrEnum):
    """States of a token move between two parties; `unknown` leaves only by a definitive answer."""

    SCHEDULED = "scheduled"
    PENDING = "pending"
    PROCESSING = "processing"
    UNKNOWN = "unknown"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TransferCommand(StrEnum):
    """What moves a transfer: `book` at once in the ledger, `start` to `settle` on chain."""

    SCHEDULE = "schedule"
    BOOK = "book"
    START = "start"
    SUBMIT = "submit"
    LOSE = "lose"
    SETTLE = "settle"
    FAIL = "fail"
    CANCEL = "cancel"


T, M = TransferStatus, TransferCommand
TRANSFER: Lifecycle[TransferStatus, TransferCommand] = Lifecycle(
    "transfer",
    {
        (None, M.SCHEDULE): T.SCHEDULED,
        (None, M.BOOK): T.COMPLETED,
        (None, M.START): T.PENDING,
        (T.SCHEDULED, M.BOOK): T.COMPLETED,
        (T.SCHEDULED, M.START): T.PENDING,
        (T.SCHEDULED, M.FAIL): T.FAILED,
        (T.SCHEDULED, M.CANCEL): T.CANCELLED,
        (T.PENDING, M.CANCEL): T.CANCELLED,
        (T.PENDING, M.SUBMIT): T.PROCESSING,
        (T.PENDING, M.LOSE): T.UNKNOWN,
        (T.PENDING, M.SETTLE): T.COMPLETED,
        (T.PENDING, M.FAIL): T.FAILED,
        (T.PROCESSING, M.LOSE): T.UNKNOWN,
        (T.PROCESSING, M.SETTLE): T.COMPLETED,
        (T.PROCESSING, M.FAIL): T.FAILED,
        (T.UNKNOWN, M.SUBMIT): T.PROCESSING,
        (T.UNKNOWN, M.SETTLE): T.COMPLETED,
        (T.UNKNOWN, M.FAIL): T.FAILED,
    },
)
"""A transfer's states (P-17); where tokens move in the book, hold and settlement are one step (spec 1.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Entity):
    """Tokens from one party to another that pay no invoice (P-17), or across the programme's border (P-18).

    Attributes:
        payer_id, payee_id: empty on the side of an address outside the programme.
        address: the address outside, where one takes part.
        provider, provider_ref: the transfer that brought tokens from outside; unique.
        pay_at: a scheduled transfer starts then.
        posting_id: the ledger transaction that settled it.
    """

    KIND: ClassVar[str] = "transfer"

    payer_id: str
    payee_id: str
    asset: str
    amount: Money
    status: TransferStatus
    request_id: str = ""
    hold_id: str = ""
    posting_id: str = ""
    address: str = ""
    provider: str = ""
    provider_ref: str = ""
    note: str = ""
    pay_at: datetime | None = None
    completed_at: datetime | None = None
    reason: str = ""


def request_needs(request_id: str, seen: Snapshot) -> Needs:
    """The request, and once it is seen its parent."""
    needs = need((PaymentRequest, request_id)) if request_id else need()
    request = seen.peek(PaymentRequest, request_id)
    if request is None or not request.parent_id:
        return needs
    return needs | need((PaymentRequest, request.parent_id))


def unresolved_children(parent_id: str) -> Find[PaymentRequest]:
    """The search for the parts of a request that are neither paid nor ended."""
    return find(PaymentRequest, parent_id=parent_id, status__in=(S.PENDING, S.ACCEPTED, S.PARTIALLY_PAID))


def has_expired(request: PaymentRequest, now: datetime) -> bool:
    """Whether the time of the request is over, marked or not."""
    if request.status is S.EXPIRED:
        return True
    return request.status in OPEN and request.expires_at is not None and request.expires_at <= now


def require_payable(request: PaymentRequest, now: datetime) -> None:
    """Refuse a payment that the request does not wait for.

    Raises:
        InvalidInput: it was split; its parts are paid.
        RequestExpired: its time is over.
        RequestInFlight: a payment of it is on its way.
        RequestAlreadyResolved: it is paid, declined or cancelled.
    """
    if request.is_split:
        raise InvalidInput(f"{request.id} was split: each payer answers an own part", request=request.id)
    if has_expired(request, now):
        raise RequestExpired(request=request.id, expires_at=request.expires_at)
    require_at_rest(request)


def require_at_rest(request: PaymentRequest) -> None:
    """Refuse to touch a request that has ended or whose payment is on its way.

    Raises:
        RequestInFlight: a payment of it is on its way.
        RequestAlreadyResolved: it is paid, declined, cancelled or expired.
    """
    if request.status is S.ACCEPTED:
        raise RequestInFlight(request=request.id, transfer=request.transfer_id)
    if request.status not in OPEN:
        raise RequestAlreadyResolved(f"{request.id} is {request.status}", request=request.id)


def payment_amount(request: PaymentRequest, asked: Money | None) -> Money:
    """What one payment of the request moves: the whole rest, or what the payer chose where that is allowed.

    Raises:
        InvalidInput: the amount is open and none was chosen.
        AmountNotPositive, CurrencyMismatch: the chosen amount does not fit the request.
        OverpaymentRefused: more than asked for, or than the maximum.
        PartialPaymentRefused: less than asked for, and parts are not taken.
        BelowMinimumPartial: less than the minimum, and not the whole rest.
    """
    due = request.due
    amount = due if asked is None else positive(asked)
    if amount is None:
        raise InvalidInput(f"{request.id} leaves the amount to the payer: choose one", request=request.id)
    if amount.asset != request.asset:
        raise CurrencyMismatch(f"{request.id} asks for {request.asset}", assets=[request.asset, amount.asset])
    most = request.maximum if due is None else due
    if most is not None and amount > most:
        raise OverpaymentRefused(request=request.id, most=most)
    if due is not None and amount < due and not request.amount_editable:
        raise PartialPaymentRefused(request=request.id, due=due)
    if request.minimum is not None and amount < request.minimum and amount != due:
        raise BelowMinimumPartial(request=request.id, minimum=request.minimum)
    return amount


def accept(change: Change, request: PaymentRequest, transfer: Transfer) -> PaymentRequest:
    """A payment of the request was accepted; it moves at once, or at `pay_at`, or when the chain confirms it.

    Raises:
        InvalidTransition: the request does not wait for a payer.
    """
    status = REQUEST.after(request.status, C.ACCEPT)
    accepted = replace(request, status=status, transfer_id=transfer.id, pay_at=transfer.pay_at, reason="")
    return change.put(accepted, "request.accepted")


def settle(change: Change, request: PaymentRequest, amount: Money) -> PaymentRequest:
    """The accepted payment arrived; the parent, where there is one, collects it too (spec 4.6)."""
    paid = request.paid + amount
    in_full = request.amount is None or paid == request.amount
    status = REQUEST.after(request.status, C.SETTLE_REST if in_full else C.SETTLE_PART)
    settled = replace(request, status=status, paid=paid, pay_at=None)
    settled = change.put(settled, f"request.{status}")
    if request.parent_id:
        _collect(change, change.get(PaymentRequest, request.parent_id), amount)
    return settled


def _collect(change: Change, parent: PaymentRequest, amount: Money) -> None:
    """A split is paid when all its parts are; a multi-use request stays pending."""
    paid = parent.paid + amount
    if parent.uses is Uses.MANY:
        status, event = REQUEST.after(parent.status, C.COLLECT), "request.collected"
    else:
        status = REQUEST.after(parent.status, C.COLLECT_REST if paid == parent.amount else C.COLLECT_PART)
        event = f"request.{status}"
    change.put(replace(parent, status=status, paid=paid), event)


def reopen(change: Change, request: PaymentRequest, *, reason: str) -> PaymentRequest:
    """The accepted payment will not arrive: the request waits again, or has expired meanwhile (spec 4.6)."""
    command = C.REOPEN_PART if request.paid else C.REOPEN
    if request.expires_at is not None and request.expires_at <= change.now:
        command = C.REOPEN_LATE
    status = REQUEST.after(request.status, command)
    event = "request.expired" if status is S.EXPIRED else "request.reopened"
    return change.put(replace(request, status=status, pay_at=None, reason=reason), event)


def shares(amount: Money, parts: int) -> tuple[Money, ...]:
    """What each payer of a split owes: floors at the currency's decimals, the rest one unit each (spec 1.2).

    Raises:
        AmountNotPositive: there is less than one unit for each.
    """
    return tuple(positive(share) for share in positive(amount).split(parts))
