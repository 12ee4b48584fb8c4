"""Everything that waits, in one pass or until nothing moves, through lost answers and lost webhooks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

import pytest

from invoicepay.adapters.simulated import SimControl
from invoicepay.domain.change import Change
from invoicepay.domain.deposits import Attestation, Deposit, DepositStatus, Reserve, ReserveStatus
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.events import Event
from invoicepay.domain.money import Money
from invoicepay.domain.needs import need
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.ports.rails import RailEvent
from invoicepay.use_cases.deposits import InitiateDeposit, initiate_deposit
from invoicepay.use_cases.inbox import receive_webhook
from invoicepay.use_cases.pending import PendingSummary, run_pending, run_pending_everywhere
from invoicepay.use_cases.withdrawals import InitiateWithdrawal, initiate_withdrawal
from tests.support.desk import Desk
from tests.support.free import free
from tests.support.intents import intend, status

HUNDRED = Money.of("100.00 USD")


def run(desk: Desk, *, until_quiet: bool = True, limit: int = 100) -> PendingSummary:
    return desk.run(run_pending(desk.deps, limit, until_quiet=until_quiet))


def sim(desk: Desk) -> SimControl:
    return SimControl(desk.rails, desk.tokens)


def deliver(desk: Desk) -> None:
    """Carry every queued webhook over."""
    for slot, delivery in sim(desk).webhooks():
        desk.run(receive_webhook(desk.deps, slot, delivery.body, delivery.headers))


def intent_of(desk: Desk, cause_id: str, kind: EffectKind) -> str:
    (found,) = (row for row in desk.rows(Effect) if (row.cause_id, row.kind) == (cause_id, kind))
    id: str = found.id
    return id


def a_deposit(desk: Desk, rail: str = "wire") -> str:
    command = InitiateDeposit(party_id="ann", amount=HUNDRED, rail=rail)
    return desk.run(initiate_deposit(desk.deps, command)).id


def a_withdrawal(desk: Desk) -> str:
    command = InitiateWithdrawal(party_id="ann", amount=HUNDRED, rail="wire", account_token="acc-1")
    return desk.run(initiate_withdrawal(desk.deps, command)).id


def settled(desk: Desk, deposit_id: str) -> None:
    """The banks settle the deposit, and the webhooks arrive."""
    run(desk)
    sim(desk).settle(intent_of(desk, deposit_id, EffectKind.DEPOSIT))
    deliver(desk)


def _attest(command: Attestation, change: Change) -> Attestation:
    return change.add(replace(command, id=change.new_id("att"), as_of=change.now), "reserve.attested")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveOf:
    reserve_id: str


def _unconfirm(command: ReserveOf, change: Change) -> Reserve:
    reserve = change.get(Reserve, command.reserve_id)
    return change.put(replace(reserve, status=ReserveStatus.RETURNED), "reserve.returned")


UNCONFIRM = free(
    "test.unconfirm", Reserve, lambda command, seen: need((Reserve, command.reserve_id)), _unconfirm
)
ATTEST = free("test.attest", Attestation, lambda command, seen: need(), _attest)


def tie_out(desk: Desk, *, leaves: str) -> None:
    """Record that the bank and the books were compared, and what was left."""
    left = Money.of(leaves)
    attestation = Attestation(
        id="",
        asset="USD",
        bank_balance=HUNDRED,
        ledger_balance=HUNDRED + left,
        supply=HUNDRED,
        tokens_outstanding=HUNDRED,
        is_tied_out=not left,
        as_of=desk.clock.now(),
    )
    desk.decide(ATTEST, attestation)


def test_a_settled_deposit_becomes_tokens_until_nothing_moves() -> None:
    desk = Desk()
    desk.user("ann")
    id = a_deposit(desk)

    settled(desk, id)
    run(desk)

    assert desk.row(Deposit, id).status is DepositStatus.COMPLETED
    assert desk.available("ann") == HUNDRED
    assert desk.run(desk.tokens.supply("USD")) == HUNDRED


def test_one_pass_takes_each_thing_one_step_on() -> None:
    desk = Desk()
    desk.user("ann")
    id = a_deposit(desk)
    settled(desk, id)

    first = run(desk, until_quiet=False)
    after_one = desk.row(Deposit, id).status
    run(desk, until_quiet=False)

    assert (first.received, first.passes) == (2, 1)
    assert after_one is not DepositStatus.COMPLETED


def test_when_nothing_waits_nothing_is_done_or_written() -> None:
    desk = Desk()
    desk.user("ann")
    settled(desk, a_deposit(desk))
    run(desk)

    async def trail() -> int:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return len(await reader.audit_records(stream="main", limit=10_000))

    before = desk.run(trail())
    summary = run(desk)

    assert (summary.moved, desk.run(trail())) == (0, before)


def test_a_deposit_waits_for_its_rail_to_be_final_and_then_goes_on_by_itself() -> None:
    desk = Desk()
    desk.user("ann")
    id = a_deposit(desk, "bank_credit")
    settled(desk, id)
    run(desk)
    waiting = desk.row(Deposit, id).status

    desk.clock.advance(days=4)
    summary = run(desk)

    assert waiting is DepositStatus.RECEIVED
    assert desk.row(Deposit, id).status is DepositStatus.COMPLETED
    assert summary.due == 1


def test_a_withdrawal_burns_then_pays_out_and_the_bank_confirms() -> None:
    desk = Desk()
    desk.fund("ann", "500.00 USD")
    id = a_withdrawal(desk)
    run(desk)
    burned = desk.run(desk.tokens.supply("USD"))

    sim(desk).settle(intent_of(desk, id, EffectKind.PAYOUT))
    deliver(desk)
    run(desk)

    assert burned == Money.of("400.00 USD")
    assert desk.row(Withdrawal, id).status is WithdrawalStatus.PAID


def test_with_every_webhook_lost_everything_still_converges() -> None:
    desk = Desk()
    desk.fund("ann", "500.00 USD")
    deposit, withdrawal = a_deposit(desk), a_withdrawal(desk)
    run(desk)
    sim(desk).settle(intent_of(desk, deposit, EffectKind.DEPOSIT))
    sim(desk).settle(intent_of(desk, withdrawal, EffectKind.PAYOUT))
    sim(desk).webhooks()

    desk.clock.advance(hours=1)
    run(desk)

    assert desk.row(Deposit, deposit).status is DepositStatus.COMPLETED
    assert desk.row(Withdrawal, withdrawal).status is WithdrawalStatus.PAID


def test_lost_answers_at_every_step_move_nothing_twice() -> None:
    desk = Desk()
    desk.fund("ann", "500.00 USD")
    for weather in (desk.rails.weather, desk.tokens.weather):
        for _ in range(3):
            weather.lose_next_answer()
    id = a_withdrawal(desk)

    for _ in range(6):
        run(desk)
        desk.clock.advance(minutes=5)
    sim(desk).settle(intent_of(desk, id, EffectKind.PAYOUT))
    desk.clock.advance(hours=1)
    run(desk)

    assert desk.row(Withdrawal, id).status is WithdrawalStatus.PAID
    assert len(desk.rails.transfers()) == len(desk.tokens.transfers()) == 1
    assert desk.run(desk.tokens.supply("USD")) == desk.available("ann") == Money.of("400.00 USD")


def test_while_a_burn_is_unknown_its_hold_stays_and_no_payout_leaves() -> None:
    desk = Desk()
    desk.fund("ann", "500.00 USD")
    desk.tokens.weather.lose_next_request()
    id = a_withdrawal(desk)

    run(desk)
    desk.tokens.weather.be_unreachable()
    desk.clock.advance(days=3)
    run(desk)

    assert (
        status(desk, intent_of(desk, desk.row(Withdrawal, id).burn_id, EffectKind.BURN))
        is EffectStatus.UNKNOWN
    )
    assert desk.available("ann") == Money.of("400.00 USD")
    assert desk.rails.transfers() == ()


def test_a_planned_mint_waits_while_a_tie_out_leaves_differences_and_goes_out_afterwards() -> None:
    desk = Desk()
    desk.user("ann")
    id = a_deposit(desk)
    desk.tokens.weather.be_unreachable()
    settled(desk, id)
    run(desk)
    desk.tokens.weather.be_reachable()
    tie_out(desk, leaves="25.00 USD")

    desk.clock.advance(hours=2)
    run(desk)
    meanwhile = desk.run(desk.tokens.supply("USD"))
    tie_out(desk, leaves="0.00 USD")
    desk.clock.advance(hours=2)
    run(desk)

    assert meanwhile == Money.zero("USD")
    assert desk.available("ann") == HUNDRED


def test_a_planned_mint_never_leaves_once_its_reserve_is_no_longer_confirmed() -> None:
    desk = Desk()
    desk.user("ann")
    id = a_deposit(desk)
    desk.tokens.weather.be_unreachable()
    settled(desk, id)
    run(desk)
    desk.tokens.weather.be_reachable()
    desk.decide(UNCONFIRM, ReserveOf(reserve_id=desk.row(Deposit, id).reserve_id))

    desk.clock.advance(hours=2)
    run(desk)

    assert desk.tokens.transfers() == ()


def test_what_cannot_go_on_now_does_not_keep_a_run_going() -> None:
    desk = Desk()
    id = intend(desk)
    run(desk)
    transfer = desk.rails.transfer(id)
    event = RailEvent(
        event_id="evt-1", occurred_at=desk.clock.now(), transfer=transfer, body_authenticated=False
    )
    hint = desk.rails.postbox.delivery(event)
    desk.run(receive_webhook(desk.deps, "rails", hint.body, hint.headers))
    desk.rails.weather.be_unreachable()

    summary = run(desk)

    assert ([refusal.code for refusal in summary.refusals], summary.passes) == (["provider_unavailable"], 1)


def test_a_run_tells_the_handlers_and_says_which_did_not_take_it() -> None:
    desk = Desk()
    desk.user("ann")
    id = a_deposit(desk)
    names = list[str]()

    async def keep(event: Event) -> None:
        if event.entity_id == id:
            names.append(event.name)

    async def refuse(event: Event) -> None:
        if event.kind == "party":
            raise RuntimeError("no parties")

    summary = desk.run(run_pending(desk.deps, handlers=[keep, refuse], until_quiet=True))

    assert names[:2] == ["deposit.initiated", "deposit.pending"]
    assert {left.entity_id for left in summary.undelivered} == {"ann"}


def test_the_limit_bounds_what_one_pass_takes() -> None:
    desk = Desk()
    for _ in range(5):
        intend(desk)

    summary = run(desk, until_quiet=False, limit=2)

    assert summary.sent == 2


def test_each_tenant_is_worked_on_by_itself() -> None:
    desk = Desk()
    here = intend(desk)
    own, desk.deps = desk.deps, replace(desk.deps, tenant_id="other")
    there = intend(desk)
    desk.deps = own

    summaries = desk.run(run_pending_everywhere(desk.deps))
    mine = status(desk, here)
    desk.deps = replace(desk.deps, tenant_id="other")

    assert {tenant: summary.sent for tenant, summary in summaries.items()} == {"default": 1, "other": 1}
    assert mine is status(desk, there) is EffectStatus.ACCEPTED


def test_many_workers_at_once_send_each_intent_once() -> None:
    desk = Desk()
    ids = [intend(desk) for _ in range(20)]
    workers = [threading.Thread(target=run, args=(desk,), kwargs={"limit": 3}) for _ in range(4)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    run(desk)

    assert sorted(transfer.reference for transfer in desk.rails.transfers()) == sorted(ids)
    assert {row.attempt for row in desk.rows(Effect)} == {1}


class Poisoned:
    """Rails whose look-up of one intent is broken."""

    def __init__(self, inner: Any, id: str) -> None:
        self._inner, self._id = inner, id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def find(self, reference: str) -> Any:
        if reference == self._id:
            raise RuntimeError(reference)
        return await self._inner.find(reference)


def test_a_fault_in_one_stage_is_raised_when_the_later_ones_had_their_turn() -> None:
    desk = Desk()
    other = intend(desk)
    run(desk)
    desk.rails.weather.lose_next_answer()
    broken = intend(desk)
    run(desk, until_quiet=False)
    sim(desk).settle(other)
    sim(desk).webhooks()
    desk.clock.advance(hours=1)
    told = list[str]()

    async def keep(event: Event) -> None:
        told.append(event.name)

    rails: Any = Poisoned(desk.rails, broken)
    with pytest.raises(RuntimeError, match=broken):
        desk.run(run_pending_everywhere(replace(desk.deps, rails=rails), handlers=[keep]))

    assert status(desk, broken) is EffectStatus.UNKNOWN
    assert status(desk, other) is EffectStatus.SETTLED
    assert "effect.settled" in told
