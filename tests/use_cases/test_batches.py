"""A batch gives exactly what the same calls give one by one: outcomes, rows, balances, steps (in memory)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoicepay.adapters.memory import MemoryRepository
from invoicepay.domain.change import Change
from invoicepay.domain.needs import need
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.use_cases.batches import in_batches
from tests.support.desk import Desk
from tests.support.free import free
from tests.support.twins import Twin, drawn, seeded, table, told


def twin() -> Twin:
    return Twin(lambda ids: MemoryRepository(ids.new))


NAMES = list(table(twin()))


@pytest.mark.parametrize("name", NAMES)
def test_calls_that_have_to_do_with_one_another(name: str) -> None:
    alone, together = twin(), twin()
    asks = table(alone)[name]

    one_by_one, at_once = alone.one_by_one(asks), together.together(asks, len(asks))

    assert told(at_once) == told(one_by_one)
    assert together.stored() == alone.stored()
    assert together.violations() == ()


@given(data=st.data(), length=st.integers(2, 24), most=st.integers(2, 24))
@settings(max_examples=60, deadline=None)
def test_any_calls(data: st.DataObject, length: int, most: int) -> None:
    alone, together = twin(), twin()
    asks = list(drawn(alone, lambda below: data.draw(st.integers(0, below - 1)), length))

    one_by_one, at_once = alone.one_by_one(asks), together.together(asks, most)

    assert told(at_once) == told(one_by_one)
    assert together.stored() == alone.stored()


@pytest.mark.parametrize("seed", range(20))
def test_the_calls_of_a_seed(seed: int) -> None:
    alone, together = twin(), twin()
    asks = seeded(alone, seed, 60)

    one_by_one, at_once = alone.one_by_one(asks), together.together(asks, 60)

    assert told(at_once) == told(one_by_one)
    assert together.stored() == alone.stored()
    assert together.violations() == ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Greet:
    name: str


def _decide(command: Greet, change: Change) -> Party:
    if command.name == "broken":
        raise KeyError(command.name)
    return change.add(Party(id=command.name, kind=PartyKind.USER), "party.registered")


GREET = free("test.greet", Party, lambda command, _seen: need((Party, command.name)), _decide)


def greeted(desk: Desk, *names: str, prepare: Any = None) -> list[Any]:
    asked: list[Any] = [(Greet(name=name), None) for name in names]
    return desk.run(in_batches(desk.deps, GREET, asked, prepare))


def test_a_fault_is_the_value_of_its_item_and_what_was_committed_is_told() -> None:
    desk = Desk()

    ann, fault, ben = greeted(desk, "ann", "broken", "ben")

    assert (ann.id, ben.id) == ("ann", "ben")
    assert (fault.code, fault.retryable) == ("invoice_pay_error", False)
    assert isinstance(fault.__cause__, KeyError)


def test_a_fault_before_a_later_transaction_leaves_what_was_committed_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("invoicepay.use_cases.batches.MOST", 1)
    desk = Desk()

    async def prepare(_deps: object, calls: Any) -> Any:
        if calls[0].command.name == "ben":
            raise KeyError("ben")
        return calls

    ann, ben, eve = greeted(desk, "ann", "ben", "eve", prepare=prepare)

    assert (ann.id, eve.id) == ("ann", "eve")
    assert isinstance(ben.__cause__, KeyError)
