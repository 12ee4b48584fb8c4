"""Finds the events that endpoints are owed by following the audit streams, whose order is that of commits.

An id tells when a command was decided, which says little of when it was committed; a stream grows by one
record for each command, without gaps, under a lock that is held until the commit. So a position that was read
once needs no second look, however long a transaction took, and the commands themselves write nothing for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from invoicepay.domain.audit import AuditRecord
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.events import Event
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.webhook_deliveries import PlannedDelivery, WebhookDelivery, plan
from invoicepay.domain.webhook_endpoints import WebhookEndpoint, WebhookEndpointStatus, enabled_endpoints
from invoicepay.ports.repository import Reader
from invoicepay.use_cases.observations import as_worker
from invoicepay.use_cases.perform import Deps, UseCase

PAGE = 200
"""Audit records that are read at once; where none of them is told, the place is kept only after so many."""
AT_ONCE = 200
"""Deliveries after which a transaction takes no further record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOut:
    """Records of one audit stream, as they are told to the endpoints.

    Attributes:
        read: up to where the stream was read before, by endpoint.
        position: up to where it is read now.
    """

    stream: str
    read: dict[str, int]
    position: int
    planned: tuple[PlannedDelivery, ...]


def _needs(command: FanOut, _seen: Snapshot) -> Needs:
    endpoints = [(WebhookEndpoint, id) for id in command.read]
    return need(*endpoints, *((WebhookDelivery, each.id) for each in command.planned))


def decide_fan_out(command: FanOut, change: Change) -> int:
    """Plan each delivery once: whoever read the same records first has planned them."""
    endpoints: dict[str, WebhookEndpoint] = {}
    for id, read in command.read.items():
        endpoint = change.get(WebhookEndpoint, id)
        is_ours = endpoint.positions.get(command.stream, 0) == read
        if is_ours and endpoint.status is WebhookEndpointStatus.ENABLED:
            endpoints[id] = endpoint
    planned = 0
    for each in command.planned:
        endpoint_or_none = endpoints.get(each.endpoint_id)
        if endpoint_or_none is not None and endpoint_or_none.takes(each.entity_kind, each.name):
            planned += plan(change, each) is not None
    for endpoint in endpoints.values():
        positions = {**endpoint.positions, command.stream: command.position}
        change.put(replace(endpoint, positions=positions))
    return planned


FAN_OUT = UseCase("webhook_deliveries.plan", int, _needs, decide_fan_out)


async def fan_out(deps: Deps, limit: int) -> int:
    """Plan about `limit` deliveries of what was committed since; returns how many.

    Where nothing is to be told, nothing is written, until so much was read that the place is worth keeping.
    """
    planned = 0
    for _ in range(limit):  # pages, of which many may be told to nobody
        command = await _next(deps) if planned < limit else None
        if command is None:
            break
        planned += await as_worker(deps, FAN_OUT, command)
    return planned


async def _next(deps: Deps) -> FanOut | None:
    """The next records of which somebody is told, in any stream; None when there are none by now."""
    async with deps.repository.reader(deps.tenant_id) as reader:
        endpoints = await reader.find(enabled_endpoints())
        if not endpoints:
            return None
        for head in await reader.audit_heads():
            read = {each.id: each.positions.get(head.stream, 0) for each in endpoints}
            if head.position > min(read.values()):
                command = await _read(reader, head.stream, read, endpoints)
                if command is not None:
                    return command
    return None


async def _read(
    reader: Reader, stream: str, read: Mapping[str, int], endpoints: Sequence[WebhookEndpoint]
) -> FanOut | None:
    """The next page of one stream, for the endpoints that are furthest behind."""
    first = min(read.values())
    behind = [each for each in endpoints if read[each.id] == first]
    most = min((position for position in read.values() if position > first), default=first + PAGE)
    records = await reader.audit_records(stream=stream, after=first, limit=min(PAGE, most - first))
    planned = list[PlannedDelivery]()
    position = first
    for record in records:
        planned += await _told_by(reader, record, behind)
        position = record.position
        if len(planned) >= AT_ONCE:
            break
    if not planned and (not records or (len(records) < PAGE and position != most)):
        return None
    return FanOut(
        stream=stream,
        read=dict.fromkeys((each.id for each in behind), first),
        position=position,
        planned=tuple(planned),
    )


async def _told_by(
    reader: Reader, record: AuditRecord, endpoints: Sequence[WebhookEndpoint]
) -> list[PlannedDelivery]:
    planned = list[PlannedDelivery]()
    for kind, entity_id, seq, name in _steps(record):
        owed = [endpoint for endpoint in endpoints if endpoint.takes(kind, name)]
        event = await event_of(reader, kind, entity_id, seq) if owed else None
        if event is not None:
            planned += [planned_for(endpoint, event) for endpoint in owed]
    return planned


def _steps(record: AuditRecord) -> list[tuple[str, str, int, str]]:
    """Kind, id, version and name of each step; none where somebody made the record unreadable (INV-22)."""
    try:
        return [(change[0], change[1], change[2], change[3]) for change in json.loads(record.body)["changes"]]
    except (ValueError, TypeError, LookupError):
        return []


def planned_for(endpoint: WebhookEndpoint, event: Event) -> PlannedDelivery:
    """What an endpoint is owed of an event."""
    return PlannedDelivery(
        endpoint_id=endpoint.id,
        event_id=event.id,
        name=event.name,
        entity_kind=event.kind,
        entity_id=event.entity_id,
        seq=event.seq,
    )


async def event_of(reader: Reader, kind: str, entity_id: str, seq: int) -> Event | None:
    """The event of one step; kinds whose ids are the host's may share an id."""
    found = await reader.events(entity_id=entity_id, seq=seq)
    return next((event for event in found if event.kind == kind), None)
