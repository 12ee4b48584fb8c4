"""Payments of invoices: pulled, pushed, over several invoices, from outside, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from invoicepay.domain.accounts import Account, Code, available
from invoicepay.domain.allocations import Allocation
from invoicepay.domain.credits import CreditKind, CreditLot, CreditReason, CreditStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.payments import Channel, Payment, PaymentStatus, PaymentType, Receipt
from invoicepay.domain.policies import (
    AutoApply,
    CreditBacking,
    Late,
    Limits,
    Overpay,
    Partial,
    Policy,
    Programme,
)
from invoicepay.errors import (
    AllocationIncomplete,
    AmountNotPositive,
    AmountPrecision,
    AssetNotAccepted,
    BelowMinimumPartial,
    ComplianceBlocked,
    ComplianceReview,
    CreditConsumed,
    DuplicateProviderReference,
    InsufficientEnterpriseFunds,
    InsufficientFunds,
    InvalidInput,
    InvalidTransition,
    InvoiceAlreadyPaid,
    InvoiceExpired,
    InvoicePayError,
    LimitExceeded,
    NotAllowed,
    NotFound,
    NotThePayer,
    OverpaymentRefused,
    PartialPaymentRefused,
    SecondActorRequired,
    SelfPayment,
    WalletFrozen,
)
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.use_cases import invoices
from invoicepay.use_cases.parties import FreezeWallet, freeze_wallet
from invoicepay.use_cases.payments import (
    PaidInvoices,
    PayInvoice,
    PayInvoices,
    Received,
    ReceivePush,
    RecordExternalPayment,
    ReversePayment,
    pay_invoice,
    pay_invoices,
    pay_many,
    receive_push,
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


def several(till: Till, amount: str, *bills: Invoice, enterprise: str = "") -> PaidInvoices:
    command = PayInvoices(
        payer_id="ann",
        amount=usd(amount),
        invoice_ids=tuple(invoice.id for invoice in bills),
        enterprise_id=enterprise,
    )
    return till.run(pay_invoices(till.deps, command))


def reverse(till: Till, payment: Payment, approved_by: str = "second") -> Payment:
    command = ReversePayment(payment_id=payment.id, approved_by=approved_by, reason="wrong invoice")
    return till.run(reverse_payment(till.deps, command))


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

    def test_a_payment_outside_the_system_pays_no_fee(self) -> None:
        till = till_with(Policy(fee_bps=250))

        assert external(till, till.issue("80.00"), "80.00").fee == usd("0.00")


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
        from invoicepay.domain import postings
        from invoicepay.domain.accounts import held
        from invoicepay.domain.change import Change, Needs, Snapshot, need
        from invoicepay.use_cases.perform import UseCase

        def needs(command: Received, seen: Snapshot) -> Needs:
            return need((Party, "ben"), accounts=[available("ben", "USD"), held("ben", "USD")])

        def leave(command: Received, change: Change) -> Party:
            change.post(postings.placed_on_hold("ben", "USD", usd("90.00").micros, memo="x"))
            for posting in postings.sent_outside("ben", "USD", usd("90.00").micros, memo="x"):
                change.post(posting)
            return change.get(Party, "ben")

        till.decide(UseCase("test.leave", Party, needs, leave), Received())
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
        self, till: Till, facts: dict[str, str]
    ) -> None:
        command = ReceivePush(payer_id="ann", amount=usd("5.00"), **facts)

        with pytest.raises(InvalidInput):
            till.run(receive_push(till.deps, command))

    def test_a_frozen_wallet_does_not_push_in_the_book(self, till: Till) -> None:
        invoice = till.issue("50.00")
        freeze(till, "ann")

        with pytest.raises(WalletFrozen):
            till.push(invoice, "5.00")


class TestSeveral:
    def test_the_given_order_is_kept_and_the_last_reached_is_paid_in_part(self, till: Till) -> None:
        first, second, third = till.issue("40.00"), till.issue("40.00"), till.issue("40.00")

        paid = several(till, "100.00", third, first, second)

        assert [(p.invoice_id, p.applied) for p in paid.payments] == [
            (third.id, usd("40.00")),
            (first.id, usd("40.00")),
            (second.id, usd("20.00")),
        ]
        assert len({payment.group_id for payment in paid.payments}) == 1

    def test_without_invoices_the_oldest_due_are_paid_first(self, till: Till) -> None:
        later = till.issue("40.00", due_on=date(2026, 3, 1))
        sooner = till.issue("40.00", due_on=date(2026, 2, 1))
        till.issue("40.00")
        till.issue("40.00", customer="ben", due_on=date(2026, 1, 10))

        paid = several(till, "60.00", enterprise="acme")

        assert [(p.invoice_id, p.applied) for p in paid.payments] == [
            (sooner.id, usd("40.00")),
            (later.id, usd("20.00")),
        ]

    def test_a_remainder_within_one_enterprise_becomes_credit(self, till: Till) -> None:
        paid = several(till, "100.00", till.issue("40.00"), till.issue("40.00"))

        assert [payment.excess for payment in paid.payments] == [usd("0.00"), usd("20.00")]
        assert till.fenced() == usd("20.00")

    def test_a_remainder_over_several_enterprises_is_refused(self, till: Till) -> None:
        till.enterprise("bolt")
        bills = till.issue("40.00"), till.issue("40.00", enterprise="bolt")

        with pytest.raises(AllocationIncomplete):
            several(till, "80.01", *bills)
        assert till.available("ann") == usd("500.00")

        several(till, "80.00", *bills)
        assert (till.available("acme"), till.available("bolt")) == (usd("40.00"), usd("40.00"))

    @pytest.mark.parametrize(("overpay", "left"), [(Overpay.CAP, "420.00"), (Overpay.REFUSE, "500.00")])
    def test_the_enterprises_policy_decides_about_a_remainder(self, overpay: Overpay, left: str) -> None:
        till = till_with(Policy(overpay=overpay))
        bills = till.issue("40.00"), till.issue("40.00")

        if overpay is Overpay.REFUSE:
            with pytest.raises(OverpaymentRefused):
                several(till, "100.00", *bills)
        else:
            several(till, "100.00", *bills)

        assert till.available("ann") == usd(left)

    def test_one_that_takes_no_payment_stops_them_all(self, till: Till) -> None:
        paid = till.issue("10.00")
        till.pay(paid)

        with pytest.raises(InvoiceAlreadyPaid):
            several(till, "50.00", till.issue("40.00"), paid)
        assert till.available("ann") == usd("490.00")

    def test_nothing_open_leaves_nothing_to_allocate(self, till: Till) -> None:
        with pytest.raises(AllocationIncomplete):
            several(till, "10.00", enterprise="acme")

    def test_either_invoices_or_an_enterprise_is_named(self, till: Till) -> None:
        with pytest.raises(InvalidInput):
            several(till, "10.00")
        with pytest.raises(InvalidInput):
            several(till, "10.00", till.issue("10.00"), enterprise="acme")

    def test_somebody_else_does_not_pay_with_anns_tokens(self, till: Till) -> None:
        command = PayInvoices(payer_id="ann", amount=usd("5.00"), invoice_ids=(till.issue("5.00").id,))

        with pytest.raises(NotThePayer):
            till.run(pay_invoices(till.acting_as("ben"), command))

    def test_a_repeated_key_answers_with_the_same_payments(self, till: Till) -> None:
        command = PayInvoices(payer_id="ann", amount=usd("5.00"), invoice_ids=(till.issue("5.00").id,))

        first = till.run(pay_invoices(till.deps, command, "k"))

        assert till.run(pay_invoices(till.deps, command, "k")) == first
        assert len(till.rows(Payment)) == 1


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


def test_unknown_parties_are_registered_where_the_programme_says_so() -> None:
    till = Till(programme=Programme(unknown_parties="register"))
    invoice = till.issue("10.00", customer="cleo", enterprise="corner-till")
    till.pay(invoice)

    assert till.row(Party, "corner-till").kind is PartyKind.ENTERPRISE
    assert {row.id for row in till.rows(CreditLot)} == set()
    assert till.rows(Receipt) == ()
