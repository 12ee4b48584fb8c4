"""Sends what endpoints are owed: claimed under a lease, posted outside of any transaction, then recorded.

A crash between the post and the record sends again once the lease has ended: at least once. Endpoints that
answered last come first, so that one that does not answer holds up no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.events import Event
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.time import iso
from invoicepay.domain.webhook_deliveries import (
    WebhookAnswer,
    WebhookDelivery,
    WebhookDeliveryStatus,
    endpoint_answered,
    not_taken,
    taken,
)
from invoicepay.domain.webhook_endpoints import WebhookEndpoint, enabled_endpoints
from invoicepay.errors import ConfigurationError
from invoicepay.use_cases.neighbours import Served, Stages, carried_out, served
from invoicepay.use_cases.observations import as_worker, worker_call
from invoicepay.use_cases.perform import Call, Deps, UseCase
from invoicepay.use_cases.webhook_endpoints import post_event, require_secret
from invoicepay.use_cases.webhook_fan_out import event_of, fan_out

LEASE = timedelta(minutes=2)
POST_TIME = timedelta(seconds=15)
"""The longest a post may take, with margin; a claim with less time left sends nothing more."""
MOST_CLAIMED = 50
"""Deliveries of one endpoint that a worker takes at once."""
TURN = timedelta(seconds=1)
"""How long one endpoint is sent to before the next has its turn."""
PROBING = timedelta(seconds=10)
"""How long a pass asks endpoints that failed last time: one delivery each, the longest failing last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDeliveries:
    """Take deliveries of one endpoint that are due, the longest waiting first."""

    endpoint_id: str
    at: datetime
    limit: int

    @property
    def due(self) -> Find[WebhookDelivery]:
        """The search; rows that another worker is claiming are left out."""
        return find(
            WebhookDelivery,
            endpoint_id=self.endpoint_id,
            status=WebhookDeliveryStatus.PENDING,
            due_at__le=self.at,
            order=("due_at",),
            limit=self.limit,
            skip_locked=True,
        )


@dataclass(frozen=True, slots=True)
class ClaimedDeliveries:
    """Deliveries that are ours until their lease ends."""

    deliveries: tuple[WebhookDelivery, ...]


def _needs_claim(command: ClaimDeliveries, _seen: Snapshot) -> Needs:
    return need(finds=[command.due])


def decide_claim(command: ClaimDeliveries, change: Change) -> ClaimedDeliveries:
    """Raise each fence, so that whoever held the claim before can record nothing any more."""
    until = change.now + LEASE
    free = [each for each in change.find(command.due) if _is_free(each, change.now)]
    return ClaimedDeliveries(
        tuple(
            change.put(replace(each, fence=each.fence + 1, lease_until=until, due_at=until)) for each in free
        )
    )


def _is_free(delivery: WebhookDelivery, now: datetime) -> bool:
    return delivery.lease_until is None or delivery.lease_until <= now


CLAIM = UseCase("webhook_deliveries.claim", ClaimedDeliveries, _needs_claim, decide_claim)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTry:
    """What became of a claimed delivery.

    Attributes:
        answer: None when it was not sent, and waits as before.
        endpoint_id: the endpoint, where its condition changes with the answer; empty where it does not.
    """

    delivery_id: str
    fence: int
    answer: WebhookAnswer | None = None
    endpoint_id: str = ""


def _needs_record(command: RecordTry, _seen: Snapshot) -> Needs:
    own = need((WebhookDelivery, command.delivery_id))
    return own | need((WebhookEndpoint, command.endpoint_id)) if command.endpoint_id else own


def decide_record(command: RecordTry, change: Change) -> bool:
    """Only the holder of the latest claim is believed: whoever took over may be sending now."""
    delivery = change.get(WebhookDelivery, command.delivery_id)
    if delivery.fence != command.fence or delivery.status is not WebhookDeliveryStatus.PENDING:
        return False
    if command.answer is None:
        change.put(replace(delivery, lease_until=None, due_at=change.now))
        return True
    record = taken if command.answer.is_taken else not_taken
    record(change, delivery, command.answer)
    if command.endpoint_id:
        endpoint_answered(change, change.get(WebhookEndpoint, command.endpoint_id), command.answer)
    return True


RECORD = UseCase("webhook_deliveries.record", bool, _needs_record, decide_record)


async def tell_endpoints(deps: Deps, limit: int, share: timedelta | None = None) -> Served:
    """Plan what endpoints are owed since the last pass, and send what is due.

    A tenant without enabled endpoints costs one search; a fault in planning keeps nothing from being sent.

    Args:
        share: as in `send_webhooks`.
    """
    async with deps.repository.reader(deps.tenant_id) as reader:
        if not await reader.find(replace(enabled_endpoints(), limit=1)):
            return Served()
    stages = Stages()
    await stages.done(fan_out(deps, limit), 0)
    sent = await stages.done(send_webhooks(deps, limit, share), Served())
    stages.end()
    return sent


async def send_webhooks(deps: Deps, limit: int, share: timedelta | None = None) -> Served:
    """Send about `limit` deliveries that are due, an endpoint after the other.

    Args:
        share: begin with no further endpoint after so long, for others wait.

    Returns:
        How many were tried, taken or not; a refusal where they cannot be signed.
    """
    endpoints = await _asked(deps)
    began, done = deps.clock.now(), Served()
    most = min(MOST_CLAIMED, max(limit // max(len(endpoints), 1), 1))
    probing_since: datetime | None = None
    for endpoint in endpoints:
        now = deps.clock.now()
        is_failing = endpoint.failing_since is not None
        probing_since = (probing_since or now) if is_failing else None
        is_enough = share is not None and now - began >= share
        if done.count >= limit or is_enough or (probing_since and now - probing_since >= PROBING):
            break
        done += await _sent_to(deps, endpoint, 1 if is_failing else most)
    return done


async def _asked(deps: Deps) -> list[WebhookEndpoint]:
    """Endpoints that may be asked now: those in good health first, those that failed most at the end.

    Among equals the order is another one at each instant, so that none is always served last.
    """
    async with deps.repository.reader(deps.tenant_id) as reader:
        enabled = await reader.find(enabled_endpoints())
    now = deps.clock.now()
    asked = [endpoint for endpoint in enabled if endpoint.may_be_asked(now)]
    return sorted(asked, key=lambda endpoint: (endpoint.failures, _shuffled(endpoint.id, now)))


def _shuffled(id: str, now: datetime) -> bytes:
    return hashlib.sha256(f"{id}/{iso(now)}".encode()).digest()


async def _sent_to(deps: Deps, endpoint: WebhookEndpoint, limit: int) -> Served:
    """Send to one endpoint for a while, and record together what became of it."""
    try:
        claimed = await _claim(deps, endpoint, limit)
    except ConfigurationError as refusal:  # no secret: it waits for a process that has one
        return Served(1, (refusal,))
    if not claimed:
        return Served()
    events = await _events(deps, claimed)
    calls, count, is_over, since = list[Call[RecordTry, bool]](), 0, False, deps.clock.now()
    for delivery in claimed:
        is_over = is_over or deps.clock.now() - since >= TURN or _is_late(deps, delivery)
        answer = None if is_over else await _answer(deps, endpoint, events[delivery.id])
        if answer is not None:
            count += 1
            is_over = not answer.is_taken and answer.is_about_endpoint
        calls.append(_recording(deps, endpoint, delivery, answer))
    refusals = served(await carried_out(deps, calls)).refusals
    return Served(max(count, len(refusals)), refusals)


def _is_late(deps: Deps, delivery: WebhookDelivery) -> bool:
    """Whether a post could outlast the claim; this process may have been asleep."""
    until = delivery.lease_until
    return until is None or until - deps.on_lease_time.clock.now() < POST_TIME


async def _events(deps: Deps, claimed: Sequence[WebhookDelivery]) -> dict[str, Event | None]:
    """What the deliveries tell, by their ids."""
    async with deps.repository.reader(deps.tenant_id) as reader:
        return {
            each.id: await event_of(reader, each.entity_kind, each.entity_id, each.seq) for each in claimed
        }


async def _answer(deps: Deps, endpoint: WebhookEndpoint, event: Event | None) -> WebhookAnswer:
    if event is None:
        return WebhookAnswer(error="the event is not in the store any more")
    try:
        return await post_event(deps, endpoint, event)
    except Exception as error:  # noqa: BLE001 - the others were posted, and have to be recorded
        return WebhookAnswer(error=f"the post failed with {type(error).__name__}")


def _recording(
    deps: Deps, endpoint: WebhookEndpoint, delivery: WebhookDelivery, answer: WebhookAnswer | None
) -> Call[RecordTry, bool]:
    """The call that records a try; an endpoint that goes on being well is not written."""
    is_news = answer is not None and not (answer.is_taken and endpoint.failing_since is None)
    command = RecordTry(
        delivery_id=delivery.id,
        fence=delivery.fence,
        answer=answer,
        endpoint_id=endpoint.id if is_news else "",
    )
    return worker_call(deps, RECORD, command)


async def _claim(deps: Deps, endpoint: WebhookEndpoint, limit: int) -> tuple[WebhookDelivery, ...]:
    """Take what is due; looks without writing first, so that an idle worker leaves no trace."""
    timed = deps.on_lease_time
    command = ClaimDeliveries(endpoint_id=endpoint.id, at=deps.clock.now(), limit=limit)
    async with deps.repository.reader(deps.tenant_id) as reader:
        if not await reader.find(replace(command.due, limit=1)):
            return ()
    require_secret(deps)
    return (await as_worker(timed, CLAIM, command)).deliveries
