"""The enterprise's book is derived: the worked examples to the cent, each entry balanced, safe exports."""

from __future__ import annotations

import csv
import io

import pytest

from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.domain.credit_notes import CreditNoteDisposition
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.effects import Effect, EffectKind
from invoicepay.domain.enterprise_book import BookCode, EnterpriseBook
from invoicepay.domain.invoices import Invoice, VoidDisposition
from invoicepay.domain.parties import PartyKind
from invoicepay.domain.policies import AutoApply, Policy, Programme
from invoicepay.errors import InvalidInput, NotAllowed, NotFound
from invoicepay.use_cases import books, credits
from invoicepay.use_cases.invoices import (
    MarkUncollectible,
    VoidCreditNote,
    mark_uncollectible,
    void_credit_note,
)
from invoicepay.use_cases.payments import (
    RecordExternalPayment,
    ReversePayment,
    record_external,
    reverse_payment,
)
from invoicepay.use_cases.withdrawals import InitiateWithdrawal, Remint, initiate_withdrawal, remint
from tests.support.shop import Shop, usd


def held(book: EnterpriseBook) -> dict[str, str]:
    """The trial balance in words and amounts."""
    return {account.name: money.amount_text for account, money in book.trial_balance.items()}


def rules(book: EnterpriseBook) -> list[str]:
    return [entry.rule for entry in book.entries]


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.fund("ann", "500.00 USD")
    return shop


def test_e2_an_exact_payment_clears_the_receivable(shop: Shop) -> None:
    shop.pay(shop.issue("100.00"), "100.00")

    book = shop.book()
    assert held(book) == {"token_holdings": "100.00", "revenue": "100.00"}
    assert rules(book) == ["P-20", "P-11"]


def test_e3_tax_is_owed_from_finalization_and_parts_reduce_the_receivable(shop: Shop) -> None:
    invoice = shop.issue("75.63", tax_rate="0.19")
    shop.pay(invoice, "30.00")

    assert held(shop.book()) == {
        "token_holdings": "30.00",
        "receivable:ann": "60.00",
        "tax_payable": "14.37",
        "revenue": "75.63",
    }
    assert shop.book().receivables == {"ann": usd("60.00")}

    shop.pay(invoice, "30.00")
    shop.pay(invoice, "30.00")

    assert held(shop.book()) == {"token_holdings": "90.00", "tax_payable": "14.37", "revenue": "75.63"}


def test_e4_the_excess_is_owed_to_the_customer(shop: Shop) -> None:
    shop.pay(shop.issue("80.00"), "100.00")

    assert held(shop.book()) == {
        "token_holdings": "100.00",
        "customer_credit:ann": "20.00",
        "revenue": "80.00",
    }


def test_e5_credits_pay_the_next_invoices_and_the_holdings_stay() -> None:
    shop = Shop(policy=Policy(auto_apply=AutoApply.MANUAL))
    shop.fund("ann", "500.00 USD")
    shop.pay(shop.issue("100.00"), "100.00")
    parts = shop.issue("75.63", tax_rate="0.19")
    for _ in range(3):
        shop.pay(parts, "30.00")
    shop.pay(shop.issue("80.00"), "100.00")
    shop.pay(shop.issue("40.00"), "55.50")
    for total in ("30.00", "25.00"):
        shop.apply_credit(shop.issue(total))

    shop.pay(shop.rows(Invoice)[-1], "19.50")

    assert held(shop.book()) == {"token_holdings": "365.00", "tax_payable": "14.37", "revenue": "350.63"}
    assert (shop.available("ann"), shop.available("acme")) == (usd("135.00"), usd("365.00"))
    assert rules(shop.book()).count("P-13") == 3


def test_e6_a_refund_goes_to_the_payer_and_back_to_the_lot(shop: Shop) -> None:
    shop.pay(shop.issue("90.00"), "100.00")
    invoice = shop.issue("50.00")
    shop.pay(invoice, "40.00")
    before = shop.book()

    shop.refund(invoice, "45.00")

    book = shop.book()
    moved = {code: book.balance(code) - before.balance(code) for code in (4050, 2700, 2500, 1500)}
    assert moved == {4050: usd("45.00"), 2700: usd("0"), 2500: usd("5.00"), 1500: -usd("40.00")}


def test_e7_a_void_after_a_payment_leaves_credit_and_its_refund_pays_it_out(shop: Shop) -> None:
    invoice = shop.issue("60.00")
    shop.pay(invoice, "20.00")

    shop.void(invoice, VoidDisposition.CREDIT)

    assert held(shop.book()) == {"token_holdings": "20.00", "customer_credit:ann": "20.00"}

    (lot,) = shop.rows(CreditLot)
    shop.run(credits.refund_credit(shop.deps, credits.RefundCredit(credit_id=lot.id)))

    assert held(shop.book()) == {}
    assert rules(shop.book()) == ["P-20", "P-11", "P-24", "P-15"]


def test_e9_a_returned_payout_that_is_minted_again_costs_the_fee() -> None:
    shop = Shop(Programme(withdrawal_fee_micros=1_000_000))
    shop.fund("acme", "200.00 USD", kind=PartyKind.ENTERPRISE)
    shop.tokens.issue("acme", usd("200.00"))
    asked = InitiateWithdrawal(party_id="acme", amount=usd("200.00"), rail="wire", account_token="tok_1")
    withdrawal = shop.run(initiate_withdrawal(shop.deps, asked))
    shop.work()
    burned = held(shop.book())

    (payout,) = (effect for effect in shop.rows(Effect) if effect.kind is EffectKind.PAYOUT)
    shop.rails.move(payout.id, BankCommand.SETTLE)
    shop.work()
    paid = held(shop.book())
    shop.rails.move(payout.id, BankCommand.RETURN, return_code="R03")
    shop.work()
    returned = held(shop.book())
    shop.run(remint(shop.deps, Remint(withdrawal_id=withdrawal.id)))
    shop.work()

    deposited = {"bank": "-200.00", "processing_fees": "1.00"}
    assert burned == {**deposited, "redemption_receivable": "199.00"}
    assert paid == {"bank": "-1.00", "processing_fees": "1.00"}
    assert returned == burned
    assert held(shop.book()) == {**deposited, "token_holdings": "199.00"}
    assert rules(shop.book()) == ["P-03", "P-31", "P-33", "P-35", "P-36"]
    assert shop.broken() == ()


def test_p14_and_p16_goodwill_is_an_expense_until_it_expires(shop: Shop) -> None:
    shop.grant("15.00", expires_in_days=10)

    assert held(shop.book()) == {"customer_credit:ann": "15.00", "goodwill": "15.00"}

    shop.clock.advance(days=11)
    shop.run(credits.expire_due_credits(shop.deps, 10))

    assert held(shop.book()) == {}


def test_p16_an_expired_cash_credit_is_unclaimed_never_income() -> None:
    shop = Shop(policy=Policy(cash_credit_expiry_days=30))
    shop.fund("ann", "500.00 USD")
    shop.pay(shop.issue("80.00"), "100.00")

    shop.clock.advance(days=31)
    shop.run(credits.expire_due_credits(shop.deps, 10))

    assert held(shop.book()) == {"token_holdings": "100.00", "unclaimed_credit": "20.00", "revenue": "80.00"}


def test_p19_money_paid_outside_is_in_the_bank(shop: Shop) -> None:
    command = RecordExternalPayment(invoice_id=shop.issue("80.00").id, amount=usd("100.00"))
    shop.run(record_external(shop.deps, command))

    assert held(shop.book()) == {"bank": "100.00", "customer_credit:ann": "20.00", "revenue": "80.00"}
    assert rules(shop.book()) == ["P-20", "P-19"]


def test_p21_and_p27_a_credit_note_takes_off_what_is_open_then_what_was_paid(shop: Shop) -> None:
    invoice = shop.issue("100.00", tax_rate="0.20")
    shop.pay(invoice, "70.00")
    shop.note(invoice, "60.00", CreditNoteDisposition.CREDIT)

    assert held(shop.book()) == {
        "token_holdings": "70.00",
        "customer_credit:ann": "10.00",
        "tax_payable": "10.00",
        "revenue": "100.00",
        "sales_adjustments": "50.00",
    }


def test_a_voided_credit_note_leaves_the_book_as_it_was(shop: Shop) -> None:
    shop.pay(shop.issue("10.00"), "40.00")
    invoice = shop.issue("100.00", tax_rate="0.20")
    before = held(shop.book())
    note = shop.note(invoice, "100.00", CreditNoteDisposition.CREDIT)
    assert held(shop.book()) != before

    shop.run(void_credit_note(shop.deps, VoidCreditNote(credit_note_id=note.id)))

    assert held(shop.book()) == before


def test_p22_a_small_difference_is_an_expense() -> None:
    shop = Shop(policy=Policy(tolerance_micros=100_000, tolerance_bps=100))
    shop.fund("ann", "500.00 USD")
    shop.push(shop.issue("80.00"), "79.95")

    assert held(shop.book()) == {"token_holdings": "79.95", "revenue": "80.00", "small_differences": "0.05"}


def test_p23_a_void_takes_back_what_credit_notes_left_of_the_sale(shop: Shop) -> None:
    invoice = shop.issue("100.00", tax_rate="0.20")
    shop.note(invoice, "60.00")

    shop.void(invoice)

    assert held(shop.book()) == {"revenue": "50.00", "sales_adjustments": "50.00"}
    assert shop.book().balance(BookCode.TAX_PAYABLE) == usd("0")


def test_p25_and_p26_bad_debt_is_recovered_by_a_late_payment(shop: Shop) -> None:
    invoice = shop.issue("60.00")
    shop.pay(invoice, "10.00")
    shop.run(mark_uncollectible(shop.deps, MarkUncollectible(invoice_id=invoice.id)))

    assert held(shop.book()) == {"token_holdings": "10.00", "revenue": "60.00", "bad_debt": "50.00"}

    shop.pay(invoice, "20.00")

    assert held(shop.book()) == {"token_holdings": "30.00", "revenue": "60.00", "bad_debt": "30.00"}


def test_a_reversed_payment_is_booked_the_other_way_round(shop: Shop) -> None:
    payment = shop.pay(shop.issue("80.00"), "100.00")

    command = ReversePayment(payment_id=payment.id, approved_by="auditor")
    shop.run(reverse_payment(shop.deps, command))

    assert held(shop.book()) == {"receivable:ann": "80.00", "revenue": "80.00"}


def test_platform_fees_are_an_expense_here_and_revenue_there() -> None:
    shop = Shop(policy=Policy(fee_bps=100, auto_apply=AutoApply.MANUAL))
    shop.fund("ann", "500.00 USD")
    shop.fund("platform", "0.00 USD", kind=PartyKind.PLATFORM)
    shop.pay(shop.issue("80.00"), "100.00")
    shop.apply_credit(shop.issue("10.00"))

    assert held(shop.book()) == {
        "token_holdings": "99.10",
        "customer_credit:ann": "10.00",
        "revenue": "90.00",
        "processing_fees": "0.90",
    }
    assert held(shop.book("platform")) == {"token_holdings": "0.90", "revenue": "0.90"}


def test_what_no_invoice_explains_waits_for_the_bookkeeper(shop: Shop) -> None:
    shop.fund("acme", "50.00 USD", kind=PartyKind.ENTERPRISE)
    shop.enterprise("beta")
    shop.pay(shop.issue("20.00", enterprise="beta", customer="acme"), payer="acme")

    assert held(shop.book()) == {"token_holdings": "30.00", "bank": "-50.00", "token_clearing": "20.00"}
    assert held(shop.book("beta")) == {"token_holdings": "20.00", "revenue": "20.00"}
    assert shop.broken() == ()


def test_every_entry_comes_to_zero_and_is_in_order_of_time(shop: Shop) -> None:
    shop.pay(shop.issue("80.00", tax_rate="0.19"), "100.00")
    shop.clock.advance(days=1)
    shop.refund(shop.rows(Invoice)[0])

    entries = shop.book().entries

    assert [entry.imbalance for entry in entries] == [usd("0")] * len(entries)
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)


def test_a_book_is_the_enterprises_own(shop: Shop) -> None:
    shop.enterprise("beta")

    with pytest.raises(NotAllowed):
        shop.book("acme", deps=shop.acting_as("beta"))
    with pytest.raises(NotFound):
        shop.book("ann")
    with pytest.raises(InvalidInput):
        shop.book().balance(1000)


def test_an_export_reads_back_as_written(shop: Shop) -> None:
    shop.user('=cmd|"/c"!A1')
    shop.issue("80.00", customer='=cmd|"/c"!A1')

    text = shop.run(books.export_csv(shop.deps, "acme", "USD"))

    header, receivable, revenue = csv.reader(io.StringIO(text, newline=""))
    assert header[4:] == ["code", "account", "customer", "debit", "credit", "asset"]
    assert receivable[4:] == ["1600", "receivable", '\'=cmd|"/c"!A1', "80.00", "", "USD"]
    assert revenue[4:] == ["4000", "revenue", "", "", "80.00", "USD"]
