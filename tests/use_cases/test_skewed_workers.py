"""Workers whose clocks differ, or that wake up after their lease, move nothing twice (reliability 1.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from invoicepay.adapters.http.messages import Limits
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import CAPABILITIES
from invoicepay.domain.effects import Effect, EffectStatus
from invoicepay.ports.rails import RailOrder
from invoicepay.ports.runtime import Clock
from invoicepay.use_cases.claims import LEASE
from invoicepay.use_cases.outbound import CALL_TIME
from invoicepay.use_cases.recover import poll_due, send_due
from tests.support.desk import Desk
from tests.support.intents import WatchedRails, effect, intend, send, until_due

S = EffectStatus
SKEW = timedelta(seconds=6)


@dataclass(frozen=True)
class Skewed:
    """The clock of a machine that is wrong by so much."""

    clock: Clock
    by: timedelta

    def now(self) -> datetime:
        """The instant, as that machine has it."""
        return self.clock.now() + self.by


def test_a_lease_outlasts_three_calls_and_no_call_begins_that_could_outlast_it() -> None:
    total = timedelta(seconds=Limits().total_seconds)

    assert total * 3 <= LEASE
    assert total < CALL_TIME < LEASE


@pytest.mark.parametrize("deduplicates", [True, False])
def test_workers_six_seconds_apart_each_way_move_each_intent_once(deduplicates: bool) -> None:
    desk = Desk()
    desk.rails = SimulatedRails(desk.clock, capabilities=replace(CAPABILITIES, deduplicates=deduplicates))
    desk.deps = replace(desk.deps, rails=desk.rails)
    early, late = (replace(desk.deps, clock=Skewed(desk.clock, by)) for by in (-SKEW, SKEW))
    ids = [intend(desk) for _ in range(12)]

    for turn in range(240):
        if turn % 5 == 0:
            desk.rails.weather.lose_next_answer()
        elif turn % 7 == 0:
            desk.rails.weather.lose_next_request()
        desk.run(send_due((early, late)[turn % 2], 3))
        desk.run(poll_due((late, early)[turn % 2], 3))
        desk.clock.advance(seconds=7)

    moved = [transfer.reference for transfer in desk.rails.transfers()]
    assert sorted(moved) == sorted(ids)
    assert {found.status for found in desk.rows(Effect)} == {S.ACCEPTED}


@pytest.mark.parametrize("skew", [-SKEW, timedelta(0), SKEW])
def test_a_worker_that_is_paused_past_its_lease_while_sending_changes_nothing_when_it_wakes(
    skew: timedelta,
) -> None:
    desk = Desk()
    bank = SimulatedRails(desk.clock)
    other = replace(desk.deps, rails=bank, clock=Skewed(desk.clock, skew))
    fences = list[int]()

    def overtaken(order: RailOrder) -> None:
        """Another worker takes the intent over and finishes it, while the first has bytes on their way."""
        if fences:
            return
        fences.append(0)
        for _ in range(6):
            desk.clock.advance(minutes=3)
            desk.run(send_due(other, 10))
        fences[0] = effect(desk, order.reference).fence

    desk.deps = replace(desk.deps, rails=WatchedRails(bank, overtaken))
    id = intend(desk)

    send(desk)

    woken = effect(desk, id)
    assert woken.fence == fences[0] > 1
    assert woken.status is S.ACCEPTED
    assert [transfer.reference for transfer in bank.transfers()] == [id]


def test_what_the_sleeper_learned_is_kept_although_its_claim_is_lost() -> None:
    desk = Desk()
    asleep = dict[str, int]()

    def taken_over(order: RailOrder) -> None:
        if asleep:
            return
        asleep["once"] = 1
        desk.rails.weather.be_unreachable()
        until_due(desk, order.reference)
        desk.run(send_due(replace(desk.deps, rails=desk.rails), 10))
        desk.rails.weather.be_reachable()

    desk.deps = replace(desk.deps, rails=WatchedRails(desk.rails, taken_over))
    id = intend(desk)

    send(desk)

    assert effect(desk, id).status is S.ACCEPTED
    assert effect(desk, id).provider_ref
