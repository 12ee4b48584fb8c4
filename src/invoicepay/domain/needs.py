"""What a decision has to be given: rows, searches and balances, and the order in which they are locked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, cast

from invoicepay.domain.accounts import Account
from invoicepay.domain.entity import E, Entity
from invoicepay.domain.quick import quick

RowKey = tuple[type[Entity], str]

LOCK_ORDER = (
    "effect",
    "observation",
    "inbox_message",
    "schedule",
    "unmatched_funds",
    "mint",
    "burn",
    "settlement_run",
    "withdrawal",
    "deposit",
    "reserve",
    "credit_note",
    "allocation",
    "payment",
    "invoice",
    "transfer",
    "request",
    "hold",
    "credit",
    "party",
    "wallet",
    "chain_position",
    "bank_account",
    "provider_switch",
    "limit_counter",
    "number_series",
    "webhook_endpoint",
    "webhook_delivery",
)
"""Kinds of row in the order in which every writer locks them; others come last, by name (spec 3.4).

It is the order in which commands find out what they need: first what a command names, then who takes part,
then what all writers of a party share. A party's row comes before what may not exist yet for that party.
"""


_RANKS = {kind: rank for rank, kind in enumerate(LOCK_ORDER)}


def lock_rank(kind: type[Entity]) -> tuple[int, str]:
    """Sort key of a kind in the global lock order."""
    return (_RANKS.get(kind.KIND, len(_RANKS)), kind.KIND)


_WHO = (_RANKS["party"], "")
_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda seen, wanted: bool(seen == wanted),
    "ne": lambda seen, wanted: bool(seen != wanted),
    "in": lambda seen, wanted: seen in wanted,
    "le": lambda seen, wanted: seen is not None and bool(seen <= wanted),
    "lt": lambda seen, wanted: seen is not None and bool(seen < wanted),
    "ge": lambda seen, wanted: seen is not None and bool(seen >= wanted),
    "gt": lambda seen, wanted: seen is not None and bool(seen > wanted),
}


@dataclass(frozen=True, slots=True)
class Find(Generic[E]):
    """Rows of one kind that meet every condition, in `order`, the first `limit` of them.

    Attributes:
        where: (field, test, value); tests are eq, ne, in, le, lt, ge, gt; eq None means "is absent".
        order: field names, a leading "-" descends; the id breaks ties.
        skip_locked: leave out rows that another writer holds (work queues only).
        only_read: what is found is not changed: others may read it meanwhile.
    """

    kind: type[E]
    where: tuple[tuple[str, str, Any], ...]
    order: tuple[str, ...] = ()
    limit: int | None = None
    skip_locked: bool = False
    only_read: bool = False

    def matches(self, row: Entity) -> bool:
        """Whether `row` is of this kind and meets every condition."""
        return type(row) is self.kind and all(
            _TESTS[test](getattr(row, name), wanted) for name, test, wanted in self.where
        )

    def pick(self, rows: Iterable[Entity]) -> tuple[E, ...]:
        """The matching rows among `rows`, ordered and cut."""
        found = sorted((row for row in rows if self.matches(row)), key=lambda row: row.id)
        for name in reversed(self.order):
            key = name.removeprefix("-")
            found.sort(key=lambda row: _absent_last(getattr(row, key)), reverse=name.startswith("-"))
        return cast("tuple[E, ...]", tuple(found[: self.limit]))


def _absent_last(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)


def find(
    kind: type[E],
    /,
    *,
    order: tuple[str, ...] = (),
    limit: int | None = None,
    skip_locked: bool = False,
    only_read: bool = False,
    **conditions: Any,
) -> Find[E]:
    """A `Find` from keywords: `find(Invoice, customer_id="ann", due_at__le=now)`."""
    where = []
    for name, value in sorted(conditions.items()):
        base, _, test = name.partition("__")
        where.append((base, test or "eq", value))
    return Find(kind, tuple(where), order, limit, skip_locked, only_read)


@quick
@dataclass(frozen=True, slots=True)
class Needs:
    """The rows, searches and balances that a decision reads; all are locked by the load.

    A use case states its needs from the command and from what was loaded so far, and is asked again
    until it wants nothing new: first the invoice, then what the invoice points to.

    Attributes:
        rows: held for this command alone.
        reads: rows that must stay as they are but are not changed: others may read them meanwhile.
        finds: held like `rows`; a row that another command is making to match is not seen, so both have
            to need one row that exists, such as the party whose rows are searched.
    """

    rows: frozenset[RowKey] = frozenset()
    finds: frozenset[Find[Any]] = frozenset()
    accounts: frozenset[Account] = frozenset()
    reads: frozenset[RowKey] = frozenset()

    def __or__(self, other: Needs) -> Needs:
        """Both needs in one load."""
        if other is NOTHING:
            return self
        return Needs(
            self.rows | other.rows,
            self.finds | other.finds,
            self.accounts | other.accounts,
            self.reads | other.reads,
        )

    def __bool__(self) -> bool:
        """Whether anything is wanted at all."""
        return bool(self.rows or self.finds or self.accounts or self.reads)

    def first(self) -> Needs:
        """The part to lock first: things, then who takes part, then what they have and what is searched."""
        things = self._only(lambda kind: lock_rank(kind) < _WHO)
        return things or self._only(lambda _: True) or self

    def _only(self, is_wanted: Callable[[type[Entity]], bool]) -> Needs:
        """The rows of some kinds."""
        rows, reads = (
            frozenset(key for key in keys if is_wanted(key[0])) for keys in (self.rows, self.reads)
        )
        return Needs(rows=rows, reads=reads)

    def wants(self, kind: type[Entity]) -> tuple[list[str], list[str]]:
        """Ids of one kind: those wanted alone, and those that are only read; each in order."""
        alone = {id for named, id in self.rows if named is kind}
        return sorted(alone), sorted({id for named, id in self.reads if named is kind} - alone)


NOTHING = Needs()
"""What needs nothing at all."""


def need(
    *rows: RowKey,
    finds: Iterable[Find[Any]] = (),
    accounts: Iterable[Account] = (),
    reads: Iterable[RowKey] = (),
) -> Needs:
    """`Needs` from plain arguments: `need((Invoice, id), accounts=[available("ann", "USD")])`."""
    return Needs(frozenset(rows), frozenset(finds), frozenset(accounts), frozenset(reads))


def together(needs: Iterable[Needs]) -> Needs:
    """All needs in one load."""
    rows, finds, accounts, reads = set[RowKey](), set[Find[Any]](), set[Account](), set[RowKey]()
    for one in needs:
        rows |= one.rows
        finds |= one.finds
        accounts |= one.accounts
        reads |= one.reads
    return Needs(frozenset(rows), frozenset(finds), frozenset(accounts), frozenset(reads))
