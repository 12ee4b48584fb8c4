"""One item's trouble is never another's, and a fault of the program is never swallowed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from invoicepay.bridge import run_blocking
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.errors import NotFound
from invoicepay.use_cases.neighbours import carried_out, served, tried
from invoicepay.use_cases.perform import Call, own_call
from tests.support.desk import Desk
from tests.support.free import free


async def act(item: int) -> int:
    if item == 1:
        raise NotFound(id=item)
    if item < 0:
        raise KeyError(item)
    return item


def test_a_refusal_is_told_and_the_others_are_served() -> None:
    outcomes = run_blocking(tried(range(3), act))

    assert (outcomes[0], outcomes[2], served(outcomes).count) == (0, 2, 3)
    assert [refusal.code for refusal in served(outcomes).refusals] == ["not_found"]


def test_a_fault_is_raised_once_the_others_were_served() -> None:
    outcomes = run_blocking(tried([-1, 0, 2], act))

    assert outcomes[1:] == [0, 2]
    with pytest.raises(KeyError):
        served(outcomes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Greet:
    name: str


def _needs(command: Greet, _seen: Snapshot) -> Needs:
    return need((Party, command.name))


def _decide(command: Greet, change: Change) -> Party:
    if command.name == "refused":
        raise NotFound(id=command.name)
    if command.name == "broken":
        raise KeyError(command.name)
    return change.add(Party(id=command.name, kind=PartyKind.USER), "party.registered")


GREET = free("test.greet", Party, _needs, _decide)


def greeting(desk: Desk, name: str) -> Call[Greet, Party]:
    return own_call(desk.deps, GREET, Greet(name=name))


@pytest.mark.parametrize("most", [1, 2, 200])
def test_calls_among_outcomes_are_carried_out_in_their_place(most: int) -> None:
    desk = Desk()
    refusal = NotFound(id="before")
    asked = [greeting(desk, "ann"), None, greeting(desk, "refused"), refusal, greeting(desk, "ben"), False]

    ann, nothing, refused, before, ben, no = desk.run(carried_out(desk.deps, asked, most))

    assert (ann.id, ben.id, nothing, no) == ("ann", "ben", None, False)
    assert (refused.code, before) == ("not_found", refusal)
    assert [party.id for party in desk.rows(Party)] == ["ann", "ben"]


def test_a_fault_in_a_transaction_is_the_outcome_of_its_call_alone() -> None:
    desk = Desk()

    ann, broken, ben = desk.run(
        carried_out(desk.deps, [greeting(desk, name) for name in ("ann", "broken", "ben")])
    )

    assert (ann.id, ben.id) == ("ann", "ben")
    assert isinstance(broken, KeyError)
