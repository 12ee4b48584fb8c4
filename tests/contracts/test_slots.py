"""Slots in memory, in SQLite and in PostgreSQL keep one contract, blocking and awaiting."""

from pathlib import Path

import pytest

from invoicepay.adapters.memory.slots import MemorySlots
from invoicepay.adapters.sql import migrate_url
from invoicepay.adapters.sql.slots import SqlSlots
from invoicepay.ports.slots import SlotStore
from invoicepay.testing.hosts import BlockingHost
from invoicepay.testing.slots_contract import LANE, NOON, SlotContract, a_move


class TestMemorySlots(SlotContract):
    @pytest.fixture
    def slots(self) -> SlotStore:
        return MemorySlots()


class TestSqliteSlots(SlotContract):
    @pytest.fixture
    def slots(self, tmp_path: Path) -> SlotStore:
        return SqlSlots(f"sqlite:///{tmp_path / 'pay.db'}")


class TestPostgresSlots(SlotContract):
    @pytest.fixture
    def slots(self, postgres_url: str) -> SlotStore:
        migrate_url(postgres_url)
        return SqlSlots(postgres_url)


def test_slots_live_in_a_schema_and_under_a_prefix(postgres_url: str) -> None:
    migrate_url(postgres_url, schema="billing", table_prefix="pay_")
    slots = SqlSlots(postgres_url, schema="billing", table_prefix="pay_")
    host = BlockingHost()

    taken = host.run(slots.take(LANE, [a_move("a")], at=NOON))

    assert host.run(slots.find(["a"])) == {"a": taken}
    host.run(slots.close())


def test_each_tenant_has_lanes_and_movements_of_its_own(tmp_path: Path) -> None:
    host, url = BlockingHost(), f"sqlite:///{tmp_path / 'pay.db'}"
    ours, theirs = (SqlSlots(url, tenant_id=tenant) for tenant in ("ours", "theirs"))

    bound = [host.run(slots.take(LANE, [a_move("a")], at=NOON)) for slots in (ours, theirs)]

    assert [slot.key.nonce for slot in bound if slot] == [0, 0]
    for slots in (ours, theirs):
        host.run(slots.close())
