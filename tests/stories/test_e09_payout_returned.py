"""E9: a payout of 200 with a fee of 1 comes back from the bank and becomes tokens again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from invoicepay import Programme, migrate
from tests.stories.conftest import FACES, STORES
from tests.stories.stage import Stage, opened


@pytest.fixture(params=[f"{store}-{face}" for store in STORES for face in FACES])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """The usual stage in a programme that takes 1.00 from each withdrawal."""
    store, face = request.param.split("-")
    url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path / 'pay.db'}"}.get(store)
    if url is None:
        url = request.getfixturevalue("postgres_url")
        migrate(url)
    with opened(url, face, programme=Programme(withdrawal_fee_micros=1_000_000)) as stage:
        yield stage
        assert stage.pay.invariants.check() == ()
        assert stage.pay.audit.verify()


def test_only_the_fee_is_gone_after_the_remint(stage: Stage) -> None:
    pay = stage.pay
    stage.fund("ann", "300.00 USD")
    pay.invoices.pay(stage.issue("300.00").id, payer="ann")
    stage.has(acme="300", a1000="300")

    pay.sim.hold_tokens()
    withdrawal = pay.withdrawals.initiate("acme", "200.00 USD", account_token="ba_acme")
    stage.has(acme="100", acme_held="200", a1000="300")

    pay.sim.release_tokens()
    assert pay.withdrawals.get(withdrawal.id).status == "payout_submitted"
    stage.has(acme_held="0", a1000="100", a1050="200", acme_payout_in_transit="199", a2410="1")

    pay.sim.settle_payout(withdrawal.id)
    assert pay.withdrawals.get(withdrawal.id).status == "paid"
    stage.has(a1050="1", acme_payout_in_transit="0")

    pay.sim.return_payout(withdrawal.id, code="R03")
    assert pay.withdrawals.get(withdrawal.id).status == "returned"
    stage.has(a1050="200", acme_payout_returned="199", acme="100")

    pay.withdrawals.remint(withdrawal.id)
    assert pay.withdrawals.get(withdrawal.id).status == "reminted"
    stage.has(acme="299", a1000="299", a1050="1", a2410="1", acme_payout_returned="0")

    pay.reserves.sweep_fees("1.00 USD")
    stage.has(a1050="0", a2410="0")


def test_the_payout_may_go_to_another_account_instead(stage: Stage) -> None:
    pay = stage.pay
    stage.fund("ann", "200.00 USD")
    pay.invoices.pay(stage.issue("200.00").id, payer="ann")
    withdrawal = pay.withdrawals.initiate("acme", "200.00 USD", account_token="ba_old")
    pay.sim.settle_payout(withdrawal.id)
    pay.sim.return_payout(withdrawal.id, code="R02")

    pay.withdrawals.retry_payout(withdrawal.id, account_token="ba_new")
    pay.sim.settle_payout(withdrawal.id)

    assert pay.withdrawals.get(withdrawal.id).status == "paid"
    stage.has(acme="0", a1000="0", a1050="1", a2410="1")
