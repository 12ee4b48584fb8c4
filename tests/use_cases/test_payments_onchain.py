"""Payments that a chain settles: held, submitted, final, failed, unknown, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from invoicepay.adapters.simulated import SimulatedTokens
from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.credits import CreditStatus
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.invoices import InvoiceStatus
from invoicepay.domain.money import Money
from invoicepay.domain.payments import Payment, PaymentStatus, PaymentType
from invoicepay.domain.policies import Overpay, Policy
from invoicepay.errors import (
    InsufficientFunds,
    InvalidTransition,
    InvoiceHasPayments,
    NotThePayer,
    OverpaymentRefused,
)
from invoicepay.use_cases import invoices
from invoicepay.use_cases.credits import RefundCredit, refund_credit
from invoicepay.use_cases.parties import FreezeWallet, freeze_wallet
from invoicepay.use_cases.payments import (
    CancelPayment,
    PayInvoices,
    ReversePayment,
    cancel_payment,
    pay_invoices,
    reverse_payment,
)
from invoicepay.use_cases.recover import poll_due, send_due
from tests.support.till import ON_CHAIN, Till, usd


class Chain(Till):
    """A till whose dollar moves on a chain that is final when told to."""

    tokens: SimulatedTokens

    def __init__(self, policy: Policy | None = None) -> None:
        super().__init__(policy, ON_CHAIN)
        self.tokens = SimulatedTokens(self.clock, finality="manual")
        self.deps = replace(self.deps, tokens=self.tokens)
        for party_id in ("ann", "ben"):
            self.tokens.issue(party_id, usd("500.00"))

    def transfer(self, payment: Payment) -> Effect:
        """The intent behind a payment."""
        (effect,) = (effect for effect in self.rows(Effect) if effect.cause_id == payment.id)
        found: Effect = effect
        return found

    def send(self) -> None:
        """One turn of the worker."""
        self.run(send_due(self.deps, 100))

    def finalize(self, payment: Payment) -> None:
        """The chain makes it final, and we look."""
        self.tokens.finalize(self.transfer(payment).id)
        self._look()

    def fail(self, payment: Payment) -> None:
        """The chain refuses it for certain, and we look."""
        self.tokens.fail(self.transfer(payment).id)
        self._look()

    def _look(self) -> None:
        self.clock.advance(minutes=1)
        self.run(poll_due(self.deps, 100))


@pytest.fixture
def chain() -> Iterator[Chain]:
    """A chain whose books hold afterwards."""
    chain = Chain()
    yield chain
    assert chain.violations() == ()


def cancel(chain: Chain, payment: Payment) -> Payment:
    command = CancelPayment(payment_id=payment.id, reason="changed my mind")
    return chain.run(cancel_payment(chain.deps, command))


def test_p10_the_tokens_are_held_and_their_transfer_is_planned(chain: Chain) -> None:
    invoice = chain.issue("100.00")

    payment = chain.pay(invoice, "60.00")

    assert (payment.status, payment.payment_type) == (PaymentStatus.PENDING, None)
    assert chain.rules(payment.id) == ["P-10"]
    assert (chain.available("ann"), chain.held("ann")) == (usd("440.00"), usd("60.00"))
    pending = chain.invoice(invoice.id)
    assert (pending.pending, pending.remaining, pending.status) == (usd("60.00"), usd("100.00"), "open")
    transfer = chain.transfer(payment)
    assert (transfer.kind, transfer.amount) == (EffectKind.TRANSFER, usd("60.00"))
    assert (transfer.request["from_party"], transfer.request["to_party"]) == ("ann", "acme")


def test_p11_finality_settles_out_of_the_hold(chain: Chain) -> None:
    invoice = chain.issue("100.00")
    payment = chain.pay(invoice)
    chain.send()
    submitted = chain.payment(payment.id)

    chain.finalize(payment)

    settled = chain.payment(payment.id)
    assert submitted.status is PaymentStatus.PROCESSING
    assert (settled.status, settled.payment_type) == (PaymentStatus.COMPLETED, PaymentType.EXACT)
    assert chain.rules(payment.id) == ["P-10", "P-11"]
    assert (chain.held("ann"), chain.available("acme")) == (usd("0.00"), usd("100.00"))
    assert chain.row(Hold, payment.hold_id).status is HoldStatus.CAPTURED
    paid = chain.invoice(invoice.id)
    assert (paid.status, paid.pending) == (InvoiceStatus.PAID, usd("0.00"))
    assert chain.events(payment.id) == ["payment.initiated", "payment.submitted", "payment.completed"]


def test_e10_two_devices_settle_one_after_the_other(chain: Chain) -> None:
    invoice = chain.issue("100.00")
    first, second = chain.pay(invoice, "80.00"), chain.pay(invoice, "80.00", payer="ben")
    assert chain.invoice(invoice.id).pending == usd("160.00")
    chain.send()

    chain.finalize(second)
    chain.finalize(first)

    early, late = chain.payment(second.id), chain.payment(first.id)
    assert (early.payment_type, early.applied) == (PaymentType.PARTIAL, usd("80.00"))
    assert (late.payment_type, late.applied, late.excess) == (
        PaymentType.OVERPAYMENT,
        usd("20.00"),
        usd("60.00"),
    )
    lot = chain.lot(late.credit_id)
    assert (lot.remaining, lot.payer_id) == (usd("60.00"), "ann")


@pytest.mark.parametrize("overpay", [Overpay.REFUSE, Overpay.CAP])
def test_e10_what_is_pending_is_reserved_where_overpaying_is_not_wanted(overpay: Overpay) -> None:
    chain = Chain(Policy(overpay=overpay))
    invoice = chain.issue("100.00")
    chain.pay(invoice, "80.00")

    if overpay is Overpay.REFUSE:
        with pytest.raises(OverpaymentRefused):
            chain.pay(invoice, "80.00")
    else:
        assert chain.pay(invoice, "80.00").amount == usd("20.00")
    assert chain.violations() == ()


def test_without_an_amount_only_what_is_not_on_its_way_is_paid(chain: Chain) -> None:
    invoice = chain.issue("100.00")
    chain.pay(invoice, "80.00")

    assert chain.pay(invoice).amount == usd("20.00")
    with pytest.raises(OverpaymentRefused):
        chain.pay(invoice)


def test_p12_a_certain_failure_gives_the_tokens_back(chain: Chain) -> None:
    invoice = chain.issue("100.00")
    payment = chain.pay(invoice)
    chain.send()

    chain.fail(payment)

    failed = chain.payment(payment.id)
    assert (failed.status, failed.failure_reason) == (PaymentStatus.FAILED, "failed")
    assert chain.rules(payment.id) == ["P-10", "P-12"]
    assert (chain.available("ann"), chain.held("ann")) == (usd("500.00"), usd("0.00"))
    assert chain.invoice(invoice.id).pending == usd("0.00")
    assert chain.events(invoice.id)[-1] == "invoice.payment_failed"


def test_p12_a_refusal_by_the_provider_gives_the_tokens_back(chain: Chain) -> None:
    payment = chain.pay(chain.issue("100.00"))
    chain.tokens.weather.reject_next("policy")

    chain.send()

    assert chain.payment(payment.id).status is PaymentStatus.FAILED
    assert chain.available("ann") == usd("500.00")


def test_p12_tokens_of_a_frozen_payer_come_back_into_2030(chain: Chain) -> None:
    payment = chain.pay(chain.issue("100.00"))
    freeze = FreezeWallet(party_id="ann", asset="USD", reason="court order")
    chain.run(freeze_wallet(chain.deps, freeze))
    chain.send()

    chain.fail(payment)

    assert chain.balance(Account(Code.FROZEN, "USD", "ann")) == usd("500.00")


def test_while_the_outcome_is_unknown_nothing_is_released(chain: Chain) -> None:
    invoice = chain.issue("100.00")
    payment = chain.pay(invoice)
    chain.tokens.weather.lose_next_answer()

    chain.send()

    assert chain.payment(payment.id).status is PaymentStatus.UNKNOWN
    assert chain.held("ann") == usd("100.00")
    assert chain.invoice(invoice.id).pending == usd("100.00")
    assert chain.events(payment.id)[1:] == ["payment.submitted", "payment.unknown"]

    chain.tokens.finalize(chain.transfer(payment).id)
    chain.clock.advance(hours=1)
    chain.send()

    assert chain.payment(payment.id).status is PaymentStatus.COMPLETED


def test_a_fact_told_twice_settles_once(chain: Chain) -> None:
    payment = chain.pay(chain.issue("100.00"), "60.00")
    chain.send()
    chain.finalize(payment)

    chain.clock.advance(hours=1)
    chain.run(poll_due(chain.deps, 100))

    assert chain.available("acme") == usd("60.00")


def test_a_payment_started_in_time_settles_after_the_expiry_and_is_late(chain: Chain) -> None:
    invoice = chain.issue("100.00", expires_at=chain.clock.now() + timedelta(minutes=10))
    payment = chain.pay(invoice)
    chain.send()
    chain.clock.advance(hours=1)

    chain.finalize(payment)

    assert chain.payment(payment.id).is_late
    assert chain.invoice(invoice.id).status is InvoiceStatus.PAID


def test_an_invoice_is_not_voided_under_a_payment_in_flight(chain: Chain) -> None:
    invoice = chain.issue("100.00")
    chain.pay(invoice)

    with pytest.raises(InvoiceHasPayments):
        chain.run(invoices.void_invoice(chain.deps, invoices.VoidInvoice(invoice_id=invoice.id)))


def test_p12_a_payment_is_cancelled_before_it_leaves(chain: Chain) -> None:
    invoice = chain.issue("100.00")
    payment = chain.pay(invoice)

    cancelled = cancel(chain, payment)
    chain.send()

    assert (cancelled.status, cancelled.failure_reason) == (PaymentStatus.CANCELLED, "changed my mind")
    assert chain.rules(payment.id) == ["P-10", "P-12"]
    assert chain.transfer(payment).status is EffectStatus.CANCELLED
    assert chain.tokens.transfers() == ()
    assert chain.available("ann") == usd("500.00")
    assert chain.invoice(invoice.id).pending == usd("0.00")


def test_a_payment_that_left_is_not_cancelled(chain: Chain) -> None:
    payment = chain.pay(chain.issue("100.00"))
    chain.send()

    with pytest.raises(InvalidTransition):
        cancel(chain, payment)


def test_only_the_payer_cancels(chain: Chain) -> None:
    payment = chain.pay(chain.issue("100.00"))

    with pytest.raises(NotThePayer):
        chain.run(cancel_payment(chain.acting_as("ben"), CancelPayment(payment_id=payment.id)))
    chain.run(cancel_payment(chain.acting_as("ann"), CancelPayment(payment_id=payment.id)))


def test_a_settled_payment_is_not_cancelled() -> None:
    till = Till()
    payment = till.pay(till.issue("100.00"))

    with pytest.raises(InvalidTransition):
        till.run(cancel_payment(till.deps, CancelPayment(payment_id=payment.id)))


def test_held_tokens_are_not_paid_with_again(chain: Chain) -> None:
    chain.pay(chain.issue("400.00"))

    with pytest.raises(InsufficientFunds):
        chain.pay(chain.issue("200.00"))


def test_each_invoice_of_one_transfer_settles_on_its_own(chain: Chain) -> None:
    first, second = chain.issue("40.00"), chain.issue("40.00")
    command = PayInvoices(payer_id="ann", amount=usd("80.00"), invoice_ids=(first.id, second.id))
    paid = chain.run(pay_invoices(chain.deps, command))
    chain.send()

    chain.finalize(paid.payments[1])

    assert chain.invoice(first.id).pending == usd("40.00")
    assert chain.invoice(second.id).status is InvoiceStatus.PAID


def settled(chain: Chain, amount: str = "100.00") -> Payment:
    """A payment of a fresh invoice of 100.00 that the chain made final."""
    payment = chain.pay(chain.issue("100.00"), amount)
    chain.send()
    chain.finalize(payment)
    return chain.payment(payment.id)


def following(chain: Chain, cause_id: str) -> tuple[Effect, str, str]:
    """The latest intent of a cause, and from whom to whom it moves."""
    effect = max((e for e in chain.rows(Effect) if e.cause_id == cause_id), key=lambda e: e.generation)
    return effect, effect.request["from_party"], effect.request["to_party"]


def test_p11_a_reversed_payment_was_held_and_is_available_again(chain: Chain) -> None:
    payment = settled(chain)

    command = ReversePayment(payment_id=payment.id, approved_by="second", reason="fraud")
    chain.run(reverse_payment(chain.deps, command))

    assert (chain.available("ann"), chain.held("ann")) == (usd("500.00"), usd("0.00"))
    effect, giver, taker = following(chain, payment.id)
    assert (effect.amount, giver, taker) == (usd("100.00"), "acme", "ann")


def test_p27_the_chain_follows_a_refund(chain: Chain) -> None:
    payment = settled(chain)
    command = invoices.RefundInvoice(invoice_id=payment.invoice_id, amount=usd("30.00"))
    chain.run(invoices.refund_invoice(chain.deps, command))

    effect, giver, taker = following(chain, payment.id)
    chain.send()
    chain.tokens.finalize(effect.id)

    assert (effect.amount, giver, taker) == (usd("30.00"), "acme", "ann")
    assert chain.run(chain.tokens.balance("ann", "USD")) == usd("430.00") == chain.available("ann")


def test_p15_the_chain_follows_each_refund_of_a_credit(chain: Chain) -> None:
    lot_id = settled(chain, "130.00").credit_id
    for amount in ("10.00", "20.00"):
        command = RefundCredit(credit_id=lot_id, amount=usd(amount))
        chain.run(refund_credit(chain.deps, command))

    chain.send()
    for effect in (e for e in chain.rows(Effect) if e.cause_id == lot_id):
        chain.tokens.finalize(effect.id)

    assert chain.run(chain.tokens.balance("ann", "USD")) == usd("400.00") == chain.available("ann")


def chain_balances(chain: Chain, *party_ids: str) -> list[Money]:
    """What the chain says, once it did everything that it was asked."""
    for _ in range(3):
        chain.send()
        chain.tokens.release()
        chain.clock.advance(hours=1)
        chain.run(poll_due(chain.deps, 100))
    return [chain.run(chain.tokens.balance(id, "USD")) for id in party_ids]


def test_the_chain_follows_the_platforms_fee() -> None:
    chain = Chain(Policy(fee_bps=250))

    payment = settled(chain, "130.00")

    assert payment.fee == usd("2.50")
    assert chain_balances(chain, "acme", "platform") == [usd("127.50"), usd("2.50")]
    assert (chain.available("acme"), chain.fenced(), chain.available("platform")) == (
        usd("97.50"),
        usd("30.00"),
        usd("2.50"),
    )


def test_p13_the_chain_follows_the_fee_on_an_applied_credit() -> None:
    chain = Chain(Policy(fee_bps=250))
    settled(chain, "130.00")

    chain.issue("20.00")

    assert chain_balances(chain, "acme", "platform") == [usd("127.00"), usd("3.00")]
    assert chain.available("platform") == usd("3.00")


def test_p11_the_chain_follows_the_fee_of_a_push() -> None:
    chain = Chain(Policy(fee_bps=250))
    chain.tokens.push("ann", "acme", usd("100.00"))

    chain.push(chain.issue("100.00"), "100.00")

    assert chain_balances(chain, "acme", "platform") == [usd("97.50"), usd("2.50")]


def test_a_reversal_takes_the_fee_from_the_platform_on_chain_too() -> None:
    chain = Chain(Policy(fee_bps=250))
    payment = settled(chain)

    command = ReversePayment(payment_id=payment.id, approved_by="second", reason="fraud")
    chain.run(reverse_payment(chain.deps, command))

    assert chain_balances(chain, "ann", "acme", "platform") == [usd("500.00"), usd("0.00"), usd("0.00")]
    assert chain.available("ann") == usd("500.00")
    assert chain.violations() == ()


def test_a_refund_that_the_chain_refuses_is_left_to_a_person(chain: Chain) -> None:
    lot_id = settled(chain, "130.00").credit_id
    chain.run(refund_credit(chain.deps, RefundCredit(credit_id=lot_id)))
    chain.tokens.weather.reject_next("policy")

    chain.send()

    effect, _, _ = following(chain, lot_id)
    assert effect.status is EffectStatus.NEEDS_REVIEW
    assert chain.available("ann") == usd("400.00")
    assert chain.lot(lot_id).status is CreditStatus.REFUNDED


def test_what_moves_in_the_book_plans_nothing() -> None:
    till = Till()
    till.run(refund_credit(till.deps, RefundCredit(credit_id=till.credit("20.00").id)))

    assert till.rows(Effect) == ()
