"""An outcome that stays unknown is told of after 15 minutes and again, louder, after four hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import CAPABILITIES
from invoicepay.domain.effects import Alarm, EffectStatus
from invoicepay.use_cases.claims import TO_SEND
from invoicepay.use_cases.stops import StopProvider, stop_provider
from tests.support.desk import Desk
from tests.support.intents import effect, intend, send, status, until_due

S = EffectStatus
ALARMS = ["effect.alarm_warning", "effect.alarm_page"]


def unknown(desk: Desk) -> str:
    """An intent whose bank has gone silent after it was sent."""
    id = intend(desk)
    desk.rails.weather.lose_next_answer()
    send(desk)
    desk.rails.weather.be_unreachable()
    return id


def alarms(desk: Desk, id: str) -> list[tuple[str, datetime]]:
    """What was raised for an intent, and when."""

    async def read() -> tuple[Any, ...]:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return await reader.events(entity_id=id)

    return [(event.name, event.at) for event in desk.run(read()) if event.name in ALARMS]


def work_until(desk: Desk, id: str, end: datetime) -> None:
    """Every turn that the intent is due for, up to an instant."""
    while status(desk, id) in TO_SEND and effect(desk, id).due_at <= end:
        until_due(desk, id)
        send(desk)
    desk.clock.set(end)


def test_each_alarm_is_raised_once_at_its_time() -> None:
    desk = Desk()
    id, sent_at = unknown(desk), desk.clock.now()

    work_until(desk, id, sent_at + timedelta(hours=12))

    raised = alarms(desk, id)
    assert raised == [
        ("effect.alarm_warning", sent_at + timedelta(minutes=15)),
        ("effect.alarm_page", sent_at + timedelta(hours=4)),
    ]
    assert effect(desk, id).alarm is Alarm.PAGE


def test_what_is_answered_in_time_raises_none() -> None:
    desk = Desk()
    id, sent_at = unknown(desk), desk.clock.now()
    work_until(desk, id, sent_at + timedelta(minutes=14))
    desk.rails.weather.be_reachable()

    work_until(desk, id, sent_at + timedelta(minutes=20))

    assert status(desk, id) is S.ACCEPTED
    assert (alarms(desk, id), effect(desk, id).alarm) == ([], Alarm.NONE)


def test_what_has_not_left_is_not_unknown_however_long_it_waits() -> None:
    desk = Desk()
    desk.rails.weather.be_unreachable()
    id = intend(desk)
    began = desk.clock.now()

    work_until(desk, id, began + timedelta(hours=12))

    assert status(desk, id) is S.PLANNED
    assert alarms(desk, id) == []


def test_sending_again_does_not_make_an_unknown_outcome_young() -> None:
    desk = Desk()
    can = replace(CAPABILITIES, finds_by_reference=False, key_lifetime_seconds=10**9)
    desk.rails = SimulatedRails(desk.clock, capabilities=can)
    desk.deps = replace(desk.deps, rails=desk.rails)
    id = intend(desk)
    desk.rails.weather.lose_next_request()
    send(desk)
    sent_at = desk.clock.now()

    while effect(desk, id).attempt < 7:
        desk.rails.weather.lose_next_request()
        until_due(desk, id)
        send(desk)
    desk.rails.weather.be_unreachable()
    work_until(desk, id, sent_at + timedelta(minutes=16))

    assert effect(desk, id).first_sent_at == sent_at
    assert alarms(desk, id) == [("effect.alarm_warning", sent_at + timedelta(minutes=15))]


def test_a_worker_that_died_while_sending_keeps_no_alarm_back() -> None:
    from invoicepay.use_cases.claims import claim
    from invoicepay.use_cases.observations import as_worker
    from invoicepay.use_cases.outbound import MARK, MarkSent

    desk = Desk()
    id, sent_at = intend(desk), desk.clock.now()
    (dead,) = desk.run(claim(desk.deps, TO_SEND, 1))
    desk.run(as_worker(desk.deps, MARK, MarkSent(effect=dead)))
    desk.rails.weather.be_unreachable()

    work_until(desk, id, sent_at + timedelta(minutes=16))

    assert [name for name, _ in alarms(desk, id)] == ["effect.alarm_warning"]


@pytest.mark.parametrize("is_absent", [True, False])
def test_alarms_are_raised_while_the_provider_is_stopped(is_absent: bool) -> None:
    desk = Desk()
    id = intend(desk)
    sent_at = desk.clock.now()
    if is_absent:
        desk.rails.weather.lose_next_request()
    else:
        desk.rails.weather.lose_next_answer()
    send(desk)
    desk.run(stop_provider(desk.deps, StopProvider(provider="simulated-bank", reason="odd")))
    if not is_absent:
        desk.rails.weather.be_unreachable()

    work_until(desk, id, sent_at + timedelta(hours=5))

    assert [at - sent_at for _, at in alarms(desk, id)] == [timedelta(minutes=15), timedelta(hours=4)]
