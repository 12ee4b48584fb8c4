"""Deliveries belong to one provider, one endpoint and one environment (S-10)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay import InvoicePay
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.adapters.simulated.weather import Delivery
from invoicepay.adapters.system import SystemClock
from invoicepay.domain.effects import InboxStatus
from invoicepay.errors import WebhookSignatureInvalid


class Shop:
    """A client with a bank of one environment."""

    def __init__(self, key: bytes) -> None:
        clock = SystemClock()
        self.rails = SimulatedRails(clock, webhook_key=key)
        self.pay = InvoicePay(rails=self.rails, token=SimulatedTokens(clock), clock=clock)

    def settled(self) -> Delivery:
        """A deposit that the bank has settled, and what the bank says of it."""
        deposit = self.pay.deposits.initiate("ann", "50.00 USD")
        (effect,) = self.pay.effects.list(cause=deposit.id)
        self.rails.move(effect.id, BankCommand.SETTLE)
        (webhook, *_) = self.rails.drain()
        return webhook


@pytest.fixture
def live() -> Iterator[Shop]:
    shop = Shop(b"the live environment signs with this key")
    yield shop
    shop.pay.close()


@pytest.fixture
def sandbox() -> Iterator[Shop]:
    shop = Shop(b"the test environment signs with this key")
    yield shop
    shop.pay.close()


def test_a_delivery_of_the_test_environment_is_refused_by_the_live_one(live: Shop, sandbox: Shop) -> None:
    """Each environment has a secret of its own, so an event of the other one is nobody's."""
    told = sandbox.settled()

    with pytest.raises(WebhookSignatureInvalid):
        live.pay.webhooks.receive("rails", headers=told.headers, body=told.body)

    (kept,) = sandbox.pay.webhooks.receive("rails", headers=told.headers, body=told.body)
    assert kept.status in (InboxStatus.RECEIVED, InboxStatus.APPLIED)


def test_one_id_of_two_providers_is_two_messages(live: Shop) -> None:
    """The id is unique for ever beside its provider: another one that counts alike takes nothing away."""
    told = live.settled()

    (kept,) = live.pay.webhooks.receive("rails", headers=told.headers, body=told.body)

    assert kept.id == f"{live.rails.name}/{kept.event_id}"
