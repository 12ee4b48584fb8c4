"""What random walks found, told as short stories; see `python -m tests.walks`."""

from __future__ import annotations

import pytest

from invoicepay.errors import SelfPayment
from invoicepay.use_cases import credits
from tests.support.shop import Shop


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.fund("ann", "500.00 USD")
    return shop


def test_an_enterprise_cannot_refund_a_customers_credit_to_itself(shop: Shop) -> None:
    payment = shop.pay(shop.issue("80.00"), "100.00")
    command = credits.RefundCredit(credit_id=payment.credit_id, receiver_id="acme", approved_by="auditor")

    with pytest.raises(SelfPayment):
        shop.run(credits.refund_credit(shop.deps, command))

    assert shop.broken() == ()
