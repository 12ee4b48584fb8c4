"""Invoices that are not paid: they expire, are voided, or given up; the books stay right."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from invoicepay.domain.credits import CreditReason, CreditStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus, VoidDisposition
from invoicepay.domain.policies import Asset, AutoApply, Policy, Programme, Settlement
from invoicepay.errors import (
    InsufficientEnterpriseFunds,
    InvalidTime,
    InvalidTransition,
    InvoiceHasPayments,
    NotAllowed,
)
from invoicepay.use_cases import invoices
from invoicepay.use_cases.credits import RefundCredit, refund_credit
from invoicepay.use_cases.invoices import (
    ExpireInvoice,
    MarkUncollectible,
    ReopenInvoice,
    VoidInvoice,
)
from invoicepay.use_cases.payments import RecordExternalPayment, record_external
from tests.support.invoice_desk import Shop
from tests.support.invoices import usd

S = InvoiceStatus


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.assert_books_hold()


class TestExpiry:
    def hourly(self, shop: Shop) -> Invoice:
        return shop.issue(expires_at=shop.clock.now() + timedelta(hours=1))

    def expire(self, shop: Shop, invoice: Invoice) -> Invoice:
        return shop.run(invoices.expire_invoice(shop.deps, ExpireInvoice(invoice_id=invoice.id)))

    def test_an_invoice_expires_at_its_instant_and_not_before(self, shop: Shop) -> None:
        invoice = self.hourly(shop)
        with pytest.raises(InvalidTransition):
            self.expire(shop, invoice)
        shop.clock.advance(hours=1)

        assert self.expire(shop, invoice).status is S.EXPIRED

    def test_a_payment_that_began_in_time_holds_the_expiry_up(self) -> None:
        on_chain = Asset("USD", settlement=Settlement.ONCHAIN)
        shop = Shop(programme=Programme(assets={"USD": on_chain}))
        invoice = self.hourly(shop)
        shop.pay(invoice, "100.00")
        shop.clock.advance(hours=1)

        with pytest.raises(InvoiceHasPayments):
            self.expire(shop, invoice)
        assert shop.run(invoices.expire_due(shop.deps)).count == 0
        shop.assert_books_hold()

    def test_reopening_gives_a_new_expiry_or_none(self, shop: Shop) -> None:
        invoice = self.hourly(shop)
        shop.clock.advance(hours=1)
        self.expire(shop, invoice)
        command = ReopenInvoice(invoice_id=invoice.id)

        reopened = shop.run(invoices.reopen_invoice(shop.deps, command))

        assert (reopened.status, reopened.expires_at) == (S.OPEN, None)

    def test_what_was_partly_paid_reopens_so(self, shop: Shop) -> None:
        invoice = self.hourly(shop)
        shop.pay(invoice, "40.00")
        shop.clock.advance(hours=1)
        self.expire(shop, invoice)
        later = shop.clock.now() + timedelta(days=1)

        reopened = shop.run(
            invoices.reopen_invoice(shop.deps, ReopenInvoice(invoice_id=invoice.id, expires_at=later))
        )

        assert (reopened.status, reopened.expires_at) == (S.PARTIALLY_PAID, later)

    def test_a_new_expiry_lies_ahead(self, shop: Shop) -> None:
        invoice = self.hourly(shop)
        shop.clock.advance(hours=1)
        self.expire(shop, invoice)
        command = ReopenInvoice(invoice_id=invoice.id, expires_at=shop.clock.now())

        with pytest.raises(InvalidTime):
            shop.run(invoices.reopen_invoice(shop.deps, command))

    def test_everything_due_is_expired_once_whoever_asks(self, shop: Shop) -> None:
        due = [self.hourly(shop) for _ in range(3)]
        later = shop.issue(expires_at=shop.clock.now() + timedelta(days=1))
        shop.clock.advance(hours=1)

        first = shop.run(invoices.expire_due(shop.acting_as("ann")))
        second = shop.run(invoices.expire_due(shop.deps))

        assert (first.count, first.refusals, second.count) == (3, (), 0)
        assert {shop.again(invoice).status for invoice in due} == {S.EXPIRED}
        assert shop.again(later).status is S.OPEN

    def test_a_run_stops_at_its_limit(self, shop: Shop) -> None:
        for _ in range(3):
            self.hourly(shop)
        shop.clock.advance(hours=1)

        assert [shop.run(invoices.expire_due(shop.deps, 2)).count for _ in range(3)] == [2, 1, 0]


class TestVoiding:
    def test_p23_an_unpaid_invoice_is_void_and_keeps_its_number(self, shop: Shop) -> None:
        invoice = shop.issue()

        voided = shop.void(invoice)

        assert (voided.status, voided.number, voided.remaining) == (S.VOID, "A-0001", usd("0"))
        assert shop.rules() == []

    def test_e7_what_was_paid_needs_a_disposition(self, shop: Shop) -> None:
        invoice = shop.issue("60.00")
        shop.pay(invoice, "20.00")

        with pytest.raises(InvoiceHasPayments):
            shop.void(invoice)

    def test_e7_p24_what_was_paid_becomes_ring_fenced_credit(self, shop: Shop) -> None:
        invoice = shop.issue("60.00")
        shop.pay(invoice, "20.00")

        voided = shop.void(invoice, VoidDisposition.CREDIT)

        (lot,) = shop.lots()
        assert (voided.status, voided.applied) == (S.VOID, usd("0"))
        assert (lot.remaining, lot.reason, lot.payer_id) == (usd("20.00"), CreditReason.VOID_INVOICE, "ann")
        assert (shop.available("acme"), shop.fenced()) == (usd("0"), usd("20.00"))
        assert shop.rules() == ["P-11", "P-24"]

    def test_e7_p15_the_credit_goes_back_to_the_payer(self, shop: Shop) -> None:
        invoice = shop.issue("60.00")
        shop.pay(invoice, "20.00")
        shop.void(invoice, VoidDisposition.CREDIT)
        (lot,) = shop.lots()

        shop.run(refund_credit(shop.deps, RefundCredit(credit_id=lot.id)))

        assert (shop.available("ann"), shop.fenced()) == (usd("500.00"), usd("0"))

    def test_p24_p15_a_refund_pays_each_payer_back(self, shop: Shop) -> None:
        shop.fund("bob", "50.00 USD")
        invoice = shop.issue("60.00")
        shop.pay(invoice, "20.00")
        shop.pay(invoice, "15.00", payer="bob")

        voided = shop.void(invoice, VoidDisposition.REFUND)

        assert (shop.available("ann"), shop.available("bob")) == (usd("500.00"), usd("50.00"))
        assert (voided.refunded, shop.fenced()) == (usd("35.00"), usd("0"))
        assert {lot.status for lot in shop.lots()} == {CreditStatus.REFUNDED}

    def test_p24_credit_that_had_paid_returns_to_its_lot(self, shop: Shop) -> None:
        shop.pay(shop.issue("80.00"), "90.00")
        invoice = shop.issue("60.00")
        shop.pay(invoice, "20.00")

        shop.void(invoice, VoidDisposition.REFUND)

        overpaid = shop.lots()[0]
        assert (overpaid.remaining, overpaid.status) == (usd("10.00"), CreditStatus.AVAILABLE)
        assert (shop.available("ann"), shop.fenced()) == (usd("410.00"), usd("10.00"))

    def test_p24_credit_from_a_void_pays_what_else_is_open_by_policy(self) -> None:
        shop = Shop(Policy(auto_apply=AutoApply.ON_CREDIT))
        waiting = shop.issue("30.00")
        invoice = shop.issue("60.00")
        shop.pay(invoice, "20.00")

        shop.void(invoice, VoidDisposition.CREDIT)

        assert shop.again(waiting).applied == usd("20.00")
        shop.assert_books_hold()

    def test_p24_the_enterprise_must_still_have_the_tokens(self, shop: Shop) -> None:
        invoice = shop.issue("60.00")
        shop.pay(invoice, "20.00")
        self.spend(shop, "10.00")

        with pytest.raises(InsufficientEnterpriseFunds):
            shop.void(invoice, VoidDisposition.CREDIT)
        assert shop.again(invoice).status is S.PARTIALLY_PAID

    def spend(self, shop: Shop, amount: str) -> None:
        """acme buys from bolt."""
        shop.enterprise("bolt")
        bill = shop.issue(amount, enterprise_id="bolt", customer_id="acme")
        shop.pay(bill, amount, payer="acme")

    @pytest.mark.parametrize("disposition", VoidDisposition)
    def test_p19_what_was_paid_outside_moves_no_token(self, shop: Shop, disposition: VoidDisposition) -> None:
        invoice = shop.issue("60.00")
        outside = RecordExternalPayment(invoice_id=invoice.id, amount=usd("20.00"))
        shop.run(record_external(shop.deps, outside))

        voided = shop.void(invoice, disposition)

        assert (voided.status, voided.refunded, shop.fenced()) == (S.VOID, usd("0"), usd("0"))
        assert shop.rules() == []

    def test_a_paid_or_draft_invoice_is_not_voided(self, shop: Shop) -> None:
        paid = shop.issue("10.00")
        shop.pay(paid, "10.00")

        for invoice in (paid, shop.draft()):
            with pytest.raises(InvalidTransition):
                shop.void(invoice, VoidDisposition.CREDIT)

    def test_only_the_enterprise_or_an_operator_voids(self, shop: Shop) -> None:
        command = VoidInvoice(invoice_id=shop.issue().id)

        with pytest.raises(NotAllowed):
            shop.run(invoices.void_invoice(shop.acting_as("ann"), command))


class TestUncollectible:
    def test_p25_what_is_open_stays_as_a_memo(self, shop: Shop) -> None:
        invoice = shop.issue()
        shop.pay(invoice, "30.00")

        lost = shop.run(invoices.mark_uncollectible(shop.deps, MarkUncollectible(invoice_id=invoice.id)))

        assert (lost.status, lost.remaining) == (S.UNCOLLECTIBLE, usd("70.00"))

    def test_p26_a_later_payment_is_recovered(self, shop: Shop) -> None:
        invoice = shop.issue()
        shop.run(invoices.mark_uncollectible(shop.deps, MarkUncollectible(invoice_id=invoice.id)))

        shop.pay(invoice, "30.00")
        shop.pay(invoice, "70.00")

        assert shop.again(invoice).status is S.PAID
        assert "invoice.payment_recovered" in shop.event_names(invoice.id)
