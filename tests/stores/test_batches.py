"""A batch gives exactly what the same calls give one by one, on both databases and as in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.sql import connect_store, migrate_url
from invoicepay.bridge import run_blocking
from invoicepay.ports.repository import Repository
from tests.support.twins import NumberedIds, Twin, seeded, table, told

NAMES = list(table(Twin(lambda ids: MemoryRepository(ids.new))))
SEEDS = 4


class Places:
    """Opens a database for one tenant after another."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._close = ExitStack()
        migrate_url(url)

    def twin(self, tenant: str) -> Twin:
        """A programme of that tenant."""
        return Twin(self._opened, tenant)

    def _opened(self, ids: NumberedIds) -> Repository:
        repository = connect_store(self._url, ids.new, blocking=True)
        self._close.callback(lambda: run_blocking(repository.close()))
        return repository

    def close(self) -> None:
        """Give the connections back."""
        self._close.close()


@pytest.fixture
def places(url: str) -> Iterator[Places]:
    places = Places(url)
    yield places
    places.close()


def ends(twin: Twin, outcomes: list[Any]) -> dict[str, Any]:
    return {"outcomes": told(outcomes), **twin.stored()}


@pytest.mark.parametrize("of", [NAMES[0::3], NAMES[1::3], NAMES[2::3]], ids=lambda names: names[0])
def test_calls_that_have_to_do_with_one_another(places: Places, of: list[str]) -> None:
    for name in of:
        memory = Twin(lambda ids: MemoryRepository(ids.new))
        alone, together = places.twin(f"{name}, alone"), places.twin(f"{name}, together")
        asks = table(alone)[name]

        expected = ends(memory, memory.one_by_one(asks))

        assert ends(alone, alone.one_by_one(asks)) == expected, name
        assert ends(together, together.together(asks, len(asks))) == expected, name
        assert together.violations() == ()


@pytest.mark.parametrize("seed", range(100, 100 + SEEDS))
def test_the_calls_of_a_seed(places: Places, seed: int) -> None:
    memory = Twin(lambda ids: MemoryRepository(ids.new))
    alone, together = places.twin("alone"), places.twin("together")
    asks = seeded(alone, seed, 60)

    expected = ends(memory, memory.one_by_one(asks))

    assert ends(alone, alone.one_by_one(asks)) == expected
    assert ends(together, together.together(asks, 60)) == expected
    assert together.violations() == ()
