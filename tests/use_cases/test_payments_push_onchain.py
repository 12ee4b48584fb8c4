"""Transfers that a chain made by itself: facts, told by whoever watches it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.payments import Payment
from invoicepay.errors import InvalidTransition, NotAllowed
from invoicepay.ports.screening import Verdict
from invoicepay.use_cases.invoices import RefundInvoice, refund_invoice
from invoicepay.use_cases.parties import FreezeWallet, freeze_wallet
from invoicepay.use_cases.payments import ReceivePush, ReversePayment, receive_push, reverse_payment
from tests.support.leaving import LEAVE, Leave
from tests.support.money_desk import Says
from tests.support.till import ON_CHAIN, Till, usd


@pytest.fixture
def chain() -> Iterator[Till]:
    """A till whose dollar moves on a chain, and whose books hold afterwards."""
    chain = Till(programme=ON_CHAIN)
    yield chain
    assert chain.violations() == ()


def pushed(chain: Till, amount: str) -> Payment:
    payment = chain.push(chain.issue("100.00"), amount, ref="0x1:0").payment
    assert payment is not None
    return payment


def frozen(chain: Till, party_id: str) -> Account:
    command = FreezeWallet(party_id=party_id, asset="USD", reason="court order")
    chain.run(freeze_wallet(chain.deps, command))
    return Account(Code.FROZEN, "USD", party_id)


def test_p11_what_the_chain_moved_is_booked_at_once(chain: Till) -> None:
    payment = pushed(chain, "60.00")

    assert payment.applied == usd("60.00")
    assert chain.rules(payment.id) == ["P-11"]
    assert (chain.available("ann"), chain.available("acme")) == (usd("440.00"), usd("60.00"))


def test_no_payer_claims_that_the_chain_moved_tokens(chain: Till) -> None:
    invoice = chain.issue("100.00")
    command = ReceivePush(
        invoice_id=invoice.id, payer_id="ann", amount=usd("100.00"), provider="scan", provider_ref="0x1:0"
    )

    with pytest.raises(NotAllowed):
        chain.run(receive_push(chain.acting_as("ann"), command))
    assert chain.available("ann") == usd("500.00")


def test_screening_cannot_undo_what_the_chain_moved(chain: Till) -> None:
    chain.deps = replace(chain.deps, screening=Says(Verdict.BLOCK))

    assert pushed(chain, "60.00").applied == usd("60.00")


def test_p11_what_the_chain_moved_out_of_a_frozen_wallet_is_drawn_from_2030(chain: Till) -> None:
    blocked = frozen(chain, "ann")

    pushed(chain, "60.00")

    assert chain.balance(blocked) == usd("440.00")
    assert chain.available("acme") == usd("60.00")


def test_p17_a_receipt_out_of_a_frozen_wallet_is_drawn_from_2030_too(chain: Till) -> None:
    blocked = frozen(chain, "ann")

    command = ReceivePush(enterprise_id="acme", payer_id="ann", amount=usd("60.00"))
    receipt = chain.run(receive_push(chain.deps, command)).receipt

    assert receipt is not None and chain.rules(receipt.id) == ["P-17"]
    assert chain.balance(blocked) == usd("440.00")


def test_p11_what_the_chain_moved_to_a_frozen_enterprise_lands_in_2030(chain: Till) -> None:
    blocked = frozen(chain, "acme")

    pushed(chain, "130.00")

    assert chain.balance(blocked) == usd("100.00")
    assert chain.fenced() == usd("30.00")


def test_no_chain_gives_back_what_came_from_an_address_that_nobody_knows(chain: Till) -> None:
    chain.decide(LEAVE, Leave(usd("90.00")))
    payment = chain.push(chain.issue("80.00"), "80.00", payer="", ref="0x1:0").payment
    assert payment is not None

    command = ReversePayment(payment_id=payment.id, approved_by="second")
    with pytest.raises(InvalidTransition, match="outside"):
        chain.run(reverse_payment(chain.deps, command))

    refund = RefundInvoice(invoice_id=payment.invoice_id)
    assert chain.run(refund_invoice(chain.deps, refund)).paid_out == usd("80.00")
    assert chain.available("ann") == usd("580.00")
