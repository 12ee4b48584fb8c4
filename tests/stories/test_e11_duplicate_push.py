"""E11: a paid invoice receives another 100 by a transfer the library did not start."""

from invoicepay import Payment
from tests.stories.stage import Stage


def test_the_whole_duplicate_becomes_refundable_credit(stage: Stage) -> None:
    pay = stage.pay
    stage.fund("ann", "500.00 USD")
    invoice = stage.issue("100.00")
    pay.invoices.pay(invoice.id, payer="ann")

    payment = pay.invoices.receive(
        invoice.id, payer="ann", amount="100.00 USD", provider="scan", provider_ref="0xabc:0"
    )

    assert isinstance(payment, Payment)
    assert (str(payment.applied), str(payment.excess)) == ("0.00 USD", "100.00 USD")
    assert "invoice.duplicate_payment" in [event.name for event in pay.audit.history(invoice.id)]
    stage.has(ann="300", acme="100", acme_credit_reserve="100")

    pay.credits.refund(payment.credit_id)

    stage.has(ann="400", acme="100", acme_credit_reserve="0")


def test_the_same_transfer_seen_twice_counts_once(stage: Stage) -> None:
    pay = stage.pay
    stage.fund("ann", "500.00 USD")
    invoice = stage.issue("100.00")
    seen = {"payer": "ann", "amount": "100.00 USD", "provider": "scan", "provider_ref": "0xabc:0"}

    first = pay.invoices.receive(invoice.id, **seen)
    again = pay.invoices.receive(invoice.id, **seen)

    assert again.id == first.id
    stage.has(ann="400", acme="100", acme_credit_reserve="0")
