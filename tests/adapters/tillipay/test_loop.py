"""Money through a simulated gateway into tokens and back; the cents of each amount choose what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from invoicepay import AsyncInvoicePay, InvoicePay, Money
from invoicepay.adapters.tillipay import TilliPayProfile
from invoicepay.domain.deposits import Deposit
from invoicepay.domain.effects import Effect
from invoicepay.errors import WebhookSignatureInvalid
from invoicepay.ports.rails import RailStatus
from invoicepay.testing.hosts import AwaitingHost
from tests.adapters.tillipay.desk import Desk, desk

BUFFER = "500.00 USD"
"""What the operator keeps for returns; cards and bank debits are trusted only as far as it reaches."""
CHANNELS = {"card": "card", "bank_debit": "ica"}


class Shop:
    """A host with a gateway: it hands in deliveries, and lets time go on."""

    def __init__(self, at: Desk) -> None:
        self.at, self.pay = at, InvoicePay(rails=at.rails, clock=at.clock)
        self.pay.reserves.top_up(BUFFER, approved_by="cfo")

    def deposit(self, amount: str, *, rail: str = "bank_debit") -> str:
        token = self.at.gateway.account(CHANNELS[rail])
        return self.pay.deposits.initiate("ann", amount, rail=rail, account_token=token).id

    def go_on(self, days: int = 0, *, deliveries: bool = True) -> None:
        """Let days go by, a day at a time; deliveries are handed in and work is done each day."""
        for _ in range(max(days, 1)):
            self.at.clock.advance(days=min(days, 1))
            for headers, body in self.at.gateway.webhooks():
                if deliveries:
                    self.pay.webhooks.receive("rails", headers=headers, body=body)
            self.pay.run_pending()

    def hear(self) -> None:
        self.go_on(0)

    def effect(self, cause: str) -> Effect:
        (effect,) = self.pay.effects.list(cause=cause)
        return effect

    def seen(self, deposit: str) -> Deposit:
        return self.pay.deposits.get(deposit)

    @property
    def balance(self) -> str:
        return str(self.pay.wallets.get("ann").available)


@contextmanager
def open_shop(profile: TilliPayProfile | None = None, **options: Any) -> Iterator[Shop]:
    with desk(profile, **options) as at:
        shop = Shop(at)
        yield shop
        assert shop.pay.invariants.check() == ()
        assert shop.pay.audit.verify()


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as made:
        yield made


def test_success_at_the_gateway_is_no_money_and_tokens_follow_settlement_and_hold(shop: Shop) -> None:
    id = shop.deposit("200.00 USD")
    shop.hear()
    accepted = (shop.seen(id).status, shop.balance)
    shop.go_on(2)
    settled = (shop.seen(id).status, shop.balance)
    shop.go_on(9)
    held = (shop.seen(id).status, shop.balance)

    assert accepted == ("pending", "0.00 USD")
    assert settled == ("received", "0.00 USD")
    assert held == ("completed", "200.00 USD")


def test_a_card_is_held_shorter(shop: Shop) -> None:
    id = shop.deposit("20.00 USD", rail="card")

    shop.go_on(4)

    assert (shop.seen(id).status, shop.balance) == ("completed", "20.00 USD")


def test_01_is_returned_during_the_hold_and_never_minted(shop: Shop) -> None:
    id = shop.deposit("100.01 USD")

    shop.go_on(15)

    assert (shop.seen(id).status, shop.seen(id).return_code, shop.balance) == ("returned", "R01", "0.00 USD")


def test_10_is_returned_after_the_mint_and_taken_back(shop: Shop) -> None:
    id = shop.deposit("100.10 USD")
    shop.go_on(15)
    minted = shop.balance

    shop.go_on(45)

    assert minted == "100.10 USD"
    assert (shop.seen(id).status, shop.seen(id).return_code, shop.balance) == ("returned", "R10", "0.00 USD")


def test_50_settles_less_a_fee_and_only_the_rest_is_minted(shop: Shop) -> None:
    shop.deposit("100.50 USD")

    shop.go_on(15)

    assert shop.balance == "100.20 USD"


def test_99_is_carried_out_without_an_answer_found_by_asking_and_moved_once(shop: Shop) -> None:
    id = shop.deposit("100.99 USD")
    lost = shop.effect(id).status
    shop.go_on(15)

    assert lost == "unknown"
    assert (shop.at.movements(), shop.balance) == (1, "100.99 USD")


def test_98_never_arrives_and_nothing_moves_however_often_it_is_tried(shop: Shop) -> None:
    id = shop.deposit("100.98 USD")

    shop.go_on(15)

    assert (shop.at.movements(), shop.balance) == (0, "0.00 USD")
    assert shop.effect(id).status in ("unknown", "needs_review")


def test_97_has_no_deliveries_and_is_found_by_polling(shop: Shop) -> None:
    shop.deposit("100.97 USD")

    shop.go_on(15)

    assert shop.balance == "100.97 USD"


def test_96_is_told_twice_and_backwards_and_counts_once(shop: Shop) -> None:
    shop.deposit("100.96 USD")
    shop.at.clock.advance(days=2)

    shop.go_on(15)

    assert (shop.at.movements(), shop.balance) == (1, "100.96 USD")


def test_68_is_returned_and_the_return_is_undone(shop: Shop) -> None:
    id = shop.deposit("100.68 USD")
    shop.go_on(6)
    returned = shop.effect(id).status

    shop.go_on(10)

    assert (returned, shop.effect(id).status, shop.at.movements()) == ("returned", "return_reversed", 1)


def test_95_waits_for_the_gateway_and_then_goes_on(shop: Shop) -> None:
    id = shop.deposit("100.95 USD")
    shop.go_on(15)
    waiting = (shop.seen(id).status, shop.balance)

    shop.at.settle(shop.effect(id).id)
    shop.go_on(15)

    assert waiting == ("pending", "0.00 USD")
    assert shop.balance == "100.95 USD"


@pytest.mark.parametrize(("cents", "code"), [("03", "R03"), ("23", "R23")])
def test_a_payout_that_comes_back_is_made_good_once(shop: Shop, cents: str, code: str) -> None:
    shop.deposit("200.00 USD")
    shop.go_on(15)
    account = shop.at.gateway.account("ica")
    out = shop.pay.withdrawals.initiate("ann", f"100.{cents} USD", rail="bank_debit", account_token=account)
    shop.go_on(2)
    paid, left = shop.pay.withdrawals.get(out.id).status, Money.of(shop.balance)

    shop.go_on(10)
    returned = shop.pay.withdrawals.get(out.id)
    shop.pay.withdrawals.remint(out.id)
    shop.go_on(1)

    assert (paid, returned.status, returned.return_code) == ("paid", "returned", code)
    assert left == Money.of("200.00 USD") - out.amount
    assert shop.balance == "200.00 USD"


@pytest.mark.parametrize("deliveries", [True, False], ids=["by webhook", "by polling"])
def test_a_word_that_nobody_knows_mints_nothing_and_waits_for_a_person(shop: Shop, deliveries: bool) -> None:
    id = shop.deposit("200.00 USD")
    shop.hear()

    shop.at.gateway.move(shop.effect(id).id, RailStatus.SETTLED, word="TELEPORTED")
    shop.go_on(15, deliveries=deliveries)

    assert (shop.effect(id).status, shop.balance) == ("needs_review", "0.00 USD")


def test_euros_for_dollars_mint_nothing_and_wait_for_a_person(shop: Shop) -> None:
    id = shop.deposit("200.00 USD")
    shop.hear()
    shop.at.gateway.faults.change(lambda body: body.replace(b'"USD"', b'"EUR"'), times=99, on="status")

    shop.go_on(15, deliveries=False)

    assert (shop.effect(id).status, shop.balance) == ("needs_review", "0.00 USD")


def test_another_amount_than_ordered_waits_for_a_person(shop: Shop) -> None:
    id = shop.deposit("200.00 USD")
    shop.hear()

    shop.at.gateway.move(shop.effect(id).id, RailStatus.SETTLED, cents=900_00)
    shop.go_on(15)

    assert (shop.effect(id).status, shop.balance) == ("needs_review", "0.00 USD")


def test_an_outage_of_the_gateway_delays_and_moves_once(shop: Shop) -> None:
    shop.at.gateway.faults.fail_before(500, times=3, on="/login/")
    shop.at.gateway.faults.too_many(retry_after=None, times=2, on="POST /gps/ach/payments")
    shop.deposit("200.00 USD")

    shop.go_on(20)

    assert (shop.at.movements(), shop.balance) == (1, "200.00 USD")


def test_a_refusal_ends_the_deposit(shop: Shop) -> None:
    shop.at.reject_next()
    id = shop.deposit("200.00 USD")

    shop.go_on(2)

    assert (shop.seen(id).status, shop.at.movements()) == ("failed", 0)


def test_a_forged_delivery_changes_nothing(shop: Shop) -> None:
    id = shop.deposit("200.00 USD")
    forged = shop.at.rails.profile.webhook.signature().secret("somebody else signs with this")
    (payment,) = shop.at.gateway.payments()
    headers, body = shop.at.gateway.delivery(payment, forged)

    with pytest.raises(WebhookSignatureInvalid):
        shop.pay.webhooks.receive("rails", headers=headers, body=body)

    assert shop.seen(id).status == "pending"


def test_a_delivery_about_something_unknown_is_parked_and_matched_once_it_is_known() -> None:
    nameless = TilliPayProfile.assumed().amended({"without": ["webhook.reference"]})
    with open_shop(nameless) as shop:
        id = shop.deposit("100.99 USD")
        shop.at.gateway.faults.fail_before(500, times=2, on="GET /gps/payments/status")
        ((headers, body),) = shop.at.gateway.webhooks()
        shop.pay.webhooks.receive("rails", headers=headers, body=body)
        shop.pay.run_pending()
        (again,) = shop.pay.webhooks.receive("rails", headers=headers, body=body)
        unmatched = (shop.effect(id).provider_ref, again.status)
        shop.go_on(15)

        assert unmatched == ("", "parked")
        assert (shop.effect(id).provider_ref, shop.balance) == ("TX000001", "100.99 USD")


def test_with_what_is_known_alone_deliveries_suffice_and_silence_is_never_sent_again() -> None:
    with open_shop(TilliPayProfile.known(), envelope="wrapped") as shop:
        good, lost = shop.deposit("200.00 USD"), shop.deposit("100.99 USD")
        shop.go_on(15)

        assert (shop.seen(good).status, shop.balance) == ("completed", "200.00 USD")
        assert shop.effect(lost).status == "needs_review"
        assert shop.at.movements() == 2


def test_an_awaiting_host_comes_to_the_same_end() -> None:
    host = AwaitingHost()
    with desk() as at:
        pay = AsyncInvoicePay(rails=at.rails, clock=at.clock)

        async def story() -> str:
            await pay.reserves.top_up(BUFFER, approved_by="cfo")
            token = at.gateway.account("ica")
            await pay.deposits.initiate("ann", "200.00 USD", rail="bank_debit", account_token=token)
            for _ in range(15):
                at.clock.advance(days=1)
                for headers, body in at.gateway.webhooks():
                    await pay.webhooks.receive("rails", headers=headers, body=body)
                await pay.run_pending()
            await at.rails.aclose()
            return str((await pay.wallets.get("ann")).available)

        assert host.run(story()) == "200.00 USD"
    host.close()
