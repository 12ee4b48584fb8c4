"""Deliveries: one event on its way to one endpoint, tried on a schedule until it is taken or given up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.change import Change
from invoicepay.domain.entity import Entity
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.shown import Shown
from invoicepay.domain.webhook_endpoints import (
    DISABLED_AFTER,
    DisabledBecause,
    WebhookEndpoint,
    WebhookEndpointStatus,
    disable,
    well_again,
)

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long to wait after the first try, the second, and so on; after the tenth a delivery is dead.

The schedule that the Standard Webhooks specification gives as its example; a little is added by chance.
"""
MOST_TRIES = len(WAITS) + 1
LONGEST_REST = timedelta(minutes=10)
"""How long an endpoint that does not answer is left alone at most, whatever waits for it."""
MOST_ASKED = timedelta(hours=24)
"""The longest wait that an endpoint may ask for with `Retry-After`."""
GONE = 410
_BUSY = (408, 425, 429)


class WebhookDeliveryStatus(StrEnum):
    """On its way, taken, or given up: the dead letters."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class DeliveryCommand(StrEnum):
    """What moves a delivery."""

    PLAN = "plan"
    DELIVER = "deliver"
    GIVE_UP = "give_up"
    REPLAY = "replay"


S, C = WebhookDeliveryStatus, DeliveryCommand

WEBHOOK_DELIVERY: Lifecycle[WebhookDeliveryStatus, DeliveryCommand] = Lifecycle(
    "webhook_delivery",
    {
        (None, C.PLAN): S.PENDING,
        (S.PENDING, C.DELIVER): S.DELIVERED,
        (S.PENDING, C.GIVE_UP): S.DEAD,
        (S.DELIVERED, C.REPLAY): S.PENDING,
        (S.DEAD, C.REPLAY): S.PENDING,
    },
)
"""A delivery's states; what failed and will be tried again is pending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery(Entity):
    """One event for one endpoint; its id is `event/endpoint`, so that there is one of each.

    The event itself stays where it is: what is sent is read when it is sent.

    Attributes:
        name: of the event, for example `invoice.paid`.
        entity_kind, entity_id, seq: which step of which entity it tells.
        attempts: how often it was tried since it was planned or replayed.
        due_at: not tried before.
        last_status: the HTTP status of the latest answer; 0 when there was none.
        last_error: why the latest try did not count; empty when it did.
        fence, lease_until: of the worker that has it; only the holder of the latest may record what became
            of it.
    """

    KIND: ClassVar[str] = "webhook_delivery"

    endpoint_id: str
    event_id: str
    name: str
    entity_kind: str
    entity_id: str
    seq: int
    due_at: datetime
    status: WebhookDeliveryStatus = WebhookDeliveryStatus.PENDING
    attempts: int = 0
    last_status: int = 0
    last_error: str = ""
    delivered_at: datetime | None = None
    fence: int = 0
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDelivery:
    """An event that an endpoint is owed."""

    endpoint_id: str
    event_id: str
    name: str
    entity_kind: str
    entity_id: str
    seq: int

    @property
    def id(self) -> str:
        """The delivery's id."""
        return f"{self.event_id}/{self.endpoint_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer(Shown):
    """What an endpoint answered.

    Attributes:
        status: of HTTP; 0 when no answer came.
        error: why it does not count as taken; empty for 2xx.
        retry_after_seconds: how long it asked to be left alone.
    """

    status: int = 0
    error: str = ""
    retry_after_seconds: int = 0

    @property
    def is_taken(self) -> bool:
        """Whether the endpoint took the event: 2xx, and nothing else."""
        return 200 <= self.status < 300 and not self.error

    @property
    def is_about_endpoint(self) -> bool:
        """Whether it says that other deliveries would fail as well; a refusal of this one says nothing."""
        return not (400 <= self.status < 500) or self.status in _BUSY


def plan(change: Change, planned: PlannedDelivery) -> WebhookDelivery | None:
    """Owe an event to an endpoint; None when it is owed or was delivered already."""
    if change.peek(WebhookDelivery, planned.id) is not None:
        return None
    return change.add(
        WebhookDelivery(
            id=planned.id,
            endpoint_id=planned.endpoint_id,
            event_id=planned.event_id,
            name=planned.name,
            entity_kind=planned.entity_kind,
            entity_id=planned.entity_id,
            seq=planned.seq,
            due_at=change.now,
            status=WEBHOOK_DELIVERY.after(None, C.PLAN),
        )
    )


def replay(change: Change, delivery: WebhookDelivery) -> WebhookDelivery:
    """Try it again from the beginning of the schedule, under the same id.

    Raises:
        InvalidTransition: it is on its way already.
    """
    return change.put(
        replace(
            delivery,
            status=WEBHOOK_DELIVERY.after(delivery.status, C.REPLAY),
            attempts=0,
            due_at=change.now,
            lease_until=None,
            last_error="",
            last_status=0,
            delivered_at=None,
        ),
        "webhook_delivery.replayed",
    )


def taken(change: Change, delivery: WebhookDelivery, answer: WebhookAnswer) -> WebhookDelivery:
    """The endpoint has it."""
    return change.put(
        replace(
            delivery,
            status=WEBHOOK_DELIVERY.after(delivery.status, C.DELIVER),
            attempts=delivery.attempts + 1,
            last_status=answer.status,
            last_error="",
            delivered_at=change.now,
            lease_until=None,
        ),
        "webhook_delivery.delivered",
    )


def not_taken(change: Change, delivery: WebhookDelivery, answer: WebhookAnswer) -> WebhookDelivery:
    """Try it again later, or give it up after the last try or when the endpoint is gone."""
    tried = replace(
        delivery,
        attempts=delivery.attempts + 1,
        last_status=answer.status,
        last_error=answer.error,
        lease_until=None,
    )
    if tried.attempts >= MOST_TRIES or answer.status == GONE:
        status = WEBHOOK_DELIVERY.after(delivery.status, C.GIVE_UP)
        return change.put(replace(tried, status=status), "webhook_delivery.dead")
    return change.put(replace(tried, due_at=change.now + wait(tried, answer)))


def wait(delivery: WebhookDelivery, answer: WebhookAnswer) -> timedelta:
    """How long until the next try: what the schedule says and up to a tenth more, or what was asked for."""
    by_schedule = WAITS[delivery.attempts - 1] * (1 + _chance(delivery) / 10)
    asked = min(timedelta(seconds=answer.retry_after_seconds), MOST_ASKED)
    return max(by_schedule, asked)


def _chance(delivery: WebhookDelivery) -> float:
    """A fraction below one that differs between deliveries and between tries of one."""
    digest = hashlib.sha256(f"{delivery.id}/{delivery.attempts}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32


def endpoint_answered(change: Change, endpoint: WebhookEndpoint, answer: WebhookAnswer) -> WebhookEndpoint:
    """Keep how an endpoint does: well again, resting after a failure, or disabled for good reason."""
    if answer.is_taken:
        return change.put(well_again(endpoint)) if endpoint.failing_since else endpoint
    failures, since = endpoint.failures + 1, endpoint.failing_since or change.now
    after = replace(endpoint, failures=failures, failing_since=since)
    if answer.is_about_endpoint:
        after = replace(after, rests_until=change.now + rest(failures, answer))
    if endpoint.status is not WebhookEndpointStatus.ENABLED:
        return change.put(after)
    if answer.status == GONE:
        return disable(change, after, DisabledBecause.GONE)
    if change.now - since >= DISABLED_AFTER:
        return disable(change, after, DisabledBecause.FAILING)
    return change.put(after)


def rest(failures: int, answer: WebhookAnswer) -> timedelta:
    """How long an endpoint is left alone after so many failures in a row."""
    by_schedule = min(WAITS[min(failures, len(WAITS)) - 1], LONGEST_REST)
    return max(by_schedule, min(timedelta(seconds=answer.retry_after_seconds), MOST_ASKED))


def body_of(name: str, at: str, data: Mapping[str, object]) -> dict[str, object]:
    """The body of a delivery, as Standard Webhooks lays it out."""
    return {"type": name, "timestamp": at, "data": data}
