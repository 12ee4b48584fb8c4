"""Tells the host what happened: at least once, after the commit, in order for each entity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from invoicepay.domain.events import Event
from invoicepay.ports.repository import TakesTurns
from invoicepay.use_cases.perform import Deps

Handler = Callable[[Event], Awaitable[None]]

PAGE = 200
WORK = "tell events"
TURN = timedelta(seconds=30)
"""How long the others wait for a worker that died at it; a handler that takes longer may be called twice."""
RENEWED_AFTER = TURN / 3


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


@dataclass(slots=True)
class Turn:
    """One worker's turn to tell a tenant's events.

    Attributes:
        holder: a name that nobody else has.
        taken_at: when it was taken or renewed; None before.
    """

    deps: Deps
    holder: str
    taken_at: datetime | None = None

    async def is_ours(self) -> bool:
        """Take it, or go on with it; what was over meanwhile may have been somebody else's, and is lost."""
        store, now = self.deps.repository, self.deps.on_lease_time.clock.now()
        if not isinstance(store, TakesTurns):
            return True
        if self.taken_at is not None and not self.taken_at + RENEWED_AFTER <= now < self.taken_at + TURN:
            return now < self.taken_at + TURN
        if not await store.take_turn(self.deps.tenant_id, WORK, self.holder, now=now, until=now + TURN):
            return False
        self.taken_at = now
        return True

    async def end(self) -> None:
        """Let others have it."""
        store, now = self.deps.repository, self.deps.on_lease_time.clock.now()
        if isinstance(store, TakesTurns):
            await store.end_turn(self.deps.tenant_id, WORK, self.holder, now=now)


async def deliver_events(deps: Deps, handlers: Sequence[Handler], limit: int) -> Delivered:
    """Offer unpublished events to every handler; an event counts as published once all took it.

    A handler that raises holds back the later events of the same entity, and nothing else. It may see an
    event again, also one that only another handler failed on: handlers tell repetitions by `Event.id`.

    One worker at a time tells a tenant's events. Whoever finds another one at it leaves what it would have
    told to that one, who looks again once it has given its turn back.
    """
    delivered = Delivered()
    held_back: set[tuple[str, str]] = set()
    while delivered.count < limit and await _unpublished(deps, "", 1):
        turn = Turn(deps, deps.ids.nonce())
        if not await turn.is_ours():
            break
        try:
            told = await _deliver_all(deps, handlers, limit - delivered.count, held_back, turn)
        finally:
            await turn.end()
        delivered += told
        if held_back and not told.count:  # else others told all of it, and more may have been left to us
            break
    return delivered


async def _unpublished(deps: Deps, after: str, limit: int) -> Sequence[Event]:
    async with deps.repository.reader(deps.tenant_id) as reader:
        return await reader.events(unpublished=True, after=after, limit=limit)


async def _deliver_all(
    deps: Deps, handlers: Sequence[Handler], limit: int, held_back: set[tuple[str, str]], turn: Turn
) -> Delivered:
    """Page after page while it is this worker's turn."""
    delivered = Delivered()
    after = ""
    while delivered.count < limit and await turn.is_ours():
        page = await _unpublished(deps, after, min(PAGE, limit))
        if not page:
            break
        after = page[-1].id
        delivered += await _deliver_page(deps, handlers, page, held_back, turn)
    return delivered


async def _deliver_page(
    deps: Deps,
    handlers: Sequence[Handler],
    page: Sequence[Event],
    held_back: set[tuple[str, str]],
    turn: Turn,
) -> Delivered:
    taken: list[str] = []
    failed: list[Undelivered] = []
    for event in _in_order(page):
        entity = (event.kind, event.entity_id)
        if entity in held_back:
            continue
        if not await turn.is_ours():
            break
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
