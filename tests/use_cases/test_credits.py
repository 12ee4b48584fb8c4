"""Customer credits: put on invoices, paid back to their source, granted, expired, given back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.allocations import Allocation, SourceKind
from invoicepay.domain.credits import CreditKind, CreditLot, CreditStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus, VoidDisposition
from invoicepay.domain.money import Money
from invoicepay.domain.policies import AutoApply, CreditBacking, Policy
from invoicepay.errors import (
    AmountNotPositive,
    AmountPrecision,
    CreditNotRefundable,
    CurrencyMismatch,
    InsufficientEnterpriseFunds,
    InsufficientFunds,
    InvalidTime,
    InvalidTransition,
    InvoiceAlreadyPaid,
    InvoiceExpired,
    InvoiceHasPayments,
    InvoicePayError,
    NotAllowed,
    NotFound,
    OverpaymentRefused,
    RefundExceedsPaid,
    SecondActorRequired,
    WalletFrozen,
)
from invoicepay.use_cases import invoices
from invoicepay.use_cases.credits import (
    ApplyCredit,
    ExpireCredit,
    GrantCredit,
    RefundCredit,
    apply_credit,
    expire_credit,
    expire_due_credits,
    grant_credit,
    refund_credit,
)
from invoicepay.use_cases.parties import FreezeWallet, freeze_wallet
from invoicepay.use_cases.payments import RecordExternalPayment, record_external
from tests.support.till import ON_CHAIN, Till, usd

MANUAL = Policy(auto_apply=AutoApply.MANUAL)


@pytest.fixture
def till() -> Iterator[Till]:
    """A till that applies credit when told to, and whose books hold afterwards."""
    till = Till(MANUAL)
    yield till
    assert till.violations() == ()


def apply(till: Till, invoice: Invoice, **facts: Any) -> Invoice:
    return till.run(apply_credit(till.deps, ApplyCredit(invoice_id=invoice.id, **facts)))


def refund(till: Till, lot: CreditLot, **facts: Any) -> CreditLot:
    return till.run(refund_credit(till.deps, RefundCredit(credit_id=lot.id, **facts)))


def expire(till: Till, lot: CreditLot) -> CreditLot:
    return till.run(expire_credit(till.deps, ExpireCredit(credit_id=lot.id)))


class TestApply:
    def test_p13_applied_credit_frees_the_tokens_behind_it(self, till: Till) -> None:
        lot = till.credit("20.00")
        invoice = till.issue("30.00")

        after = apply(till, invoice)

        assert (after.status, after.remaining) == (InvoiceStatus.PARTIALLY_PAID, usd("10.00"))
        assert till.rules(lot.id) == ["P-13"]
        assert (till.available("acme"), till.fenced()) == (usd("21.00"), usd("0.00"))
        assert till.lot(lot.id).status is CreditStatus.APPLIED
        assert till.available("ann") == usd("479.00")
        assert till.events(lot.id) == ["credit.opened", "credit.applied"]

    def test_e5_lots_are_used_first_in_first_out_and_tokens_pay_the_rest(self) -> None:
        till = Till()
        till.pay(till.issue("100.00"), "100.00")
        parts = till.issue("90.00")
        for _ in range(3):
            till.pay(parts, "30.00")
        fourth = till.issue("40.00")
        first = till.pay(till.issue("80.00"), "100.00")
        second = till.pay(fourth, "55.50")
        assert till.lot(second.credit_id).remaining == usd("15.50")

        fifth, sixth = till.issue("30.00"), till.issue("25.00")

        assert fifth.status is InvoiceStatus.PAID
        assert (sixth.status, sixth.remaining) == (InvoiceStatus.PARTIALLY_PAID, usd("19.50"))
        used = {row.source_id: row.amount for row in till.rows(Allocation) if row.invoice_id == sixth.id}
        assert used == {second.credit_id: usd("5.50")}
        till.pay(sixth, "19.50")
        assert [till.lot(p.credit_id).status for p in (first, second)] == [CreditStatus.APPLIED] * 2
        assert (till.available("ann"), till.available("acme"), till.fenced()) == (
            usd("135.00"),
            usd("365.00"),
            usd("0.00"),
        )
        assert till.violations() == ()

    def test_a_lot_and_an_amount_may_be_chosen(self, till: Till) -> None:
        older, newer = till.credit("20.00"), till.credit("20.00")

        apply(till, till.issue("30.00"), credit_id=newer.id, amount=usd("5.00"))

        assert till.lot(older.id).remaining == usd("20.00")
        assert till.lot(newer.id).remaining == usd("15.00")

    def test_goodwill_goes_before_cash_and_moves_no_token(self, till: Till) -> None:
        cash, goodwill = till.credit("20.00"), till.goodwill("10.00")

        apply(till, till.issue("10.00"))

        assert till.lot(goodwill.id).status is CreditStatus.APPLIED
        assert till.lot(cash.id).remaining == usd("20.00")
        assert till.rules(goodwill.id) == []
        assert till.fenced() == usd("20.00")

    def test_what_expires_first_is_used_first(self, till: Till) -> None:
        now = till.clock.now()
        later = till.goodwill("10.00", expires_at=now + timedelta(days=9))
        sooner = till.goodwill("10.00", expires_at=now + timedelta(days=5))

        apply(till, till.issue("10.00"))

        assert till.lot(sooner.id).status is CreditStatus.APPLIED
        assert till.lot(later.id).remaining == usd("10.00")

    def test_expired_credit_pays_nothing_even_before_it_is_marked(self, till: Till) -> None:
        till.goodwill("10.00", expires_at=till.clock.now() + timedelta(days=1))
        till.clock.advance(days=1)

        with pytest.raises(InsufficientFunds):
            apply(till, till.issue("10.00"))

    def test_credit_of_another_customer_or_enterprise_is_out_of_reach(self, till: Till) -> None:
        till.enterprise("bolt", MANUAL)
        bens = till.credit("20.00", customer="ben", payer="ben")
        elsewhere = till.issue("10.00", enterprise="bolt")

        with pytest.raises(InsufficientFunds):
            apply(till, till.issue("10.00"))
        with pytest.raises(NotFound):
            apply(till, till.issue("10.00"), credit_id=bens.id)
        with pytest.raises(InsufficientFunds):
            apply(till, elsewhere)

    def test_an_amount_is_applied_in_full_or_not_at_all(self, till: Till) -> None:
        till.credit("20.00")

        with pytest.raises(OverpaymentRefused):
            apply(till, till.issue("10.00"), amount=usd("10.01"))
        with pytest.raises(InsufficientFunds):
            apply(till, till.issue("30.00"), amount=usd("20.01"))
        with pytest.raises(AmountNotPositive):
            apply(till, till.issue("30.00"), amount=usd("0.00"))
        with pytest.raises(CurrencyMismatch):
            apply(till, till.issue("30.00"), amount=Money("1.00", "EUR"))

    def test_a_used_lot_is_not_applied_again(self, till: Till) -> None:
        lot = till.credit("20.00")
        apply(till, till.issue("20.00"))

        with pytest.raises(InvalidTransition):
            apply(till, till.issue("20.00"), credit_id=lot.id)

    def test_only_an_open_invoice_takes_credit(self, till: Till) -> None:
        till.credit("20.00")
        paid, lost = till.issue("1.00"), till.issue("1.00")
        expired = till.issue("1.00", expires_at=till.clock.now() + timedelta(hours=1))
        till.pay(paid)
        gone = invoices.MarkUncollectible(invoice_id=lost.id)
        till.run(invoices.mark_uncollectible(till.deps, gone))
        till.clock.advance(hours=1)

        for invoice, error in (
            (paid, InvoiceAlreadyPaid),
            (lost, InvalidTransition),
            (expired, InvoiceExpired),
        ):
            with pytest.raises(error):
                apply(till, invoice)

    def test_credit_waits_while_a_payment_is_pending(self) -> None:
        till = Till(MANUAL, ON_CHAIN)
        till.goodwill("10.00")
        invoice = till.issue("30.00")
        till.pay(invoice, "5.00")

        with pytest.raises(InvalidTransition):
            apply(till, invoice)

    def test_customer_and_enterprise_may_apply_it_and_nobody_else(self, till: Till) -> None:
        till.credit("20.00")
        command = ApplyCredit(invoice_id=till.issue("30.00").id, amount=usd("1.00"))

        till.run(apply_credit(till.acting_as("ann"), command))
        till.run(apply_credit(till.acting_as("acme"), command))
        with pytest.raises(NotAllowed):
            till.run(apply_credit(till.acting_as("ben"), command))

    def test_p13_the_platform_takes_its_fee_when_credit_is_applied(self) -> None:
        till = Till(Policy(auto_apply=AutoApply.MANUAL, fee_bps=1000))
        lot = till.credit("20.00")
        earned = till.available("platform")

        apply(till, till.issue("20.00"))

        assert till.available("platform") - earned == usd("2.00")
        (allocation,) = (row for row in till.rows(Allocation) if row.source_id == lot.id)
        assert (allocation.source_kind, allocation.fee) == (SourceKind.CREDIT, usd("2.00"))
        assert till.violations() == ()

    def test_tokens_freed_for_a_frozen_enterprise_land_in_2030(self, till: Till) -> None:
        till.credit("20.00")
        freeze = FreezeWallet(party_id="acme", asset="USD", reason="court order")
        till.run(freeze_wallet(till.deps, freeze))

        apply(till, till.issue("20.00"))

        assert till.balance(Account(Code.FROZEN, "USD", "acme")) == usd("21.00")


class TestAutoApply:
    def test_on_finalize_is_the_default(self) -> None:
        till = Till()
        till.credit("20.00")

        assert till.issue("30.00").remaining == usd("10.00")

    def test_on_credit_pays_the_oldest_due_open_invoice_then_by_number(self) -> None:
        till = Till(Policy(auto_apply=AutoApply.ON_CREDIT))
        later = till.issue("10.00", due_on=date(2026, 3, 1))
        first = till.issue("10.00", due_on=date(2026, 2, 1))
        second = till.issue("10.00", due_on=date(2026, 2, 1))

        till.goodwill("25.00")

        rest = [till.invoice(invoice.id).remaining for invoice in (first, second, later)]
        assert rest == [usd("0.00"), usd("0.00"), usd("5.00")]
        assert till.violations() == ()

    def test_on_credit_leaves_an_invoice_with_a_pending_payment_alone(self) -> None:
        till = Till(Policy(auto_apply=AutoApply.ON_CREDIT), ON_CHAIN)
        waiting, free = till.issue("10.00"), till.issue("10.00")
        till.pay(waiting, "5.00")

        till.goodwill("10.00")

        assert till.invoice(waiting.id).remaining == usd("10.00")
        assert till.invoice(free.id).status is InvoiceStatus.PAID

    def test_manual_waits_to_be_asked(self, till: Till) -> None:
        invoice = till.issue("30.00")

        till.credit("20.00")

        assert till.issue("30.00").remaining == till.invoice(invoice.id).remaining == usd("30.00")


class TestRefund:
    def test_p15_credit_goes_back_to_whoever_paid_it_in(self, till: Till) -> None:
        lot = till.credit("20.00", payer="ben")

        after = refund(till, lot)

        assert (after.status, after.refunded) == (CreditStatus.REFUNDED, usd("20.00"))
        assert till.rules(lot.id) == ["P-15"]
        assert till.available("ben") == usd("499.00")
        assert till.fenced() == usd("0.00")

    def test_e11_a_duplicate_is_refundable_at_once(self, till: Till) -> None:
        invoice = till.issue("100.00")
        till.pay(invoice)
        duplicate = till.push(invoice, "100.00", ref="0x1:0").payment
        assert duplicate is not None

        refund(till, till.lot(duplicate.credit_id))

        assert (till.available("ann"), till.available("acme")) == (usd("400.00"), usd("100.00"))

    def test_a_part_may_be_refunded_and_the_rest_applied(self, till: Till) -> None:
        lot = till.credit("20.00")

        refund(till, lot, amount=usd("5.00"))
        apply(till, till.issue("15.00"))

        after = till.lot(lot.id)
        assert (after.refunded, after.applied, after.status) == (usd("5.00"), usd("15.00"), "applied")

    def test_goodwill_is_never_refunded(self, till: Till) -> None:
        with pytest.raises(CreditNotRefundable):
            refund(till, till.goodwill("10.00"))

    def test_no_more_than_what_remains_is_refunded(self, till: Till) -> None:
        lot = till.credit("20.00")

        with pytest.raises(RefundExceedsPaid):
            refund(till, lot, amount=usd("20.01"))
        refund(till, lot)
        with pytest.raises(InvalidTransition):
            refund(till, lot)

    def test_another_destination_takes_an_operator_and_an_approval(self, till: Till) -> None:
        lot = till.credit("20.00")
        elsewhere = RefundCredit(credit_id=lot.id, receiver_id="ben", approved_by="second")

        with pytest.raises(SecondActorRequired):
            refund(till, lot, receiver_id="ben")
        with pytest.raises(NotAllowed):
            till.run(refund_credit(till.acting_as("acme"), elsewhere))
        till.run(refund_credit(till.deps, elsewhere))

        assert till.available("ben") == usd("520.00")

    def test_the_enterprise_refunds_and_not_the_customer(self, till: Till) -> None:
        lot = till.credit("20.00")

        with pytest.raises(NotAllowed):
            till.run(refund_credit(till.acting_as("ann"), RefundCredit(credit_id=lot.id)))
        till.run(refund_credit(till.acting_as("acme"), RefundCredit(credit_id=lot.id)))

    def test_a_fence_makes_the_refund_independent_of_the_enterprises_balance(self, till: Till) -> None:
        lot = till.credit("20.00")
        till.enterprise("bolt")
        till.pay(till.issue("1.00", customer="acme", enterprise="bolt"), payer="acme")
        assert till.available("acme") == usd("0.00")

        assert refund(till, lot).status is CreditStatus.REFUNDED

    def test_without_a_fence_the_enterprise_may_lack_the_tokens(self) -> None:
        till = Till(Policy(auto_apply=AutoApply.MANUAL, credit_backing=CreditBacking.UNSECURED))
        lot = till.credit("20.00")
        till.enterprise("bolt")
        till.pay(till.issue("15.00", customer="acme", enterprise="bolt"), payer="acme")

        with pytest.raises(InsufficientEnterpriseFunds):
            refund(till, lot)
        assert refund(till, lot, amount=usd("6.00")).remaining == usd("14.00")
        assert till.violations() == ()

    def test_a_frozen_enterprise_refunds_nothing(self, till: Till) -> None:
        lot = till.credit("20.00")
        freeze = FreezeWallet(party_id="acme", asset="USD", reason="court order")
        till.run(freeze_wallet(till.deps, freeze))

        with pytest.raises(WalletFrozen):
            refund(till, lot)

    def test_tokens_for_a_frozen_payer_land_in_2030(self, till: Till) -> None:
        lot = till.credit("20.00", payer="ben")
        freeze = FreezeWallet(party_id="ben", asset="USD", reason="court order")
        till.run(freeze_wallet(till.deps, freeze))

        refund(till, lot)

        assert till.balance(Account(Code.FROZEN, "USD", "ben")) == usd("499.00")

    def test_p19_what_was_paid_outside_is_paid_back_outside(self, till: Till) -> None:
        command = RecordExternalPayment(invoice_id=till.issue("100.00").id, amount=usd("130.00"))
        lot = till.lot(till.run(record_external(till.deps, command)).credit_id)
        before = till.balances()

        with pytest.raises(CreditNotRefundable):
            refund(till, lot)
        after = refund(till, lot, out_of_band=True)

        assert after.status is CreditStatus.REFUNDED
        assert till.balances() == before

    def test_tokens_are_not_paid_back_outside(self, till: Till) -> None:
        with pytest.raises(CreditNotRefundable):
            refund(till, till.credit("20.00"), out_of_band=True)


class TestGrant:
    def test_p14_goodwill_moves_no_token(self, till: Till) -> None:
        before = till.balances()

        lot = till.goodwill("10.00")

        assert (lot.kind, lot.backing, lot.remaining) == (
            CreditKind.NON_CASH,
            CreditBacking.NONE,
            usd("10.00"),
        )
        assert till.balances() == before
        assert till.events(lot.id) == ["credit.granted"]

    @pytest.mark.parametrize(
        ("facts", "error"),
        [
            ({"amount": usd("0.00")}, AmountNotPositive),
            ({"amount": usd("0.001")}, AmountPrecision),
            ({"customer_id": "nobody"}, NotFound),
            ({"enterprise_id": "ann"}, NotFound),
        ],
    )
    def test_what_cannot_be_granted_is_refused(
        self, till: Till, facts: dict[str, Any], error: type[InvoicePayError]
    ) -> None:
        asked = {"enterprise_id": "acme", "customer_id": "ann", "amount": usd("5.00"), **facts}

        with pytest.raises(error):
            till.run(grant_credit(till.deps, GrantCredit(**asked)))

    def test_an_expiry_lies_in_the_future(self, till: Till) -> None:
        with pytest.raises(InvalidTime):
            till.goodwill("10.00", expires_at=till.clock.now())

    def test_only_the_enterprise_grants(self, till: Till) -> None:
        command = GrantCredit(enterprise_id="acme", customer_id="ann", amount=usd("5.00"))

        with pytest.raises(NotAllowed):
            till.run(grant_credit(till.acting_as("ann"), command))
        till.run(grant_credit(till.acting_as("acme"), command))


class TestExpire:
    def test_p16_goodwill_is_gone_when_its_time_is_over(self, till: Till) -> None:
        lot = till.goodwill("10.00", expires_at=till.clock.now() + timedelta(days=1))
        with pytest.raises(InvalidTransition):
            expire(till, lot)
        till.clock.advance(days=1)

        after = expire(till, lot)

        assert (after.status, after.expired, after.remaining) == ("expired", usd("10.00"), usd("0.00"))
        assert till.rules(lot.id) == []

    def test_p16_cash_expires_only_where_the_policy_says_so_and_frees_its_tokens(self) -> None:
        till = Till(Policy(auto_apply=AutoApply.MANUAL, cash_credit_expiry_days=30))
        lot = till.credit("20.00")
        till.clock.advance(days=30)

        expire(till, lot)

        assert till.rules(lot.id) == ["P-16"]
        assert (till.available("acme"), till.fenced()) == (usd("21.00"), usd("0.00"))
        assert till.violations() == ()

    def test_without_a_policy_cash_never_expires(self, till: Till) -> None:
        lot = till.credit("20.00")
        till.clock.advance(days=36500)

        with pytest.raises(InvalidTransition):
            expire(till, lot)

    def test_a_used_credit_does_not_expire(self, till: Till) -> None:
        lot = till.goodwill("10.00", expires_at=till.clock.now() + timedelta(days=1))
        apply(till, till.issue("10.00"))
        till.clock.advance(days=1)

        with pytest.raises(InvalidTransition):
            expire(till, lot)

    def test_what_is_due_expires_in_one_run_and_only_once(self, till: Till) -> None:
        tomorrow = till.clock.now() + timedelta(days=1)
        due = [till.goodwill("10.00", expires_at=tomorrow) for _ in range(3)]
        kept = till.goodwill("10.00")
        till.clock.advance(days=1)

        first = till.run(expire_due_credits(till.deps, 2))
        second = till.run(expire_due_credits(till.deps, 2))
        third = till.run(expire_due_credits(till.deps, 2))

        assert (first.count, second.count, third.count) == (2, 1, 0)
        assert {till.lot(lot.id).status for lot in due} == {CreditStatus.EXPIRED}
        assert till.lot(kept.id).status is CreditStatus.AVAILABLE


class TestGivenBack:
    def test_p24_e7_a_paid_part_survives_the_void_as_credit(self, till: Till) -> None:
        invoice = till.issue("60.00")
        till.pay(invoice, "20.00")
        with pytest.raises(InvoiceHasPayments):
            till.run(invoices.void_invoice(till.deps, invoices.VoidInvoice(invoice_id=invoice.id)))

        command = invoices.VoidInvoice(invoice_id=invoice.id, disposition=VoidDisposition.CREDIT)
        till.run(invoices.void_invoice(till.deps, command))

        assert (till.available("ann"), till.available("acme"), till.fenced()) == (
            usd("480.00"),
            usd("0.00"),
            usd("20.00"),
        )
        assert till.rules(invoice.id) == ["P-24"]
        (lot,) = till.rows(CreditLot)
        assert lot.remaining == usd("20.00")

        refund(till, lot)

        assert (till.available("ann"), till.fenced()) == (usd("500.00"), usd("0.00"))

    def test_p27_e6_a_refund_unwinds_tokens_first_then_credit(self, till: Till) -> None:
        lot = till.credit("10.00")
        invoice = till.issue("50.00")
        apply(till, invoice)
        payment = till.pay(invoice, "40.00")
        before = till.available("ann"), till.available("acme")

        command = invoices.RefundInvoice(invoice_id=invoice.id, amount=usd("45.00"))
        note = till.run(invoices.refund_invoice(till.deps, command))

        assert till.available("ann") - before[0] == usd("40.00")
        assert before[1] - till.available("acme") == usd("45.00")
        assert (till.lot(lot.id).remaining, till.fenced()) == (usd("5.00"), usd("5.00"))
        assert set(till.rules(note.id)) == {"P-27"}
        after = till.invoice(invoice.id)
        assert (after.status, after.credited_post, after.applied) == ("paid", usd("45.00"), usd("5.00"))
        assert after.refund_status == "partial"
        assert till.payment(payment.id).refunded == usd("40.00")

    def test_goodwill_past_its_expiry_expires_as_soon_as_it_comes_back(self, till: Till) -> None:
        lot = till.goodwill("10.00", expires_at=till.clock.now() + timedelta(days=1))
        invoice = till.issue("30.00")
        apply(till, invoice)
        till.clock.advance(days=2)

        command = invoices.VoidInvoice(invoice_id=invoice.id, disposition=VoidDisposition.CREDIT)
        till.run(invoices.void_invoice(till.deps, command))

        after = till.lot(lot.id)
        assert (after.status, after.expired, after.applied) == ("expired", usd("10.00"), usd("0.00"))
        assert till.events(lot.id)[-2:] == ["credit.restored", "credit.expired"]

    def test_what_two_payers_paid_becomes_a_credit_for_each(self, till: Till) -> None:
        invoice = till.issue("60.00")
        till.pay(invoice, "20.00")
        till.pay(invoice, "30.00", payer="ben")

        command = invoices.VoidInvoice(invoice_id=invoice.id, disposition=VoidDisposition.CREDIT)
        till.run(invoices.void_invoice(till.deps, command))

        lots = {lot.payer_id: (lot.customer_id, lot.remaining) for lot in till.rows(CreditLot)}
        assert lots == {"ann": ("ann", usd("20.00")), "ben": ("ann", usd("30.00"))}

    def test_what_the_enterprise_has_spent_it_cannot_give_back(self, till: Till) -> None:
        invoice = till.issue("60.00")
        till.pay(invoice, "20.00")
        till.enterprise("bolt")
        till.pay(till.issue("15.00", customer="acme", enterprise="bolt"), payer="acme")

        for disposition in VoidDisposition:
            command = invoices.VoidInvoice(invoice_id=invoice.id, disposition=disposition)
            with pytest.raises(InsufficientEnterpriseFunds):
                till.run(invoices.void_invoice(till.deps, command))
