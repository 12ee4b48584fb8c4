"""Credit notes and refunds on memory: who gets what back; the books stay right."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from invoicepay.domain.accounts import available, frozen
from invoicepay.domain.credit_notes import CreditedLine, CreditNote, CreditNoteDisposition, CreditNoteStatus
from invoicepay.domain.credits import CreditStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus, RefundStatus
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.errors import (
    AmountNotPositive,
    AmountPrecision,
    CreditConsumed,
    CreditNoteExceedsInvoice,
    CurrencyMismatch,
    InsufficientEnterpriseFunds,
    InvalidInput,
    InvalidText,
    InvalidTransition,
    InvoicePayError,
    RefundExceedsPaid,
)
from invoicepay.use_cases import invoices
from invoicepay.use_cases.credits import GrantCredit, grant_credit
from invoicepay.use_cases.invoices import (
    IssueCreditNote,
)
from invoicepay.use_cases.parties import FreezeWallet, freeze_wallet
from tests.support.invoice_desk import Shop
from tests.support.invoices import usd

S = InvoiceStatus


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.assert_books_hold()


class TestCreditNotes:
    def paid(self, shop: Shop, total: str = "100.00") -> Invoice:
        invoice = shop.issue(total)
        shop.pay(invoice, total)
        return invoice

    def test_p21_before_payment_it_lowers_what_is_open(self, shop: Shop) -> None:
        invoice = shop.issue(lines=(Line.of("Advice", "75.63 USD", tax_rate="0.19"),))

        note = shop.credit(invoice, "30.00", reason="Late")

        assert (note.number, note.net, note.tax) == ("CN-0001", usd("25.21"), usd("4.79"))
        assert (note.pre, note.post, note.disposition) == (usd("30.00"), usd("0"), None)
        assert (shop.again(invoice).remaining, shop.again(invoice).status) == (usd("60.00"), S.OPEN)
        assert shop.rules() == []

    def test_p21_without_an_amount_everything_is_credited_and_the_invoice_is_paid(self, shop: Shop) -> None:
        invoice = shop.issue(lines=(Line.of("Advice", "75.63 USD", tax_rate="0.19"),))
        shop.credit(invoice, "10.00")

        note = shop.credit(invoice)

        after = shop.again(invoice)
        assert (note.amount, after.status, after.paid_at) == (usd("80.00"), S.PAID, shop.clock.now())
        assert sum((row.tax for row in shop.rows(CreditNote)), usd("0")) == usd("14.37")

    def test_credit_notes_have_a_gapless_series_of_their_own(self, shop: Shop) -> None:
        invoice = shop.issue()

        notes = [shop.credit(invoice, "1.00") for _ in range(3)]

        assert [note.number for note in notes] == ["CN-0001", "CN-0002", "CN-0003"]
        assert shop.issue().number == "A-0002"

    def test_p27_mixed_credits_what_is_open_first(self, shop: Shop) -> None:
        invoice = shop.issue()
        shop.pay(invoice, "40.00")

        note = shop.credit(invoice, "75.00", disposition=CreditNoteDisposition.CREDIT)

        after = shop.again(invoice)
        assert (note.pre, note.post, note.recredited) == (usd("60.00"), usd("15.00"), usd("15.00"))
        assert (after.status, after.applied, after.credited_post) == (S.PAID, usd("25.00"), usd("15.00"))
        assert (shop.available("acme"), shop.fenced()) == (usd("25.00"), usd("15.00"))
        assert shop.rules() == ["P-11", "P-27"]

    def test_p27_a_refund_goes_to_the_payer(self, shop: Shop) -> None:
        invoice = self.paid(shop)

        note = shop.credit(invoice, "30.00", disposition=CreditNoteDisposition.REFUND)

        assert (note.paid_out, note.recredited) == (usd("30.00"), usd("0"))
        assert (shop.available("ann"), shop.available("acme")) == (usd("430.00"), usd("70.00"))
        assert shop.again(invoice).refund_status is RefundStatus.PARTIAL

    def test_p27_out_of_band_moves_no_token(self, shop: Shop) -> None:
        invoice = self.paid(shop)

        note = shop.credit(invoice, "30.00", disposition=CreditNoteDisposition.OUT_OF_BAND)

        assert (note.paid_out, note.recredited, shop.available("acme")) == (usd("0"), usd("0"), usd("100.00"))

    def test_the_paid_part_needs_a_disposition(self, shop: Shop) -> None:
        with pytest.raises(InvalidInput, match="disposition"):
            shop.credit(self.paid(shop), "30.00")

    def test_named_lines_carry_their_own_tax(self, shop: Shop) -> None:
        lines = (Line.of("Advice", "100.00 USD", tax_rate="0.19"), Line.of("Book", "5.00 USD", quantity=2))
        invoice = shop.issue(lines=lines)
        one_book = CreditedLine(position=2, quantity=Decimal(1))

        note = shop.credit(invoice, lines=(one_book,))

        assert (note.amount, note.tax, note.lines) == (usd("5.00"), usd("0"), (one_book,))
        with pytest.raises(CreditNoteExceedsInvoice):
            shop.credit(invoice, lines=(replace(one_book, quantity=Decimal(2)),))

    def test_more_than_what_is_open_and_was_paid_is_refused(self, shop: Shop) -> None:
        invoice = shop.issue()

        with pytest.raises(CreditNoteExceedsInvoice):
            shop.credit(invoice, "100.01")
        shop.credit(invoice)
        with pytest.raises(CreditNoteExceedsInvoice):
            shop.credit(invoice)

    @pytest.mark.parametrize(
        ("facts", "error"),
        [
            ({"amount": Money.zero("USD")}, AmountNotPositive),
            ({"amount": Money("0.001", "USD")}, AmountPrecision),
            ({"amount": Money("1.00", "EUR")}, CurrencyMismatch),
            ({"amount": usd("1"), "lines": (CreditedLine(position=1, quantity=Decimal(1)),)}, InvalidInput),
            ({"amount": usd("1"), "reason": "a\nb"}, InvalidText),
        ],
        ids=str,
    )
    def test_a_contradiction_is_refused(
        self, shop: Shop, facts: dict[str, Any], error: type[InvoicePayError]
    ) -> None:
        command = IssueCreditNote(invoice_id=shop.issue().id, **facts)

        with pytest.raises(error):
            shop.run(invoices.issue_credit_note(shop.deps, command))

    def test_a_draft_takes_no_credit_note(self, shop: Shop) -> None:
        with pytest.raises(InvalidTransition):
            shop.credit(shop.draft(), "1.00")


class TestVoidingCreditNotes:
    def test_p21_what_was_open_is_open_again(self, shop: Shop) -> None:
        invoice = shop.issue()
        note = shop.credit(invoice)

        voided = shop.void_note(note)

        after = shop.again(invoice)
        assert (voided.status, after.status, after.remaining) == (
            CreditNoteStatus.VOID,
            S.OPEN,
            usd("100.00"),
        )
        assert after.paid_at is None

    def test_p27_an_unused_credit_is_taken_back(self, shop: Shop) -> None:
        invoice = shop.issue()
        shop.pay(invoice, "40.00")
        note = shop.credit(invoice, "75.00", disposition=CreditNoteDisposition.CREDIT)

        shop.void_note(note)

        after = shop.again(invoice)
        assert (after.status, after.applied, after.remaining) == (
            S.PARTIALLY_PAID,
            usd("40.00"),
            usd("60.00"),
        )
        assert (shop.available("acme"), shop.fenced()) == (usd("40.00"), usd("0"))
        assert shop.lots()[0].status is CreditStatus.VOID

    def test_p27_credit_that_had_paid_pays_again(self, shop: Shop) -> None:
        shop.pay(shop.issue("80.00"), "90.00")
        invoice = shop.issue("50.00")
        shop.pay(invoice, "40.00")
        note = shop.credit(invoice, "45.00", disposition=CreditNoteDisposition.CREDIT)

        shop.void_note(note)

        assert (shop.again(invoice).applied, shop.fenced()) == (usd("50.00"), usd("0"))
        assert {lot.status for lot in shop.lots()} == {CreditStatus.APPLIED, CreditStatus.VOID}

    def test_a_used_credit_is_not_taken_back(self, shop: Shop) -> None:
        invoice = shop.issue()
        shop.pay(invoice, "100.00")
        note = shop.credit(invoice, "30.00", disposition=CreditNoteDisposition.CREDIT)
        shop.issue("10.00")

        with pytest.raises(CreditConsumed):
            shop.void_note(note)
        assert shop.again(invoice).credited_post == usd("30.00")

    def test_money_that_went_back_is_not_taken_back(self, shop: Shop) -> None:
        invoice = shop.issue()
        shop.pay(invoice, "100.00")
        note = shop.refund(invoice, "30.00")

        with pytest.raises(CreditConsumed):
            shop.void_note(note)

    def test_a_voided_note_counts_no_more_but_keeps_its_number(self, shop: Shop) -> None:
        invoice = shop.issue()
        shop.void_note(shop.credit(invoice, "60.00"))

        note = shop.credit(invoice, "100.00")

        assert note.number == "CN-0002"
        with pytest.raises(InvalidTransition):
            shop.void_note(shop.rows(CreditNote)[0])


class TestRefunds:
    def test_e6_the_newest_money_goes_first_and_credit_returns_to_its_lot(self, shop: Shop) -> None:
        shop.pay(shop.issue("80.00"), "90.00")
        invoice = shop.issue("50.00")
        shop.pay(invoice, "40.00")

        note = shop.refund(invoice, "45.00")

        after = shop.again(invoice)
        assert (note.paid_out, note.recredited) == (usd("40.00"), usd("5.00"))
        assert (after.status, after.credited_post, after.applied) == (S.PAID, usd("45.00"), usd("5.00"))
        assert (after.refund_status, after.refunded) == (RefundStatus.PARTIAL, usd("40.00"))
        assert (shop.lots()[0].remaining, shop.fenced()) == (usd("5.00"), usd("5.00"))
        assert shop.available("ann") == usd("410.00")

    def test_p27_each_payer_gets_what_that_payer_paid(self, shop: Shop) -> None:
        shop.fund("bob", "60.00 USD")
        invoice = shop.issue("100.00")
        shop.pay(invoice, "40.00")
        shop.pay(invoice, "60.00", payer="bob")

        shop.refund(invoice)

        assert (shop.available("ann"), shop.available("bob")) == (usd("500.00"), usd("60.00"))
        assert shop.again(invoice).refund_status is RefundStatus.FULL

    def test_refunds_add_up_to_what_was_paid_and_no_more(self, shop: Shop) -> None:
        invoice = shop.issue("100.00")
        shop.pay(invoice, "100.00")
        shop.refund(invoice, "70.00")

        with pytest.raises(RefundExceedsPaid):
            shop.refund(invoice, "30.01")
        shop.refund(invoice)
        with pytest.raises(RefundExceedsPaid):
            shop.refund(invoice)

    def test_the_enterprise_must_have_all_of_it_or_nothing_moves(self, shop: Shop) -> None:
        invoice = shop.issue("100.00")
        shop.pay(invoice, "100.00")
        shop.enterprise("bolt")
        bill = shop.issue("60.00", enterprise_id="bolt", customer_id="acme")
        shop.pay(bill, "60.00", payer="acme")

        with pytest.raises(InsufficientEnterpriseFunds):
            shop.refund(invoice, "50.00")
        assert (shop.available("ann"), shop.available("acme")) == (usd("400.00"), usd("40.00"))
        assert shop.rows(CreditNote) == ()

    def test_a_refund_never_reopens_the_invoice(self, shop: Shop) -> None:
        invoice = shop.issue("100.00")
        shop.pay(invoice, "100.00")

        shop.refund(invoice)

        assert (shop.again(invoice).status, shop.again(invoice).remaining) == (S.PAID, usd("0"))

    def test_what_is_not_paid_in_full_is_voided_or_credited_instead(self, shop: Shop) -> None:
        invoice = shop.issue("100.00")
        shop.pay(invoice, "60.00")

        with pytest.raises(InvalidTransition):
            shop.refund(invoice, "10.00")

    def test_goodwill_that_paid_is_never_paid_out(self, shop: Shop) -> None:
        goodwill = GrantCredit(enterprise_id="acme", customer_id="ann", amount=usd("10.00"))
        shop.run(grant_credit(shop.deps, goodwill))
        invoice = shop.issue("50.00")
        shop.pay(invoice, "40.00")

        note = shop.refund(invoice)

        assert (note.paid_out, note.recredited) == (usd("40.00"), usd("10.00"))
        assert (shop.lots()[0].remaining, shop.fenced()) == (usd("10.00"), usd("0"))

    def test_p27_a_refund_to_a_frozen_wallet_lands_in_2030(self, shop: Shop) -> None:
        invoice = shop.issue("100.00")
        shop.pay(invoice, "100.00")
        shop.run(freeze_wallet(shop.deps, FreezeWallet(party_id="ann", asset="USD", reason="court order")))

        shop.refund(invoice)

        assert shop.balance(frozen("ann", "USD")) == usd("500.00")
        assert shop.balance(available("ann", "USD")) == usd("0")
