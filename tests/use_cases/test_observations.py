"""A fact counts once, whoever reports it; a person settles what the machine cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invoicepay.adapters.simulated import SimControl
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.domain.effects import (
    Effect,
    EffectKind,
    EffectStatus,
    InboxMessage,
    InboxStatus,
    Observation,
    Source,
)
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.withdrawals import WithdrawalStatus
from invoicepay.errors import InvalidInput, InvalidTransition, NotAllowed, NotFound, SecondActorRequired
from invoicepay.ports.rails import RailEvent, RailStatus
from invoicepay.use_cases import providers
from invoicepay.use_cases.deposits import RecordDeposit, record_deposit
from invoicepay.use_cases.inbox import apply_received, receive_webhook
from invoicepay.use_cases.neighbours import carried_out
from invoicepay.use_cases.observations import ResolveReview, record, recording, resolve_review
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


def in_review(desk: Desk, kind: EffectKind = EffectKind.PAYOUT) -> str:
    """An intent whose provider contradicts itself."""
    id = intend(desk, kind)
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
    assert (finding.source, finding.provider_status) == (Source.OPERATOR, "found out by a person")


def test_the_same_finding_under_the_same_key_is_one_finding() -> None:
    desk = Desk()
    id = in_review(desk)

    first = desk.run(resolve_review(desk.deps, a_finding(id), "k1"))
    again = desk.run(resolve_review(desk.deps, a_finding(id), "k1"))

    assert again == first
    assert again.replayed


def test_a_finding_may_state_what_a_deposit_really_brought() -> None:
    desk = Desk()
    id = in_review(desk, EffectKind.DEPOSIT)
    part = Money.of("4.00 USD")

    desk.run(resolve_review(desk.deps, replace(a_finding(id), amount=part)))

    assert observations(desk, id)[-1].amount == part


def in_doubt(desk: Desk, kind: EffectKind) -> str:
    """An intent whose provider told of another amount than was asked."""
    id = intend(desk, kind)
    sighting = replace(providers.absent(effect(desk, id), desk.clock.now()), status=S.FINAL, word="final")
    told = replace(sighting, amount=Money.of("4.00 USD"))
    desk.run(record(desk.deps, effect(desk, id), told, Source.WEBHOOK))
    assert status(desk, id) is S.NEEDS_REVIEW
    return id


WHOLE = sorted(set(EffectKind) - {EffectKind.DEPOSIT})


@pytest.mark.parametrize("amount", ["4.00 USD", "11.00 USD"])
@pytest.mark.parametrize("found", [S.FINAL, S.ACCEPTED, S.FAILED])
@pytest.mark.parametrize("kind", WHOLE)
def test_no_finding_states_another_amount_of_what_is_booked_whole(
    kind: EffectKind, found: EffectStatus, amount: str
) -> None:
    desk = Desk()
    id = in_doubt(desk, kind)

    with pytest.raises(InvalidInput, match=r"10\.00 USD was asked") as refusal:
        desk.run(resolve_review(desk.deps, replace(a_finding(id, found), amount=Money.of(amount))))

    assert "move the rest, or undo the part" in str(refusal.value.hint)
    assert status(desk, id) is S.NEEDS_REVIEW


@pytest.mark.parametrize("kind", WHOLE)
def test_a_finding_may_state_the_amount_that_was_asked(kind: EffectKind) -> None:
    desk = Desk()
    id = in_doubt(desk, kind)

    desk.run(resolve_review(desk.deps, replace(a_finding(id), amount=Money.of("10.00 USD"))))

    assert status(desk, id) is S.FINAL


@pytest.mark.parametrize("found", [S.SETTLED, S.RETURNED, S.RETURN_REVERSED])
@pytest.mark.parametrize("kind", [EffectKind.MINT, EffectKind.BURN, EffectKind.TRANSFER])
def test_tokens_neither_settle_nor_return(kind: EffectKind, found: EffectStatus) -> None:
    desk = Desk()
    id = in_doubt(desk, kind)

    with pytest.raises(InvalidTransition) as refusal:
        desk.run(resolve_review(desk.deps, a_finding(id, found)))

    assert refusal.value.details["allowed"] == ["accepted", "final", "rejected", "failed"]
    assert status(desk, id) is S.NEEDS_REVIEW


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


def borrowed(desk: Desk) -> tuple[str, str]:
    """Two intents, the first final at once under a name that the provider then gives the second, too."""
    first, second = intend(desk), intend(desk)
    desk.rails.weather.lose_next_answer()
    desk.rails.weather.lose_next_answer()
    send(desk)
    told = replace(sighting_of(desk, first), status=S.FINAL, word="final")
    desk.run(record(desk.deps, effect(desk, first), told, Source.WEBHOOK))
    return first, second


def sighting_of(desk: Desk, id: str) -> providers.Sighting:
    return providers.sighting_of(effect(desk, id), desk.rails.transfer(id))


@pytest.mark.parametrize("source", [Source.CALL, Source.POLL, Source.WEBHOOK])
def test_a_reference_that_only_the_store_knows_leads_to_review(source: Source) -> None:
    desk = Desk()
    first, second = borrowed(desk)
    told = replace(sighting_of(desk, second), provider_ref=effect(desk, first).provider_ref)

    recorded = desk.run(record(desk.deps, effect(desk, second), told, source, fence=1))

    assert (recorded.status, recorded.provider_ref, recorded.lease_until) == (S.NEEDS_REVIEW, "", None)
    assert recorded.review_reason == f"reference {effect(desk, first).provider_ref} belongs to another intent"
    assert (status(desk, first), len(observations(desk, first))) == (S.FINAL, 2)


def test_it_leads_to_review_again_after_a_person_let_it_go_on() -> None:
    desk = Desk()
    first, second = borrowed(desk)
    told = replace(sighting_of(desk, second), provider_ref=effect(desk, first).provider_ref)
    ends = list[EffectStatus]()

    for _ in range(2):
        desk.run(record(desk.deps, effect(desk, second), told, Source.POLL))
        desk.run(record(desk.deps, effect(desk, second), told, Source.POLL))
        ends.append(status(desk, second))
        desk.run(resolve_review(desk.deps, a_finding(second, S.ACCEPTED)))

    assert ends == [S.NEEDS_REVIEW, S.NEEDS_REVIEW]


def test_what_comes_behind_it_in_a_batch_meets_the_review() -> None:
    desk = Desk()
    first, second = borrowed(desk)
    own = sighting_of(desk, second)
    told = replace(own, provider_ref=effect(desk, first).provider_ref)
    settled = replace(own, status=S.SETTLED, word="settled", provider_ref="")
    calls = [recording(desk.deps, effect(desk, second), seen, Source.WEBHOOK) for seen in (told, settled)]

    answers = desk.run(carried_out(desk.deps, calls))

    assert [answer.status for answer in answers] == [S.NEEDS_REVIEW, S.NEEDS_REVIEW]


def test_the_message_that_brought_it_ends_applied() -> None:
    desk = Desk()
    first, second = borrowed(desk)
    transfer = replace(desk.rails.transfer(second), provider_ref=effect(desk, first).provider_ref)
    event = RailEvent(event_id="evt-1", occurred_at=desk.clock.now(), transfer=transfer)
    delivery = desk.rails.postbox.delivery(event)
    desk.run(receive_webhook(desk.deps, "rails", delivery.body, delivery.headers))

    desk.run(apply_received(desk.deps, 100))

    (message,) = desk.rows(InboxMessage)
    assert (message.status, status(desk, second)) == (InboxStatus.APPLIED, S.NEEDS_REVIEW)


def test_a_reference_of_money_that_is_in_the_books_leads_to_review() -> None:
    desk = MoneyDesk()
    desk.bring("bob", "1.00")
    rails, amount = providers.default_name(desk.deps, "rails"), Money.of("10.00 USD")
    wire = RecordDeposit(party_id="ann", amount=amount, provider=rails, provider_ref="r-1", rail="wire")
    desk.run(record_deposit(desk.deps, wire))
    intent = desk.effect(desk.initiate("bob", "10.00").id)
    told = replace(providers.unanswered(intent), status=S.SETTLED, word="settled", provider_ref="r-1")

    desk.run(record(desk.worker, intent, told, Source.WEBHOOK))

    assert desk.effect(intent.cause_id).status is S.NEEDS_REVIEW
    assert desk.broken() == []
