"""A batch gives exactly what the same calls give one by one: outcomes, rows, balances, steps (in memory)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoicepay.adapters.memory import MemoryRepository
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
