"""Workers share transactions, and nothing else changes: who fails, what a crash leaves, when bytes leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from invoicepay.adapters.simulated import Delivery, SimControl, SimulatedRails
from invoicepay.adapters.simulated.bank import CAPABILITIES
from invoicepay.domain.codec import to_dict
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, InboxMessage, Observation
from invoicepay.domain.events import Event
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.invoices import InvoiceStatus
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.domain.needs import find
from invoicepay.domain.parties import PartyKind
from invoicepay.domain.schedules import CatchUp, Every, Schedule, ScheduleStatus
from invoicepay.ports.rails import RailEvent, RailOrder, RailStatus, RailTransfer
from invoicepay.use_cases import holds, invoices, schedules
from invoicepay.use_cases.inbox import apply_received, receive_webhook
from invoicepay.use_cases.parties import CloseParty, RegisterParty, close_party, register_party
from invoicepay.use_cases.recover import FIRST_TURN, poll_due, send_due
from tests.support.desk import Desk
from tests.support.intents import WatchedRails, effect, intend, send, status, until_due
from tests.support.invoice_desk import Shop
from tests.support.mortal import Crash, Fate, mortal
from tests.support.till import Till, usd

S = EffectStatus


class Counted(Fate):
    """Lives for ever and counts commits; each has two boundaries, as each question to a provider has."""

    def commits(self, questions: int = 0) -> int:
        """Commits so far, beside so many questions."""
        return self.passed // 2 - questions


def counted(desk: Desk, act: Callable[[Any], Any]) -> Counted:
    """How a worker's turn went."""
    fate = Counted()
    desk.run(act(mortal(desk.deps, fate)))
    return fate


def ends(desk: Desk) -> dict[str, Any]:
    """What is told of intents, their facts and messages, whatever the ids of keys."""
    kinds = (Effect, Observation, InboxMessage)
    return {row.id: {**to_dict(row), "idempotency_key": ""} for kind in kinds for row in desk.rows(kind)}


def steps(desk: Desk, kind: str) -> list[tuple[str, int, str]]:
    async def read() -> tuple[Event, ...]:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return await reader.events(limit=10_000)

    return sorted((one.entity_id, one.seq, one.name) for one in desk.run(read()) if one.kind == kind)


class TestWebhooks:
    def told(self) -> Desk:
        """Six intents: one that went back, one of another amount, one under another name; and a stranger."""
        desk = Desk()
        ids = [intend(desk, EffectKind.PAYOUT) for _ in range(6)]
        send(desk)
        sim = SimControl(desk.rails, desk.tokens)
        borrowed = replace(
            desk.rails.transfer(ids[1]),
            status=RailStatus.SETTLED,
            provider_ref=desk.rails.transfer(ids[0]).provider_ref,
        )
        strange = replace(borrowed, reference="", provider_ref="out-strange")
        for id in ids:
            sim.settle(id, amount=Money.of("9.00 USD") if id == ids[4] else None)
        sim.finalize(ids[0])
        sim.return_(ids[0], "R02")
        deliver(desk, *desk.rails.drain())
        deliver(desk, news(desk, "evt-1", borrowed), news(desk, "evt-2", strange))
        sim.finalize(ids[1])
        deliver(desk, *desk.rails.drain())
        return desk

    def test_a_page_ends_like_its_messages_one_by_one(self) -> None:
        alone, together = self.told(), self.told()

        while alone.run(apply_received(alone.deps, 1)).count:
            pass
        fate = counted(together, lambda deps: apply_received(deps, 100))

        assert ends(together) == ends(alone)
        assert steps(together, "effect") == steps(alone, "effect")
        assert steps(together, "inbox_message") == steps(alone, "inbox_message")
        assert fate.commits() == 2  # what was recorded, and who was parked
        assert Counter(status(together, one.id) for one in together.rows(Effect)) == {
            S.SETTLED: 3,
            S.NEEDS_REVIEW: 2,
            S.RETURNED: 1,
        }

    def test_a_message_that_another_one_makes_known_is_applied_with_it(self) -> None:
        desk = Desk()
        id = intend(desk)
        desk.rails.weather.lose_next_answer()
        send(desk)
        desk.rails.drain()
        transfer = desk.rails.transfer(id)
        by_their_name = replace(transfer, reference="", status=RailStatus.SETTLED)
        deliver(desk, news(desk, "evt-1", by_their_name), news(desk, "evt-2", transfer))

        served = desk.run(apply_received(desk.deps, 100))

        assert (served.count, served.refusals) == (2, ())
        assert status(desk, id) is S.SETTLED
        assert {name for _, _, name in steps(desk, "inbox_message")} == {
            "inbox_message.received",
            "inbox_message.applied",
        }


def news(desk: Desk, event_id: str, transfer: RailTransfer) -> Delivery:
    event = RailEvent(event_id=event_id, occurred_at=desk.clock.now(), transfer=transfer)
    return desk.rails.postbox.delivery(event)


def deliver(desk: Desk, *deliveries: Delivery) -> None:
    for delivery in deliveries:
        desk.run(receive_webhook(desk.deps, "rails", delivery.body, delivery.headers))
        desk.clock.advance(seconds=0.001)


class TestSending:
    def test_intents_are_marked_and_recorded_together(self) -> None:
        desk = Desk()
        ids = [intend(desk) for _ in range(60)]

        fate = counted(desk, lambda deps: send_due(deps, 60))

        turns = 4  # of 4, 8, 16 and 32
        assert fate.commits(questions=60) == 1 + 2 * turns
        assert {status(desk, id) for id in ids} == {S.ACCEPTED}
        assert len(desk.rails.transfers()) == 60

    def test_polls_are_recorded_together(self) -> None:
        desk = Desk()
        ids = [intend(desk) for _ in range(20)]
        send(desk)
        sim = SimControl(desk.rails, desk.tokens)
        for id in ids:
            sim.settle(id)
        until_due(desk, ids[0])

        fate = counted(desk, lambda deps: poll_due(deps, 20))

        assert fate.commits(questions=20) == 2
        assert {status(desk, id) for id in ids} == {S.SETTLED}

    def test_one_that_a_provider_refuses_keeps_nobody_back(self) -> None:
        desk = Desk()
        ids = [intend(desk, amount=f"{n}.00 USD") for n in range(1, 7)]

        def at(order: RailOrder) -> None:
            if order.reference == ids[1]:
                raise KeyError("a fault of the adapter")

        rails: Any = WatchedRails(desk.rails, at)
        desk.run(send_due(replace(desk.deps, rails=rails), 10))

        assert Counter(status(desk, id) for id in ids) == {S.ACCEPTED: 5, S.UNKNOWN: 1}

    def test_what_a_provider_forgets_is_marked_alone(self) -> None:
        desk = Desk()
        blind = replace(CAPABILITIES, deduplicates=False, finds_by_reference=False)
        desk.rails = SimulatedRails(desk.clock, capabilities=blind)
        desk.deps = replace(desk.deps, rails=desk.rails)
        ids = [intend(desk) for _ in range(5)]
        marked = list[int]()

        def at(_order: RailOrder) -> None:
            marked.append(
                sum(status(desk, id) is S.SENDING and bool(effect(desk, id).last_sent_at) for id in ids)
            )

        rails: Any = WatchedRails(desk.rails, at)
        desk.run(send_due(replace(desk.deps, rails=rails), 10))

        assert marked == [1] * 5

    def test_a_mark_that_grew_old_is_taken_back_and_used_later(self) -> None:
        desk = Desk()
        ids = [intend(desk) for _ in range(6)]
        sent_at = dict[str, Any]()

        def slow(order: RailOrder) -> None:
            marked = effect(desk, order.reference).last_sent_at
            assert marked is not None
            sent_at[order.reference] = desk.clock.now() - marked
            desk.clock.advance(seconds=6)

        rails: Any = WatchedRails(desk.rails, slow)
        first = desk.run(send_due(replace(desk.deps, rails=rails), 10)).count
        sent_first = len(sent_at)
        for _ in range(3):
            desk.run(send_due(replace(desk.deps, rails=rails), 10))

        assert (first, sent_first) == (6, 4)  # two of the first four, then two by two
        assert max(sent_at.values()) <= timedelta(seconds=10)
        assert {status(desk, id) for id in ids} == {S.ACCEPTED}
        assert len(desk.rails.transfers()) == 6

    @pytest.mark.parametrize("knows_keys", [True, False])
    def test_a_turn_cut_short_anywhere_moves_each_once_and_leaves_none_in_doubt(
        self, knows_keys: bool
    ) -> None:
        dies_at, died = 0, True
        while died:
            desk = Desk()
            desk.rails = SimulatedRails(
                desk.clock, capabilities=replace(CAPABILITIES, deduplicates=knows_keys)
            )
            desk.deps = replace(desk.deps, rails=desk.rails)
            ids = [intend(desk) for _ in range(FIRST_TURN + 2)]
            try:
                desk.run(send_due(mortal(desk.deps, Fate(dies_at)), 10))
                died = False
            except Crash:
                doubtful = [
                    id for id in ids if effect(desk, id).last_sent_at and status(desk, id) is S.SENDING
                ]
                assert len(doubtful) <= FIRST_TURN
            for _ in range(12):
                desk.clock.advance(minutes=20)
                send(desk)

            assert {status(desk, id) for id in ids} == {S.ACCEPTED}, dies_at
            assert len(desk.rails.transfers()) == len(ids), dies_at
            dies_at += 1

        assert dies_at > 15


class TestDueDates:
    def test_holds_and_invoices_expire_together(self) -> None:
        till = Till()
        soon = till.clock.now() + timedelta(hours=1)
        bills = [till.issue("5.00", expires_at=soon) for _ in range(5)]
        for _ in range(5):
            till.run(
                holds.place_hold(
                    till.deps, holds.PlaceHold(owner_id="ben", amount=usd("2.00"), expires_at=soon)
                )
            )
        till.clock.advance(hours=2)

        fate = counted(till, lambda deps: holds.expire_due(deps, 100))
        bill_fate = counted(till, lambda deps: invoices.expire_due(deps, 100))

        assert (fate.commits(), bill_fate.commits()) == (1, 1)
        assert {hold.status for hold in till.rows(Hold)} == {HoldStatus.EXPIRED}
        assert {till.invoice(bill.id).status for bill in bills} == {InvoiceStatus.EXPIRED}
        assert till.violations() == ()


class TestRecurringRuns:
    @pytest.fixture
    def shop(self) -> Shop:
        shop = Shop()
        shop.clock.set("2026-01-31T09:00:00Z")
        return shop

    def plan(self, shop: Shop, customer: str = "ann", catch_up: CatchUp = CatchUp.ALL) -> str:
        command = schedules.CreateSchedule(
            enterprise_id="acme",
            customer_id=customer,
            lines=(Line.of("Pro plan", "29.00 USD"),),
            every=Every.month(day=31),
            start_on=date(2026, 1, 31),
            catch_up=catch_up,
        )
        return shop.run(schedules.create_schedule(shop.deps, command)).id

    def test_several_occurrences_of_several_schedules_share_a_transaction_in_order(self, shop: Shop) -> None:
        plans = [self.plan(shop) for _ in range(3)]
        shop.clock.set("2026-04-01T09:00:00Z")

        fate = Counted()
        issued = shop.run(schedules.run_due(mortal(shop.deps, fate)))

        assert fate.commits() == 1
        assert [(invoice.schedule_id, invoice.occurrence) for invoice in issued] == [
            (plan, n) for plan in plans for n in range(3)
        ]
        assert [invoice.number for invoice in issued] == [f"A-{n:04}" for n in range(1, 10)]

    def test_a_refused_occurrence_pauses_its_schedule_alone_and_is_not_skipped(self, shop: Shop) -> None:
        shop.run(register_party(shop.deps, RegisterParty(party_id="zoe", kind=PartyKind.USER)))
        good, bad, other = self.plan(shop), self.plan(shop, "zoe"), self.plan(shop)
        shop.run(close_party(shop.deps, CloseParty(party_id="zoe")))
        shop.clock.set("2026-04-01T09:00:00Z")

        issued = shop.run(schedules.run_due(shop.deps))

        rows = {plan: shop.run(schedule_of(shop, plan)) for plan in (good, bad, other)}
        assert Counter(invoice.schedule_id for invoice in issued) == {good: 3, other: 3}
        assert (rows[bad].status, rows[bad].next_n) == (ScheduleStatus.PAUSED, 0)
        assert rows[bad].failure.startswith("not_found")
        assert {rows[plan].status for plan in (good, other)} == {ScheduleStatus.ACTIVE}


async def schedule_of(shop: Shop, id: str) -> Schedule:
    async with shop.deps.repository.reader(shop.deps.tenant_id) as reader:
        (row,) = await reader.find(find(Schedule, id=id))
    return row
