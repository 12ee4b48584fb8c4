"""A netted asset on every store and behind both faces: E2 to E5 in the book, then the net on chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from invoicepay import Asset, Policy, Programme, migrate
from invoicepay.domain.policies import AutoApply
from invoicepay.errors import InvalidTransition
from tests.stories.stage import Stage, opened

NETTED = Programme(assets={"USD": Asset("USD", settlement="netted")})  # type: ignore[arg-type]


@pytest.fixture(params=["memory-blocking", "memory-awaiting", "sqlite-blocking", "postgresql-awaiting"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """A programme whose dollars are netted; afterwards the books must be right and the chain agree."""
    store, face = request.param.split("-")
    url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path / 'pay.db'}"}.get(store)
    if url is None:
        url = request.getfixturevalue("postgres_url")
        migrate(url)
    with opened(url, face, programme=NETTED) as stage:
        yield stage
        assert stage.pay.invariants.check() == ()
        assert stage.pay.audit.verify()
        assert stage.pay.tokens.tie_out("USD").is_tied_out


def on_chain(stage: Stage) -> dict[str, str]:
    """What the chain holds by party."""
    return {line.party_id: str(line.chain.amount) for line in stage.pay.tokens.tie_out("USD").lines}


def e2_to_e5(stage: Stage) -> None:
    """The worked examples, as in the stories of the book."""
    pay = stage.pay
    stage.fund("ann", "500.00 USD")
    pay.invoices.pay(stage.issue("100.00").id, payer="ann", amount="100.00 USD")
    parts = stage.issue("90.00")
    for _ in range(3):
        pay.invoices.pay(parts.id, payer="ann", amount="30.00 USD")
    pay.invoices.pay(stage.issue("80.00").id, payer="ann", amount="100.00 USD")
    pay.parties.set_policy("acme", Policy(auto_apply=AutoApply.MANUAL))
    pay.invoices.pay(stage.issue("40.00").id, payer="ann", amount="55.50 USD")
    pay.parties.set_policy("acme", Policy())
    stage.issue("30.00")
    last = stage.issue("25.00")
    pay.invoices.pay(last.id, payer="ann", amount="19.50 USD")
    stage.has(ann="135", acme="365", acme_credit_reserve="0")


def test_seven_payments_become_one_transfer(stage: Stage) -> None:
    e2_to_e5(stage)
    assert on_chain(stage) == {"acme": "0.00", "ann": "500.00"}

    run = stage.pay.tokens.settle("USD")

    run = stage.pay.tokens.settlement(run)
    assert (run.status, run.transfers, str(run.moved)) == ("settled", 1, "365.00 USD")
    assert on_chain(stage) == {"acme": "365.00", "ann": "135.00"}


def test_a_run_goes_on_alone_and_ends_with_its_last_transfer(stage: Stage) -> None:
    e2_to_e5(stage)
    stage.pay.sim.hold_tokens()
    run = stage.pay.tokens.settle("USD", idempotency_key="monday")
    assert stage.pay.tokens.settlement(run).status == "running"

    with pytest.raises(InvalidTransition, match="settlement_run is running"):
        stage.pay.tokens.settle("USD")
    assert stage.pay.tokens.settle("USD", idempotency_key="monday").replayed

    stage.pay.sim.release_tokens()
    assert stage.pay.tokens.settlement(run).status == "settled"
    assert [one.id for one in stage.pay.tokens.settlements("USD", status="settled")] == [run.id]


def test_a_payout_waits_for_the_run_that_brings_its_tokens(stage: Stage) -> None:
    e2_to_e5(stage)
    withdrawal = stage.pay.withdrawals.initiate("acme", "200.00 USD", account_token="acc-1")
    assert stage.pay.withdrawals.get(withdrawal.id).status == "held"

    stage.pay.tokens.settle("USD")
    stage.pay.sim.deliver()
    stage.clock.advance(hours=1)
    stage.pay.run_pending()

    stage.pay.sim.settle_payout(withdrawal.id)
    assert stage.pay.withdrawals.get(withdrawal.id).status == "paid"
    assert on_chain(stage) == {"acme": "165.00", "ann": "135.00"}
