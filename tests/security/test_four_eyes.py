"""What takes two people takes two: nobody is two by another spelling, session or deputy (S-03)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay import InvoicePay
from invoicepay.errors import NotAllowed, SecondActorRequired
from tests.input.calls import make
from tests.security.cells import Ground, ground
from tests.security.test_authority import RECORD

CALLS = (
    "bank_accounts.enable",
    "deposits.confirm",
    "deposits.write_off",
    "reserves.top_up",
    "tokens.open_positions",
    "payments.reverse",
    "credits.refund",
    "effects.resolve",
    "effects.resend",
    "effects.resume",
)


@pytest.fixture(scope="module")
def cells() -> Iterator[Ground]:
    with ground() as made:
        yield made


def sessions(pay: InvoicePay) -> dict[str, InvoicePay]:
    """Clients in which eva asks, by herself, for bob, and bob for her."""
    return {
        "eva": pay.acting_as("eva", role="operator"),
        "eva for bob": pay.acting_as("eva", role="operator", on_behalf_of="bob"),
        "bob for eva": pay.tenant("home").acting_as("bob", role="operator", on_behalf_of="eva"),
    }


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("session", "approved_by"),
    [
        ("eva", ""),
        ("eva", "eva"),
        ("eva", "EVA"),
        ("eva for bob", "eva"),
        ("eva for bob", "bob"),
        ("bob for eva", "eva"),
        ("bob for eva", "Bob"),
    ],
)
def test_nobody_who_stands_behind_the_call_approves_it(
    cells: Ground, call: str, session: str, approved_by: str
) -> None:
    with cells.fresh() as here:
        before = here.stored()

        with pytest.raises(SecondActorRequired):
            make(here, call, sessions(here.pay)[session], approved_by=approved_by)

        after = here.stored()
        assert [name for name in after if after[name] != before[name]] == RECORD


@pytest.mark.parametrize("call", CALLS)
def test_the_record_names_who_asked_for_whom_and_who_approved(cells: Ground, call: str) -> None:
    with cells.fresh() as here:
        make(here, call, sessions(here.pay)["eva for bob"], approved_by="cfo")

        last = here.pay.audit.operations()[-1]
    assert (last.actor, last.on_behalf_of, last.approved_by, last.denied) == ("eva", "bob", "cfo", "")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("party", ["ann", "acme", "globex"])
def test_a_party_cannot_bring_a_second_person(cells: Ground, call: str, party: str) -> None:
    with cells.fresh() as here, pytest.raises(NotAllowed):
        make(here, call, here.pay.acting_as(party), approved_by="cfo")
