"""A fact counts once, whoever reports it; a person settles what the machine cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invoicepay.adapters.simulated import SimControl
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.domain.effects import Effect, EffectStatus, Observation, Source
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.withdrawals import WithdrawalStatus
from invoicepay.errors import InvalidTransition, NotAllowed, NotFound, SecondActorRequired
from invoicepay.ports.rails import RailStatus
from invoicepay.use_cases import providers
from invoicepay.use_cases.observations import ResolveReview, record, resolve_review
from tests.support.desk import Desk
from tests.support.intents import effect, intend, observations, poll, send, status, until_due
from tests.support.money_desk import MoneyDesk

S = EffectStatus


def test_a_fact_that_comes_by_call_poll_and_webhook_is_kept_once() -> None:
    desk = Desk()
    id = intend(desk)
    send(desk)
    sent = effect(desk, id)
    sighting = providers.sighting_of(sent, desk.rails.transfer(id))

    for source in (Source.POLL, Source.WEBHOOK, Source.STATEMENT):
        desk.run(record(desk.deps, sent, sighting, source))

    assert [(seen.status, seen.source) for seen in observations(desk, id)] == [(S.ACCEPTED, Source.CALL)]


def test_a_fact_learned_by_a_worker_that_lost_its_claim_is_kept_and_ends_no_claim() -> None:
    desk = Desk()
    id = intend(desk)
    send(desk)
    SimControl(desk.rails, desk.tokens).settle(id)
    sighting = providers.sighting_of(effect(desk, id), desk.rails.transfer(id))
    due_at = effect(desk, id).due_at

    desk.run(record(desk.deps, effect(desk, id), sighting, Source.CALL, fence=0))

    assert status(desk, id) is S.SETTLED
    assert effect(desk, id).due_at == due_at


def in_review(desk: Desk) -> str:
    """An intent whose provider contradicts itself."""
    id = intend(desk)
    send(desk)
    desk.rails.move(id, BankCommand.SETTLE)
    until_due(desk, id)
    poll(desk)
    desk.rails.tell(id, RailStatus.FAILED)
    until_due(desk, id)
    poll(desk)
    return id


def a_finding(id: str, status: EffectStatus = S.FINAL, approved_by: str = "boss") -> ResolveReview:
    return ResolveReview(effect_id=id, status=status, reason="seen on the statement", approved_by=approved_by)


def test_failed_after_settled_needs_a_person_and_says_why() -> None:
    desk = Desk()

    id = in_review(desk)

    assert (status(desk, id), effect(desk, id).review_reason) == (S.NEEDS_REVIEW, "failed after settled")


def test_two_persons_settle_a_review_and_the_finding_is_kept_as_an_observation() -> None:
    desk = Desk()
    id = in_review(desk)

    resolved = desk.run(resolve_review(desk.deps, a_finding(id)))

    assert resolved.status is S.FINAL
    finding = observations(desk, id)[-1]
    assert (finding.source, finding.provider_status) == (Source.OPERATOR, "seen on the statement")


def test_the_same_finding_under_the_same_key_is_one_finding() -> None:
    desk = Desk()
    id = in_review(desk)

    first = desk.run(resolve_review(desk.deps, a_finding(id), "k1"))
    again = desk.run(resolve_review(desk.deps, a_finding(id), "k1"))

    assert again == first
    assert again.replayed


def test_a_finding_may_state_what_really_moved() -> None:
    desk = Desk()
    id = in_review(desk)
    part = Money.of("4.00 USD")

    desk.run(resolve_review(desk.deps, replace(a_finding(id), amount=part)))

    assert observations(desk, id)[-1].amount == part


def test_a_fact_that_came_during_a_review_counts_once_the_review_is_over() -> None:
    desk = MoneyDesk()
    desk.bring("ann", "100.00")
    payout = desk.withdraw("ann", "100.00", until=S.ACCEPTED)
    desk.tell(payout.id, S.SETTLED, amount="90.00")
    desk.tell(payout.id, S.SETTLED)
    assert desk.withdrawal(payout.id).status is WithdrawalStatus.PAYOUT_SUBMITTED

    desk.run(resolve_review(desk.deps, a_finding(desk.effect(payout.id).id, S.ACCEPTED)))
    desk.tell(payout.id, S.SETTLED, source=Source.POLL)

    assert desk.withdrawal(payout.id).status is WithdrawalStatus.PAID
    assert desk.rules().count("P-33") == 1
    assert desk.broken() == []


def test_a_contradiction_that_a_person_settled_is_not_raised_again() -> None:
    desk = Desk()
    id = in_review(desk)
    desk.run(resolve_review(desk.deps, a_finding(id, S.SETTLED)))

    until_due(desk, id)
    poll(desk)

    assert status(desk, id) is S.SETTLED


@pytest.mark.parametrize("approved_by", ["", "ops"])
def test_one_person_alone_settles_no_review(approved_by: str) -> None:
    desk = Desk()
    id = in_review(desk)

    with pytest.raises(SecondActorRequired):
        desk.run(resolve_review(desk.deps, a_finding(id, approved_by=approved_by)))

    assert status(desk, id) is S.NEEDS_REVIEW


def test_a_party_settles_no_review() -> None:
    desk = Desk()
    id = in_review(desk)
    party = replace(desk.deps, actor=Actor("ann", Role.PARTY))

    with pytest.raises(NotAllowed):
        desk.run(resolve_review(party, a_finding(id)))


def test_only_a_review_is_settled_this_way_and_only_with_a_finding() -> None:
    desk = Desk()
    id = in_review(desk)
    accepted = intend(desk)
    send(desk)

    with pytest.raises(InvalidTransition):
        desk.run(resolve_review(desk.deps, a_finding(accepted)))
    with pytest.raises(InvalidTransition):
        desk.run(resolve_review(desk.deps, a_finding(id, S.PLANNED)))
    with pytest.raises(NotFound):
        desk.run(resolve_review(desk.deps, a_finding("eff_none")))


def test_events_tell_each_step_of_an_intent() -> None:
    desk = Desk()
    id = intend(desk)
    send(desk)

    async def names() -> list[str]:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return [event.name for event in await reader.events(entity_id=id)]

    assert desk.run(names()) == ["effect.planned", "effect.sending", "effect.accepted"]


def test_observations_are_never_changed() -> None:
    desk = Desk()
    in_review(desk)

    assert {seen.version for seen in desk.rows(Observation)} == {1}
    assert len(desk.rows(Effect)) == 1
