"""Settled payments that are taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.domain.credits import CreditStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.payments import Payment, PaymentStatus
from invoicepay.domain.policies import (
    Policy,
)
from invoicepay.errors import (
    CreditConsumed,
    InsufficientEnterpriseFunds,
    InvalidTransition,
    NotAllowed,
    SecondActorRequired,
)
from invoicepay.use_cases import invoices
from invoicepay.use_cases.payments import (
    RecordExternalPayment,
    ReversePayment,
    record_external,
    reverse_payment,
)
from tests.support.till import Till, usd


@pytest.fixture
def till() -> Iterator[Till]:
    """A till whose books hold afterwards."""
    till = Till()
    yield till
    assert till.violations() == ()


def till_with(policy: Policy) -> Till:
    return Till(policy)


def external(till: Till, invoice: Invoice, amount: str, **facts: str) -> Payment:
    command = RecordExternalPayment(invoice_id=invoice.id, amount=usd(amount), **facts)
    return till.run(record_external(till.deps, command))


def reverse(till: Till, payment: Payment, approved_by: str = "second") -> Payment:
    command = ReversePayment(payment_id=payment.id, approved_by=approved_by, reason="wrong invoice")
    return till.run(reverse_payment(till.deps, command))


class TestReverse:
    def test_p11_is_reversed_by_a_posting_that_names_it(self, till: Till) -> None:
        invoice = till.issue("80.00")
        payment = till.pay(invoice, "100.00")

        reversed_ = reverse(till, payment)

        booked, taken_back = till.postings(payment.id)
        assert (taken_back.rule, taken_back.reverses) == ("P-11", booked.id)
        assert booked.id == payment.posting_id
        assert reversed_.status is PaymentStatus.REVERSED
        assert till.invoice(invoice.id).status is InvoiceStatus.OPEN
        assert till.invoice(invoice.id).remaining == usd("80.00")
        assert till.lot(payment.credit_id).status is CreditStatus.VOID
        assert (till.available("ann"), till.available("acme")) == (usd("500.00"), usd("0.00"))

    def test_an_earlier_part_keeps_the_invoice_partially_paid(self, till: Till) -> None:
        invoice = till.issue("100.00")
        first, second = till.pay(invoice, "30.00"), till.pay(invoice, "70.00")

        reverse(till, second)

        after = till.invoice(invoice.id)
        assert (after.status, after.applied, after.paid_at) == ("partially_paid", usd("30.00"), None)
        assert first.status is PaymentStatus.COMPLETED

    def test_the_platform_gives_its_fee_back(self) -> None:
        till = till_with(Policy(fee_bps=250))
        payment = till.pay(till.issue("80.00"))

        reverse(till, payment)

        assert till.available("platform") == usd("0.00")
        assert till.available("ann") == usd("500.00")
        assert till.violations() == ()

    def test_a_small_difference_is_due_again(self) -> None:
        till = till_with(Policy(tolerance_micros=usd("0.05").micros, tolerance_bps=100))
        invoice = till.issue("100.00")
        payment = till.push(invoice, "99.95").payment
        assert payment is not None

        reverse(till, payment)

        after = till.invoice(invoice.id)
        assert (after.remaining, after.written_off) == (usd("100.00"), usd("0.00"))
        assert till.violations() == ()

    def test_a_duplicate_is_reversed_without_touching_the_paid_invoice(self, till: Till) -> None:
        invoice = till.issue("100.00")
        till.pay(invoice)
        duplicate = till.push(invoice, "100.00").payment
        assert duplicate is not None

        reverse(till, duplicate)

        after = till.invoice(invoice.id)
        assert (after.status, after.overpaid) == (InvoiceStatus.PAID, usd("0.00"))
        assert till.available("ann") == usd("400.00")

    def test_p19_a_payment_outside_is_reversed_without_tokens(self, till: Till) -> None:
        invoice = till.issue("100.00")
        payment = external(till, invoice, "130.00")
        before = till.balances()

        reverse(till, payment)

        assert till.invoice(invoice.id).status is InvoiceStatus.OPEN
        assert till.lot(payment.credit_id).status is CreditStatus.VOID
        assert till.balances() == before

    def test_used_credit_stops_it(self, till: Till) -> None:
        payment = till.pay(till.issue("80.00"), "100.00")
        till.issue("5.00")

        with pytest.raises(CreditConsumed):
            reverse(till, payment)

    def test_a_refunded_payment_is_not_reversed(self, till: Till) -> None:
        invoice = till.issue("80.00")
        payment = till.pay(invoice)
        refund = invoices.RefundInvoice(invoice_id=invoice.id, amount=usd("10.00"))
        till.run(invoices.refund_invoice(till.deps, refund))

        with pytest.raises(InvalidTransition):
            reverse(till, payment)

    def test_it_happens_once(self, till: Till) -> None:
        payment = till.pay(till.issue("80.00"))
        reverse(till, payment)

        with pytest.raises(InvalidTransition):
            reverse(till, payment)

    def test_an_enterprise_without_the_tokens_stops_it(self, till: Till) -> None:
        payment = till.pay(till.issue("80.00"))
        till.enterprise("bolt")
        till.pay(till.issue("50.00", customer="acme", enterprise="bolt"), payer="acme")

        with pytest.raises(InsufficientEnterpriseFunds):
            reverse(till, payment)

    @pytest.mark.parametrize("approved_by", ["", "ops"])
    def test_it_takes_a_second_person(self, till: Till, approved_by: str) -> None:
        payment = till.pay(till.issue("80.00"))

        with pytest.raises(SecondActorRequired):
            reverse(till, payment, approved_by)

    def test_it_takes_an_operator(self, till: Till) -> None:
        payment = till.pay(till.issue("80.00"))
        command = ReversePayment(payment_id=payment.id, approved_by="second")

        with pytest.raises(NotAllowed):
            till.run(reverse_payment(till.acting_as("acme"), command))
