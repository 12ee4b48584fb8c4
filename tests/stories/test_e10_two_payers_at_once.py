"""E10: two devices pay 80 on an invoice of 100 at once; the split is decided at settlement."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from invoicepay import Asset, Policy, Programme, migrate
from invoicepay.domain.policies import Overpay, Settlement
from invoicepay.errors import OverpaymentRefused
from tests.stories.conftest import FACES, STORES
from tests.stories.stage import Stage, opened


@pytest.fixture(params=[f"{store}-{face}" for store in STORES for face in FACES])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """A programme whose dollar moves on chain, so that payments are pending for a while."""
    store, face = request.param.split("-")
    url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path / 'pay.db'}"}.get(store)
    if url is None:
        url = request.getfixturevalue("postgres_url")
        migrate(url)
    programme = Programme(assets={"USD": Asset("USD", settlement=Settlement.ONCHAIN)})
    with opened(url, face, programme=programme) as stage:
        yield stage
        assert stage.pay.invariants.check() == ()
        assert stage.pay.audit.verify()


def test_both_settle_and_the_later_surplus_becomes_credit(stage: Stage) -> None:
    pay = stage.pay
    stage.fund("ann", "500.00 USD")
    invoice = stage.issue("100.00")
    pay.sim.hold_tokens()

    first = pay.invoices.pay(invoice.id, payer="ann", amount="80.00 USD")
    second = pay.invoices.pay(invoice.id, payer="ann", amount="80.00 USD")

    assert str(pay.invoices.get(invoice.id).pending) == "160.00 USD"
    stage.has(ann="340", ann_held="160", acme="0")

    pay.sim.release_tokens()

    settled = sorted(
        (pay.payments.get(payment.id) for payment in (first, second)), key=lambda payment: payment.excess
    )
    assert [(p.payment_type, str(p.applied), str(p.excess)) for p in settled] == [
        ("PARTIAL", "80.00 USD", "0.00 USD"),
        ("OVERPAYMENT", "20.00 USD", "60.00 USD"),
    ]
    assert pay.invoices.get(invoice.id).status == "paid"
    stage.has(ann="340", ann_held="0", acme="100", acme_credit_reserve="60")


def test_with_overpay_refused_the_pending_payment_counts(stage: Stage) -> None:
    pay = stage.pay
    pay.parties.set_policy("acme", Policy(overpay=Overpay.REFUSE))
    stage.fund("ann", "500.00 USD")
    invoice = stage.issue("100.00")
    pay.sim.hold_tokens()
    pay.invoices.pay(invoice.id, payer="ann", amount="80.00 USD")

    with pytest.raises(OverpaymentRefused):
        pay.invoices.pay(invoice.id, payer="ann", amount="80.00 USD")

    pay.sim.release_tokens()
    stage.has(ann="420", acme="80")
