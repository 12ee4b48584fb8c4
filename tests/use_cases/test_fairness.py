"""However much waits in one tenant, another's single intent leaves soon (S-31)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.money import Money
from invoicepay.ports.rails import RailOrder, RailTransfer
from invoicepay.testing.clock import FrozenClock
from invoicepay.use_cases.pending import run_pending_everywhere
from invoicepay.use_cases.perform import perform
from invoicepay.use_cases.recover import send_due
from tests.support.desk import Desk
from tests.support.intents import ANN, PLAN, PlanErrand, intend, until_due

S = EffectStatus
BUSY, QUIET = "busy", "quiet"
MOST_WAIT = timedelta(seconds=5)


class Slow(SimulatedRails):
    """A bank that takes its time for every call, by the clock of the test."""

    def __init__(self, clock: FrozenClock, seconds: float) -> None:
        super().__init__(clock)
        self.frozen, self.seconds = clock, seconds
        self.came_at: dict[str, datetime] = {}

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        """Take it, after a while."""
        self.frozen.advance(seconds=self.seconds)
        self.came_at[order.reference] = self.frozen.now()
        return await super().initiate_withdrawal(order, idempotency_key=idempotency_key)

    async def find(self, reference: str) -> RailTransfer | None:
        """Look it up, after a while."""
        self.frozen.advance(seconds=self.seconds)
        return await super().find(reference)


def a_desk(seconds: float, backlog: int) -> tuple[Desk, Slow]:
    """A busy tenant whose payouts wait for a slow bank, beside a quiet one."""
    desk = Desk()
    rails = Slow(desk.clock, seconds)
    desk.deps = replace(desk.deps, rails=rails, tenant_id=BUSY)
    rails.add_cash(Money.of("9000000.00 USD"))
    for _ in range(backlog):
        desk.decide(PLAN, PlanErrand(kind=EffectKind.PAYOUT, amount=Money.of("1.00 USD"), request=ANN))
    return desk, rails


@pytest.mark.parametrize("seconds", [0.01, 0.1, 0.25])
def test_a_single_intent_leaves_within_seconds_beside_a_long_queue(seconds: float) -> None:
    desk, rails = a_desk(seconds, 600)
    quiet = replace(desk.deps, tenant_id=QUIET)
    waits = list[timedelta]()

    for _ in range(8):
        command = PlanErrand(kind=EffectKind.PAYOUT, amount=Money.of("1.00 USD"), request=ANN)
        planned_at = desk.clock.now()
        single = desk.run(perform(quiet, PLAN, command))
        desk.run(run_pending_everywhere(desk.deps))
        waits.append(rails.came_at[single.id] - planned_at)

    assert max(waits) < MOST_WAIT
    assert len(rails.came_at) > 8, "the long queue moves, too"


def test_a_queue_that_is_alone_is_worked_off_in_one_go() -> None:
    desk, rails = a_desk(0.1, 30)

    done = desk.run(send_due(desk.deps, 100))

    assert done.count == len(rails.came_at) == 30


def test_nothing_is_claimed_that_there_is_no_time_for() -> None:
    desk, _ = a_desk(0.5, 30)

    done = desk.run(send_due(desk.deps, 100, timedelta(seconds=1)))

    claimed = [effect for effect in desk.rows(Effect) if effect.status is not S.PLANNED]
    assert len(claimed) == done.count < 30


def test_a_pass_that_is_to_stop_ends_before_the_next_tenant() -> None:
    desk = Desk()
    for tenant in ("a", "b", "c"):
        desk.deps = replace(desk.deps, tenant_id=tenant)
        intend(desk)
    answers = iter([False, True])

    done = desk.run(run_pending_everywhere(desk.deps, is_stopping=lambda: next(answers)))

    assert {tenant: summary.sent for tenant, summary in done.items()} == {"a": 1}


def test_what_is_claimed_and_not_brought_on_by_a_dead_worker_is_due_again_when_its_lease_ends() -> None:
    desk, _ = a_desk(0.1, 1)
    (one,) = desk.rows(Effect)

    from invoicepay.use_cases.claims import LEASE, TO_SEND, claim

    desk.run(claim(desk.deps, TO_SEND, 1))
    claimed_at = desk.clock.now()
    until_due(desk, one.id)

    assert desk.clock.now() - claimed_at == LEASE
    assert desk.run(send_due(desk.deps, 1)).count == 1
