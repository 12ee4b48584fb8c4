"""Unknown outcomes are asked about, never guessed; open intents are polled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from invoicepay.adapters.simulated import SimControl, SimulatedRails
from invoicepay.adapters.simulated.bank import CAPABILITIES
from invoicepay.domain.effects import EffectKind, EffectStatus, Source
from invoicepay.domain.reducer import ABSENT
from invoicepay.domain.resending import MOST_SENDS, VANISHED
from invoicepay.domain.time import iso
from invoicepay.ports.rails import RailOrder, RailTransfer
from invoicepay.use_cases import providers
from invoicepay.use_cases.claims import TO_SEND, claim
from invoicepay.use_cases.observations import as_worker, record
from invoicepay.use_cases.outbound import MARK, MarkSent
from tests.support.desk import Desk
from tests.support.intents import effect, intend, observations, poll, send, status, until_due

S = EffectStatus
GRACE = CAPABILITIES.absent_grace_seconds


def a_desk(**abilities: object) -> Desk:
    """A desk whose bank claims these abilities."""
    desk = Desk()
    desk.rails = SimulatedRails(desk.clock, capabilities=replace(CAPABILITIES, **abilities))  # type: ignore[arg-type]
    desk.deps = replace(desk.deps, rails=desk.rails)
    return desk


def after_a_lost_request(desk: Desk) -> str:
    """An intent that never arrived, which nobody can know."""
    id = intend(desk)
    desk.rails.weather.lose_next_request()
    send(desk)
    assert status(desk, id) is S.UNKNOWN
    return id


def ask_again(desk: Desk, id: str) -> None:
    """The next turn that the intent is due for."""
    until_due(desk, id)
    send(desk)


def test_absence_proves_nothing_before_the_provider_had_its_time() -> None:
    desk = a_desk()
    id = after_a_lost_request(desk)

    ask_again(desk, id)

    assert status(desk, id) is S.UNKNOWN
    assert not desk.rails.transfers()


def test_after_a_proven_absence_it_is_sent_again_under_the_same_key() -> None:
    desk = a_desk()
    id = after_a_lost_request(desk)
    desk.clock.advance(seconds=GRACE)

    ask_again(desk, id)

    assert status(desk, id) is S.ACCEPTED
    assert [transfer.reference for transfer in desk.rails.transfers()] == [id]
    assert [seen.status for seen in observations(desk, id)] == [S.UNKNOWN, ABSENT, S.ACCEPTED]


def test_without_keys_absence_is_proven_twice_one_grace_apart() -> None:
    desk = a_desk(deduplicates=False)
    id = after_a_lost_request(desk)
    desk.clock.advance(seconds=GRACE)

    ask_again(desk, id)
    after_one = len(desk.rails.transfers())
    ask_again(desk, id)

    assert after_one == 0
    assert status(desk, id) is S.ACCEPTED
    assert len(desk.rails.transfers()) == 1


def test_an_absence_that_comes_too_soon_after_another_is_not_counted() -> None:
    desk = a_desk(deduplicates=False, absent_grace_seconds=600)
    id = after_a_lost_request(desk)
    desk.clock.advance(seconds=600)
    (died,) = desk.run(claim(desk.deps, TO_SEND, 1))
    desk.run(record(desk.deps, died, providers.absent(died, desk.clock.now()), Source.LOOKUP))

    ask_again(desk, id)

    assert status(desk, id) is S.UNKNOWN
    assert not desk.rails.transfers()


def test_absences_before_the_last_sending_prove_nothing_about_it() -> None:
    desk = a_desk(deduplicates=False)
    id = after_a_lost_request(desk)
    desk.rails.weather.lose_next_request()
    for _ in range(3):
        ask_again(desk, id)
    sent_twice_at = effect(desk, id).last_sent_at

    desk.clock.advance(seconds=GRACE)
    ask_again(desk, id)

    assert effect(desk, id).last_sent_at == sent_twice_at
    assert not desk.rails.transfers()


def test_without_look_ups_a_provider_that_knows_keys_is_sent_the_same_again() -> None:
    desk = a_desk(finds_by_reference=False)
    id = intend(desk)
    desk.rails.weather.lose_next_answer()
    send(desk)

    ask_again(desk, id)

    assert status(desk, id) is S.ACCEPTED
    assert len(desk.rails.transfers()) == 1


def test_once_the_key_is_forgotten_nothing_is_sent_again() -> None:
    desk = a_desk(finds_by_reference=False, key_lifetime_seconds=60)
    id = after_a_lost_request(desk)
    desk.clock.advance(seconds=55)

    ask_again(desk, id)

    assert status(desk, id) is S.NEEDS_REVIEW
    assert not desk.rails.transfers()


def test_without_keys_and_look_ups_a_person_decides() -> None:
    desk = a_desk(deduplicates=False, finds_by_reference=False)
    id = after_a_lost_request(desk)

    ask_again(desk, id)

    assert status(desk, id) is S.NEEDS_REVIEW
    assert not desk.rails.transfers()


def test_look_ups_never_stop_while_nobody_answers() -> None:
    desk = a_desk()
    id = intend(desk)
    desk.rails.weather.lose_next_answer()
    send(desk)
    desk.rails.weather.be_unreachable()
    for _ in range(MOST_SENDS * 2):
        ask_again(desk, id)
    still = status(desk, id)
    desk.rails.weather.be_reachable()

    ask_again(desk, id)

    assert still is S.UNKNOWN
    assert status(desk, id) is S.ACCEPTED


def test_a_resend_that_did_not_leave_stays_unknown() -> None:
    desk = a_desk(finds_by_reference=False)
    id = after_a_lost_request(desk)
    sent_at = effect(desk, id).last_sent_at
    desk.rails.weather.be_unreachable()

    ask_again(desk, id)

    assert status(desk, id) is S.UNKNOWN
    assert effect(desk, id).last_sent_at == sent_at


def test_a_worker_that_died_while_sending_leaves_an_unknown_intent() -> None:
    desk = a_desk()
    id = intend(desk)
    (dead,) = desk.run(claim(desk.deps, TO_SEND, 1))
    desk.run(as_worker(desk.deps, MARK, MarkSent(effect=dead)))
    desk.rails.weather.be_unreachable()

    ask_again(desk, id)

    assert status(desk, id) is S.UNKNOWN


class NeverAnswers(SimulatedRails):
    """Takes nothing and answers nothing."""

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        self.weather.lose_next_request()
        return await super().initiate_withdrawal(order, idempotency_key=idempotency_key)


def never_answered(**abilities: object) -> tuple[Desk, str]:
    """An intent that was lost on its first way to a bank that takes nothing."""
    desk = Desk()
    abilities = {"absent_grace_seconds": 0, **abilities}
    rails = NeverAnswers(desk.clock, capabilities=replace(CAPABILITIES, **abilities))  # type: ignore[arg-type]
    desk.deps = replace(desk.deps, rails=rails)
    id = intend(desk)
    send(desk)
    return desk, id


def test_after_many_sends_without_an_answer_a_person_looks() -> None:
    desk, id = never_answered(key_lifetime_seconds=10**9)

    while status(desk, id) is S.UNKNOWN:
        ask_again(desk, id)

    assert status(desk, id) is S.NEEDS_REVIEW
    assert effect(desk, id).attempt == MOST_SENDS


def test_what_moves_once_for_ever_is_sent_until_the_provider_has_it() -> None:
    desk, id = never_answered(key_lifetime_seconds=0)

    for _ in range(MOST_SENDS * 3):
        ask_again(desk, id)

    assert status(desk, id) is S.UNKNOWN
    assert effect(desk, id).attempt > MOST_SENDS


@pytest.mark.parametrize("minutes", [2, 12, 60])
@pytest.mark.parametrize("key_lifetime_seconds", [0, 86_400])
def test_an_outage_after_a_lost_request_costs_no_attempt(minutes: int, key_lifetime_seconds: int) -> None:
    desk = a_desk(key_lifetime_seconds=key_lifetime_seconds)
    id = after_a_lost_request(desk)
    desk.rails.weather.be_unreachable()
    for _ in range(minutes * 12):
        desk.clock.advance(seconds=5)
        send(desk)
    tried = effect(desk, id).attempt
    desk.rails.weather.be_reachable()

    while status(desk, id) is S.UNKNOWN:
        ask_again(desk, id)

    assert (tried, status(desk, id), effect(desk, id).attempt) == (1, S.ACCEPTED, 2)
    assert len(desk.rails.transfers()) == 1


def test_a_resend_that_did_not_leave_gives_its_attempt_back_and_is_tried_less_and_less_often() -> None:
    desk = a_desk(finds_by_reference=False)
    id = after_a_lost_request(desk)
    desk.rails.weather.be_unreachable()

    for _ in range(MOST_SENDS * 2):
        ask_again(desk, id)

    missed = effect(desk, id)
    assert (missed.status, missed.attempt, missed.misses) == (S.UNKNOWN, 1, MOST_SENDS * 2)
    desk.rails.weather.be_reachable()
    ask_again(desk, id)
    assert (status(desk, id), effect(desk, id).attempt, effect(desk, id).misses) == (S.ACCEPTED, 2, 0)


@pytest.mark.parametrize("kind", list(EffectKind))
def test_an_unknown_outcome_of_every_kind_is_found_by_our_reference(kind: EffectKind) -> None:
    desk = Desk()
    desk.fund("ann", "100.00 USD")
    id = intend(desk, kind)
    desk.rails.weather.lose_next_answer()
    desk.tokens.weather.lose_next_answer()
    send(desk)

    ask_again(desk, id)

    assert status(desk, id) in (S.ACCEPTED, S.FINAL)
    assert observations(desk, id)[-1].source is Source.LOOKUP


def test_with_every_webhook_lost_polling_finds_out() -> None:
    desk = Desk()
    id = intend(desk)
    sim = SimControl(desk.rails, desk.tokens)
    send(desk)
    desk.rails.drain()
    statuses = []

    for move in (sim.settle, sim.finalize):
        move(id)
        until_due(desk, id)
        poll(desk)
        statuses.append(status(desk, id))

    assert statuses == [S.SETTLED, S.FINAL]


def test_a_settled_payout_is_watched_until_a_return_is_no_longer_possible() -> None:
    desk = Desk()
    id = intend(desk)
    sim = SimControl(desk.rails, desk.tokens)
    send(desk)
    sim.settle(id)
    until_due(desk, id)
    poll(desk)
    desk.clock.advance(days=50)

    sim.return_(id, "R03")
    poll(desk)

    assert (status(desk, id), effect(desk, id).return_code) == (S.RETURNED, "R03")
    assert poll(desk) == 0


def test_polling_goes_on_while_the_provider_is_away() -> None:
    desk = Desk()
    id = intend(desk)
    send(desk)
    desk.rails.weather.be_unreachable()

    until_due(desk, id)
    poll(desk)

    assert effect(desk, id).due_at > desk.clock.now()
    assert effect(desk, id).lease_until is None


class Forgetful(SimulatedRails):
    """Can be told to know nothing of what it took."""

    forgets = False

    async def find(self, reference: str) -> RailTransfer | None:
        return None if self.forgets else await super().find(reference)


def forgotten(settled: bool = False) -> tuple[Desk, Forgetful, str]:
    """An intent that its bank accepted, and does not know any more."""
    desk = Desk()
    rails = Forgetful(desk.clock)
    desk.deps = replace(desk.deps, rails=rails)
    id = intend(desk)
    send(desk)
    if settled:
        SimControl(rails, desk.tokens).settle(id)
        until_due(desk, id)
        poll(desk)
    rails.forgets = True
    return desk, rails, id


def poll_for(desk: Desk, id: str, time: timedelta) -> None:
    """Polls of that long, each when it is due."""
    end = desk.clock.now() + time
    while status(desk, id) is S.ACCEPTED and effect(desk, id).due_at <= end:
        until_due(desk, id)
        poll(desk)


def test_what_a_provider_accepted_and_lost_is_noted_at_once_and_a_persons_matter_in_time() -> None:
    desk, _, id = forgotten()

    poll_for(desk, id, VANISHED)
    noted = observations(desk, id)[1:]
    before = status(desk, id)
    poll_for(desk, id, timedelta(hours=1))

    assert before is S.ACCEPTED
    assert {(seen.status, seen.source) for seen in noted} == {(ABSENT, Source.POLL)}
    assert len(noted) < 40
    assert status(desk, id) is S.NEEDS_REVIEW
    since = iso(noted[0].created_at)
    assert effect(desk, id).review_reason == f"the provider says absent since {since}, though it was accepted"


def test_a_provider_that_knows_it_again_in_time_is_believed() -> None:
    desk, rails, id = forgotten()
    poll_for(desk, id, VANISHED / 2)
    missed = effect(desk, id).absent_since
    rails.forgets = False

    poll_for(desk, id, timedelta(hours=1))
    found = effect(desk, id).absent_since
    rails.forgets = True
    poll_for(desk, id, VANISHED)

    assert missed is not None and found is None
    assert status(desk, id) is S.ACCEPTED


def test_what_moved_already_may_be_forgotten() -> None:
    desk, _, id = forgotten(settled=True)

    desk.clock.advance(days=2)
    poll(desk)
    desk.clock.advance(days=2)
    poll(desk)

    assert (status(desk, id), effect(desk, id).absent_since) == (S.SETTLED, None)


def test_polling_a_provider_without_look_ups_waits_for_its_webhooks() -> None:
    desk = a_desk(finds_by_reference=False)
    id = intend(desk)
    send(desk)
    SimControl(desk.rails, desk.tokens).settle(id)

    until_due(desk, id)
    poll(desk)

    assert status(desk, id) is S.ACCEPTED
    assert effect(desk, id).due_at > desk.clock.now()


def test_a_transfer_that_was_cancelled_at_the_provider_has_failed() -> None:
    desk = Desk()
    id = intend(desk)
    send(desk)
    desk.run(desk.rails.cancel(effect(desk, id).provider_ref, idempotency_key="c1"))

    until_due(desk, id)
    poll(desk)

    assert status(desk, id) is S.FAILED
