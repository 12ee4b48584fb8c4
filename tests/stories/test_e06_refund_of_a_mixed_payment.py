"""E6: 50 were paid by 10 credit and 40 tokens; 45 are refunded, newest first."""

from tests.stories.stage import Stage


def test_tokens_go_back_to_the_payer_and_credit_to_its_lot(stage: Stage) -> None:
    pay = stage.pay
    stage.fund("ann", "100.00 USD")
    lot_id = pay.invoices.pay(stage.issue("50.00").id, payer="ann", amount="60.00 USD").credit_id
    invoice = stage.issue("50.00")
    assert str(invoice.remaining) == "40.00 USD"
    pay.invoices.pay(invoice.id, payer="ann", amount="40.00 USD")
    stage.has(ann="0", acme="100", acme_credit_reserve="0")

    note = pay.invoices.refund(invoice.id, "45.00 USD", reason="Returned goods")

    assert [str(amount) for amount in (note.amount, note.paid_out, note.recredited)] == [
        "45.00 USD", "40.00 USD", "5.00 USD",
    ]  # fmt: skip
    after = pay.invoices.get(invoice.id)
    assert (after.status, str(after.credited_post), str(after.applied)) == ("paid", "45.00 USD", "5.00 USD")
    assert after.refund_status == "partial"
    assert str(pay.credits.get(lot_id).remaining) == "5.00 USD"
    stage.has(ann="40", acme="55", acme_credit_reserve="5")
    book = pay.ledger.enterprise_book("acme")
    assert [str(book.balance(code)) for code in (4050, 2700, 2500)] == ["45.00 USD", "0.00 USD", "5.00 USD"]
