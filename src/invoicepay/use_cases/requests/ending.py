"""Ending a request without a payment: declined, cancelled, or out of time (spec 4.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from invoicepay.domain.access import authorise
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.ids import clean_text
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.requests import (
    OPEN,
    REQUEST,
    PaymentRequest,
    RequestCommand,
    RequestStatus,
    Uses,
    has_expired,
    request_needs,
    require_at_rest,
    unresolved_children,
)
from invoicepay.domain.transfers import NOTE_LENGTH
from invoicepay.errors import InvalidTransition, NotThePayer, RequestInFlight
from invoicepay.use_cases.neighbours import Served, carried_out, served
from invoicepay.use_cases.perform import Call, Deps, UseCase, own_call, perform

PAGE = 200
TIME = Actor("expiry", Role.SYSTEM)
"""Who marks what is over: the clock, whoever starts the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineRequest:
    """Say no to a request."""

    request_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """Take a request back."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireRequest:
    """Mark a request whose time is over."""

    request_id: str


def _needs_end(command: DeclineRequest | CancelRequest | ExpireRequest, seen: Snapshot) -> Needs:
    needs = request_needs(command.request_id, seen)
    request = seen.peek(PaymentRequest, command.request_id)
    if request is None or not _has_children(request):
        return needs
    return needs | need(finds=[unresolved_children(request.id)])


def _has_children(request: PaymentRequest) -> bool:
    return request.is_split or request.uses is Uses.MANY


def decide_decline_request(command: DeclineRequest, change: Change) -> PaymentRequest:
    """The named payer will not pay it, nor what is open of it."""
    reason = clean_text(command.reason, NOTE_LENGTH, "the reason")
    request = change.get(PaymentRequest, command.request_id)
    if not request.payer_id:
        raise NotThePayer(f"{request.id} is addressed to nobody: it is cancelled, not declined")
    authorise(change, request, payer=request.payer_id)
    if request.status is RequestStatus.DECLINED and request.reason == reason:
        return request
    for child in _children_at_rest(change, request):
        _ended(change, replace(child, reason=reason), RequestCommand.DECLINE)
    return _ended(change, replace(request, reason=reason), RequestCommand.DECLINE)


def decide_cancel_request(command: CancelRequest, change: Change) -> PaymentRequest:
    """Nobody pays it any more, nor any of its parts; what was paid stays paid."""
    request = change.get(PaymentRequest, command.request_id)
    authorise(change, request, payee=request.requester_id)
    if request.status is RequestStatus.CANCELLED:
        return request
    for child in _children_at_rest(change, request):
        _ended(change, child, RequestCommand.CANCEL)
    return _ended(change, request, RequestCommand.CANCEL)


def decide_expire_request(command: ExpireRequest, change: Change) -> PaymentRequest:
    """Its time is over: `now >= expires_at`. Parts have the same expiry and are marked by themselves."""
    request = change.get(PaymentRequest, command.request_id)
    authorise(change, request)
    if request.status is RequestStatus.EXPIRED:
        return request
    _children_at_rest(change, request)
    if not has_expired(request, change.now):
        allowed = REQUEST.allowed(request.status)
        raise InvalidTransition("request", request.status, "expire before expires_at", allowed)
    return _ended(change, request, RequestCommand.EXPIRE)


def _children_at_rest(change: Change, request: PaymentRequest) -> tuple[PaymentRequest, ...]:
    """The open parts of a request that may end now; none when it has no parts."""
    require_at_rest(request)
    children = change.find(unresolved_children(request.id)) if _has_children(request) else ()
    moving = [child.id for child in children if child.status is RequestStatus.ACCEPTED]
    if moving:
        raise RequestInFlight(request=request.id, parts=moving)
    return children


def _ended(change: Change, request: PaymentRequest, command: RequestCommand) -> PaymentRequest:
    status = REQUEST.after(request.status, command)
    return change.put(replace(request, status=status), f"request.{status}")


DECLINE = UseCase("requests.decline", PaymentRequest, _needs_end, decide_decline_request)
CANCEL = UseCase("requests.cancel", PaymentRequest, _needs_end, decide_cancel_request)
EXPIRE = UseCase("requests.expire", PaymentRequest, _needs_end, decide_expire_request)


async def decline_request(deps: Deps, command: DeclineRequest, key: str | None = None) -> PaymentRequest:
    """Say no to a request; declining again for the same reason answers alike.

    Raises:
        NotFound, NotThePayer: no such request, or the actor is not whom it names.
        RequestInFlight: it was accepted; revoke that.
        RequestAlreadyResolved: it is paid, cancelled or expired.
        InvalidTransition: a part is paid.
    """
    return await perform(deps, DECLINE, command, key)


async def cancel_request(deps: Deps, command: CancelRequest, key: str | None = None) -> PaymentRequest:
    """Take a request back, with all its parts; cancelling again answers alike.

    Raises:
        NotFound, NotAllowed: no such request, or the actor is not its requester.
        RequestInFlight: a payment of it, or of one of its parts, is on its way or set for later.
        RequestAlreadyResolved: it is paid, declined or expired.
    """
    return await perform(deps, CANCEL, command, key)


async def expire_request(deps: Deps, command: ExpireRequest, key: str | None = None) -> PaymentRequest:
    """Mark a request whose time is over; `expire_due` does it for all.

    Raises:
        NotFound, NotAllowed: no such request, or the actor is no operator.
        RequestInFlight: a payment of it, or of one of its parts, is on its way or set for later.
        RequestAlreadyResolved: it is paid, declined or cancelled.
        InvalidTransition: its time is not over.
    """
    return await perform(deps, EXPIRE, command, key)


def expiring_requests(now: datetime, after_id: str = "") -> Find[PaymentRequest]:
    """The search for requests whose time is over and not yet marked, a page at a time."""
    waiting = tuple(sorted(OPEN))
    return find(PaymentRequest, status__in=waiting, expires_at__le=now, id__gt=after_id, limit=PAGE)


async def expire_due(deps: Deps, limit: int = PAGE) -> Served:
    """Expire up to `limit` requests whose time is over; call it as often as you like.

    A bill with a part in flight waits for its outcome.
    """
    deps = replace(deps, actor=TIME)
    done, last_id = Served(), ""
    while done.count < limit:
        page, waiting = await _expiring(deps, last_id)
        ready = [request for request in page if request.id not in waiting]
        calls = [_expiry(deps, request) for request in ready[: limit - done.count]]
        done += served(await carried_out(deps, calls))
        if len(page) < PAGE:
            break
        last_id = page[-1].id
    return done


async def _expiring(deps: Deps, after_id: str) -> tuple[tuple[PaymentRequest, ...], set[str]]:
    """A page of what is over, and those of them that wait for a part in flight."""
    async with deps.repository.reader(deps.tenant_id) as reader:
        page = await reader.find(expiring_requests(deps.clock.now(), after_id))
        parents = tuple(request.id for request in page if _has_children(request))
        moving = find(PaymentRequest, parent_id__in=parents, status=RequestStatus.ACCEPTED)
        parts = await reader.find(moving) if parents else ()
    return page, {part.parent_id for part in parts}


def _expiry(deps: Deps, request: PaymentRequest) -> Call[ExpireRequest, PaymentRequest]:
    """A key of its own for each try: a refusal must not outlive the payment it waited for."""
    return own_call(deps, EXPIRE, ExpireRequest(request_id=request.id))
