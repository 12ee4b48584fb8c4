"""Two persons have an intent sent once more that nobody is known to have carried out (S-03)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import CAPABILITIES
from invoicepay.domain.effects import EffectStatus
from invoicepay.errors import InvalidTransition, NotAllowed, SecondActorRequired
from invoicepay.ports.rails import RailStatus
from invoicepay.use_cases.inbox import receive_webhook
from invoicepay.use_cases.pending import run_pending
from invoicepay.use_cases.resend import ResendEffect, resend_effect
from tests.support.desk import Desk
from tests.support.intents import effect, intend, send, status, until_due

S = EffectStatus


def a_desk(**abilities: object) -> Desk:
    """A desk whose bank claims these abilities."""
    desk = Desk()
    desk.rails = SimulatedRails(desk.clock, capabilities=replace(CAPABILITIES, **abilities))  # type: ignore[arg-type]
    desk.deps = replace(desk.deps, rails=desk.rails)
    return desk


def forgotten(desk: Desk) -> str:
    """An intent that was lost, at a bank that has forgotten its key by now."""
    id = intend(desk)
    desk.rails.weather.lose_next_request()
    send(desk)
    desk.clock.advance(days=2)
    until_due(desk, id)
    send(desk)
    assert status(desk, id) is S.NEEDS_REVIEW
    return id


def resend(desk: Desk, id: str, approved_by: str = "cfo") -> None:
    command = ResendEffect(effect_id=id, reason="the bank has nothing", approved_by=approved_by)
    desk.run(resend_effect(desk.deps, command))


@pytest.mark.parametrize("finds_by_reference", [True, False])
def test_it_leaves_once_more_under_its_own_key(finds_by_reference: bool) -> None:
    desk = a_desk(key_lifetime_seconds=86_400, finds_by_reference=finds_by_reference)
    id = forgotten(desk)

    resend(desk, id)
    desk.clock.advance(minutes=10)
    until_due(desk, id)
    send(desk)

    assert status(desk, id) is S.ACCEPTED
    assert effect(desk, id).attempt == 1
    assert [transfer.reference for transfer in desk.rails.transfers()] == [id]


def test_what_the_provider_has_after_all_is_booked_and_not_sent() -> None:
    desk = a_desk(key_lifetime_seconds=86_400, deduplicates=False, finds_by_reference=False)
    id = intend(desk)
    desk.rails.weather.lose_next_answer()
    send(desk)
    until_due(desk, id)
    send(desk)
    in_review = status(desk, id)
    desk.rails._capabilities = replace(desk.rails.capabilities(), finds_by_reference=True)

    resend(desk, id)
    send(desk)

    assert (in_review, status(desk, id)) == (S.NEEDS_REVIEW, S.ACCEPTED)
    assert len(desk.rails.transfers()) == 1


def test_a_provider_that_forgets_and_cannot_be_asked_is_never_sent_to_twice() -> None:
    desk = a_desk(deduplicates=False, finds_by_reference=False)
    id = intend(desk)
    desk.rails.weather.lose_next_request()
    send(desk)
    until_due(desk, id)
    send(desk)

    resend(desk, id)
    send(desk)

    assert status(desk, id) is S.NEEDS_REVIEW
    assert desk.rails.transfers() == ()


def test_what_the_provider_has_told_of_is_settled_and_not_sent() -> None:
    desk = Desk()
    id = intend(desk)
    send(desk)
    desk.rails.tell(id, RailStatus.FAILED)
    desk.rails.tell(id, RailStatus.SETTLED)
    for delivery in desk.rails.drain():
        desk.run(receive_webhook(desk.deps, "rails", delivery.body, delivery.headers))
    desk.run(run_pending(desk.deps))

    with pytest.raises(InvalidTransition):
        resend(desk, id)

    assert status(desk, id) is S.NEEDS_REVIEW


def test_only_what_a_person_looks_at_is_sent_again() -> None:
    desk = Desk()
    id = intend(desk)

    with pytest.raises(InvalidTransition):
        resend(desk, id)


def test_it_takes_an_operator_and_somebody_else() -> None:
    desk = a_desk(key_lifetime_seconds=86_400)
    id = forgotten(desk)

    for approver in ("", "ops"):
        with pytest.raises(SecondActorRequired):
            resend(desk, id, approver)
    command = ResendEffect(effect_id=id, reason="please", approved_by="cfo")
    with pytest.raises(NotAllowed):
        desk.run(resend_effect(desk.acting_as("ann"), command))


def test_a_key_is_as_old_as_its_first_use_and_not_as_the_intent() -> None:
    desk = a_desk(finds_by_reference=False, key_lifetime_seconds=3_600)
    desk.rails.weather.be_unreachable()
    id = intend(desk)
    send(desk)
    desk.clock.advance(days=3)
    desk.rails.weather.be_reachable()
    desk.rails.weather.lose_next_request()

    send(desk)
    first_sent_at = effect(desk, id).first_sent_at
    desk.clock.advance(minutes=30)
    send(desk)

    assert first_sent_at is not None
    assert status(desk, id) is S.ACCEPTED
