"""Does everything that a storm wrote once more, one by one in memory, in the order of the audit trail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from invoicepay.domain.accounts import Account
from invoicepay.domain.audit import AuditRecord
from invoicepay.domain.change import Context, Outcome, Snapshot
from invoicepay.domain.entity import Entity
from invoicepay.domain.needs import need
from invoicepay.domain.policies import Programme
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases import deposits, payments, settlement, withdrawals
from invoicepay.use_cases import reconcile as reconciliation
from tests.stores.hands import Report, Written
from tests.stores.surroundings import OpenHouse
from tests.walks.world import Setting, World

NOT_DECIDED_AGAIN: frozenset[Callable[..., Any]] = frozenset(
    {
        reconciliation.reconcile,
        payments.cancel_payment,
        deposits.cancel_deposit,
        withdrawals.cancel_withdrawal,
        settlement.settle,
    }
)
"""They ask the store or a provider before they decide: a replay would get another answer."""

MOST_FAULTS = 12


class ToldIds:
    """Ids that were drawn before."""

    def __init__(self) -> None:
        self._left: list[str] = []

    def tell(self, ids: Iterable[str]) -> None:
        """Draw these next."""
        self._left = list(ids)[::-1]

    def new(self, prefix: str, now: datetime) -> str:
        """The next one."""
        return self._left.pop()

    def nonce(self) -> str:
        """The next one."""
        return self._left.pop()


class Replay:
    """A store in memory that is written the way the storm's store was.

    A command that a hand asked for is decided again from what memory holds at its turn, and must write the
    same rows. What the worker did on its own is written as it was told, and must follow on what is there.

    Attributes:
        faults: what was not the same.
    """

    def __init__(self, setting: Setting, report: Report) -> None:
        self.faults: list[str] = []
        self._asked, self._written = report.asked, {(w.command, w.key): w for w in report.written}
        self._world = World(setting)
        self._ids = ToldIds()
        self._world.deps = replace(self._world.deps, ids=self._ids, screening=OpenHouse())
        self.decided = 0

    def follow(self, trail: Iterable[AuditRecord]) -> None:
        """Do what each record tells."""
        for record in trail:
            if len(self.faults) >= MOST_FAULTS:
                return
            if record.denied:
                continue  # it wrote nothing but the record, and its key is still free
            written = self._written.pop((record.action, json.loads(record.body)["key"]), None)
            if written is None:
                self.faults.append(f"#{record.position} {record.action}: nobody was told of it")
            else:
                self._do(record, written)
        self.faults += [
            f"{lost.command} {lost.key} was acknowledged and is not in the trail"
            for lost in self._written.values()
        ]

    def _do(self, record: AuditRecord, written: Written) -> None:
        self._world.clock.set(written.now)
        self._ids.tell(written.ids)
        asked = self._asked.get(written.key)
        again = asked is not None and not written.companions and asked.call not in NOT_DECIDED_AGAIN
        where = f"#{record.position} {record.action} {written.key}"
        try:
            if asked is not None and again:
                self.decided += 1
                self._world.run(asked.call(self._world.as_(asked.actor), asked.command, asked.key))
            else:
                self._world.run(self._write(written))
        except InvoicePayError as refusal:
            self.faults.append(f"{where}: accepted, then {refusal!r} {refusal.details}")
            return
        except (AssertionError, IndexError) as fault:
            self.faults.append(
                f"{where}: accepted, then {fault!r}; it wrote {written.rows} {written.postings}"
            )
            return
        self.faults += [f"{where}: {fault}" for fault in self._unlike(written.rows)]

    def _unlike(self, rows: Iterable[Entity]) -> list[str]:
        return [f"wrote\n    {row}\n  then\n    {self.row(row)}" for row in rows if self.row(row) != row]

    def row(self, row: Entity) -> Entity | None:
        """The row of that kind and id as memory has it now."""
        found = self._world.rows(type(row), id=row.id)
        return found[0] if found else None

    async def _write(self, written: Written) -> None:
        deps = self._world.as_(written.actor)
        keys = [(type(row), row.id) for row in written.rows]
        async with deps.repository.unit(deps.tenant_id) as unit:
            seen = Snapshot(written.now)
            await unit.load(need(*keys), seen)
            for row in written.rows:
                before = seen.peek(type(row), row.id)
                assert before is None or before.version < row.version, f"{row.id} overwrites {before}"
            await unit.apply([_outcome(written)], [])
            await unit.commit()

    def compare(self, balances: dict[Account, int], rows: Callable[[type[Entity]], Iterable[Entity]]) -> None:
        """Compare what is left at the end."""
        mine = self._world.balances()
        self.faults += [
            f"{account}: {balances.get(account, 0)}, in memory {mine.get(account, 0)}"
            for account in sorted({*balances, *mine}, key=str)
            if balances.get(account, 0) != mine.get(account, 0)
        ]
        for kind in self._kinds():
            left = {row.id: row for row in self._world.rows(kind)}
            there = {row.id: row for row in rows(kind)}
            differing = [id for id in {*left, *there} if left.get(id) != there.get(id)]
            self.faults += [f"{kind.KIND} {id} differs at the end" for id in sorted(differing)[:MOST_FAULTS]]

    def _kinds(self) -> list[type[Entity]]:
        from invoicepay.adapters.sql.schema import TABLE_NAMES

        return list(TABLE_NAMES)


def _outcome(written: Written) -> Outcome[Any]:
    context = Context(
        tenant_id="default",
        actor=written.actor,
        now=written.now,
        key=written.key,
        programme=Programme(),
        new_id=lambda prefix: prefix,
    )
    return Outcome(
        result=None,
        command=written.command,
        context=context,
        rows=written.rows,
        postings=written.postings,
        events=(),
    )
