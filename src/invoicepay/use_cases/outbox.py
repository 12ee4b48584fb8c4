"""Tells the host what happened: at least once, after the commit, in order for each entity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from invoicepay.domain.events import Event
from invoicepay.use_cases.perform import Deps

Handler = Callable[[Event], Awaitable[None]]

PAGE = 200


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An event that a handler did not take, and what the handler raised; it is offered again next time."""

    event_id: str
    name: str
    entity_id: str
    error: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many events every handler took, and those that some handler did not take."""

    count: int = 0
    undelivered: tuple[Undelivered, ...] = ()

    def __add__(self, other: Delivered) -> Delivered:
        """Both together."""
        return Delivered(self.count + other.count, self.undelivered + other.undelivered)


async def deliver_events(deps: Deps, handlers: Sequence[Handler], limit: int) -> Delivered:
    """Offer unpublished events to every handler; an event counts as published once all took it.

    A handler that raises holds back the later events of the same entity, and nothing else. It may see an
    event again, also one that only another handler failed on: handlers tell repetitions by `Event.id`.
    """
    delivered = Delivered()
    held_back: set[tuple[str, str]] = set()
    after = ""
    while delivered.count < limit:
        async with deps.repository.reader(deps.tenant_id) as reader:
            page = await reader.events(unpublished=True, after=after, limit=min(PAGE, limit))
        if not page:
            break
        after = page[-1].id
        delivered += await _deliver_page(deps, handlers, page, held_back)
    return delivered


async def _deliver_page(
    deps: Deps, handlers: Sequence[Handler], page: Sequence[Event], held_back: set[tuple[str, str]]
) -> Delivered:
    taken: list[str] = []
    failed: list[Undelivered] = []
    for event in _in_order(page):
        entity = (event.kind, event.entity_id)
        if entity in held_back:
            continue
        error = await _offer(handlers, event)
        if error is None:
            taken.append(event.id)
        else:
            held_back.add(entity)
            failed.append(Undelivered(event.id, event.name, event.entity_id, error))
    if taken:
        await deps.repository.mark_published(deps.tenant_id, taken, deps.clock.now())
    return Delivered(len(taken), tuple(failed))


def _in_order(page: Sequence[Event]) -> list[Event]:
    """The page with each entity's events by `seq`: ids of two machines need not agree on who was first."""
    by_entity: dict[tuple[str, str], list[Event]] = {}
    for event in page:
        by_entity.setdefault((event.kind, event.entity_id), []).append(event)
    queues = {entity: iter(sorted(events, key=lambda e: e.seq)) for entity, events in by_entity.items()}
    return [next(queues[event.kind, event.entity_id]) for event in page]


async def _offer(handlers: Sequence[Handler], event: Event) -> str | None:
    """None when every handler took it, else what the first refusal was."""
    for handler in handlers:
        try:
            await handler(event)
        except Exception as error:  # noqa: BLE001 - a host's handler may raise anything
            return f"{type(error).__name__}: {error}"[:500]
    return None
