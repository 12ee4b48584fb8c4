"""E3: 75.63 net and 19 % tax are paid in three parts of 30."""

import pytest

from invoicepay import Line, Policy
from invoicepay.domain.policies import Partial
from invoicepay.errors import PartialPaymentRefused
from tests.stories.stage import Stage


def test_three_partial_payments_close_the_invoice(stage: Stage) -> None:
    stage.fund("ann", "500.00 USD")
    invoice = stage.pay.invoices.issue(
        enterprise="acme", customer="ann", lines=[Line.of("Licence", "75.63 USD", tax_rate="0.19")]
    )
    assert [str(amount) for amount in (invoice.net, invoice.tax, invoice.total)] == [
        "75.63 USD", "14.37 USD", "90.00 USD",
    ]  # fmt: skip

    seen = []
    for _ in range(3):
        payment = stage.pay.invoices.pay(invoice.id, payer="ann", amount="30.00 USD")
        after = stage.pay.invoices.get(invoice.id)
        seen.append((payment.payment_type, str(after.applied), str(after.remaining), after.status))

    assert seen == [
        ("PARTIAL", "30.00 USD", "60.00 USD", "partially_paid"),
        ("PARTIAL", "60.00 USD", "30.00 USD", "partially_paid"),
        ("EXACT", "90.00 USD", "0.00 USD", "paid"),
    ]
    stage.has(ann="410", acme="90")


def test_an_enterprise_may_refuse_parts(stage: Stage) -> None:
    stage.fund("ann", "500.00 USD")
    stage.pay.parties.set_policy("acme", Policy(partial=Partial.REFUSE))
    invoice = stage.issue("90.00")

    with pytest.raises(PartialPaymentRefused):
        stage.pay.invoices.pay(invoice.id, payer="ann", amount="30.00 USD")

    stage.has(ann="500", acme="0")
