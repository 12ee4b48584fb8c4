"""Pull payments: the split, the platform's fee, what is refused, what policies change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.allocations import Allocation
from invoicepay.domain.credits import CreditKind, CreditLot, CreditReason, CreditStatus
from invoicepay.domain.invoices import InvoiceStatus
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.payments import Payment, PaymentStatus, PaymentType, Receipt
from invoicepay.domain.policies import (
    AutoApply,
    CreditBacking,
    Limits,
    Overpay,
    Partial,
    Policy,
    Programme,
)
from invoicepay.errors import (
    AmountNotPositive,
    AmountPrecision,
    AssetNotAccepted,
    BelowMinimumPartial,
    ComplianceBlocked,
    ComplianceReview,
    InsufficientFunds,
    InvalidTransition,
    InvoiceAlreadyPaid,
    InvoiceExpired,
    InvoicePayError,
    LimitExceeded,
    NotFound,
    NotThePayer,
    OverpaymentRefused,
    PartialPaymentRefused,
    SelfPayment,
    WalletFrozen,
)
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.use_cases import invoices
from invoicepay.use_cases.parties import FreezeWallet, freeze_wallet
from invoicepay.use_cases.payments import (
    PayInvoice,
    pay_invoice,
    pay_many,
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


def freeze(till: Till, party_id: str) -> None:
    till.run(freeze_wallet(till.deps, FreezeWallet(party_id=party_id, asset="USD", reason="court order")))


class TestPull:
    def test_p11_e2_an_exact_payment_pays_the_invoice(self, till: Till) -> None:
        invoice = till.issue("100.00")

        payment = till.pay(invoice, "100.00")

        assert (payment.status, payment.payment_type) == (PaymentStatus.COMPLETED, PaymentType.EXACT)
        assert till.invoice(invoice.id).status is InvoiceStatus.PAID
        assert (till.available("ann"), till.available("acme")) == (usd("400.00"), usd("100.00"))
        assert till.rules(payment.id) == ["P-11"]
        assert till.events(payment.id) == ["payment.completed"]
        assert till.events(invoice.id)[-1] == "invoice.paid"

    def test_e3_three_parts_pay_one_invoice(self, till: Till) -> None:
        invoice = till.issue("90.00")

        steps = []
        for _ in range(3):
            payment = till.pay(invoice, "30.00")
            after = till.invoice(invoice.id)
            steps.append((payment.payment_type, after.applied, after.remaining, after.status))

        assert steps == [
            ("PARTIAL", usd("30.00"), usd("60.00"), "partially_paid"),
            ("PARTIAL", usd("60.00"), usd("30.00"), "partially_paid"),
            ("EXACT", usd("90.00"), usd("0.00"), "paid"),
        ]

    def test_p11_e4_an_excess_is_fenced_as_the_customers_credit(self, till: Till) -> None:
        invoice = till.issue("80.00")

        payment = till.pay(invoice, "100.00")

        assert (payment.payment_type, payment.applied, payment.excess) == (
            PaymentType.OVERPAYMENT,
            usd("80.00"),
            usd("20.00"),
        )
        assert till.available("ann") == usd("400.00")
        assert (till.available("acme"), till.fenced()) == (usd("80.00"), usd("20.00"))
        lot = till.lot(payment.credit_id)
        assert (lot.remaining, lot.kind, lot.reason) == (
            usd("20.00"),
            CreditKind.CASH,
            CreditReason.OVERPAYMENT,
        )
        assert (lot.source_id, lot.payer_id) == (payment.id, "ann")

    def test_e10_the_later_of_two_payments_finds_less_open(self, till: Till) -> None:
        invoice = till.issue("100.00")

        first, second = till.pay(invoice, "80.00"), till.pay(invoice, "80.00")

        assert (first.payment_type, first.applied) == (PaymentType.PARTIAL, usd("80.00"))
        assert (second.payment_type, second.applied, second.excess) == (
            PaymentType.OVERPAYMENT,
            usd("20.00"),
            usd("60.00"),
        )

    def test_without_an_amount_what_is_open_is_paid(self, till: Till) -> None:
        invoice = till.issue("100.00")
        till.pay(invoice, "33.33")

        assert till.pay(invoice).amount == usd("66.67")

    def test_credit_from_another_payers_excess_belongs_to_the_customer_and_goes_back_to_the_payer(
        self, till: Till
    ) -> None:
        payment = till.pay(till.issue("80.00", customer="ann"), "100.00", payer="ben")

        lot = till.lot(payment.credit_id)
        assert (lot.customer_id, lot.payer_id) == ("ann", "ben")

    def test_a_repeated_key_pays_once(self, till: Till) -> None:
        invoice = till.issue("100.00")
        command = PayInvoice(invoice_id=invoice.id, payer_id="ann", amount=usd("40.00"))

        first = till.run(pay_invoice(till.deps, command, "order-1"))
        again = till.run(pay_invoice(till.deps, command, "order-1"))

        assert again == first and again.replayed
        assert till.available("ann") == usd("460.00")

    def test_the_allocation_explains_the_invoice(self, till: Till) -> None:
        payment = till.pay(till.issue("80.00"), "100.00")

        (allocation,) = till.rows(Allocation)
        assert (allocation.source_id, allocation.amount) == (payment.id, usd("80.00"))

    def test_a_payment_after_the_due_date_is_late(self, till: Till) -> None:
        invoice = till.issue("100.00", due_on=date(2026, 1, 6))

        till.clock.set("2026-01-06T23:59:59Z")
        in_time = till.pay(invoice, "50.00")
        till.clock.set("2026-01-07T00:00:00Z")
        late = till.pay(invoice, "50.00")

        assert (in_time.is_late, late.is_late) == (False, True)
        assert till.invoice(invoice.id).is_late

    def test_tokens_for_a_frozen_enterprise_land_in_2030(self, till: Till) -> None:
        invoice = till.issue("100.00")
        freeze(till, "acme")

        till.pay(invoice)

        assert till.balance(Account(Code.FROZEN, "USD", "acme")) == usd("100.00")

    def test_many_payments_share_a_transaction_and_fail_alone(self, till: Till) -> None:
        first, second = till.issue("100.00"), till.issue("600.00")
        calls = [
            (PayInvoice(invoice_id=first.id, payer_id="ann", amount=usd("60.00")), "a"),
            (PayInvoice(invoice_id=second.id, payer_id="ann"), "b"),
            (PayInvoice(invoice_id=first.id, payer_id="ann", amount=usd("60.00")), "c"),
        ]

        paid, refused, over = till.run(pay_many(till.deps, calls))

        assert isinstance(paid, Payment)
        assert isinstance(over, Payment)
        assert paid.payment_type is PaymentType.PARTIAL
        assert isinstance(refused, InsufficientFunds)
        assert (over.applied, over.excess) == (usd("40.00"), usd("20.00"))


class TestPlatformFee:
    def test_the_fee_is_taken_from_what_is_applied_never_from_excess(self) -> None:
        till = till_with(Policy(fee_bps=250))

        payment = till.pay(till.issue("80.00"), "100.00")

        assert payment.fee == usd("2.00")
        assert (till.available("acme"), till.fenced(), till.available("platform")) == (
            usd("78.00"),
            usd("20.00"),
            usd("2.00"),
        )
        assert till.violations() == ()


class TestRefusals:
    @pytest.mark.parametrize(
        ("facts", "error"),
        [
            ({"amount": Money.zero("USD")}, AmountNotPositive),
            ({"invoice_id": "inv_none"}, NotFound),
            ({"payer_id": "nobody"}, NotFound),
            ({"payer_id": "acme"}, SelfPayment),
            ({"amount": Money("10.00", "EUR")}, AssetNotAccepted),
            ({"amount": usd("10.001")}, AmountPrecision),
            ({"amount": usd("500.01")}, InsufficientFunds),
        ],
    )
    def test_what_cannot_be_paid_is_refused(
        self, till: Till, facts: dict[str, object], error: type[InvoicePayError]
    ) -> None:
        asked = {"invoice_id": till.issue("600.00").id, "payer_id": "ann", "amount": usd("10.00"), **facts}

        with pytest.raises(error):
            till.run(pay_invoice(till.deps, PayInvoice(**asked)))  # type: ignore[arg-type]

    def test_somebody_else_does_not_pay_with_anns_tokens(self, till: Till) -> None:
        command = PayInvoice(invoice_id=till.issue("10.00").id, payer_id="ann")

        with pytest.raises(NotThePayer):
            till.run(pay_invoice(till.acting_as("ben"), command))

    def test_who_asks_is_judged_before_the_state(self, till: Till) -> None:
        invoice = till.issue("10.00")
        till.pay(invoice)
        command = PayInvoice(invoice_id=invoice.id, payer_id="ann")

        with pytest.raises(NotThePayer):
            till.run(pay_invoice(till.acting_as("ben"), command))

    def test_a_paid_invoice_takes_no_pull(self, till: Till) -> None:
        invoice = till.issue("10.00")
        till.pay(invoice)

        with pytest.raises(InvoiceAlreadyPaid):
            till.pay(invoice, "10.00")

    def test_an_expired_invoice_takes_no_pull(self, till: Till) -> None:
        invoice = till.issue("10.00", expires_at=till.clock.now() + timedelta(hours=1))
        till.clock.advance(hours=1)

        with pytest.raises(InvoiceExpired):
            till.pay(invoice)

    def test_a_void_invoice_takes_no_pull(self, till: Till) -> None:
        invoice = till.issue("10.00")
        till.run(invoices.void_invoice(till.deps, invoices.VoidInvoice(invoice_id=invoice.id)))

        with pytest.raises(InvalidTransition):
            till.pay(invoice)

    def test_a_frozen_wallet_does_not_pay(self, till: Till) -> None:
        invoice = till.issue("10.00")
        freeze(till, "ann")

        with pytest.raises(WalletFrozen):
            till.pay(invoice)

    def test_finer_amounts_need_a_policy(self) -> None:
        till = till_with(Policy(micro_payments=True))

        assert till.pay(till.issue("10.00"), "0.000001").applied == usd("0.000001")

    def test_a_limit_counts_what_was_paid_today(self) -> None:
        programme = Programme(limits=Limits(by_tier={0: usd("100.00").micros}))
        till = Till(programme=programme)
        invoice = till.issue("200.00")
        till.pay(invoice, "60.00")

        with pytest.raises(LimitExceeded):
            till.pay(invoice, "60.00")

        till.clock.advance(days=1)
        till.pay(invoice, "60.00")

    @pytest.mark.parametrize(
        ("verdict", "error"), [(Verdict.BLOCK, ComplianceBlocked), (Verdict.REVIEW, ComplianceReview)]
    )
    def test_screening_is_asked_who_pays_whom_how_much(
        self, verdict: Verdict, error: type[InvoicePayError]
    ) -> None:
        asked: list[Subject] = []

        class Suspicious:
            async def screen(self, subject: Subject) -> Screened:
                asked.append(subject)
                return Screened(verdict=verdict, reason="list")

        till = Till(screening=Suspicious())
        invoice = till.issue("10.00")

        with pytest.raises(error):
            till.pay(invoice)
        assert asked == [
            Subject(action="payment", party_id="ann", counterparty_id="acme", amount=usd("10.00"))
        ]
        assert till.available("ann") == usd("500.00")


class TestPolicies:
    def test_overpay_refuse_refuses_more_than_is_open(self) -> None:
        till = till_with(Policy(overpay=Overpay.REFUSE))
        invoice = till.issue("100.00")

        with pytest.raises(OverpaymentRefused):
            till.pay(invoice, "100.01")
        assert till.pay(invoice, "100.00").payment_type is PaymentType.EXACT

    def test_overpay_cap_moves_only_what_is_open(self) -> None:
        till = till_with(Policy(overpay=Overpay.CAP))

        payment = till.pay(till.issue("80.00"), "100.00")

        assert (payment.amount, payment.payment_type) == (usd("80.00"), PaymentType.EXACT)
        assert till.available("ann") == usd("420.00")

    def test_partial_refuse_takes_all_or_nothing(self) -> None:
        till = till_with(Policy(partial=Partial.REFUSE))
        invoice = till.issue("100.00")

        with pytest.raises(PartialPaymentRefused):
            till.pay(invoice, "99.99")
        assert till.pay(invoice, "100.00").payment_type is PaymentType.EXACT

    def test_a_part_below_the_minimum_is_refused_unless_it_is_the_rest(self) -> None:
        till = till_with(Policy(min_partial_micros=usd("20.00").micros))
        invoice = till.issue("30.00")

        with pytest.raises(BelowMinimumPartial):
            till.pay(invoice, "19.99")
        till.pay(invoice, "20.00")
        assert till.pay(invoice, "10.00").payment_type is PaymentType.EXACT

    def test_an_unsecured_excess_is_the_enterprises_to_spend(self) -> None:
        till = till_with(Policy(credit_backing=CreditBacking.UNSECURED))

        payment = till.pay(till.issue("80.00"), "100.00")

        assert (till.available("acme"), till.fenced()) == (usd("100.00"), usd("0.00"))
        assert till.lot(payment.credit_id).backing is CreditBacking.UNSECURED
        assert till.violations() == ()

    def test_on_credit_puts_an_excess_on_the_oldest_due_invoice_at_once(self) -> None:
        till = till_with(Policy(auto_apply=AutoApply.ON_CREDIT))
        later = till.issue("30.00", due_on=date(2026, 3, 1))
        sooner = till.issue("15.00", due_on=date(2026, 2, 1))

        payment = till.pay(till.issue("80.00", due_on=date(2026, 1, 20)), "100.00")

        assert till.invoice(sooner.id).status is InvoiceStatus.PAID
        assert till.invoice(later.id).remaining == usd("25.00")
        assert till.lot(payment.credit_id).status is CreditStatus.APPLIED
        assert (till.available("acme"), till.fenced()) == (usd("100.00"), usd("0.00"))
        assert till.violations() == ()


def test_unknown_parties_are_registered_where_the_programme_says_so() -> None:
    till = Till(programme=Programme(unknown_parties="register"))
    invoice = till.issue("10.00", customer="cleo", enterprise="corner-till")
    till.pay(invoice)

    assert till.row(Party, "corner-till").kind is PartyKind.ENTERPRISE
    assert {row.id for row in till.rows(CreditLot)} == set()
    assert till.rows(Receipt) == ()
