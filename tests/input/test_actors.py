"""Who asks: parties for others, parties for operators, operators without a second person (S-01, S-03)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from invoicepay.domain.access import SIDES
from invoicepay.domain.parties import Role
from invoicepay.errors import (
    IdentityError,
    InvalidIdentifier,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotThePayer,
    SecondActorRequired,
)
from tests.input.calls import CALLS, ROLES, make, taking
from tests.input.calls import Role as Takes
from tests.input.refusals import noted, refused
from tests.input.scene import Scene, changed

OPERATORS_ONLY = [
    "bank_accounts.disable",
    "bank_accounts.enable",
    "run_pending",
    "run_pending_everywhere",
    "health",
    "parties.register",
    "parties.set_policy",
    "parties.set_tier",
    "parties.close",
    "parties.erase",
    "wallets.freeze",
    "wallets.unfreeze",
    "deposits.record",
    "deposits.confirm",
    "deposits.review",
    "deposits.release",
    "deposits.reject",
    "deposits.record_return",
    "deposits.recover",
    "deposits.write_off",
    "reserves.release",
    "reserves.top_up",
    "reserves.sweep_fees",
    "reserves.record_interest",
    "reserves.take_interest",
    "reserves.record_unmatched",
    "reserves.match",
    "reserves.return_unmatched",
    "reserves.reconcile",
    "tokens.mint",
    "tokens.retry_mint",
    "tokens.retry_burn",
    "tokens.settle",
    "tokens.open_positions",
    "effects.resolve",
    "effects.resend",
    "effects.stop",
    "effects.stop_everywhere",
    "effects.resume",
    "effects.resume_everywhere",
    "webhook_endpoints.create",
    "webhook_endpoints.update",
    "webhook_endpoints.disable",
    "webhook_endpoints.enable",
    "webhook_endpoints.rotate_secret",
    "webhook_endpoints.secret",
    "webhook_endpoints.test",
    "webhook_deliveries.replay",
    "webhook_deliveries.replay_range",
    "payments.reverse",
    "transfers.receive_from_outside",
    "withdrawals.release",
    "withdrawals.reject",
]
PAYERS = {
    "deposits.initiate": "ann",
    "deposits.cancel": "ann",
    "invoices.pay": "ann",
    "invoices.pay_several": "ann",
    "invoices.receive": "ann",
    "payments.cancel": "ann",
    "requests.approve": "ann",
    "requests.approve_scanned": "ann",
    "requests.decline": "ann",
    "requests.revoke": "ann",
    "transfers.send": "ann",
    "transfers.send_scanned": "ann",
    "transfers.send_outside": "ann",
    "withdrawals.initiate": "ann",
    "withdrawals.cancel": "ann",
    "withdrawals.remint": "ann",
    "withdrawals.retry_payout": "ann",
    "holds.place": "ann",
}
"""Calls that move somebody's tokens, and whose."""
PAYEES = {"requests.create": "bob", "requests.split": "bob", "requests.cancel": "bob", "requests.qr": "bob"}
"""Calls in the name of whoever is to be paid."""
ENTERPRISES = {
    "invoices.issue": "acme",
    "invoices.draft": "acme",
    "invoices.update": "acme",
    "invoices.delete": "acme",
    "invoices.finalize": "acme",
    "invoices.send": "acme",
    "invoices.record_external": "acme",
    "invoices.refund": "acme",
    "invoices.credit_note": "acme",
    "invoices.void_credit_note": "acme",
    "invoices.void": "acme",
    "invoices.mark_uncollectible": "acme",
    "invoices.expire": "acme",
    "invoices.reopen": "acme",
    "credits.grant": "acme",
    "credits.expire": "globex",
    "holds.release": "acme",
    "schedules.create": "acme",
    "schedules.pause": "globex",
    "schedules.resume": "globex",
    "schedules.cancel": "globex",
    "ledger.enterprise_book": "acme",
    "ledger.enterprise_csv": "acme",
}
BOTH_SIDES = ["invoices.qr", "invoices.html", "credits.apply"]
"""Calls that an invoice's customer may make as well as its issuer."""
ELSEWHERE = {
    "wallets.open",
    "credits.refund",
    "requests.payee_qr",
    "holds.capture",
    "requests.scan",
    "schedules.run_due",
}
"""Stated on their own below, or open to everybody."""
MANY: dict[str, type[IdentityError]] = {
    "parties.register_many": NotAllowed,
    "invoices.issue_many": NotAllowed,
    "invoices.finalize_many": NotAllowed,
    "invoices.pay_many": NotThePayer,
}
"""Calls for many at once: what another party is answered for each."""

FOUR_EYES = [
    "deposits.confirm",
    "deposits.write_off",
    "reserves.top_up",
    "tokens.open_positions",
    "effects.resolve",
    "effects.resend",
    "effects.resume",
    "effects.resume_everywhere",
    "payments.reverse",
    "credits.refund",
]
OWN_SIDE = {**PAYERS, **PAYEES, **ENTERPRISES}


def test_every_call_that_changes_something_is_stated_here() -> None:
    looking = {
        call
        for call in CALLS
        if call.endswith(
            (
                "get",
                ".list",
                "mints",
                "burns",
                "settlement",
                "settlements",
                "tie_out",
                "reserves.unmatched",
                "observations",
                "switches",
                "audit",
                "backing",
                "credit_notes",
                "overdue",
                "ageing",
                "check",
            )
        )
        or call.startswith(("audit.", "sim.", "webhooks.", "ledger.balances", "ledger.transactions"))
    }
    stated = {*OPERATORS_ONLY, *OWN_SIDE, *BOTH_SIDES, *ELSEWHERE, *MANY}

    assert CALLS.keys() - looking == (stated | {"tenant", "acting_as"}) - looking


@pytest.mark.parametrize("call", MANY)
def test_each_of_many_is_refused_to_who_may_not_do_one(fresh: Scene, call: str) -> None:
    before = fresh.stored()

    (refusal,) = make(fresh, call, fresh.pay.acting_as("bob"))

    assert type(refusal) is MANY[call]
    assert changed(before, fresh.stored()) == ["home.audit"]
    noted(fresh, refusal)


@pytest.mark.parametrize("subject", ["ann", "acme", "ops"])
@pytest.mark.parametrize("call", OPERATORS_ONLY)
def test_a_party_does_not_do_what_operators_do(home: Scene, call: str, subject: str) -> None:
    with refused(home, NotAllowed):
        make(home, call, home.pay.acting_as(subject))


@pytest.mark.parametrize("subject", ["bob", "cho", "acme", "nobody"])
@pytest.mark.parametrize("call", PAYERS)
def test_nobody_moves_what_is_anothers(home: Scene, call: str, subject: str) -> None:
    with refused(home, NotThePayer):
        make(home, call, home.pay.acting_as(subject))


@pytest.mark.parametrize("subject", ["ann", "cho", "acme", "nobody"])
@pytest.mark.parametrize("call", PAYEES)
def test_nobody_asks_in_anothers_name(home: Scene, call: str, subject: str) -> None:
    with refused(home, NotAllowed):
        make(home, call, home.pay.acting_as(subject))


@pytest.mark.parametrize("subject", ["ann", "bob", "nobody", "other-enterprise"])
@pytest.mark.parametrize("call", ENTERPRISES)
def test_nobody_acts_for_an_enterprise(home: Scene, call: str, subject: str) -> None:
    with refused(home, NotAllowed):
        make(home, call, home.pay.acting_as(subject))


@pytest.mark.parametrize("call", ENTERPRISES)
def test_one_enterprise_does_not_act_for_another(home: Scene, call: str) -> None:
    other = {"acme": "globex", "globex": "acme"}[ENTERPRISES[call]]

    with refused(home, NotAllowed):
        make(home, call, home.pay.acting_as(other))


@pytest.mark.parametrize("call", BOTH_SIDES)
def test_a_third_party_is_no_side(home: Scene, call: str) -> None:
    with refused(home, IdentityError):
        make(home, call, home.pay.acting_as("bob"))


@pytest.mark.parametrize("call", OWN_SIDE)
def test_the_right_party_may(fresh: Scene, call: str) -> None:
    assert make(fresh, call, fresh.pay.acting_as(OWN_SIDE[call])) is not None


@pytest.mark.parametrize("side", ["ann", "acme"])
@pytest.mark.parametrize("call", BOTH_SIDES)
def test_both_sides_may(fresh: Scene, call: str, side: str) -> None:
    assert make(fresh, call, fresh.pay.acting_as(side)) is not None


@pytest.mark.parametrize("approved_by", ["", "host"])
@pytest.mark.parametrize("call", FOUR_EYES)
def test_two_people_are_two_people(home: Scene, call: str, approved_by: str) -> None:
    with refused(home, SecondActorRequired):
        make(home, call, approved_by=approved_by)


@pytest.mark.parametrize("call", FOUR_EYES)
def test_the_trail_names_both_people(fresh: Scene, call: str) -> None:
    make(fresh, call, approved_by="cfo")

    last = fresh.pay.audit.operations()[-1]
    assert (last.actor, last.approved_by, last.denied) == ("host", "cfo", "")
    assert fresh.pay.audit.verify()


@pytest.mark.parametrize("call", FOUR_EYES)
def test_the_same_operator_in_another_session_is_no_second_person(home: Scene, call: str) -> None:
    with refused(home, SecondActorRequired):
        make(home, call, home.pay.acting_as("eva", role="operator"), approved_by="eva")


@pytest.mark.parametrize(
    "approved_by", [" host", "host ", "host\x00", "ho\u202est", "\ud800", "x" * 200, 7, ["cfo"]]
)
@pytest.mark.parametrize("call", FOUR_EYES)
def test_a_disguised_name_is_nobody(home: Scene, call: str, approved_by: Any) -> None:
    with refused(home, InvalidInput):
        make(home, call, approved_by=approved_by)


@pytest.mark.parametrize("call", ["wallets.open", "credits.refund", "requests.payee_qr", "holds.capture"])
def test_an_outsider_may_none_of_the_rest(home: Scene, call: str) -> None:
    with refused(home, IdentityError):
        make(home, call, home.pay.acting_as("nobody"))


GETS = [call for call in CALLS if call.endswith(".get") and call != "wallets.get"]
PEOPLE = ("ann", "bob", "cho", "eve", "acme", "globex", "nobody")


@pytest.mark.parametrize("subject", PEOPLE)
@pytest.mark.parametrize("call", GETS)
def test_a_party_sees_what_it_is_a_side_of_and_nothing_else(home: Scene, call: str, subject: str) -> None:
    row = make(home, call)

    if subject in {row.id, *(getattr(row, name, None) for name in SIDES)}:
        assert make(home, call, home.pay.acting_as(subject)) == row
    else:
        with refused(home, NotFound) as hidden:
            make(home, call, home.pay.acting_as(subject))
        assert hidden.value.to_problem() == missing(home, call, row.id)


def missing(home: Scene, call: str, id: str) -> dict[str, Any]:
    """What the same call says of an id that names nothing, made to look like this one."""
    (name,) = CALLS[call]
    with refused(home, NotFound) as caught:
        make(home, call, **{name: "no-such-thing"})
    text = json.dumps(caught.value.to_problem()).replace("no-such-thing", id)
    problem: dict[str, Any] = json.loads(text)
    return problem


LISTS = [call for call, name in taking(Takes.CURSOR) if call != "ledger.transactions"]
OWN_FILTERS = set(ROLES[Takes.PARTY].split())


@pytest.mark.parametrize("call", LISTS)
def test_a_party_lists_only_what_is_its_own(home: Scene, call: str) -> None:
    pay = home.pay.acting_as("nobody")

    with refused(home, NotAllowed, NotFound):
        make(home, call, pay)
    for name in OWN_FILTERS & CALLS[call].keys():
        assert make(home, call, pay, **{name: "nobody"}).items == ()


def test_a_party_lists_what_is_its_own(home: Scene) -> None:
    ann = home.pay.acting_as("ann")

    assert ann.invoices.list(customer="ann").items == home.pay.invoices.list(customer="ann").items
    assert {lot.customer_id for lot in ann.credits.list(customer="ann", enterprise="acme")} == {"ann"}
    assert ann.wallets.get("ann") == home.pay.wallets.get("ann")
    assert {account.party_id for account in ann.ledger.balances(party="ann")} == {"ann"}
    assert ann.invoices.credit_notes(home.things["part"]).items


@pytest.mark.parametrize("call", ["wallets.get", "ledger.balances", "invoices.overdue", "invoices.ageing"])
@pytest.mark.parametrize("subject", ["bob", "globex", "nobody"])
def test_nobody_looks_into_anothers_pockets(home: Scene, call: str, subject: str) -> None:
    with refused(home, NotAllowed):
        make(home, call, home.pay.acting_as(subject))


@pytest.mark.parametrize(
    "call",
    ["audit.trail", "audit.verify", "audit.seal", "audit.history", "ledger.transactions", "invariants.check"],
)
def test_the_books_as_a_whole_are_for_operators(home: Scene, call: str) -> None:
    with refused(home, NotAllowed):
        make(home, call, home.pay.acting_as("ann"))


def test_everybodys_balances_are_for_operators(home: Scene) -> None:
    with refused(home, NotAllowed):
        make(home, "ledger.balances", home.pay.acting_as("ann"), party=None)


def test_a_payer_who_was_shown_a_code_sees_what_it_asks_for(home: Scene) -> None:
    code = home.pay.requests.qr(home.things["open_request"]).payload

    assert home.pay.acting_as("cho").requests.scan(code).payee_id == "bob"


@pytest.mark.parametrize("role", ["admin", "", "system", Role.SYSTEM, 1, None, ["party"], "operator "])
def test_a_role_that_is_none_is_refused(home: Scene, role: Any) -> None:
    with pytest.raises(InvalidInput, match="party"):
        home.pay.acting_as("ann", role=role)


@pytest.mark.parametrize("subject", ["", " ann", "ann\n", "a" * 129, 1, None])
def test_an_actor_who_is_none_is_refused(home: Scene, subject: Any) -> None:
    with pytest.raises(InvalidIdentifier):
        home.pay.acting_as(subject)


def test_acting_as_somebody_leaves_the_client_as_it_was(home: Scene) -> None:
    home.pay.acting_as("ann", role=Role.PARTY)

    assert make(home, "requests.qr") is not None
