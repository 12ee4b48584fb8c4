"""A host sees what providers were asked, and two persons settle what is in doubt."""

from __future__ import annotations

import pytest

from invoicepay import InvoicePay, Withdrawal
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.domain.effects import Effect, EffectStatus
from invoicepay.errors import InvalidInput, InvalidTransition, NotFound, SecondActorRequired
from invoicepay.ports.rails import RailStatus
from invoicepay.testing.clock import FrozenClock

CLOCK = FrozenClock()


@pytest.fixture
def rails() -> SimulatedRails:
    return SimulatedRails(CLOCK)


@pytest.fixture
def pay(rails: SimulatedRails) -> InvoicePay:
    """ann has 100.00 USD."""
    pay = InvoicePay(clock=CLOCK, rails=rails, token=SimulatedTokens(CLOCK))
    pay.sim.settle(pay.deposits.initiate("ann", "100.00 USD"))
    return pay


def in_doubt(pay: InvoicePay, rails: SimulatedRails) -> tuple[Withdrawal, Effect]:
    """A payout that failed, and of which the bank now says that it was paid."""
    payout = pay.withdrawals.initiate("ann", "60.00 USD", account_token="ba_1")
    pay.run_pending()
    pay.sim.fail_payout(payout)
    (effect,) = pay.effects.list(cause=payout)
    rails.tell(effect.id, RailStatus.SETTLED)
    pay.sim.deliver()
    return pay.withdrawals.get(payout), pay.effects.get(effect)


def test_an_effect_and_what_was_seen_of_it_are_found_by_their_cause(pay: InvoicePay) -> None:
    payout = pay.withdrawals.initiate("ann", "60.00 USD", account_token="ba_1")
    pay.run_pending()

    (effect,) = pay.effects.list(cause=payout)

    assert (effect.kind, effect.status) == ("rails.payout", EffectStatus.ACCEPTED)
    assert [seen.status for seen in pay.effects.observations(effect)] == ["accepted"]


def test_two_persons_settle_what_is_in_doubt_and_the_books_follow(
    pay: InvoicePay, rails: SimulatedRails
) -> None:
    payout, effect = in_doubt(pay, rails)
    assert list(pay.effects.list(status="needs_review")) == [effect]

    resolved = pay.effects.resolve(effect, "settled", reason="on the statement", approved_by="cfo")

    assert (payout.status, pay.withdrawals.get(payout).status) == ("returned", "paid")
    assert resolved.status is EffectStatus.SETTLED
    assert list(pay.effects.list(status="needs_review")) == []
    assert pay.invariants.check() == ()


def test_one_person_settles_nothing(pay: InvoicePay, rails: SimulatedRails) -> None:
    _, effect = in_doubt(pay, rails)

    with pytest.raises(SecondActorRequired):
        pay.effects.resolve(effect, "settled", reason="on the statement", approved_by="host")


def test_only_a_finding_settles_a_review(pay: InvoicePay, rails: SimulatedRails) -> None:
    payout, effect = in_doubt(pay, rails)

    with pytest.raises(InvalidInput):
        pay.effects.resolve(effect, "perhaps", reason="guess", approved_by="cfo")
    with pytest.raises(InvalidTransition):
        pay.effects.resolve(effect, "planned", reason="guess", approved_by="cfo")
    assert pay.withdrawals.get(payout).status == "returned"


def test_what_nobody_planned_is_not_found(pay: InvoicePay) -> None:
    with pytest.raises(NotFound):
        pay.effects.get("eff_nothing")
