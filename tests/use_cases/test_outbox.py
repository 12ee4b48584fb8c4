"""Events reach the host at least once, in order for each entity, past handlers that fail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from invoicepay.domain.events import Event
from invoicepay.use_cases.outbox import Delivered, deliver_events
from tests.support.desk import CountingIds, Desk
from tests.support.intents import intend, send

Handler = Callable[[Event], Awaitable[None]]


def deliver(desk: Desk, *handlers: Handler, limit: int = 100) -> Delivered:
    return desk.run(deliver_events(desk.deps, handlers, limit))


def keeper(into: list[Event]) -> Handler:
    async def keep(event: Event) -> None:
        into.append(event)

    return keep


def refusing(entity_id: str, into: list[Event]) -> Handler:
    async def refuse(event: Event) -> None:
        if event.entity_id == entity_id:
            raise RuntimeError("not now")
        into.append(event)

    return refuse


def two_intents(desk: Desk) -> tuple[str, str]:
    first, second = intend(desk), intend(desk)
    send(desk)
    return first, second


def test_every_event_reaches_every_handler_once_and_is_then_published() -> None:
    desk = Desk()
    two_intents(desk)
    one, other = list[Event](), list[Event]()

    first = deliver(desk, keeper(one), keeper(other))
    again = deliver(desk, keeper(one), keeper(other))

    assert first.count == len(one) == len({event.id for event in one}) > 0
    assert one == other
    assert again == Delivered()


def test_each_entity_is_told_in_order() -> None:
    desk = Desk()
    two_intents(desk)
    seen = list[Event]()

    deliver(desk, keeper(seen))

    by_entity = defaultdict[str, list[int]](list)
    for event in seen:
        by_entity[event.entity_id].append(event.seq)
    assert all(steps == sorted(steps) for steps in by_entity.values())


def test_a_handler_that_fails_holds_back_its_entity_and_nothing_else() -> None:
    desk = Desk()
    first, second = two_intents(desk)
    seen = list[Event]()

    delivered = deliver(desk, refusing(first, seen))

    assert {event.entity_id for event in seen if event.kind == "effect"} == {second}
    assert [(event.entity_id, event.error) for event in delivered.undelivered] == [
        (first, "RuntimeError: not now")
    ]


def test_held_back_events_come_in_order_once_the_handler_is_well() -> None:
    desk = Desk()
    first, _ = two_intents(desk)
    deliver(desk, refusing(first, []))
    seen = list[Event]()

    deliver(desk, keeper(seen))

    assert [event.name for event in seen] == ["effect.planned", "effect.sending", "effect.accepted"]


def test_a_handler_that_worked_may_see_an_event_again_when_another_failed() -> None:
    desk = Desk()
    first, _ = two_intents(desk)
    seen = list[Event]()
    deliver(desk, keeper(seen), refusing(first, []))

    deliver(desk, keeper(seen))

    assert [event.name for event in seen if event.entity_id == first].count("effect.planned") == 2


def test_more_events_than_a_page_are_told_up_to_the_limit() -> None:
    desk = Desk()
    two_intents(desk)
    seen = list[Event]()

    first = deliver(desk, keeper(seen), limit=2)
    rest = deliver(desk, keeper(seen))

    assert first.count == 2
    assert len(seen) == first.count + rest.count == len({event.id for event in seen})


def test_an_entity_that_fails_for_long_never_uses_up_the_limit() -> None:
    desk = Desk()
    first, second = two_intents(desk)
    seen = list[Event]()

    deliver(desk, refusing(first, seen), limit=2)
    deliver(desk, refusing(first, seen), limit=2)

    assert [event.name for event in seen if event.entity_id == second] == [
        "effect.planned",
        "effect.sending",
        "effect.accepted",
    ]


class BackwardIds(CountingIds):
    """Ids of a machine whose clock runs behind: later events get smaller ids."""

    def __init__(self) -> None:
        super().__init__()
        self._behind = count(1)

    def new(self, prefix: str, now: datetime) -> str:
        if prefix != "evt":
            return super().new(prefix, now)
        return super().new(prefix, now - timedelta(seconds=next(self._behind)))


def test_an_entity_is_told_in_order_although_its_ids_are_not() -> None:
    desk = Desk()
    desk.deps = replace(desk.deps, ids=BackwardIds())
    two_intents(desk)
    seen = list[Event]()

    deliver(desk, keeper(seen))

    by_entity = defaultdict[str, list[int]](list)
    for event in seen:
        by_entity[event.entity_id].append(event.seq)
    assert all(steps == sorted(steps) for steps in by_entity.values())
    assert [event.id for event in seen] != sorted(event.id for event in seen)
