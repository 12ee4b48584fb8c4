"""E1: 500 come in over a bank rail and become tokens."""

from tests.stories.stage import Stage


def test_a_deposit_becomes_a_reserve_and_then_tokens_one_to_one(stage: Stage) -> None:
    pay = stage.pay

    deposit = pay.deposits.initiate("ann", "500.00 USD", rail="bank_credit")
    pay.sim.settle(deposit.id)

    stage.has(a1100="500", ann_unconfirmed="500", ann="0")
    assert pay.deposits.get(deposit.id).status == "received"

    pay.sim.hold_tokens()
    stage.clock.advance(days=1, hours=6)  # the banks open
    pay.run_pending()

    stage.has(a1100="0", a1050="500", ann_unconfirmed="0", ann_unminted="500", ann="0")
    assert pay.deposits.get(deposit.id).status == "confirmed"

    pay.sim.release_tokens()

    stage.has(a1000="500", a1050="0", ann_unminted="0", ann="500")
    assert pay.deposits.get(deposit.id).status == "completed"
    report = pay.reserves.audit()
    assert (str(report.backing), str(report.tokens), report.backed) == ("500.00 USD", "500.00 USD", True)


def test_settled_means_minted_on_a_rail_that_is_final_at_once(stage: Stage) -> None:
    deposit = stage.pay.deposits.initiate("ann", "500.00 USD")

    stage.pay.sim.settle(deposit.id)

    stage.has(a1000="500", ann="500")


def test_what_arrived_is_minted_not_what_was_asked_for(stage: Stage) -> None:
    deposit = stage.pay.deposits.initiate("ann", "500.00 USD")

    stage.pay.sim.settle(deposit.id, amount="480.00 USD")

    stage.has(a1000="0", ann="0")
    assert stage.pay.deposits.get(deposit.id).status in ("pending", "in_review")
