"""What the checks of invariants read, all of one tenant at one instant, and what they report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from invoicepay.domain.accounts import Account, Booked
from invoicepay.domain.audit import AuditRecord, Checkpoint, Head
from invoicepay.domain.enterprise_book import JournalEntry
from invoicepay.domain.enterprise_journal import Records, journal
from invoicepay.domain.entity import E, Entity
from invoicepay.domain.events import Event
from invoicepay.domain.money import Money
from invoicepay.domain.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation(Shown):
    """A row that breaks an invariant.

    Attributes:
        rule: for example `INV-02`.
        subject: what is wrong: an id, an account, an asset.
        difference_micros: how far off, where the rule is an equation.
    """

    rule: str
    subject: str
    message: str
    difference_micros: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Books:
    """A tenant's committed data.

    Attributes:
        rows: every row by its kind.
        balances: micros of every account as the store keeps them.
        audit: the records of every stream, each stream in its order.
    """

    tenant_id: str
    rows: Mapping[type[Entity], Collection[Entity]] = field(
        default_factory=dict[type[Entity], Collection[Entity]]
    )
    balances: Mapping[Account, int] = field(default_factory=dict[Account, int])
    ledger: Collection[Booked] = ()
    events: Collection[Event] = ()
    audit: Collection[AuditRecord] = ()
    heads: Collection[Head] = ()
    checkpoints: Collection[Checkpoint] = ()

    def of(self, kind: type[E]) -> Collection[E]:
        """The rows of one kind."""
        return cast("Collection[E]", self.rows.get(kind, ()))

    def by_id(self, kind: type[E]) -> dict[str, E]:
        """The rows of one kind by id."""
        return {row.id: row for row in self.of(kind)}

    @cached_property
    def journal(self) -> tuple[JournalEntry, ...]:
        """The derived entries of every enterprise's own book."""
        return journal(Records(rows=self.rows, events=self.events, ledger=self.ledger))


Check = Callable[[Books], Iterable[Violation]]


def differences(
    rule: str, name: str, found: Mapping[Any, int], other_name: str, expected: Mapping[Any, int]
) -> Iterator[Violation]:
    """A violation for each key (texts, the asset last) whose two sums differ; an absent sum is zero."""
    keys: set[tuple[str, ...]] = {*found, *expected}
    for key in sorted(keys):
        left, right = found.get(key, 0), expected.get(key, 0)
        if left != right:
            asset = key[-1]
            yield Violation(
                rule=rule,
                subject="/".join(key),
                message=f"{name}: {shown(left, asset)}, {other_name}: {shown(right, asset)}",
                difference_micros=left - right,
            )


def shown(micros: int, asset: str) -> str:
    """An amount for a message."""
    return str(Money.from_micros(micros, asset))
