"""The worker's turn: what is durable before bytes leave, and what each answer does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import CAPABILITIES
from invoicepay.domain.effects import EffectKind, EffectStatus
from invoicepay.domain.money import Money
from invoicepay.domain.resending import MOST_SENDS
from invoicepay.errors import ProviderUnavailable
from invoicepay.ports.rails import RailOrder, RailTransfer
from invoicepay.use_cases.claims import LEASE, TO_SEND, claim
from invoicepay.use_cases.observations import as_worker
from invoicepay.use_cases.outbound import CALL_TIME, MARK, MarkSent, postpone
from tests.support.desk import Desk
from tests.support.intents import (
    WatchedRails,
    effect,
    intend,
    observations,
    send,
    status,
    until_due,
)

S = EffectStatus


@pytest.mark.parametrize("kind", list(EffectKind))
def test_an_intent_of_every_kind_reaches_its_provider_once(kind: EffectKind) -> None:
    desk = Desk()
    desk.fund("ann", "100.00 USD")
    id = intend(desk, kind)

    send(desk)
    send(desk)

    assert status(desk, id) is (S.ACCEPTED if kind.value.startswith("rails") else S.FINAL)
    assert len(desk.rails.transfers()) + len(desk.tokens.transfers()) == 1


def test_the_provider_learns_our_id_as_key_and_reference() -> None:
    desk = Desk()
    id = intend(desk)

    send(desk)

    sent = effect(desk, id)
    assert (sent.provider, sent.provider_key) == ("simulated-bank", id)
    assert desk.rails.transfer(id).provider_ref == sent.provider_ref


def test_that_bytes_leave_is_durable_before_they_leave() -> None:
    desk = Desk()
    seen: list[object] = []
    watched = WatchedRails(desk.rails, lambda order: seen.append(effect(desk, order.reference)))
    desk.deps = replace(desk.deps, rails=watched)
    intend(desk)

    send(desk)

    (at_the_door,) = seen
    assert at_the_door.status is S.SENDING  # type: ignore[attr-defined]
    assert at_the_door.last_sent_at == desk.clock.now()  # type: ignore[attr-defined]


def test_a_refusal_for_good_ends_the_intent() -> None:
    desk = Desk()
    id = intend(desk)
    desk.rails.weather.reject_next("account closed")

    send(desk)

    assert status(desk, id) is S.REJECTED
    assert observations(desk, id)[0].provider_status == "account closed"


def test_what_never_left_is_planned_again_as_if_it_was_never_tried() -> None:
    desk = Desk()
    id = intend(desk)
    desk.rails.weather.be_unreachable()

    send(desk)

    waiting = effect(desk, id)
    assert (waiting.status, waiting.last_sent_at, waiting.lease_until) == (S.PLANNED, None, None)
    assert waiting.due_at > desk.clock.now()


@pytest.mark.parametrize("kind", [EffectKind.DEPOSIT, EffectKind.BURN])
def test_what_never_left_is_no_attempt_and_is_tried_less_and_less_often(kind: EffectKind) -> None:
    desk = Desk()
    desk.fund("ann", "100.00 USD")
    id = intend(desk, kind)
    for weather in (desk.rails.weather, desk.tokens.weather):
        weather.be_unreachable()

    for _ in range(3):
        until_due(desk, id)
        send(desk)

    assert (status(desk, id), effect(desk, id).attempt, effect(desk, id).misses) == (S.PLANNED, 0, 3)


def test_what_never_left_goes_out_later_under_the_same_key() -> None:
    desk = Desk()
    id = intend(desk)
    desk.rails.weather.be_unreachable()
    send(desk)
    desk.rails.weather.be_reachable()

    too_early = send(desk)
    until_due(desk, id)
    send(desk)

    assert too_early == 0
    assert status(desk, id) is S.ACCEPTED
    assert effect(desk, id).provider_key == id


def test_an_outage_is_waited_out_however_long_it_lasts() -> None:
    desk = Desk()
    id = intend(desk)
    desk.rails.weather.be_unreachable()
    for _ in range(MOST_SENDS * 2):
        send(desk)
        until_due(desk, id)
    desk.rails.weather.be_reachable()

    send(desk)

    assert status(desk, id) is S.ACCEPTED


class PatientRails(SimulatedRails):
    """Says when to come back."""

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        raise ProviderUnavailable("slow down", retry_after_seconds=900)


def test_a_provider_that_names_a_time_is_not_asked_before() -> None:
    desk = Desk()
    desk.deps = replace(desk.deps, rails=PatientRails(desk.clock))
    id = intend(desk)

    send(desk)

    assert effect(desk, id).due_at >= desk.clock.now() + timedelta(seconds=900)


def test_a_lost_answer_is_unknown_and_only_asked_about() -> None:
    desk = Desk()
    id = intend(desk)
    desk.rails.weather.lose_next_answer()

    send(desk)
    after_the_loss = status(desk, id)
    until_due(desk, id)
    send(desk)

    assert after_the_loss is S.UNKNOWN
    assert status(desk, id) is S.ACCEPTED
    assert len(desk.rails.transfers()) == 1


class BrokenRails(SimulatedRails):
    """Moves the money, then fails in its own way."""

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        await super().initiate_withdrawal(order, idempotency_key=idempotency_key)
        raise KeyError("status")


def test_whatever_breaks_after_bytes_may_have_left_is_unknown() -> None:
    desk = Desk()
    desk.deps = replace(desk.deps, rails=BrokenRails(desk.clock))
    id = intend(desk)

    send(desk)

    assert status(desk, id) is S.UNKNOWN


class OtherAmount(SimulatedRails):
    """Confirms another amount than was asked."""

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        transfer = await super().initiate_withdrawal(order, idempotency_key=idempotency_key)
        return replace(transfer, amount=Money.of("9.99 USD"))


class OtherReference(SimulatedRails):
    """Answers about somebody else's order."""

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        transfer = await super().initiate_withdrawal(order, idempotency_key=idempotency_key)
        return replace(transfer, reference="eff_other")


class SameReferenceForAll(SimulatedRails):
    """Gives every order the same reference of its own."""

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        transfer = await super().initiate_withdrawal(order, idempotency_key=idempotency_key)
        return replace(transfer, provider_ref="out-1")


@pytest.mark.parametrize("rails", [OtherAmount, OtherReference])
def test_an_answer_that_does_not_fit_the_order_needs_a_person(rails: type[SimulatedRails]) -> None:
    desk = Desk()
    desk.deps = replace(desk.deps, rails=rails(desk.clock))
    id = intend(desk)

    send(desk)

    assert status(desk, id) is S.NEEDS_REVIEW
    assert effect(desk, id).review_reason


def test_one_reference_for_two_orders_needs_a_person() -> None:
    desk = Desk()
    desk.deps = replace(desk.deps, rails=SameReferenceForAll(desk.clock))
    first, second = intend(desk), intend(desk)

    send(desk)

    assert (status(desk, first), status(desk, second)) == (S.ACCEPTED, S.NEEDS_REVIEW)


def test_two_workers_never_claim_the_same_intent() -> None:
    desk = Desk()
    intend(desk)

    first = desk.run(claim(desk.deps, TO_SEND, 10))
    second = desk.run(claim(desk.deps, TO_SEND, 10))

    assert (len(first), len(second)) == (1, 0)


def test_the_longest_waiting_go_first() -> None:
    desk = Desk()
    old = intend(desk)
    desk.clock.advance(seconds=1)
    intend(desk)

    (claimed,) = desk.run(claim(desk.deps, TO_SEND, 1))

    assert claimed.id == old


def test_who_was_put_off_waits_behind_who_came_before_its_new_time() -> None:
    desk = Desk()
    put_off = intend(desk)
    desk.rails.weather.be_unreachable()
    send(desk)
    desk.clock.set(effect(desk, put_off).due_at - timedelta(milliseconds=1))
    other = intend(desk)
    desk.clock.advance(seconds=1)

    (claimed,) = desk.run(claim(desk.deps, TO_SEND, 1))

    assert claimed.id == other


def test_a_worker_that_lost_its_claim_puts_nothing_off() -> None:
    desk = Desk()
    id = intend(desk)
    (lost,) = desk.run(claim(desk.deps, TO_SEND, 1))
    desk.clock.advance(seconds=LEASE.total_seconds())
    desk.run(claim(desk.deps, TO_SEND, 1))
    claimed = effect(desk, id)

    desk.run(postpone(desk.deps, lost, desk.clock.now()))

    assert effect(desk, id) == claimed


def test_a_claim_that_lapsed_is_taken_over_and_may_not_send_any_more() -> None:
    desk = Desk()
    intend(desk)
    (lost,) = desk.run(claim(desk.deps, TO_SEND, 1))
    desk.clock.advance(seconds=LEASE.total_seconds())

    (taken,) = desk.run(claim(desk.deps, TO_SEND, 1))

    assert taken.fence == lost.fence + 1
    assert not desk.run(as_worker(desk.deps, MARK, MarkSent(effect=lost)))
    assert desk.run(as_worker(desk.deps, MARK, MarkSent(effect=taken)))


def test_a_claim_with_too_little_time_left_does_not_send() -> None:
    desk = Desk()
    intend(desk)
    (claimed,) = desk.run(claim(desk.deps, TO_SEND, 1))
    desk.clock.advance(seconds=(LEASE - CALL_TIME).total_seconds() + 1)

    assert not desk.run(as_worker(desk.deps, MARK, MarkSent(effect=claimed)))


def test_an_idle_worker_leaves_no_trace() -> None:
    desk = Desk()
    desk.fund("ann", "1.00 USD")

    async def trail() -> int:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return len(await reader.audit_records(stream="main"))

    before = desk.run(trail())
    send(desk)

    assert desk.run(trail()) == before


def test_one_broken_intent_does_not_keep_its_neighbours_waiting() -> None:
    desk = Desk()
    first, second = intend(desk), intend(desk)
    desk.rails.weather.reject_next("no")

    send(desk)

    assert {status(desk, first), status(desk, second)} == {S.REJECTED, S.ACCEPTED}


def test_money_is_never_moved_by_a_worker_that_died_and_its_successor_together() -> None:
    desk = Desk()
    bank = SimulatedRails(desk.clock, capabilities=CAPABILITIES)
    desk.deps = replace(desk.deps, rails=bank)
    id = intend(desk)
    (dead,) = desk.run(claim(desk.deps, TO_SEND, 1))
    desk.run(as_worker(desk.deps, MARK, MarkSent(effect=dead)))
    desk.run(bank.initiate_withdrawal(order_of(id), idempotency_key=id))
    desk.clock.advance(minutes=3)

    send(desk)

    assert status(desk, id) is S.ACCEPTED
    assert len(bank.transfers()) == 1


def order_of(id: str) -> RailOrder:
    return RailOrder(reference=id, amount=Money.of("10.00 USD"), rail="instant", party_id="ann")


@pytest.mark.parametrize("finds", [True, False])
def test_a_second_attempt_that_is_refused_needs_a_person_because_the_first_may_have_left(finds: bool) -> None:
    desk = Desk()
    desk.rails._capabilities = replace(CAPABILITIES, finds_by_reference=finds)
    id = intend(desk)
    if finds:
        desk.rails.weather.lose_next_request()
    else:
        desk.rails.weather.lose_next_answer()
    send(desk)
    assert status(desk, id) is S.UNKNOWN

    desk.rails.weather.reject_next("duplicate reference")
    while status(desk, id) is S.UNKNOWN:
        until_due(desk, id)
        send(desk)

    assert status(desk, id) is S.NEEDS_REVIEW
    assert "duplicate reference" in effect(desk, id).review_reason
