"""What is kept of a delivery: each event once, with its bytes' digest; and how it is set aside."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from invoicepay.domain.canonical import canonical
from invoicepay.domain.effects import InboxMessage, InboxStatus
from invoicepay.domain.money import Money
from invoicepay.errors import StoreUnreachable
from invoicepay.ports.rails import Direction
from invoicepay.use_cases.inbox import (
    KEEP,
    SET_ASIDE,
    KeepMessage,
    SetAside,
    receive_webhook,
)
from invoicepay.use_cases.observations import WORKER
from invoicepay.use_cases.perform import perform
from tests.support.desk import Desk
from tests.support.greetings import raising, watched
from tests.support.messages import (
    A,
    F,
    P,
    R,
    Several,
    apply,
    ends,
    pushed,
    receive,
    sent,
    steps,
    told,
)
from tests.support.till import ON_CHAIN, Till


def test_what_is_kept_of_a_delivery_is_the_event_and_the_digest_of_the_bytes() -> None:
    desk = Desk()
    event = told(desk)
    delivery = desk.rails.postbox.delivery(event)

    (message,) = desk.run(receive_webhook(desk.deps, "rails", delivery.body, delivery.headers))

    assert (message.provider, message.event_id) == (desk.rails.name, "evt-1")
    assert message.id == f"{desk.rails.name}/evt-1"
    assert message.digest == hashlib.sha256(delivery.body).hexdigest()
    assert message.body == canonical({"slot": "rails", "event": event})
    assert (message.status, message.reason, message.effect_id) == (R, "", "")
    assert steps(desk, message.id) == ["inbox_message.received"]
    assert message == desk.row(InboxMessage, message.id)


def test_what_came_for_tokens_says_so() -> None:
    till = Till(programme=ON_CHAIN)
    event = pushed(till)

    (message,) = receive(till, event)

    assert message.id == f"{till.tokens.name}/{event.event_id}"
    assert json.loads(message.body)["slot"] == "tokens"
    assert message.body == canonical({"slot": "tokens", "event": event})


def test_a_delivery_of_several_events_is_kept_event_by_event_each_with_its_own_digest() -> None:
    desk = Desk()
    events = [told(desk, number) for number in (2, 1)]
    bank = Several(desk, *events)
    desk.deps = replace(desk.deps, rails=bank)

    kept = desk.run(receive_webhook(desk.deps, "rails", b"both", {"x": "y"}))

    assert [message.event_id for message in kept] == ["evt-2", "evt-1"]
    assert len({message.digest for message in kept}) == 2
    now = desk.clock.now()
    assert bank.checked == [("prepared", b"both", {"x": "y"}, now), ("parsed", b"both", {"x": "y"}, now)]
    bank.told = (told(desk, 3), replace(events[1], occurred_at=now + timedelta(minutes=1)))
    more = desk.run(receive_webhook(desk.deps, "rails", b"more", {}))
    assert [(message.event_id, message.version) for message in more] == [("evt-3", 1), ("evt-1", 1)]


def test_a_plain_repetition_opens_no_transaction() -> None:
    desk = Desk()
    event = told(desk)
    first = receive(desk, event)
    repository = watched(desk)

    assert receive(desk, event) == first
    assert (repository.asked_keys, repository.loads) == ([], [])


def test_of_two_that_keep_one_message_at_the_same_time_the_second_changes_nothing() -> None:
    desk = Desk()
    (message,) = receive(desk, told(desk))
    command = KeepMessage(
        provider=message.provider, event_id="evt-1", digest=message.digest, body=message.body
    )

    again = desk.run(perform(replace(desk.deps, actor=WORKER), KEEP, command))

    assert (again.version, again.status, ends(desk)) == (message.version, R, [(R, "")])


KEPT = ("id", "provider", "event_id", "digest", "body", "status", "reason", "effect_id", "created_at")


def test_the_same_id_with_another_body_changes_nothing_but_the_reason() -> None:
    desk = Desk()
    id = sent(desk)
    (first,) = receive(desk, told(desk, reference=id, direction=Direction.WITHDRAWAL))
    apply(desk)
    before = desk.row(InboxMessage, first.id)

    (message,) = receive(desk, told(desk, reference=id, amount=Money("9.00", "USD")))

    assert message.reason == "came again with another body"
    kept = replace(before, reason=message.reason)
    assert [getattr(message, name) for name in KEPT] == [getattr(kept, name) for name in KEPT]
    assert steps(desk, first.id)[-1] == "inbox_message.conflict"
    assert desk.row(InboxMessage, first.id).status is A


def test_trouble_with_the_store_keeps_nothing_and_is_the_hosts_answer() -> None:
    desk = Desk()
    watched(desk).before_apply = raising(StoreUnreachable("no way there"))

    with pytest.raises(StoreUnreachable):
        receive(desk, told(desk))

    assert ends(desk) == []


LONG = "x" * 501
ASIDE: list[tuple[InboxStatus, InboxStatus, InboxStatus, str, str]] = [
    (R, R, R, "", ""),
    (R, P, P, LONG[:500], "inbox_message.parked"),
    (R, A, A, LONG[:500], "inbox_message.applied"),
    (R, F, F, LONG[:500], "inbox_message.failed"),
    (P, R, P, "was", ""),
    (P, P, P, "was", ""),
    (P, A, A, LONG[:500], "inbox_message.applied"),
    (P, F, F, LONG[:500], "inbox_message.failed"),
    (A, R, A, "was", ""),
    (A, P, A, "was", ""),
    (A, F, A, "was", ""),
    (F, F, F, "was", ""),
    (F, A, A, LONG[:500], "inbox_message.applied"),
]


@pytest.mark.parametrize(("before", "asked", "after", "reason", "step"), ASIDE, ids=range(len(ASIDE)))
def test_a_message_is_set_aside_once_and_what_was_applied_stays_so(
    before: InboxStatus, asked: InboxStatus, after: InboxStatus, reason: str, step: str
) -> None:
    desk = Desk()
    (message,) = receive(desk, told(desk))
    worker = replace(desk.deps, actor=WORKER)
    if before is not R:
        desk.run(perform(worker, SET_ASIDE, SetAside(message_id=message.id, status=before, reason="was")))
    known = len(steps(desk, message.id))
    desk.clock.advance(seconds=1)

    ended = desk.run(perform(worker, SET_ASIDE, SetAside(message_id=message.id, status=asked, reason=LONG)))

    assert (ended.status, ended.reason) == (after, reason)
    assert steps(desk, message.id)[known:] == ([step] if step else [])
    is_touched = bool(step) or (before, asked) == (R, R)
    assert (ended.updated_at == desk.clock.now()) is is_touched
