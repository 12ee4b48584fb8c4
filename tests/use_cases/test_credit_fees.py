"""The platform's fee on credits: never on the excess, always on what it pays for later (spec 2.3)."""

from __future__ import annotations

import pytest

from invoicepay.domain.allocations import Allocation, SourceKind
from invoicepay.domain.money import Money
from invoicepay.domain.policies import AutoApply, CreditBacking, Policy
from invoicepay.use_cases.invoices import RefundInvoice, refund_invoice
from tests.support.till import Till, usd


def charged(till: Till) -> list[Money]:
    """The fee on each credit that was put on an invoice."""
    return [row.fee for row in till.rows(Allocation) if row.source_kind is SourceKind.CREDIT]


@pytest.mark.parametrize("backing", [CreditBacking.RING_FENCED, CreditBacking.UNSECURED])
def test_p13_an_applied_cash_credit_pays_the_fee_that_its_excess_did_not(backing: CreditBacking) -> None:
    till = Till(Policy(fee_bps=250, credit_backing=backing))
    till.pay(till.issue("100.00"), "140.00")
    assert till.available("platform") == usd("2.50")

    till.issue("40.00")

    assert charged(till) == [usd("1.00")]
    assert (till.available("platform"), till.available("acme")) == (usd("3.50"), usd("136.50"))
    assert till.violations() == ()


def test_p13_credit_that_is_applied_as_it_appears_pays_the_fee() -> None:
    policy = Policy(fee_bps=250, credit_backing=CreditBacking.UNSECURED, auto_apply=AutoApply.ON_CREDIT)
    till = Till(policy)
    till.issue("40.00")

    till.pay(till.issue("100.00"), "140.00")

    assert charged(till) == [usd("1.00")]
    assert (till.available("platform"), till.available("acme")) == (usd("3.50"), usd("136.50"))
    assert till.violations() == ()


def test_p13_an_enterprise_that_spent_unsecured_credit_pays_the_fee_as_far_as_it_can() -> None:
    till = Till(Policy(fee_bps=250, credit_backing=CreditBacking.UNSECURED))
    till.pay(till.issue("100.00"), "140.00")
    till.enterprise("bolt")
    till.pay(till.issue("137.10", customer="acme", enterprise="bolt"), payer="acme")

    paid = till.issue("40.00")

    assert paid.applied == usd("40.00")
    assert charged(till) == [usd("0.40")]
    assert till.available("acme") == usd("0.00")
    assert till.violations() == ()


def test_p13_goodwill_pays_no_fee() -> None:
    till = Till(Policy(fee_bps=250))
    till.goodwill("40.00")

    till.issue("40.00")

    assert charged(till) == [usd("0.00")]


def test_p27_a_refund_does_not_give_the_platforms_fee_back() -> None:
    till = Till(Policy(fee_bps=250))
    invoice = till.issue("100.00")
    till.pay(invoice)
    till.pay(till.issue("100.00"))

    till.run(refund_invoice(till.deps, RefundInvoice(invoice_id=invoice.id)))

    assert (till.available("ann"), till.available("acme")) == (usd("400.00"), usd("95.00"))
    assert till.available("platform") == usd("5.00")
    assert till.violations() == ()
