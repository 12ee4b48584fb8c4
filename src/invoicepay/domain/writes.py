"""What a batch of outcomes writes, each row once; and which fields are unique within a tenant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from invoicepay.domain.accounts import Account
from invoicepay.domain.change import Outcome
from invoicepay.domain.credit_notes import CreditNote
from invoicepay.domain.deposits import Deposit, Reserve, UnmatchedFunds
from invoicepay.domain.effects import Effect
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Step
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.needs import RowKey
from invoicepay.domain.netting import SettlementRun
from invoicepay.domain.payments import Payment, Receipt
from invoicepay.domain.requests import Transfer


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows of `kind` share all `fields`, unless one of the fields `unless_empty` is empty."""

    kind: type[Entity]
    fields: tuple[str, ...]
    unless_empty: str = ""
    message: str = ""

    def value(self, row: Entity) -> tuple[Any, ...] | None:
        """What must not repeat; None when the row is exempt."""
        if self.unless_empty and not getattr(row, self.unless_empty):
            return None
        return tuple(getattr(row, name) for name in self.fields)


UNIQUE = (
    Unique(Invoice, ("enterprise_id", "series", "number"), "number"),
    Unique(Invoice, ("schedule_id", "occurrence"), "schedule_id"),
    Unique(CreditNote, ("enterprise_id", "number"), "number"),
    Unique(Payment, ("provider", "provider_ref"), "provider_ref"),
    Unique(Receipt, ("provider", "provider_ref"), "provider_ref"),
    Unique(Deposit, ("provider", "provider_ref"), "provider_ref"),
    Unique(Reserve, ("deposit_id",), "deposit_id"),
    Unique(Transfer, ("provider", "provider_ref"), "provider_ref"),
    Unique(UnmatchedFunds, ("provider", "provider_ref"), "provider_ref"),
    Unique(SettlementRun, ("running",), "running"),
    Unique(Effect, ("kind", "cause_id", "generation")),
    Unique(Effect, ("provider", "kind", "provider_ref"), "provider_ref"),
)
"""Uniqueness lives in the store (INV-20); a clash on a provider's reference: `DuplicateProviderReference`."""


@dataclass(frozen=True, slots=True)
class Writes:
    """A batch, merged: the last state of each row, all postings, the sum per account.

    Attributes:
        added, changed: changed rows come with the version they were loaded with.
        movements: signed micros by account, in the global lock order.
    """

    added: tuple[Entity, ...]
    changed: tuple[tuple[Entity, int], ...]
    movements: tuple[tuple[Account, int], ...]
    events: tuple[Step, ...]


def merged(outcomes: Sequence[Outcome[Any]], versions: dict[RowKey, int]) -> Writes:
    """Merge the outcomes of a batch; `versions` are those of the rows as loaded (absent when new)."""
    rows: dict[RowKey, Entity] = {}
    movements: dict[Account, int] = {}
    for outcome in outcomes:
        for row in outcome.rows:
            rows[type(row), row.id] = row
        for posting in outcome.postings:
            for entry in posting.entries:
                movements[entry.account] = movements.get(entry.account, 0) + entry.growth
    added = tuple(row for key, row in rows.items() if key not in versions)
    changed = tuple((row, versions[key]) for key, row in rows.items() if key in versions)
    return Writes(
        added,
        changed,
        tuple(sorted(movements.items(), key=lambda item: account_rank(item[0]))),
        tuple(event for outcome in outcomes for event in outcome.events),
    )


def account_rank(account: Account) -> tuple[int, str]:
    """Sort key of an account in the global lock order: wallets of parties first, control accounts last."""
    return (0 if account.party_id else 1, account.id)
