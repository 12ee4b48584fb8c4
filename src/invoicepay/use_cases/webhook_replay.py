"""Dead letters and what was missed: single deliveries tried again, and the events of a span of time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from invoicepay.domain import webhook_deliveries
from invoicepay.domain.access import authorise
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.ids import Prefix, ten_letters
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.webhook_deliveries import PlannedDelivery, WebhookDelivery, WebhookDeliveryStatus, plan
from invoicepay.domain.webhook_endpoints import WebhookEndpoint
from invoicepay.errors import InvalidInput
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps, UseCase, perform
from invoicepay.use_cases.queries import get
from invoicepay.use_cases.webhook_fan_out import planned_for

MOST_REPLAYED = 1_000
"""Deliveries that one call plans: as many as fit a transaction that nobody waits long for."""
PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDelivery:
    """Try one delivery again."""

    delivery_id: str


def _needs_replay(command: ReplayDelivery, _seen: Snapshot) -> Needs:
    return need((WebhookDelivery, command.delivery_id))


def decide_replay(command: ReplayDelivery, change: Change) -> WebhookDelivery:
    """Dead or delivered, it starts again."""
    delivery = change.get(WebhookDelivery, command.delivery_id)
    authorise(change, delivery)
    return webhook_deliveries.replay(change, delivery)


REPLAY = UseCase("webhook_deliveries.replay", WebhookDelivery, _needs_replay, decide_replay)


async def replay_delivery(deps: Deps, command: ReplayDelivery, key: str | None = None) -> WebhookDelivery:
    """Try a delivery again from the beginning of the schedule.

    Raises:
        NotFound: unknown in this tenant.
        InvalidTransition: it is on its way.
        NotAllowed: the actor is no operator.
    """
    return await perform(deps, REPLAY, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRange:
    """Send an endpoint everything that it takes of a span of time, whether it was sent before or not.

    Attributes:
        since, until: when the events happened; the end is not part of it.
        planned: the events, put in by the use case.
    """

    endpoint_id: str
    since: datetime
    until: datetime
    planned: tuple[PlannedDelivery, ...] = field(default=(), compare=False)


def _needs_range(command: ReplayRange, _seen: Snapshot) -> Needs:
    return need(
        (WebhookEndpoint, command.endpoint_id), *((WebhookDelivery, each.id) for each in command.planned)
    )


def decide_range(command: ReplayRange, change: Change) -> int:
    """What is on its way goes on; the rest starts again, or for the first time."""
    authorise(change, change.get(WebhookEndpoint, command.endpoint_id))
    count = 0
    for each in command.planned:
        known = change.peek(WebhookDelivery, each.id)
        if known is None:
            plan(change, each)
        elif known.status is not WebhookDeliveryStatus.PENDING:
            webhook_deliveries.replay(change, known)
        else:
            continue
        count += 1
    return count


RANGE = UseCase("webhook_deliveries.replay_range", int, _needs_range, decide_range)


async def replay_range(deps: Deps, command: ReplayRange, key: str | None = None) -> int:
    """Plan the events of a span of time for an endpoint; returns how many are on their way by this call.

    Raises:
        NotFound: no such endpoint in this tenant.
        InvalidInput: the span ends before it begins, or holds too many events.
        NotAllowed: the actor is no operator.
    """
    await allow(deps, RANGE.name, command=command)
    if command.until <= command.since:
        raise InvalidInput("until lies behind since", field="until")
    endpoint = await get(deps, WebhookEndpoint, command.endpoint_id)
    planned = await _events(deps, endpoint, command)
    return await perform(deps, RANGE, replace(command, planned=planned), key)


async def _events(deps: Deps, endpoint: WebhookEndpoint, command: ReplayRange) -> tuple[PlannedDelivery, ...]:
    """What the endpoint takes of that time, found by ids, which begin with the time."""
    planned, after = list[PlannedDelivery](), _before(command.since)
    async with deps.repository.reader(deps.tenant_id) as reader:
        while page := await reader.events(after=after, limit=PAGE):
            for event in page:
                if command.since <= event.at < command.until and endpoint.takes(event.kind, event.name):
                    planned.append(planned_for(endpoint, event))
            if len(planned) > MOST_REPLAYED:
                raise InvalidInput(
                    f"more than {MOST_REPLAYED} events lie in that time", hint="Replay a shorter span."
                )
            after = page[-1].id
            if page[-1].at >= command.until:
                break
    return tuple(planned)


def _before(instant: datetime) -> str:
    """What sorts before the id of every event from that instant on."""
    return f"{Prefix.EVENT}_{ten_letters(max(0, int(instant.timestamp() * 1000)))}"
