"""A transfer that had failed or was cancelled happened after all, as two persons found: the books follow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.domain.effects import Effect, EffectStatus, Source
from invoicepay.domain.invoices import InvoiceStatus
from invoicepay.domain.payments import Channel, Payment, PaymentStatus
from invoicepay.domain.requests import Transfer, TransferStatus
from invoicepay.errors import InsufficientFunds
from invoicepay.use_cases import requests
from invoicepay.use_cases.observations import ResolveReview, record, resolve_review
from invoicepay.use_cases.payments import CancelPayment, cancel_payment
from invoicepay.use_cases.providers import Sighting
from tests.support.till import ON_CHAIN, Till, usd

S = EffectStatus


@pytest.fixture
def chain() -> Iterator[Till]:
    """A till on a chain, whose books hold afterwards."""
    chain = Till(programme=ON_CHAIN)
    yield chain
    assert chain.violations() == ()


def tell(chain: Till, cause_id: str, status: S) -> None:
    """A fact about the intent of a payment or transfer."""
    (effect,) = (effect for effect in chain.rows(Effect) if effect.cause_id == cause_id)
    sighting = Sighting(
        status=status,
        word=status.value,
        provider_status=status.value,
        amount=effect.amount,
        fee=usd("0.00"),
        provider_ref=f"tx-{cause_id}",
    )
    chain.run(record(chain.deps, effect, sighting, Source.WEBHOOK))


def find_out(chain: Till, cause_id: str, status: S) -> Effect:
    (effect,) = (effect for effect in chain.rows(Effect) if effect.cause_id == cause_id)
    assert effect.status is S.NEEDS_REVIEW
    command = ResolveReview(effect_id=effect.id, status=status, reason="on the explorer", approved_by="cfo")
    return chain.run(resolve_review(chain.deps, command))


def in_doubt(chain: Till, amount: str = "60.00") -> Payment:
    """A payment of an invoice of 100.00 that failed, and of which the chain now says that it is final."""
    payment = chain.pay(chain.issue("100.00"), amount)
    tell(chain, payment.id, S.FAILED)
    tell(chain, payment.id, S.FINAL)
    return payment


def test_p11_a_failed_payment_that_arrived_is_booked_as_what_it_was(chain: Till) -> None:
    payment = in_doubt(chain)

    find_out(chain, payment.id, S.FINAL)

    _, late = chain.rows(Payment)
    assert (chain.payment(payment.id).status, late.status) == (PaymentStatus.FAILED, PaymentStatus.COMPLETED)
    assert (late.channel, late.provider_ref, late.applied) == (
        Channel.PUSH,
        f"tx-{payment.id}",
        usd("60.00"),
    )
    assert chain.invoice(payment.invoice_id).remaining == usd("40.00")
    assert (chain.available("ann"), chain.available("acme")) == (usd("440.00"), usd("60.00"))


def test_p11_an_invoice_that_was_paid_meanwhile_makes_credit_of_it(chain: Till) -> None:
    payment = in_doubt(chain, "100.00")
    again = chain.pay(chain.invoice(payment.invoice_id), payer="ben")
    tell(chain, again.id, S.FINAL)

    find_out(chain, payment.id, S.FINAL)

    assert chain.invoice(payment.invoice_id).status is InvoiceStatus.PAID
    assert chain.fenced() == usd("100.00")
    assert chain.available("ann") == usd("400.00")


def test_p11_a_cancelled_payment_that_arrived_is_booked_too(chain: Till) -> None:
    payment = chain.pay(chain.issue("100.00"), "60.00")
    chain.run(cancel_payment(chain.deps, CancelPayment(payment_id=payment.id)))
    tell(chain, payment.id, S.FINAL)

    find_out(chain, payment.id, S.FINAL)

    assert chain.available("acme") == usd("60.00")


def test_tokens_that_the_books_gave_away_meanwhile_leave_it_to_a_person(chain: Till) -> None:
    payment = in_doubt(chain)
    spent = chain.pay(chain.issue("500.00"))
    tell(chain, spent.id, S.FINAL)

    with pytest.raises(InsufficientFunds):
        find_out(chain, payment.id, S.FINAL)

    assert chain.invoice(payment.invoice_id).remaining == usd("100.00")


def test_a_payment_that_failed_indeed_changes_nothing(chain: Till) -> None:
    payment = in_doubt(chain)

    assert find_out(chain, payment.id, S.FAILED).status is S.FAILED

    assert chain.available("ann") == usd("500.00")
    assert len(chain.rows(Payment)) == 1


def test_p17_a_failed_transfer_that_arrived_is_booked_as_another(chain: Till) -> None:
    command = requests.SendTransfer(payer_id="ann", payee_id="ben", amount=usd("60.00"))
    transfer = chain.run(requests.send_transfer(chain.deps, command))
    tell(chain, transfer.id, S.FAILED)
    tell(chain, transfer.id, S.FINAL)

    find_out(chain, transfer.id, S.FINAL)

    first, late = chain.rows(Transfer)
    assert (first.status, late.status) == (TransferStatus.FAILED, TransferStatus.COMPLETED)
    assert chain.rules(late.id) == ["P-17"]
    assert (chain.available("ann"), chain.available("ben")) == (usd("440.00"), usd("560.00"))
