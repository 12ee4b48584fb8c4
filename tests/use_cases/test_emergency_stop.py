"""While a provider is stopped nothing is sent there, and all that may have left is still found out about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from invoicepay.adapters.simulated import SimControl, SimulatedTokens
from invoicepay.domain.effects import EffectKind, EffectStatus
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.provider_switches import ProviderStatus, ProviderSwitch
from invoicepay.errors import InvalidTransition, NotAllowed, NotFound, SecondActorRequired
from invoicepay.ports.tokens import TokenMove, TokenTransfer
from invoicepay.use_cases.claims import TO_SEND, claim
from invoicepay.use_cases.inbox import receive_webhook
from invoicepay.use_cases.outbound import send_claimed
from invoicepay.use_cases.pending import run_pending
from invoicepay.use_cases.perform import Deps
from invoicepay.use_cases.stops import (
    ResumeProvider,
    StopProvider,
    resume_everywhere,
    resume_provider,
    stop_everywhere,
    stop_provider,
)
from tests.support.desk import Desk
from tests.support.intents import effect, intend, observations, poll, send, status, until_due

S = EffectStatus
BANK, TOKENS = "simulated-bank", "simulated-tokens"
STOP = StopProvider(provider=BANK, reason="their status page is red")


def stop(desk: Desk, provider: str = BANK, deps: Deps | None = None) -> ProviderSwitch:
    command = replace(STOP, provider=provider)
    return desk.run(stop_provider(deps or desk.deps, command))


def resume(desk: Desk, provider: str = BANK) -> ProviderSwitch:
    command = ResumeProvider(provider=provider, reason="green again", approved_by="cfo")
    return desk.run(resume_provider(desk.deps, command))


def lost(desk: Desk) -> str:
    """An intent that never arrived, which nobody can know, and whose absence is proven by now."""
    id = intend(desk)
    desk.rails.weather.lose_next_request()
    send(desk)
    desk.clock.advance(hours=1)
    until_due(desk, id)
    return id


def test_what_never_left_stays_as_it_is_until_the_provider_is_let_go_on() -> None:
    desk = Desk()
    id = intend(desk)
    before = effect(desk, id)
    stop(desk)

    asked = send(desk)
    untouched = effect(desk, id)
    resume(desk)
    send(desk)

    assert (asked, untouched) == (0, before)
    assert status(desk, id) is S.ACCEPTED
    assert len(desk.rails.transfers()) == 1


def test_the_other_provider_is_sent_to_as_before() -> None:
    desk = Desk()
    payout, mint = intend(desk), intend(desk, EffectKind.MINT)
    stop(desk)

    send(desk)

    assert (status(desk, payout), status(desk, mint)) == (S.PLANNED, S.FINAL)


@pytest.mark.parametrize("kind", EffectKind)
def test_each_kind_of_work_is_stopped_by_the_name_of_its_provider(kind: EffectKind) -> None:
    desk = Desk()
    is_banks = kind in (EffectKind.DEPOSIT, EffectKind.PAYOUT)
    stop(desk, BANK if is_banks else TOKENS)
    id = intend(desk, kind)

    send(desk)

    assert status(desk, id) is S.PLANNED
    assert (desk.rails.transfers(), desk.tokens.transfers()) == ((), ())


def test_an_unknown_outcome_is_still_found_out() -> None:
    desk = Desk()
    id = intend(desk)
    desk.rails.weather.lose_next_answer()
    send(desk)
    stop(desk)

    until_due(desk, id)
    send(desk)

    assert status(desk, id) is S.ACCEPTED


def test_what_is_proven_absent_is_not_sent_again_before_the_provider_goes_on() -> None:
    desk = Desk()
    id = lost(desk)
    stop(desk)
    for _ in range(5):
        send(desk)
        until_due(desk, id)
    stopped = effect(desk, id)
    sent_meanwhile = len(desk.rails.transfers())

    resume(desk)
    send(desk)

    assert (stopped.status, stopped.attempt, sent_meanwhile) == (S.UNKNOWN, 1, 0)
    assert stopped.due_at <= desk.clock.now()
    assert status(desk, id) is S.ACCEPTED
    assert len(desk.rails.transfers()) == 1


def test_polls_and_webhooks_go_on() -> None:
    desk = Desk()
    polled, told = intend(desk), intend(desk)
    send(desk)
    stop(desk)
    SimControl(desk.rails, desk.tokens).settle(told)
    (*_, delivery) = desk.rails.drain()
    SimControl(desk.rails, desk.tokens).settle(polled)

    desk.run(receive_webhook(desk.deps, "rails", delivery.body, delivery.headers))
    desk.run(run_pending(desk.deps))
    by_webhook = status(desk, told)
    desk.clock.advance(minutes=1)
    poll(desk)

    assert (by_webhook, status(desk, polled)) == (S.SETTLED, S.SETTLED)


def test_a_stop_that_comes_after_the_claim_holds_back_what_was_claimed() -> None:
    desk = Desk()
    old, fresh = lost(desk), intend(desk)
    claimed = desk.run(claim(desk.deps, TO_SEND, 10))
    stop(desk)

    desk.run(send_claimed(desk.deps, claimed))

    assert {effect.id for effect in claimed} == {fresh, old}
    assert (status(desk, fresh), status(desk, old)) == (S.PLANNED, S.UNKNOWN)
    assert (effect(desk, fresh).attempt, effect(desk, old).attempt) == (0, 1)
    assert desk.rails.transfers() == ()


def test_a_worker_that_died_before_sending_leaves_what_is_planned_again() -> None:
    desk = Desk()
    id = intend(desk)
    desk.run(claim(desk.deps, TO_SEND, 1))
    stop(desk)

    until_due(desk, id)
    send(desk)

    assert status(desk, id) is S.PLANNED
    assert desk.rails.transfers() == ()


class Together(SimulatedTokens):
    """A token network that takes orders in one call, and counts them."""

    taken = 0

    async def move(self, moves: list[TokenMove]) -> list[TokenTransfer]:
        """Carry each out."""
        self.taken += len(moves)
        return [await self.mint(move.order, idempotency_key=move.idempotency_key) for move in moves]


def test_orders_that_would_go_in_one_call_are_stopped_as_well() -> None:
    desk = Desk()
    tokens = Together(desk.clock)
    desk.deps = replace(desk.deps, tokens=tokens)
    ids = [intend(desk, EffectKind.MINT) for _ in range(3)]
    claimed = desk.run(claim(desk.deps, TO_SEND, 10))
    stop(desk, TOKENS)

    desk.run(send_claimed(desk.deps, claimed))

    assert tokens.taken == 0
    assert {status(desk, id) for id in ids} == {S.PLANNED}


def test_an_idle_worker_leaves_no_trace_while_all_that_waits_is_stopped() -> None:
    desk = Desk()
    intend(desk)
    stop(desk)
    before = audited(desk)

    send(desk)

    assert audited(desk) == before


def test_a_provider_is_stopped_by_one_operator_and_goes_on_by_two() -> None:
    desk = Desk()
    party = desk.acting_as("ann")
    with pytest.raises(NotAllowed):
        stop(desk, deps=party)

    stopped = stop(desk)
    again = desk.run(stop_provider(desk.deps, replace(STOP, reason="still red")))

    assert stopped.status is ProviderStatus.STOPPED
    assert again == replace(stopped, replayed=again.replayed)
    for approver, refusal in (("", SecondActorRequired), ("ops", SecondActorRequired)):
        command = ResumeProvider(provider=BANK, reason="green again", approved_by=approver)
        with pytest.raises(refusal):
            desk.run(resume_provider(desk.deps, command))
    assert resume(desk).status is ProviderStatus.RUNNING
    with pytest.raises(InvalidTransition):
        resume(desk)


def test_a_misspelt_provider_is_told_instead_of_stopping_nothing() -> None:
    desk = Desk()

    with pytest.raises(NotFound) as caught:
        stop(desk, "simulated-bnak")

    assert BANK in str(caught.value.hint)


def test_who_stopped_and_resumed_and_why_is_in_the_trail() -> None:
    desk = Desk()
    stop(desk)
    resume(desk)

    steps = [(record.actor, record.action, '"approved_by":"cfo"' in record.body) for record in trail(desk)]
    reasons = [event.data["reason"] for event in history(desk)]

    assert steps == [("ops", "effects.stop", False), ("ops", "effects.resume", True)]
    assert reasons == ["their status page is red", "green again"]


def test_a_stop_is_one_tenants_unless_it_is_asked_for_everywhere() -> None:
    desk = Desk()
    north = replace(desk.deps, tenant_id="north")
    intend(desk)
    desk.run(stop_provider(north, STOP))

    here = send(desk)
    everywhere = desk.run(stop_everywhere(desk.deps, STOP))
    intend(desk)
    stopped = send(desk)
    command = ResumeProvider(provider=BANK, reason="green again", approved_by="cfo")
    resumed = desk.run(resume_everywhere(desk.deps, command))

    assert (here, stopped) == (1, 0)
    assert everywhere.keys() == resumed.keys() == {"default", "north"}
    assert desk.run(resume_everywhere(desk.deps, command)) == {}
    with pytest.raises(NotAllowed):
        desk.run(stop_everywhere(replace(desk.deps, actor=Actor("ann", Role.PARTY)), STOP))


def test_everything_that_waited_leaves_once_and_the_books_agree() -> None:
    desk = Desk()
    stop(desk)
    ids = [intend(desk) for _ in range(20)]
    desk.run(run_pending(desk.deps, until_quiet=True))
    desk.clock.advance(days=3)
    resume(desk)

    desk.run(run_pending(desk.deps, until_quiet=True))

    assert {status(desk, id) for id in ids} == {S.ACCEPTED}
    assert len(desk.rails.transfers()) == 20
    assert [len(observations(desk, id)) for id in ids] == [1] * 20


def audited(desk: Desk) -> int:
    """How many commands have left a record."""

    async def read() -> int:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return sum(head.position for head in await reader.audit_heads())

    return desk.run(read())


def trail(desk: Desk) -> tuple[Any, ...]:
    """The records about the switch."""

    async def read() -> tuple[Any, ...]:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return await reader.audit_trail(BANK)

    return desk.run(read())


def history(desk: Desk) -> tuple[Any, ...]:
    """The events of the switch."""

    async def read() -> tuple[Any, ...]:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return await reader.events(entity_id=BANK)

    return desk.run(read())
