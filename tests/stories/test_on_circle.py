"""The loop with USDC in Circle's wallets: deposit, release, invoice, return, payout; told or asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from invoicepay import InvoicePay, Money, Programme
from invoicepay.adapters.circle import CircleAsset
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.domain.effects import EffectKind, EffectStatus
from invoicepay.domain.policies import Asset, Custody, Settlement
from invoicepay.errors import InsufficientFunds, WebhookSignatureInvalid
from tests.adapters.circle.stage import ASSET, CHAIN, HOOKS, TRANSFER, SimulatedClock, Stage, staged

PROGRAMME = Programme(assets={ASSET: Asset(ASSET, custody=Custody.CUSTODIED, settlement=Settlement.ONCHAIN)})


@dataclass
class Shop:
    """A client whose tokens are in Circle's wallets; the bank is simulated."""

    stage: Stage
    pay: InvoicePay
    rails: SimulatedRails
    is_told: bool

    def bank(self, cause: str, kind: EffectKind) -> None:
        """The bank settles what it was asked for, and tells."""
        (asked,) = [one for one in self.pay.effects.list(cause=cause) if one.kind is kind]
        self.rails.move(asked.id, BankCommand.SETTLE)
        self.bank_tells()

    def bank_tells(self) -> None:
        """Before its signatures are too old."""
        for delivery in self.rails.drain():
            self.pay.webhooks.receive("rails", headers=delivery.headers, body=delivery.body)

    def wait(self) -> None:
        """Until Circle is done, and we know of it: told by webhooks, or by asking half an hour later."""
        for _ in range(3):
            self.pay.run_pending()
            self.bank_tells()
            self.stage.circle.finish()
            for delivery in self.stage.circle.deliveries() if self.is_told else ():
                self.pay.webhooks.receive("tokens", headers=delivery.headers, body=delivery.body)
            self.pay.run_pending()
            self.bank_tells()
            self.stage.circle.advance(0 if self.is_told else 1800)

    def deposit(self, party: str, amount: str) -> str:
        """Bank money that has become tokens."""
        deposit = self.pay.deposits.initiate(party, f"{amount} {ASSET}")
        self.bank(deposit.id, EffectKind.DEPOSIT)
        self.wait()
        return deposit.id

    def held(self, *parties: str) -> list[str]:
        """What parties have in their wallets at Circle."""
        found = [self.stage.run(self.stage.tokens.balance(party, ASSET)) for party in parties]
        return [money.amount_text for money in found]

    def ties_out(self) -> None:
        """Books and wallets agree, and each adds up by itself."""
        assert self.pay.tokens.tie_out(ASSET).is_tied_out
        assert self.pay.invariants.check() == ()
        assert self.stage.circle.violations() == []


@pytest.fixture(params=[True, False], ids=["told", "asked"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    with staged() as stage:
        clock = SimulatedClock(stage.circle)
        for wallet in stage.circle.world.wallets.values():
            wallet.reference = "" if wallet.reference in ("ann", "bob") else wallet.reference
            wallet.set_id = stage.circle.world.ids.new()  # the story begins without parties' wallets
        rails = SimulatedRails(clock)
        stage.circle.subscribe(2, HOOKS)
        with InvoicePay(
            "memory://", rails=rails, token=stage.tokens, clock=clock, programme=PROGRAMME
        ) as pay:
            yield Shop(stage, pay, rails, request.param)


def test_a_deposit_is_released_an_invoice_paid_and_the_rest_returned(shop: Shop) -> None:
    pay = shop.pay
    float_before = shop.stage.run(shop.stage.tokens.balance_of_wallet(*treasury_of(shop)))
    deposit = shop.deposit("ann", "500.00")
    assert (pay.deposits.get(deposit).status, shop.held("ann")) == ("completed", ["500.00"])
    shop.ties_out()

    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Hosting", f"120.00 {ASSET}")])
    pay.invoices.pay(invoice, payer="ann")
    shop.wait()
    assert pay.invoices.get(invoice).status == "paid"
    assert shop.held("ann", "acme") == ["380.00", "120.00"]
    shop.ties_out()

    withdrawal = pay.withdrawals.initiate("acme", f"120.00 {ASSET}", account_token="ba_1")
    shop.wait()
    shop.bank(withdrawal.id, EffectKind.PAYOUT)
    shop.wait()
    assert pay.withdrawals.get(withdrawal).status == "paid"
    assert shop.held("ann", "acme") == ["380.00", "0.00"]
    shop.ties_out()

    float_after = shop.stage.run(shop.stage.tokens.balance_of_wallet(*treasury_of(shop)))
    assert float_before - float_after == Money("380.00", ASSET)


def treasury_of(shop: Shop) -> tuple[str, CircleAsset]:
    asset = shop.stage.config.assets[0]
    return asset.treasury_wallet_id, asset


def test_a_lost_answer_moves_nothing_twice(shop: Shop) -> None:
    shop.stage.faults.drop_answer(on=TRANSFER)

    deposit = shop.deposit("ann", "500.00")
    shop.stage.circle.advance(600)
    shop.wait()

    assert shop.pay.deposits.get(deposit).status == "completed"
    assert (shop.stage.circle.outbound(), shop.held("ann")) == (1, ["500.00"])
    shop.ties_out()


def test_a_block_that_vanishes_leaves_nothing_to_spend(shop: Shop) -> None:
    shop.stage.circle.reorganise_next()

    shop.deposit("ann", "500.00")

    assert shop.held("ann") == ["0.00"]
    with pytest.raises(InsufficientFunds):
        shop.pay.withdrawals.initiate("ann", f"1.00 {ASSET}", account_token="ba_1")
    (failed,) = shop.pay.tokens.mints(status="failed")
    shop.pay.tokens.retry_mint(failed)
    shop.wait()
    assert shop.held("ann") == ["500.00"]
    shop.ties_out()


def test_a_float_that_is_too_low_waits_for_the_operator(shop: Shop) -> None:
    deposit = shop.deposit("ann", "5000.00")
    assert shop.pay.deposits.get(deposit).status != "completed"

    shop.stage.circle.fund(CHAIN, shop.stage.made.treasury_address, usdc=5_000_000_000)
    shop.stage.circle.advance(3600)
    shop.wait()

    assert (shop.pay.deposits.get(deposit).status, shop.held("ann")) == ("completed", ["5000.00"])
    shop.ties_out()


def test_a_word_that_circle_never_said_before_goes_to_a_person(shop: Shop) -> None:
    shop.stage.circle.knobs.words = {"COMPLETE": "CONSUMMATED"}

    shop.deposit("ann", "500.00")

    statuses = {effect.status for effect in shop.pay.effects.list() if effect.kind is EffectKind.MINT}
    assert statuses == {EffectStatus.NEEDS_REVIEW}


def test_a_forged_delivery_changes_nothing(shop: Shop) -> None:
    deposit = shop.pay.deposits.initiate("ann", f"500.00 {ASSET}")
    shop.bank(deposit.id, EffectKind.DEPOSIT)
    shop.pay.run_pending()
    shop.stage.circle.finish()
    told = shop.stage.circle.deliveries()[-1]

    with pytest.raises(WebhookSignatureInvalid):
        shop.pay.webhooks.receive("tokens", headers=told.headers, body=told.body.replace(b"500", b"900"))

    assert shop.pay.deposits.get(deposit).status != "completed"
