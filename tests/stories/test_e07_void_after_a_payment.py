"""E7: an invoice of 60 with 20 paid is voided to credit, which is then refunded."""

import pytest

from invoicepay.errors import InvoiceHasPayments
from tests.stories.stage import Stage


def test_a_paid_part_survives_the_void_as_credit(stage: Stage) -> None:
    pay = stage.pay
    stage.fund("ann", "100.00 USD")
    invoice = stage.issue("60.00")
    pay.invoices.pay(invoice.id, payer="ann", amount="20.00 USD")

    with pytest.raises(InvoiceHasPayments):
        pay.invoices.void(invoice.id)
    voided = pay.invoices.void(invoice.id, disposition="credit")

    assert voided.status == "void"
    stage.has(ann="80", acme="0", acme_credit_reserve="20")
    (lot,) = pay.credits.list(customer="ann")
    assert str(lot.remaining) == "20.00 USD"
    book = pay.ledger.enterprise_book("acme")
    assert [str(book.balance(code)) for code in (4000, 1600, 2500)] == ["0.00 USD", "0.00 USD", "20.00 USD"]

    pay.credits.refund(lot.id)

    stage.has(ann="100", acme="0", acme_credit_reserve="0")
