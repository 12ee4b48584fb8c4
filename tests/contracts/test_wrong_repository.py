"""The contract is worth something: repositories that are wrong in one way each fail it there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Table, true

from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.memory.repository import MemoryUnit
from invoicepay.adapters.sql import connect_store
from invoicepay.adapters.sql.schema import Place
from invoicepay.adapters.system import SystemIds
from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.needs import Needs
from invoicepay.domain.personal import ERASED, erased, searches
from invoicepay.errors import InvoicePayError
from invoicepay.ports.repository import Reply, Repository
from invoicepay.testing.hosts import BlockingHost
from invoicepay.testing.repository_contract import RepositoryContract
from invoicepay.testing.store import Store


def failing(make: Callable[[], Repository]) -> set[str]:
    """The facts of the contract that do not hold of a repository."""
    contract = RepositoryContract()
    facts = [name for name in dir(contract) if name.startswith("test_")]
    return {name for name in facts if not holds(getattr(contract, name), make())}


def holds(fact: Callable[[Store], None], repository: Repository) -> bool:
    try:
        fact(Store(BlockingHost(), repository))
    except (AssertionError, InvoicePayError, LookupError, ValueError, pytest.fail.Exception):
        return False
    return True


class Wrong(MemoryRepository):
    """The repository in memory with another unit."""

    unit_type: type[MemoryUnit] = MemoryUnit

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[MemoryUnit]:
        async with super().unit(tenant_id) as unit:
            yield self.unit_type(tenant_id, unit._tables, unit._stream, unit._new_id)


class CommitsAtOnce(MemoryUnit):
    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        await super().apply(outcomes, replies)
        await super().commit()

    async def commit(self) -> None:
        """Done before."""


class LosesABalance(MemoryUnit):
    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        await super().apply(outcomes, replies)
        assert self._staged is not None
        writes, outcomes, replies = self._staged
        self._staged = (replace(writes, movements=writes.movements[:-1]), outcomes, replies)


class WritesNoAudit(MemoryUnit):
    async def commit(self) -> None:
        await super().commit()
        self._tables.audit.clear()


class ForgetsVersions(MemoryUnit):
    async def load(self, needs: Needs, into: Snapshot) -> None:
        await super().load(needs, into)
        for kind, id in self._versions:
            self._versions[kind, id] = self._tables.rows(kind)[id].version


class KeepsNoReplies(MemoryUnit):
    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        await super().apply(outcomes, [])


class SearchesWithoutLimit(MemoryUnit):
    async def load(self, needs: Needs, into: Snapshot) -> None:
        await super().load(needs, into)
        into.finds |= {replace(wanted, limit=None) for wanted in needs.finds}
        into.finds -= needs.finds


class ErasesRowsOnly(MemoryUnit):
    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        for outcome in outcomes:
            for texts in ERASED if outcome.erases else ():
                for wanted in searches(texts, outcome.erases, ()):
                    self._tables.store(map(erased, self._tables.find(wanted)))
        await super().apply([replace(outcome, erases="") for outcome in outcomes], replies)


class PublishesEverything(MemoryRepository):
    async def mark_published(self, tenant_id: str, event_ids: Sequence[str], at: datetime) -> None:
        tables = self._tenants[tenant_id]
        await super().mark_published(tenant_id, [event.id for event in tables.events], at)


WRONG = {
    CommitsAtOnce: "test_leaving_without_a_commit_forgets_everything",
    LosesABalance: "test_balances_are_the_sums_of_what_was_posted",
    WritesNoAudit: "test_every_command_leaves_one_audit_record_in_its_chain",
    ForgetsVersions: "test_a_row_that_somebody_changed_meanwhile_is_not_overwritten",
    KeepsNoReplies: "test_a_key_is_answered_once",
    SearchesWithoutLimit: "test_a_search_means_the_same_as_in_python",
    ErasesRowsOnly: "test_an_erasure_empties_every_text_in_rows_and_in_what_their_events_tell",
}


def test_the_repository_in_memory_keeps_every_fact() -> None:
    assert failing(lambda: MemoryRepository(SystemIds().new)) == set()


@pytest.mark.parametrize("unit_type", WRONG)
def test_a_wrong_unit_is_found(unit_type: type[MemoryUnit]) -> None:
    def make() -> Repository:
        repository = Wrong(SystemIds().new)
        repository.unit_type = unit_type
        return repository

    assert WRONG[unit_type] in failing(make)


def test_a_store_that_publishes_too_much_is_found() -> None:
    assert "test_events_are_kept_in_order_until_they_are_published" in failing(
        lambda: PublishesEverything(SystemIds().new)
    )


def test_a_store_that_forgets_the_tenant_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def everybodys(place: Place, table: Table) -> ColumnElement[bool]:
        return true()

    monkeypatch.setattr(Place, "owns", everybodys)
    repository = connect_store(f"sqlite:///{tmp_path / 'pay.db'}", SystemIds().new, blocking=True)

    assert not holds(RepositoryContract().test_a_tenant_sees_nothing_of_another, repository)
    BlockingHost().run(repository.close())
