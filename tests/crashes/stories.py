"""What processes die in: every public call that writes, and what the outside and the clock bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from invoicepay import Every, Money
from invoicepay.adapters.simulated.bank import BankCommand as Bank
from invoicepay.domain.deposits import DepositStatus
from invoicepay.domain.effects import EffectKind, EffectStatus
from invoicepay.errors import PayoutAccountShort
from invoicepay.ports.rails import RailEvent, RailStatus, RailTransfer
from invoicepay.ports.tokens import TokenStatus
from invoicepay.use_cases.deposits import ExpireDeposit, expire_deposit
from tests.crashes.teller import Teller
from tests.input.calls import CALLS
from tests.input.scene import CHAIN

NO_CALLS = ("sim", "webhooks", "tenant", "acting_as", "run_pending", "health")
"""The outside, what the stories below are about, and what asks nothing of the books."""
DEPOSIT, PAYOUT = EffectKind.DEPOSIT, EffectKind.PAYOUT
S = RailStatus


@dataclass(frozen=True, slots=True)
class Story:
    """Something that a host, the outside and our workers do; told again, it changes nothing more.

    Attributes:
        waits: begins while much waits for the worker, instead of at rest.
    """

    name: str
    act: Callable[[Teller], None]
    waits: bool = False


def _call(name: str, teller: Teller) -> None:
    teller.call(name)
    teller.go_on()


def calls() -> list[Story]:
    """One story for each public call; those that only look have no unit to die in."""
    named = [name for name in CALLS if name.partition(".")[0] not in NO_CALLS]
    return [Story(name, partial(_call, name)) for name in named]


def what_waits(teller: Teller) -> None:
    """The worker finds much to do."""
    teller.go_on()


def what_waits_everywhere(teller: Teller) -> None:
    """The worker of all tenants finds it."""
    for _ in range(3):
        teller.call("run_pending_everywhere")
    teller.go_on()


def a_month_later(teller: Teller) -> None:
    """Schedules issue, requests are paid, holds and offers expire."""
    teller.outside("a month", partial(_pass, teller, timedelta(days=31)))
    teller.call("schedules.run_due")
    teller.go_on()


def _pass(teller: Teller, time: timedelta) -> None:
    clock = teller.world.stage.scene.clock
    clock.set(clock.now() + time)


def a_deposit_that_is_not_trusted_at_once(teller: Teller) -> None:
    deposit = teller.call("deposits.initiate", rail="bank_credit").id
    teller.go_on()
    if teller.pay.deposits.get(deposit).status is DepositStatus.RECEIVED:
        teller.outside("banking days", partial(_pass, teller, timedelta(days=5)))
    teller.go_on()


def a_deposit_fails(teller: Teller) -> None:
    _deposit(teller)
    teller.bank(DEPOSIT, S.PENDING, Bank.FAIL)
    _news(teller)


def a_deposit_is_returned(teller: Teller) -> None:
    deposit = _deposit(teller)
    teller.go_on()
    if teller.pay.deposits.get(deposit).status is DepositStatus.COMPLETED:
        teller.bank(DEPOSIT, S.SETTLED, Bank.RETURN, return_code="R10")
    _news(teller)


def a_return_is_undone(teller: Teller) -> None:
    a_deposit_is_returned(teller)
    teller.bank(DEPOSIT, S.RETURNED, Bank.REVERSE_RETURN, return_code="R68")
    _news(teller)


def a_deposit_is_returned_before_it_settled(teller: Teller) -> None:
    _deposit(teller)
    teller.bank(DEPOSIT, S.PENDING, Bank.SEND)
    teller.bank(DEPOSIT, S.SENT, Bank.RETURN, return_code="R01")
    _news(teller)


def a_deposit_is_settled_by_instalments(teller: Teller) -> None:
    _deposit(teller)
    for part, amount in (("one", "4.00 USD"), ("two", "6.00 USD")):
        teller.outside(part, partial(_part, teller, part, amount))
    _news(teller)


def instalments_come_while_a_person_looks(teller: Teller) -> None:
    deposit = _deposit(teller)
    if not teller.outside("one", partial(_part, teller, "one", "4.00 USD")):
        return
    _news(teller)
    teller.outside("doubt", partial(_doubt, teller))
    _news(teller)
    teller.outside("two", partial(_part, teller, "two", "6.00 USD"))
    _news(teller)
    (effect,) = teller.pay.effects.list(cause=deposit)
    teller.call("effects.resolve", effect=effect.id, amount=None, provider_ref="")
    teller.work()


def _new_transfers(teller: Teller) -> list[RailTransfer]:
    transfers = teller.world.stage.scene.rails.transfers()
    return [transfer for transfer in transfers if transfer.reference not in teller.world.old]


def _part(teller: Teller, part: str, amount: str) -> bool:
    """A part of the new deposit settles, if the bank knows it."""
    rails, new = teller.world.stage.scene.rails, _new_transfers(teller)
    for transfer in new:
        rails.tell_part(transfer.reference, S.SETTLED, part, Money.parse(amount))
    return bool(new)


def _doubt(teller: Teller) -> None:
    for transfer in _new_transfers(teller):
        teller.world.stage.scene.rails.tell(transfer.reference, S.NEEDS_REVIEW)


def a_payout_fails(teller: Teller) -> None:
    _withdraw(teller)
    teller.bank(PAYOUT, S.PENDING, Bank.FAIL)
    _news(teller)


def a_payout_is_returned_and_minted_again(teller: Teller) -> None:
    withdrawal = _withdraw(teller)
    teller.go_on()
    teller.bank(PAYOUT, S.SETTLED, Bank.RETURN, return_code="R03")
    _news(teller)
    if teller.has_ended(withdrawal, EffectStatus.RETURNED):
        teller.call("withdrawals.remint", withdrawal=withdrawal)
    _news(teller)


def a_payout_is_returned_and_paid_elsewhere(teller: Teller) -> None:
    withdrawal = _withdraw(teller)
    teller.bank(PAYOUT, S.PENDING, Bank.FAIL, only_first=True)
    _news(teller)
    if teller.has_ended(withdrawal, EffectStatus.FAILED):
        teller.call("withdrawals.retry_payout", withdrawal=withdrawal)
        teller.go_on()


def a_payout_waits_for_cash(teller: Teller) -> None:
    rails = teller.world.stage.scene.rails
    gap = Money.parse("1000000.00 USD")
    teller.outside("no cash", lambda: rails.add_cash(-gap))
    withdrawal = _withdraw(teller)
    if teller.pay.withdrawals.get(withdrawal).reason == PayoutAccountShort.code:
        teller.outside("cash again", lambda: rails.add_cash(gap))
        _news(teller)
        teller.outside("an hour", partial(_pass, teller, timedelta(hours=1)))
    teller.go_on()


def providers_are_away(teller: Teller) -> None:
    scene = teller.world.stage.scene
    for weather in (scene.rails.weather, scene.tokens.weather):
        teller.outside(f"away {id(weather)}", weather.be_unreachable)
    _deposit(teller)
    for weather in (scene.rails.weather, scene.tokens.weather):
        teller.outside(f"back {id(weather)}", weather.be_reachable)
    teller.outside("an hour", partial(_pass, teller, timedelta(hours=1)))
    teller.go_on()


def a_deposit_is_given_up(teller: Teller) -> None:
    teller.use(expire_deposit, ExpireDeposit(deposit_id=teller.thing("unsent_deposit")))
    teller.go_on()


def a_request_and_a_hold_run_out(teller: Teller) -> None:
    soon = datetime(2026, 1, 7, 12, tzinfo=UTC)
    teller.call("requests.create", expires_at=soon)
    teller.call("holds.place", expires_at=soon)
    teller.work()
    teller.outside("two days", partial(_pass, teller, timedelta(days=2)))
    teller.go_on()


def schedules_that_fail_or_fell_behind(teller: Teller) -> None:
    weekly: dict[str, Any] = {"every": Every.day(7), "start_on": date(2026, 1, 8), "ends_on": None}
    teller.call("parties.register", id="dan", kind="user", policy=None, timezone=None)
    teller.call("schedules.create", customer="dan", **weekly)
    teller.call("schedules.create", key="host-2", catch_up="skip", **weekly)
    teller.call("parties.close", id="dan")
    teller.outside("weeks", partial(_pass, teller, timedelta(days=18)))
    teller.call("schedules.run_due")
    teller.go_on()


def a_mint_fails(teller: Teller) -> None:
    tokens = teller.world.stage.scene.tokens
    teller.outside("slow", tokens.hold)
    _deposit(teller)
    teller.settle()
    _news(teller)
    _fail_tokens(teller)


def a_mint_is_on_its_way_when_the_deposit_returns(teller: Teller) -> None:
    tokens = teller.world.stage.scene.tokens
    teller.outside("slow", tokens.hold)
    _deposit(teller)
    teller.settle()
    _news(teller)
    if any(transfer.status is TokenStatus.PENDING for transfer in tokens.transfers()):
        teller.bank(DEPOSIT, S.SETTLED, Bank.RETURN, return_code="R01")
        _news(teller)
        teller.outside("quick", tokens.release)
    _news(teller)


def a_payment_on_chain(teller: Teller) -> None:
    teller.call("invoices.pay", invoice=teller.thing("chain_invoice"), amount=f"20.00 {CHAIN}")
    teller.go_on()


def a_payment_on_chain_fails(teller: Teller) -> None:
    teller.outside("slow", teller.world.stage.scene.tokens.hold)
    teller.call("invoices.pay", invoice=teller.thing("chain_invoice"), amount=f"20.00 {CHAIN}")
    teller.work()
    _fail_tokens(teller)


def a_transfer_on_chain(teller: Teller) -> None:
    teller.call("transfers.send", amount=f"20.00 {CHAIN}")
    teller.go_on()


def a_hold_on_chain(teller: Teller) -> None:
    hold = teller.call("holds.place", amount=f"20.00 {CHAIN}")
    teller.call("holds.capture", hold=hold.id, amount=f"12.00 {CHAIN}")
    teller.go_on()


def a_lost_answer(teller: Teller) -> None:
    scene = teller.world.stage.scene
    teller.outside("mist", scene.rails.weather.lose_next_answer)
    teller.outside("fog", scene.tokens.weather.lose_next_answer)
    _deposit(teller)
    teller.go_on()


def tokens_arrive_by_themselves(teller: Teller) -> None:
    amount, invoice = Money.parse("15.00 USD"), teller.thing("untouched")
    tokens = teller.world.stage.scene.tokens
    teller.outside("push", lambda: tokens.push("ann", "acme", amount, invoice_id=invoice))
    _news(teller)


def money_that_nobody_knows(teller: Teller) -> None:
    """It is kept after a day, and gone when its bank takes it back."""
    teller.outside("a wire", partial(_wire, teller, "wire-1", S.SETTLED))
    _news(teller)
    teller.outside("a day", partial(_pass, teller, timedelta(days=1, minutes=1)))
    teller.work()
    teller.outside("the wire back", partial(_wire, teller, "wire-2", S.RETURNED))
    _news(teller)
    teller.outside("another day", partial(_pass, teller, timedelta(days=1, minutes=1)))
    teller.work()


def _wire(teller: Teller, event_id: str, status: RailStatus) -> None:
    rails = teller.world.stage.scene.rails
    known: RailTransfer = rails.transfers()[0]
    foreign = replace(known, reference="", provider_ref="wire-7", status=status, provider_status=status.value)
    now = teller.world.stage.scene.clock.now()
    rails.postbox.send(RailEvent(event_id=event_id, occurred_at=now, transfer=foreign))


def _deposit(teller: Teller) -> str:
    deposit: str = teller.call("deposits.initiate").id
    teller.work()
    return deposit


def _withdraw(teller: Teller) -> str:
    withdrawal: str = teller.call("withdrawals.initiate").id
    teller.work()
    return withdrawal


def _news(teller: Teller) -> None:
    teller.deliver()
    teller.work()


def _fail_tokens(teller: Teller) -> None:
    tokens = teller.world.stage.scene.tokens
    for transfer in tokens.transfers():
        if transfer.status is TokenStatus.PENDING:
            tokens.fail(transfer.reference)
    _news(teller)


OUTSIDE: tuple[Callable[[Teller], None], ...] = (
    a_deposit_that_is_not_trusted_at_once,
    a_deposit_fails,
    a_deposit_is_returned,
    a_return_is_undone,
    a_deposit_is_returned_before_it_settled,
    a_deposit_is_settled_by_instalments,
    a_payout_fails,
    a_payout_is_returned_and_minted_again,
    a_payout_is_returned_and_paid_elsewhere,
    a_payout_waits_for_cash,
    providers_are_away,
    a_request_and_a_hold_run_out,
    schedules_that_fail_or_fell_behind,
    instalments_come_while_a_person_looks,
    a_mint_fails,
    a_mint_is_on_its_way_when_the_deposit_returns,
    a_payment_on_chain,
    a_payment_on_chain_fails,
    a_transfer_on_chain,
    a_hold_on_chain,
    a_lost_answer,
    tokens_arrive_by_themselves,
    money_that_nobody_knows,
)
WAITING = (what_waits, what_waits_everywhere, a_month_later, a_deposit_is_given_up)


def stories() -> list[Story]:
    """All of them."""
    return [
        *calls(),
        *(Story(act.__name__, act) for act in OUTSIDE),
        *(Story(act.__name__, act, waits=True) for act in WAITING),
    ]
