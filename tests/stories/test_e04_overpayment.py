"""E4: 100 are paid on 80; the excess is the customer's credit, ring-fenced at the enterprise."""

from tests.stories.stage import Stage


def test_the_excess_becomes_a_refundable_credit(stage: Stage) -> None:
    stage.fund("ann", "500.00 USD")
    invoice = stage.issue("80.00")

    payment = stage.pay.invoices.pay(invoice.id, payer="ann", amount="100.00 USD")

    assert (payment.payment_type, str(payment.applied), str(payment.credit)) == (
        "OVERPAYMENT", "80.00 USD", "20.00 USD",
    )  # fmt: skip
    stage.has(ann="400", acme="80", acme_credit_reserve="20", a1000="500")
    (lot,) = stage.pay.credits.list(customer="ann")
    assert (lot.status, str(lot.remaining), lot.kind) == ("available", "20.00 USD", "cash")
    book = stage.pay.ledger.enterprise_book("acme")
    assert [str(book.balance(code)) for code in (1500, 1600, 2500)] == ["100.00 USD", "0.00 USD", "20.00 USD"]
    assert stage.pay.reserves.audit().backed


def test_the_credit_goes_back_to_its_payer_on_demand(stage: Stage) -> None:
    stage.fund("ann", "500.00 USD")
    invoice = stage.issue("80.00")
    payment = stage.pay.invoices.pay(invoice.id, payer="ann", amount="100.00 USD")

    lot = stage.pay.credits.refund(payment.credit_id)

    assert lot.status == "refunded"
    stage.has(ann="420", acme="80", acme_credit_reserve="0")
