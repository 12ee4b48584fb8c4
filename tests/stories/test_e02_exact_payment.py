"""E2: an invoice of 100 is paid exactly."""

from tests.stories.stage import Stage


def test_an_exact_payment_closes_the_invoice(stage: Stage) -> None:
    stage.fund("ann", "500.00 USD")
    invoice = stage.issue("100.00")
    assert invoice.number == "A-0001"

    payment = stage.pay.invoices.pay(invoice.id, payer="ann", amount="100.00 USD")

    assert (payment.payment_type, payment.status) == ("EXACT", "completed")
    assert stage.pay.invoices.get(invoice.id).status == "paid"
    stage.has(ann="400", acme="100")
    book = stage.pay.ledger.enterprise_book("acme")
    assert (str(book.balance(1600)), str(book.balance(1500))) == ("0.00 USD", "100.00 USD")


def test_leaving_the_amount_out_pays_what_is_open(stage: Stage) -> None:
    stage.fund("ann", "500.00 USD")
    invoice = stage.issue("100.00")

    payment = stage.pay.invoices.pay(invoice.id, payer="ann")

    assert str(payment.applied) == "100.00 USD"
    stage.has(ann="400", acme="100")
