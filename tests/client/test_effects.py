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


def test_an_operator_stops_a_bank_in_an_emergency_and_two_let_it_go_on() -> None:
    pay = InvoicePay(dispatch="deferred")
    stopped = pay.effects.stop("simulated-bank", reason="payouts arrive twice")

    deposit = pay.deposits.initiate("ann", "5.00 USD")
    waiting = pay.run_pending().sent
    resumed = pay.effects.resume(stopped, reason="fixed", approved_by="cfo")
    pay.run_pending()

    assert (waiting, pay.deposits.get(deposit).status) == (0, "pending")
    assert list(pay.effects.switches(status="stopped")) == []
    assert list(pay.effects.switches()) == [resumed]
    assert [step.actor for step in pay.audit.trail("simulated-bank")] == ["host", "host"]


def test_an_operator_stops_a_bank_for_every_tenant() -> None:
    pay = InvoicePay(dispatch="deferred")
    for tenant in ("north", "south"):
        pay.tenant(tenant).deposits.initiate("ann", "5.00 USD")

    pay.effects.stop_everywhere("simulated-bank", reason="payouts arrive twice")
    waiting = sum(summary.sent for summary in pay.run_pending_everywhere().values())
    resumed = pay.effects.resume_everywhere("simulated-bank", reason="fixed", approved_by="cfo")
    sent = sum(summary.sent for summary in pay.run_pending_everywhere().values())

    assert (waiting, sent) == (0, 2)
    assert resumed.keys() == {"north", "south"}


def test_a_host_is_told_of_an_outcome_that_stays_unknown() -> None:
    clock = FrozenClock()
    rails = SimulatedRails(clock)
    pay = InvoicePay(clock=clock, rails=rails, token=SimulatedTokens(clock), dispatch="deferred")
    told = list[tuple[str, str]]()
    pay.on("effect.alarm_*")(lambda event: told.append((event.name, event.entity_id)))
    rails.weather.lose_next_answer()
    deposit = pay.deposits.initiate("ann", "5.00 USD")
    pay.run_pending()
    rails.weather.be_unreachable()

    for _ in range(5 * 60):
        clock.advance(minutes=1)
        pay.run_pending()

    (effect,) = pay.effects.list(cause=deposit)
    assert told == [("effect.alarm_warning", effect.id), ("effect.alarm_page", effect.id)]
    assert effect.alarm == "page"
