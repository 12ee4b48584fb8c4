"""One client with several banks: who gets an order, who is believed, whom a bank's trouble touches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from examples.acme_bank import AcmeBank
from invoicepay import InvoicePay, Money
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.simulated.bank import CAPABILITIES, BankCommand
from invoicepay.domain.effects import Effect, EffectStatus
from invoicepay.errors import ConfigurationError, InvalidInput
from invoicepay.ports.rails import RailEvent, RailStatus
from invoicepay.ports.routes import RailsChoice
from invoicepay.testing import FrozenClock

S = EffectStatus
DEAF = replace(CAPABILITIES, deduplicates=False)


class Town:
    """Banks that know nothing of each other, and clients of one store that come and go."""

    def __init__(self, store: str) -> None:
        self.store, self.clock = store, FrozenClock("2026-01-31T09:00:00Z")
        self.ours, self.euro, self.wires = (self.bank(name) for name in ("ours", "euro", "wires"))
        self.tokens = SimulatedTokens(self.clock)
        self.clients = list[InvoicePay]()
        self.pay = self.client({"USD": self.ours, "EUR": self.euro, ("USD", "wire"): self.wires})
        for party in ("ann", "acme"):
            self.pay.parties.register(party)

    def bank(self, name: str, **claims: Any) -> SimulatedRails:
        return SimulatedRails(
            self.clock,
            name=name,
            webhook_key=f"a key of {name}".encode(),
            capabilities=replace(DEAF, **claims),
        )

    def client(self, rails: RailsChoice) -> InvoicePay:
        self.pay = InvoicePay(
            self.store, rails=rails, token=self.tokens, clock=self.clock, dispatch="deferred"
        )
        self.clients.append(self.pay)
        return self.pay

    def deposit(self, amount: str, rail: str = "instant") -> Effect:
        deposit = self.pay.deposits.initiate("ann", amount, rail=rail)
        return self.effect_of(deposit.id)

    def effect_of(self, cause: str) -> Effect:
        (effect,) = self.pay.effects.list(cause=cause)
        return effect

    def work(self) -> None:
        self.pay.run_pending()
        self.clock.advance(minutes=5)
        self.pay.run_pending()

    def fund(self, amount: str) -> None:
        effect = self.deposit(amount)
        self.work()
        self.settle(self.ours, effect.id)
        self.work()

    def settle(self, bank: SimulatedRails, reference: str) -> None:
        bank.move(reference, BankCommand.SETTLE)
        self.deliver(bank)

    def deliver(self, bank: SimulatedRails) -> None:
        for delivery in bank.drain():
            self.pay.webhooks.receive(bank.name, headers=delivery.headers, body=delivery.body)

    def ordered(self) -> dict[str, int]:
        return {bank.name: len(bank.transfers()) for bank in (self.ours, self.euro, self.wires)}


@pytest.fixture(params=["memory", "sqlite"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    town = Town("memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/town.db")
    yield town
    for client in town.clients:
        client.close()


@pytest.fixture
def saved(tmp_path: Path) -> Iterator[Town]:
    """A town whose store outlives a client."""
    town = Town(f"sqlite:///{tmp_path}/town.db")
    yield town
    for client in town.clients:
        client.close()


def test_an_order_goes_to_the_bank_of_its_asset_and_rail(town: Town) -> None:
    planned = [town.deposit("10.00 USD"), town.deposit("10.00 EUR"), town.deposit("10.00 USD", "wire")]

    town.work()

    assert [effect.provider for effect in planned] == ["ours", "euro", "wires"]
    assert town.ordered() == {"ours": 1, "euro": 1, "wires": 1}
    seen = [town.pay.effects.observations(effect.id).items[0].id for effect in planned]
    assert [id.partition("/")[0] for id in seen] == ["ours", "euro", "wires"]


def test_what_no_bank_serves_is_refused_before_anybody_waits_for_it(town: Town) -> None:
    with pytest.raises(
        InvalidInput, match="no bank of this client serves CHF over wire for a deposit"
    ) as refusal:
        town.pay.deposits.initiate("ann", "10.00 CHF", rail="wire")
    with pytest.raises(InvalidInput, match="serves EUR over bank_debit for a payout"):
        town.pay.withdrawals.initiate("ann", "10.00 EUR", rail="bank_debit", account_token="ba_ann")

    assert "rails={" in refusal.value.hint
    assert not town.pay.deposits.list().items


def test_one_bank_may_collect_and_another_pay_out(town: Town) -> None:
    collects = town.bank("collects", withdrawal_rails=frozenset())
    pays = town.bank("pays", deposit_rails=frozenset())
    town.client({"USD": [collects, pays]})
    if town.store == "memory://":
        town.pay.parties.register("ann")
    effect = town.deposit("50.00 USD")
    town.work()
    town.settle(collects, effect.id)
    town.work()
    pays.add_cash(Money.of("50.00 USD"))

    withdrawal = town.pay.withdrawals.initiate("ann", "20.00 USD", account_token="ba_ann")
    town.work()

    assert (len(collects.transfers()), len(pays.transfers())) == (1, 1)
    assert [e.provider for e in town.pay.effects.list(cause=withdrawal.id)] == ["pays"]


def test_a_delivery_names_its_bank(town: Town) -> None:
    effect = town.deposit("10.00 EUR")
    town.work()

    town.settle(town.euro, effect.id)
    town.work()

    assert town.pay.deposits.get(effect.cause_id).status == "completed"
    with pytest.raises(
        InvalidInput, match="provider is one of tokens, ours, euro, wires, simulated-tokens, not 'rails'"
    ):
        town.pay.webhooks.receive("rails", headers={}, body=b"{}")


def test_one_bank_is_not_believed_about_the_money_of_another(town: Town) -> None:
    effect = town.deposit("10.00 USD")
    town.work()
    lie = replace(town.ours.transfer(effect.id), status=RailStatus.SETTLED)
    town.euro.postbox.send(RailEvent(event_id="lie", occurred_at=lie.observed_at, transfer=lie))

    town.deliver(town.euro)
    town.work()
    town.clock.advance(days=2)
    town.work()

    assert town.pay.effects.get(effect.id).status is S.ACCEPTED
    (unmatched,) = town.pay.reserves.unmatched()
    assert (unmatched.provider, unmatched.amount) == ("euro", Money.of("10.00 USD"))
    assert town.pay.wallets.get("ann").available == Money.zero("USD")


def test_a_stop_of_one_bank_stops_nobody_else(town: Town) -> None:
    waits, goes = town.deposit("10.00 EUR"), town.deposit("10.00 USD")
    town.pay.effects.stop("euro", reason="their status page is red")

    town.work()
    stopped = town.ordered()
    town.pay.effects.resume("euro", reason="green again", approved_by="cfo")
    town.work()

    assert stopped == {"ours": 1, "euro": 0, "wires": 0}
    assert town.ordered() == {"ours": 1, "euro": 1, "wires": 0}
    assert [town.pay.effects.get(one.id).status for one in (waits, goes)] == [S.ACCEPTED, S.ACCEPTED]


def test_what_waits_for_a_stopped_bank_keeps_nobody_from_the_others(town: Town) -> None:
    for _ in range(12):
        town.deposit("10.00 EUR")
    town.pay.effects.stop("euro", reason="their status page is red")
    town.deposit("10.00 USD")

    town.pay.run_pending(limit=5)

    assert town.ordered() == {"ours": 1, "euro": 0, "wires": 0}


def test_payouts_wait_for_the_cash_of_their_own_bank(town: Town) -> None:
    town.fund("50.00 USD")
    town.pay.withdrawals.initiate("ann", "20.00 USD", rail="wire", account_token="ba_ann")
    town.pay.withdrawals.initiate("ann", "20.00 USD", account_token="ba_ann")

    town.work()
    short = town.ordered()
    town.wires.add_cash(Money.of("20.00 USD"))
    town.clock.advance(hours=2)
    town.work()

    assert short == {"ours": 2, "euro": 0, "wires": 0}
    assert town.ordered() == {"ours": 2, "euro": 0, "wires": 1}


def test_a_tie_out_counts_the_cash_of_every_bank(town: Town) -> None:
    town.fund("50.00 USD")
    wired = town.deposit("30.00 USD", "wire")
    town.work()
    town.settle(town.wires, wired.id)
    town.work()

    report = town.pay.reserves.reconcile()

    assert report.bank_balance == Money.of("80.00 USD")
    assert report.is_tied_out


def test_a_tie_out_takes_no_part_of_the_cash_for_all_of_it(town: Town) -> None:
    town.client({"USD": town.ours, ("USD", "wire"): town.bank("silent", tells_balance=False)})

    assert town.pay.reserves.reconcile().bank_balance is None


def test_health_tells_of_every_bank_by_name(town: Town) -> None:
    town.euro.weather.be_unreachable()

    rails = town.pay.health().rails

    assert rails.provider == "ours, euro, wires"
    assert [check.name for check in rails.failed] == ["euro.reachable"]


def test_what_may_have_left_is_looked_up_where_it_went_though_routes_have_changed(saved: Town) -> None:
    saved.ours.weather.lose_next_answer()
    effect = saved.deposit("10.00 USD")
    saved.pay.run_pending()
    assert saved.pay.effects.get(effect.id).status is S.UNKNOWN

    saved.client({"USD": saved.wires, "EUR": saved.ours})
    saved.clock.advance(hours=1)
    saved.work()

    assert saved.ordered() == {"ours": 1, "euro": 0, "wires": 0}
    assert saved.pay.effects.get(effect.id).status is S.ACCEPTED


@pytest.mark.parametrize("is_routed", [True, False])
def test_what_may_have_left_to_a_bank_that_is_gone_waits_and_goes_nowhere_else(
    saved: Town, is_routed: bool
) -> None:
    saved.ours.weather.lose_next_answer()
    effect = saved.deposit("10.00 USD")
    saved.pay.run_pending()

    other = saved.wires
    saved.client({"USD": other} if is_routed else other)
    for _ in range(5):
        saved.clock.advance(hours=1)
        saved.work()

    waiting = saved.pay.effects.get(effect.id)
    assert saved.ordered() == {"ours": 1, "euro": 0, "wires": 0}
    assert (waiting.status, waiting.provider) == (S.UNKNOWN, "ours")

    saved.client({"USD": saved.ours})
    saved.clock.advance(hours=2)
    saved.work()
    assert saved.pay.effects.get(effect.id).status is S.ACCEPTED


@pytest.mark.parametrize("is_routed", [True, False])
def test_what_never_left_goes_to_whoever_serves_it_now(saved: Town, is_routed: bool) -> None:
    saved.ours.weather.be_unreachable()
    effect = saved.deposit("10.00 USD")
    saved.pay.run_pending()

    saved.client({"USD": saved.wires} if is_routed else saved.wires)
    saved.clock.advance(hours=1)
    saved.work()

    assert saved.ordered() == {"ours": 0, "euro": 0, "wires": 1}
    assert saved.pay.effects.get(effect.id).provider == "wires"


def test_what_was_planned_before_there_were_routes_is_routed_when_it_is_sent(saved: Town) -> None:
    saved.client(saved.euro)
    effect = saved.deposit("10.00 USD")
    assert effect.provider == "rails"

    saved.client({"USD": saved.ours, "EUR": saved.euro})
    saved.work()

    assert saved.ordered() == {"ours": 1, "euro": 0, "wires": 0}
    assert saved.pay.effects.get(effect.id).provider == "ours"


def test_an_order_without_a_bank_waits_until_one_is_named(saved: Town) -> None:
    effect = saved.deposit("10.00 EUR")
    saved.client({"USD": saved.ours})
    saved.work()
    waiting = saved.pay.effects.get(effect.id)

    saved.client({"USD": saved.ours, "EUR": saved.euro})
    saved.clock.advance(hours=1)
    saved.work()

    assert waiting.status is S.PLANNED
    assert saved.ordered() == {"ours": 0, "euro": 1, "wires": 0}


def test_inside_a_transaction_an_order_is_planned_for_its_bank_and_no_bank_is_asked(town: Town) -> None:
    with town.pay.transaction() as whole:
        deposit = whole.deposits.initiate("ann", "10.00 EUR")

    assert town.effect_of(deposit.id).provider == "euro"
    assert town.ordered() == {"ours": 0, "euro": 0, "wires": 0}


@pytest.mark.parametrize(
    ("rails", "said"),
    [
        ({}, "rails names no bank"),
        ({"USD": []}, "a route leads to no bank"),
        ({"dollars": SimulatedRails}, "a route begins with an asset"),
        ({("USD", "wire", "x"): SimulatedRails}, "a route is an asset, or an asset and a rail"),
        ({7: SimulatedRails}, "a route begins with an asset"),
        ({"USD": SimulatedRails}, "rails is the class SimulatedRails: pass an instance"),
        ({"USD": object()}, "rails is no RailsProvider: object lacks"),
    ],
)
def test_routes_that_lead_nowhere_are_refused(rails: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        InvoicePay(rails=rails)


def test_two_banks_of_one_name_are_refused() -> None:
    clock = FrozenClock("2026-01-31T09:00:00Z")

    with pytest.raises(ConfigurationError, match="two providers are called simulated-bank"):
        InvoicePay(rails={"USD": SimulatedRails(clock), "EUR": SimulatedRails(clock)})


def test_a_rail_that_nobody_has_is_refused() -> None:
    clock = FrozenClock("2026-01-31T09:00:00Z")
    bank = SimulatedRails(clock, capabilities=replace(CAPABILITIES, withdrawal_rails=frozenset({"wire"})))

    with pytest.raises(ConfigurationError, match="there is no such rail: pigeon"):
        InvoicePay(rails={("USD", "pigeon"): bank})
    narrow = SimulatedRails(
        clock,
        capabilities=replace(CAPABILITIES, deposit_rails=frozenset({"card"}), withdrawal_rails=frozenset()),
    )
    with pytest.raises(ConfigurationError, match="simulated-bank has no rail wire, it has card"):
        InvoicePay(rails={("USD", "wire"): narrow})


def test_simulated_banks_move_on_command_whichever_has_the_order() -> None:
    clock = FrozenClock("2026-01-31T09:00:00Z")
    banks = {"USD": SimulatedRails(clock, name="one"), "EUR": SimulatedRails(clock, name="two")}
    networks = {"USD": SimulatedTokens(clock, name="net-1"), "EUR": SimulatedTokens(clock, name="net-2")}
    with InvoicePay(rails=banks, token=networks, clock=clock) as pay:
        pay.sim.hold_tokens()
        deposits = [pay.deposits.initiate("ann", amount) for amount in ("10.00 USD", "20.00 EUR")]

        held = [pay.sim.settle(deposit).status for deposit in deposits]
        pay.sim.release_tokens()

        assert [status.value for status in held] == ["confirmed", "confirmed"]
        assert [pay.deposits.get(one.id).status.value for one in deposits] == ["completed", "completed"]


def test_with_one_real_bank_among_them_nothing_moves_on_command() -> None:
    simulated = SimulatedRails(FrozenClock("2026-01-31T09:00:00Z"))

    pay = InvoicePay(rails={"USD": simulated, "EUR": AcmeBank(key="k")})

    with pay, pytest.raises(ConfigurationError, match=r"pay\.sim exists only with simulated rails"):
        pay.sim.deliver()


def test_production_hears_of_every_bank() -> None:
    clock = FrozenClock("2026-01-31T09:00:00Z")
    banks = {"USD": SimulatedRails(clock, name="one"), "EUR": SimulatedRails(clock, name="two")}

    with pytest.raises(ConfigurationError) as refusal:
        InvoicePay(rails=banks, environment="production")

    for name in ("one", "two"):
        assert f"the bank {name} is simulated" in refusal.value.message
