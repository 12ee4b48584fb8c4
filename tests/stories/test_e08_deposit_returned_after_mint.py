"""E8: the bank takes 100 back after 80 of them were spent."""

import pytest

from invoicepay.errors import ReserveDeficit
from tests.stories.stage import Stage


def spent(stage: Stage) -> str:
    deposit = stage.pay.deposits.initiate("bob", "100.00 USD")
    stage.pay.sim.settle(deposit.id)
    stage.pay.invoices.pay(stage.issue("80.00", customer="bob").id, payer="bob", amount="80.00 USD")
    stage.has(a1000="100", a1050="0", bob="20", acme="80")
    return str(deposit.id)


def test_with_a_buffer_the_backing_stays_whole_and_the_payee_keeps_its_money(stage: Stage) -> None:
    deposit_id = spent(stage)
    stage.pay.reserves.top_up("80.00 USD", approved_by="cfo")
    stage.has(a1000="100", a1050="80", a3000="80")

    stage.pay.sim.return_deposit(deposit_id, code="R10")

    stage.has(a1000="80", a1050="0", bob_owes="80", a3000="80", bob="0", acme="80")
    assert stage.pay.deposits.get(deposit_id).status == "returned"
    report = stage.pay.reserves.audit()
    assert report.backed and not report.has_deficit


def test_without_a_buffer_the_deficit_is_named_and_cured_by_a_top_up(stage: Stage) -> None:
    deposit_id = spent(stage)

    stage.pay.sim.return_deposit(deposit_id, code="R10")

    stage.has(a1000="80", a1050="-80", bob_owes="80", a3000="0", acme="80")
    assert [violation.rule for violation in stage.pay.invariants.check()] == ["INV-04"]
    with pytest.raises(ReserveDeficit):
        stage.pay.withdrawals.initiate("acme", "10.00 USD", account_token="ba_acme")
    stage.pay.transfers.send("acme", "cho", "5.00 USD")  # payments between holders go on
    stage.pay.reserves.top_up("80.00 USD", approved_by="cfo")
    stage.has(a1050="0", a3000="80", cho="5")


def test_the_receivable_is_recovered_from_a_later_deposit_and_the_rest_written_off(stage: Stage) -> None:
    deposit_id = spent(stage)
    stage.pay.reserves.top_up("80.00 USD", approved_by="cfo")
    stage.pay.sim.return_deposit(deposit_id, code="R10")
    stage.pay.wallets.unfreeze("bob", "USD", reason="Talked to bob")
    stage.fund("bob", "50.00 USD")

    stage.pay.deposits.recover(deposit_id, "50.00 USD")

    stage.has(bob="0", bob_owes="30")
    stage.pay.deposits.write_off(deposit_id, approved_by="cfo")
    stage.has(bob_owes="0", a5000="30")
