"""Payments that arrived by themselves, or outside the system."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.credits import CreditReason
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.money import Money
from invoicepay.domain.payments import Channel, Payment, PaymentType
from invoicepay.domain.policies import (
    CreditBacking,
    Late,
    Overpay,
    Partial,
    Policy,
)
from invoicepay.errors import (
    AssetNotAccepted,
    ComplianceBlocked,
    ComplianceReview,
    DuplicateProviderReference,
    InvalidInput,
    InvoicePayError,
    NotAllowed,
    NotThePayer,
    SelfPayment,
    WalletFrozen,
)
from invoicepay.ports.screening import Verdict
from invoicepay.use_cases import invoices
from invoicepay.use_cases.parties import FreezeWallet, freeze_wallet
from invoicepay.use_cases.payments import (
    ReceivePush,
    RecordExternalPayment,
    receive_push,
    record_external,
)
from tests.support.leaving import LEAVE, Leave
from tests.support.money_desk import Says
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


def freeze(till: Till, party_id: str) -> None:
    till.run(freeze_wallet(till.deps, FreezeWallet(party_id=party_id, asset="USD", reason="court order")))


class TestPush:
    def test_p11_a_transfer_pays_the_invoice_it_names(self, till: Till) -> None:
        invoice = till.issue("100.00")

        payment = till.push(invoice, "60.00", ref="0x1:0").payment

        assert payment is not None
        assert (payment.channel, payment.applied) == (Channel.PUSH, usd("60.00"))
        assert till.rules(payment.id) == ["P-11"]

    def test_e11_a_duplicate_becomes_credit_and_is_told(self, till: Till) -> None:
        invoice = till.issue("100.00")
        till.pay(invoice)

        payment = till.push(invoice, "100.00", ref="0x1:0").payment

        assert payment is not None
        assert (payment.applied, payment.excess) == (usd("0.00"), usd("100.00"))
        assert till.lot(payment.credit_id).reason is CreditReason.DUPLICATE_PAYMENT
        assert till.events(invoice.id)[-1] == "invoice.duplicate_payment"
        assert till.fenced() == usd("100.00")

    def test_the_same_transfer_seen_twice_counts_once(self, till: Till) -> None:
        invoice = till.issue("100.00")

        first = till.push(invoice, "60.00", ref="0x1:0")
        again = till.push(invoice, "60.00", ref="0x1:0")

        assert again == first
        assert till.available("ann") == usd("440.00")

    def test_one_transfer_never_pays_a_second_invoice(self, till: Till) -> None:
        till.push(till.issue("100.00"), "60.00", ref="0x1:0")

        with pytest.raises(DuplicateProviderReference):
            till.push(till.issue("100.00"), "60.00", ref="0x1:0")

    def test_policies_for_pulls_do_not_turn_a_push_away(self) -> None:
        till = till_with(Policy(overpay=Overpay.REFUSE, partial=Partial.REFUSE))

        part = till.push(till.issue("100.00"), "60.00").payment
        over = till.push(till.issue("10.00"), "15.00").payment

        assert part is not None and part.applied == usd("60.00")
        assert over is not None and over.excess == usd("5.00")

    def test_p22_a_small_difference_closes_the_invoice(self) -> None:
        tolerant = Policy(tolerance_micros=usd("0.05").micros, tolerance_bps=100)
        till = till_with(tolerant)
        invoice = till.issue("100.00")

        payment = till.push(invoice, "99.95").payment

        after = till.invoice(invoice.id)
        assert (after.status, after.written_off) == (InvoiceStatus.PAID, usd("0.05"))
        assert payment is not None and payment.payment_type is PaymentType.PARTIAL
        assert till.violations() == ()

    def test_a_difference_above_the_tolerance_or_from_a_pull_stays_open(self) -> None:
        till = till_with(Policy(tolerance_micros=usd("0.05").micros, tolerance_bps=100))
        first, second = till.issue("100.00"), till.issue("100.00")

        till.push(first, "99.94")
        till.pay(second, "99.95")

        assert till.invoice(first.id).remaining == usd("0.06")
        assert till.invoice(second.id).remaining == usd("0.05")

    @pytest.mark.parametrize("is_marked", [True, False])
    def test_late_accept_pays_an_expired_invoice(self, till: Till, is_marked: bool) -> None:
        invoice = till.issue("100.00", expires_at=till.clock.now() + timedelta(hours=1))
        till.clock.advance(hours=2)
        if is_marked:
            till.run(invoices.expire_invoice(till.deps, invoices.ExpireInvoice(invoice_id=invoice.id)))

        payment = till.push(invoice, "100.00").payment

        assert payment is not None and payment.is_late
        assert till.invoice(invoice.id).status is InvoiceStatus.PAID

    def test_late_credit_leaves_an_expired_invoice_alone(self) -> None:
        till = till_with(Policy(late=Late.CREDIT))
        invoice = till.issue("100.00", expires_at=till.clock.now() + timedelta(hours=1))
        till.clock.advance(hours=2)
        till.run(invoices.expire_invoice(till.deps, invoices.ExpireInvoice(invoice_id=invoice.id)))

        payment = till.push(invoice, "100.00").payment

        assert payment is not None and payment.excess == usd("100.00")
        assert till.lot(payment.credit_id).reason is CreditReason.LATE_PAYMENT
        assert till.invoice(invoice.id).status is InvoiceStatus.EXPIRED
        assert till.violations() == ()

    def test_a_transfer_for_a_void_invoice_becomes_credit(self, till: Till) -> None:
        invoice = till.issue("100.00")
        till.run(invoices.void_invoice(till.deps, invoices.VoidInvoice(invoice_id=invoice.id)))

        payment = till.push(invoice, "100.00").payment

        assert payment is not None
        assert till.lot(payment.credit_id).reason is CreditReason.VOID_INVOICE
        assert till.invoice(invoice.id).status is InvoiceStatus.VOID

    def test_p26_money_for_an_uncollectible_invoice_is_recovered(self, till: Till) -> None:
        invoice = till.issue("100.00")
        gone = invoices.MarkUncollectible(invoice_id=invoice.id)
        till.run(invoices.mark_uncollectible(till.deps, gone))

        till.push(invoice, "30.00")
        part = till.invoice(invoice.id)
        till.pay(invoice)

        assert (part.status, part.remaining) == (InvoiceStatus.UNCOLLECTIBLE, usd("70.00"))
        assert till.invoice(invoice.id).status is InvoiceStatus.PAID
        assert till.events(invoice.id)[-2:] == ["invoice.payment_recovered", "invoice.paid"]

    def test_p17_another_asset_is_kept_as_a_receipt(self, till: Till) -> None:
        invoice = till.issue("100.00")
        till.fund("ann", "50.00 EUR")

        received = till.push(invoice, "50.00", asset="EUR", ref="0x1:0")

        assert received.payment is None and received.receipt is not None
        assert received.receipt.reason == "wrong_asset"
        assert till.available("acme", "EUR") == Money("50.00", "EUR")
        assert till.rules(received.receipt.id) == ["P-17"]
        assert till.events(received.receipt.id) == ["payment.unapplied"]
        assert till.push(invoice, "50.00", asset="EUR", ref="0x1:0") == received

    def test_a_transfer_that_names_no_invoice_is_kept_as_a_receipt(self, till: Till) -> None:
        command = ReceivePush(enterprise_id="acme", payer_id="ann", amount=usd("5.00"))

        received = till.run(receive_push(till.deps, command))

        assert received.receipt is not None and received.receipt.reason == "no_invoice"

    def test_a_draft_is_not_paid_by_a_transfer(self, till: Till) -> None:
        terms = invoices.InvoiceTerms(
            enterprise_id="acme", customer_id="ann", lines=till.issue("10.00").lines
        )
        draft = till.run(invoices.create_draft(till.deps, terms))

        received = till.push(draft, "10.00")

        assert received.receipt is not None and received.receipt.reason == "invoice_not_issued"

    def test_tokens_that_reached_another_enterprise_do_not_pay_the_invoice(self, till: Till) -> None:
        till.enterprise("bolt")
        command = ReceivePush(
            invoice_id=till.issue("10.00").id, enterprise_id="bolt", payer_id="ann", amount=usd("10.00")
        )

        received = till.run(receive_push(till.deps, command))

        assert received.receipt is not None and received.receipt.reason == "other_enterprise"
        assert till.available("bolt") == usd("10.00")

    def test_p11_and_p18_tokens_from_outside_are_drawn_from_2050(self, till: Till) -> None:
        till.decide(LEAVE, Leave(usd("90.00")))
        invoice = till.issue("50.00")

        payment = till.push(invoice, "80.00", payer="", ref="0x1:0").payment
        command = ReceivePush(enterprise_id="acme", amount=usd("10.00"))
        receipt = till.run(receive_push(till.deps, command)).receipt

        assert payment is not None and receipt is not None
        assert till.rules(receipt.id) == ["P-18"]
        assert till.balance(Account(Code.EXTERNAL_HOLDERS, "USD")) == usd("0.00")
        assert till.lot(payment.credit_id).payer_id == "ann"

    def test_a_party_tells_only_of_its_own_transfers(self, till: Till) -> None:
        invoice = till.issue("50.00")
        own = ReceivePush(invoice_id=invoice.id, payer_id="ann", amount=usd("5.00"))
        unknown = ReceivePush(invoice_id=invoice.id, amount=usd("5.00"))

        till.run(receive_push(till.acting_as("ann"), own))
        with pytest.raises(NotThePayer):
            till.run(receive_push(till.acting_as("ben"), own))
        with pytest.raises(NotAllowed):
            till.run(receive_push(till.acting_as("ben"), unknown))

    def test_an_enterprise_does_not_push_to_itself(self, till: Till) -> None:
        with pytest.raises(SelfPayment):
            till.push(till.issue("50.00"), "5.00", payer="acme")

    @pytest.mark.parametrize(
        "facts", [{}, {"enterprise_id": "acme", "provider_ref": "0x1"}], ids=["nobody", "no provider"]
    )
    def test_a_transfer_names_where_it_arrived_and_who_says_so(
        self, till: Till, facts: dict[str, Any]
    ) -> None:
        command = ReceivePush(payer_id="ann", amount=usd("5.00"), **facts)

        with pytest.raises(InvalidInput):
            till.run(receive_push(till.deps, command))

    def test_a_frozen_wallet_does_not_push_in_the_book(self, till: Till) -> None:
        invoice = till.issue("50.00")
        freeze(till, "ann")

        with pytest.raises(WalletFrozen):
            till.push(invoice, "5.00")

    @pytest.mark.parametrize(
        ("verdict", "refusal"),
        [(Verdict.BLOCK, ComplianceBlocked), (Verdict.REVIEW, ComplianceReview)],
    )
    def test_what_screening_stops_is_not_pushed_in_the_book(
        self, verdict: Verdict, refusal: type[InvoicePayError]
    ) -> None:
        till = Till(screening=Says(verdict))
        invoice = till.issue("50.00")

        with pytest.raises(refusal):
            till.push(invoice, "5.00")
        assert till.available("ann") == usd("500.00")


class TestExternal:
    def test_p19_no_token_moves(self, till: Till) -> None:
        invoice = till.issue("100.00")
        before = till.balances()

        payment = external(till, invoice, "100.00", reference="stmt-7")

        assert (payment.channel, payment.payment_type) == (Channel.EXTERNAL, PaymentType.EXACT)
        assert till.invoice(invoice.id).status is InvoiceStatus.PAID
        assert till.balances() == before
        assert till.rules(payment.id) == []

    def test_p19_an_excess_is_credit_without_a_fence(self, till: Till) -> None:
        payment = external(till, till.issue("100.00"), "130.00")

        lot = till.lot(payment.credit_id)
        assert (lot.remaining, lot.out_of_band, lot.backing) == (usd("30.00"), True, CreditBacking.NONE)
        assert till.fenced() == usd("0.00")

    def test_the_enterprise_records_it_and_nobody_else(self, till: Till) -> None:
        command = RecordExternalPayment(invoice_id=till.issue("10.00").id, amount=usd("10.00"))

        with pytest.raises(NotAllowed):
            till.run(record_external(till.acting_as("ann"), command))
        till.run(record_external(till.acting_as("acme"), command))

    def test_one_reference_is_recorded_once_for_an_invoice(self, till: Till) -> None:
        invoice = till.issue("100.00")
        external(till, invoice, "10.00", reference="stmt-7")

        with pytest.raises(DuplicateProviderReference):
            external(till, invoice, "10.00", reference="stmt-7")

    def test_only_the_invoices_asset_is_recorded(self, till: Till) -> None:
        command = RecordExternalPayment(invoice_id=till.issue("10.00").id, amount=Money("10.00", "EUR"))

        with pytest.raises(AssetNotAccepted):
            till.run(record_external(till.deps, command))

    def test_credit_from_outside_pays_the_next_invoice(self, till: Till) -> None:
        external(till, till.issue("100.00"), "130.00")

        assert till.issue("30.00").status is InvoiceStatus.PAID

    def test_a_payment_outside_the_system_pays_no_fee(self) -> None:
        till = till_with(Policy(fee_bps=250))

        assert external(till, till.issue("80.00"), "80.00").fee == usd("0.00")
