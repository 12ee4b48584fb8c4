"""E12: a bill of 100 is split over three; two pay and one declines."""

from tests.stories.stage import Stage


def test_a_split_loses_nothing_and_stays_partly_paid_when_one_declines(stage: Stage) -> None:
    pay = stage.pay
    for person in ("dia", "eve"):
        pay.parties.register(person)
    for person in ("bob", "cho", "dia"):
        stage.fund(person, "50.00 USD")

    parent, children = pay.requests.split("ann", "100.00 USD", payers=["bob", "cho", "dia"], note="Dinner")

    assert [str(child.amount) for child in children] == ["33.34 USD", "33.33 USD", "33.33 USD"]

    pay.requests.approve(children[0].id, payer="bob")
    pay.requests.approve(children[1].id, payer="cho")
    pay.requests.decline(children[2].id, reason="Was not there")

    after = pay.requests.get(parent.id)
    assert (after.status, str(after.paid)) == ("partially_paid", "66.67 USD")
    stage.has(ann="66.67", bob="16.66", cho="16.67", dia="50")


def test_a_split_is_paid_when_everybody_paid(stage: Stage) -> None:
    pay = stage.pay
    for person in ("bob", "cho"):
        stage.fund(person, "50.00 USD")

    parent, children = pay.requests.split("ann", "100.00 USD", payers=["bob", "cho"])
    for child in children:
        pay.requests.approve(child.id, payer=child.payer_id)

    assert pay.requests.get(parent.id).status == "paid"
    stage.has(ann="100", bob="0", cho="0")
