"""One worker at a time tells a tenant's events: two of them tell each once, and nothing is left behind."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from invoicepay import Event, InvoicePay, PaymentRequest, Programme, migrate
from invoicepay.adapters.sql import connect_store
from invoicepay.bridge import run_blocking
from invoicepay.testing.clock import FrozenClock
from invoicepay.use_cases.outbox import TURN, WORK

pytestmark = pytest.mark.usefixtures("patience")

OPEN = Programme(unknown_parties="register")


@pytest.fixture
def place(url: str) -> str:
    migrate(url)
    return url


class Teller:
    """A client of a process of its own, whose handler takes its time."""

    def __init__(self, url: str, told: Counter[str], **options: object) -> None:
        self.pay = InvoicePay(url, programme=OPEN, group_commit="off", **options)  # type: ignore[arg-type]
        self.told, self.pause_seconds = told, 0.01
        self.pay.on("*")(self.hear)

    def hear(self, event: Event) -> None:
        time.sleep(self.pause_seconds)
        self.told[event.id] += 1


def test_two_workers_tell_each_event_once(place: str) -> None:
    told = Counter[str]()
    tellers = [Teller(place, told, dispatch="deferred") for _ in range(2)]
    for number in range(10):
        tellers[0].pay.requests.create(requester="ann", payer=f"p{number}", amount="1.00 USD")
    threads = [threading.Thread(target=teller.pay.run_pending) for teller in tellers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(told.values()) == {1}
    assert len(told) >= 20  # parties and requests
    for teller in tellers:
        teller.pay.close()


def test_what_a_call_leaves_to_another_teller_is_told_by_it(place: str) -> None:
    told = Counter[str]()
    one, other = Teller(place, told), Teller(place, told)
    is_telling, may_go_on = threading.Event(), threading.Event()

    def hold(event: Event) -> None:
        is_telling.set()
        may_go_on.wait(60)

    one.pay.on("request.created")(hold)
    first = threading.Thread(
        target=lambda: one.pay.requests.create(requester="ann", payer="ben", amount="1.00 USD")
    )
    first.start()
    assert is_telling.wait(60)
    late = other.pay.requests.create(requester="carl", payer="dora", amount="1.00 USD")
    assert not any(event.id in told for event in other.pay.audit.history(late.id))
    may_go_on.set()
    first.join()

    assert all(told[event.id] == 1 for event in other.pay.audit.history(late.id))
    for teller in (one, other):
        teller.pay.close()


def test_the_turn_of_a_worker_that_died_is_over_by_itself(place: str) -> None:
    told, clock = Counter[str](), FrozenClock()
    teller = Teller(place, told, clock=clock, dispatch="deferred")
    teller.pay.requests.create(requester="ann", payer="ben", amount="1.00 USD")
    store = connect_store(place, lambda prefix, now: prefix, blocking=True)
    now = clock.now()
    assert run_blocking(store.take_turn("default", WORK, "the dead one", now=now, until=now + TURN))

    assert teller.pay.run_pending().delivered == 0
    clock.advance(seconds=TURN / timedelta(seconds=1))
    assert teller.pay.run_pending().delivered == len(told) > 0
    run_blocking(store.close())
    teller.pay.close()


def test_a_teller_whose_turn_was_lost_stops_after_the_event_at_hand(place: str) -> None:
    told, clock = Counter[str](), FrozenClock()
    slow, quick = (Teller(place, told, clock=clock, dispatch="deferred") for _ in range(2))
    slow.pay.requests.create(requester="ann", payer="ben", amount="1.00 USD")
    overtaken = list[int]()

    def sleep_over(event: Event) -> None:
        if not overtaken:
            overtaken.append(0)
            clock.advance(seconds=TURN / timedelta(seconds=1))
            overtaken.append(quick.pay.run_pending().delivered)

    slow.pay.on("*")(sleep_over)
    first = slow.pay.run_pending()

    assert first.delivered == 1  # the one at hand, which was told twice
    assert sorted(told.values())[-2:] == [1, 2]
    assert overtaken == [0, len(told)]
    for teller in (slow, quick):
        teller.pay.close()


def test_whoever_came_too_late_to_tell_anything_looks_again_as_well(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Counter[str]()
    late, other = Teller(place, told, dispatch="deferred"), Teller(place, told)
    late.pay.requests.create(requester="ann", payer="ben", amount="1.00 USD")
    wired: Any = late.pay._pay._core.wired
    name, end, left = wired.ids.nonce, wired.repository.end_turn, list[PaymentRequest]()

    def held_up() -> str:
        """It has seen that there is something to tell, and then somebody else tells it."""
        if not left:
            other.pay.run_pending()
        return str(name())

    async def end_late(*args: Any, **options: Any) -> None:
        if not left:  # somebody leaves more to whoever has the turn, which found nothing
            left.append(other.pay.requests.create(requester="carl", payer="dora", amount="1.00 USD"))
            assert not any(event.id in told for event in other.pay.audit.history(left[0].id))
        await end(*args, **options)

    monkeypatch.setattr(wired.ids, "nonce", held_up)
    monkeypatch.setattr(wired.repository, "end_turn", end_late)
    late.pay.run_pending(until_quiet=False)

    assert all(told[event.id] == 1 for event in other.pay.audit.history(left[0].id))
    for teller in (late, other):
        teller.pay.close()
