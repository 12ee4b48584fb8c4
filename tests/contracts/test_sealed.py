"""A repository that seals texts keeps the contract of every repository, around whichever store."""

from pathlib import Path

import pytest

from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.sealed import FieldKeys, SealedRepository
from invoicepay.adapters.sql import connect_store
from invoicepay.adapters.system import SystemIds
from invoicepay.domain.holds import Hold
from invoicepay.domain.needs import find, need
from invoicepay.ports.repository import Repository
from invoicepay.testing.repository_contract import NAUGHTY, RepositoryContract
from invoicepay.testing.samples import sample
from invoicepay.testing.store import Store

KEYS = FieldKeys("k1", {"k1": bytes(range(32))})


class Sealed(RepositoryContract):
    def test_text_comes_back_letter_by_letter(self, store: Store) -> None:
        """Nothing is searched by a sealed text; whether one is empty, a search may ask."""
        store.add(*(sample(Hold, number, reason=text) for number, text in enumerate(NAUGHTY)))

        assert [row.reason for row in store.found(find(Hold, order=("id",)))] == list(NAUGHTY)
        assert [row.id for row in store.found(find(Hold, reason=""))] == ["hold-0000"]

    def test_a_search_means_the_same_as_in_python(self, store: Store) -> None:
        """The same for what is not sealed."""
        rows = [sample(Hold, number, reason="") for number in range(1, 9)]
        store.add(*rows)
        stored = store.found(find(Hold))

        for wanted in (find(Hold, owner_id="owner_id-4"), find(Hold, reason="", order=("-id",), limit=3)):
            assert store.found(wanted) == wanted.pick(stored)
            assert store.loaded(need(finds=[wanted])).search(wanted) == wanted.pick(stored)


class TestSealedMemory(Sealed):
    @pytest.fixture
    def repository(self) -> Repository:
        return SealedRepository(MemoryRepository(SystemIds().new), KEYS)


class TestSealedSqlite(Sealed):
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Repository:
        url = f"sqlite:///{tmp_path / 'pay.db'}"
        return SealedRepository(connect_store(url, SystemIds().new, blocking=True), KEYS)
