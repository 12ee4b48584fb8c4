"""E5: credits pay the next invoices, oldest first, tokens only the remainder."""

from invoicepay import Policy
from invoicepay.domain.policies import AutoApply
from tests.stories.stage import Stage


def test_credits_are_used_first_in_first_out(stage: Stage) -> None:
    pay = stage.pay
    stage.fund("ann", "500.00 USD")
    pay.invoices.pay(stage.issue("100.00").id, payer="ann", amount="100.00 USD")  # E2
    parts = stage.issue("90.00")
    for _ in range(3):
        pay.invoices.pay(parts.id, payer="ann", amount="30.00 USD")  # E3
    first = pay.invoices.pay(stage.issue("80.00").id, payer="ann", amount="100.00 USD")  # E4

    pay.parties.set_policy("acme", Policy(auto_apply=AutoApply.MANUAL))
    second = pay.invoices.pay(stage.issue("40.00").id, payer="ann", amount="55.50 USD")
    assert str(pay.credits.get(second.credit_id).remaining) == "15.50 USD"
    pay.parties.set_policy("acme", Policy())

    fifth = stage.issue("30.00")

    assert fifth.status == "paid"
    assert str(pay.credits.get(first.credit_id).remaining) == "0.00 USD"
    assert str(pay.credits.get(second.credit_id).remaining) == "5.50 USD"

    sixth = stage.issue("25.00")
    assert (sixth.status, str(sixth.remaining)) == ("partially_paid", "19.50 USD")
    pay.invoices.pay(sixth.id, payer="ann", amount="19.50 USD")

    assert pay.invoices.get(sixth.id).status == "paid"
    assert {lot.status for lot in pay.credits.list(customer="ann")} == {"applied"}
    stage.has(ann="135", acme="365", acme_credit_reserve="0")
    book = pay.ledger.enterprise_book("acme")
    assert [str(book.balance(code)) for code in (1500, 2500)] == ["365.00 USD", "0.00 USD"]
