"""What a decision needs, sees and wants written: Needs, Find, Snapshot, Change, Outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from invoicepay.domain.accounts import Account, Code, Posting, has_floor
from invoicepay.domain.entity import E, Entity, evolve
from invoicepay.domain.events import Step
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Actor
from invoicepay.domain.policies import Programme
from invoicepay.errors import InsufficientFunds, InvoicePayError, NotFound

T = TypeVar("T")

RowKey = tuple[type[Entity], str]

LOCK_ORDER = (
    "effect",
    "observation",
    "inbox_message",
    "schedule",
    "unmatched_funds",
    "mint",
    "burn",
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
    "limit_counter",
    "number_series",
)
"""Kinds of row in the order in which every writer locks them; others come last, by name (spec 3.4).

It is the order in which commands find out what they need: first what a command names, then who takes part,
then what all writers of a party share. A party's row comes before what may not exist yet for that party.
"""


def lock_rank(kind: type[Entity]) -> tuple[int, str]:
    """Sort key of a kind in the global lock order."""
    known = kind.KIND in LOCK_ORDER
    return (LOCK_ORDER.index(kind.KIND) if known else len(LOCK_ORDER), kind.KIND)


_WHO = (LOCK_ORDER.index("party"), "")
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


@dataclass(slots=True)
class Snapshot:
    """What was loaded for one transaction, kept current while decisions are folded over it.

    Attributes:
        now: the instant at which the transaction's commands are decided, UTC.
        unread: what decisions moved on accounts whose balance nobody needed yet.
        shared: rows that others may be reading, too: no decision may change them.
        programme: the operator's choices, where what is needed depends on them.
        hits: what each search found, by search.
        written: rows that decisions wrote, by kind.
        looks: rows and searches that somebody has asked about since the list was emptied.
    """

    now: datetime
    rows: dict[RowKey, Entity | None] = field(default_factory=dict[RowKey, "Entity | None"])
    finds: set[Find[Any]] = field(default_factory=set[Find[Any]])
    balances: dict[Account, int] = field(default_factory=dict[Account, int])
    unread: dict[Account, int] = field(default_factory=dict[Account, int])
    shared: set[RowKey] = field(default_factory=set[RowKey])
    programme: Programme = field(default_factory=Programme)
    hits: dict[Find[Any], tuple[RowKey, ...]] = field(default_factory=dict[Find[Any], "tuple[RowKey, ...]"])
    written: dict[type[Entity], dict[RowKey, None]] = field(
        default_factory=dict[type[Entity], "dict[RowKey, None]"]
    )
    looks: list[RowKey | Find[Any]] = field(default_factory=list["RowKey | Find[Any]"])

    def missing(self, needs: Needs) -> Needs:
        """The part of `needs` that is not loaded yet, or not firmly enough."""
        return Needs(
            frozenset(key for key in needs.rows if key not in self.rows or key in self.shared),
            needs.finds - self.finds,
            frozenset(account for account in needs.accounts if account not in self.balances),
            frozenset(key for key in needs.reads if key not in self.rows),
        )

    def peek(self, kind: type[E], id: str) -> E | None:
        """The row, or None when it is absent or not loaded yet."""
        key = (kind, id)
        self.looks.append(key)
        row: Any = self.rows.get(key)
        found: E | None = row
        return found

    def knows(self, kind: type[Entity], id: str) -> bool:
        """Whether it was loaded, be it there or absent."""
        self.looks.append((kind, id))
        return (kind, id) in self.rows

    def search(self, wanted: Find[E]) -> tuple[E, ...]:
        """Matches among the loaded rows; empty until the search itself was loaded."""
        self.looks.append(wanted)
        return wanted.pick(self.candidates(wanted)) if wanted in self.finds else ()

    def candidates(self, wanted: Find[Any]) -> Iterable[Entity]:
        """The rows that a search found, and those of its kind that were written since."""
        keys = self.hits.get(wanted)
        if keys is None:
            keys = tuple(key for key in self.rows if key[0] is wanted.kind)
        written = self.written.get(wanted.kind, {})
        return [row for key in {**dict.fromkeys(keys), **written} if (row := self.rows[key]) is not None]

    def add_found(self, wanted: Find[Any], rows: Iterable[Entity]) -> None:
        """A search was loaded: what it found, shared unless it is held alone already."""
        found: list[RowKey] = []
        for row in rows:
            key = (type(row), row.id)
            if wanted.only_read and key not in self.rows:
                self.shared.add(key)
            elif not wanted.only_read:
                self.shared.discard(key)
            self.rows[key] = row
            found.append(key)
        self.finds.add(wanted)
        self.hits[wanted] = tuple(found)

    def fold(self, outcome: Outcome[Any]) -> None:
        """Make what a decision wrote visible to the next decision of the same transaction."""
        for row in outcome.rows:
            key = (type(row), row.id)
            self.rows[key] = row
            self.written.setdefault(key[0], {})[key] = None
        for posting in outcome.postings:
            for entry in posting.entries:
                known = self.balances if entry.account in self.balances else self.unread
                known[entry.account] = known.get(entry.account, 0) + entry.growth

    def take(self, loaded: Snapshot) -> None:
        """Add what was loaded later; rows and balances that decisions changed meanwhile stay as they are."""
        for key, row in loaded.rows.items():
            if key not in loaded.shared:
                self.shared.discard(key)
            elif key not in self.rows:
                self.shared.add(key)
            self.rows.setdefault(key, row)
        self.finds |= loaded.finds
        self.hits |= loaded.hits
        for account, balance in loaded.balances.items():
            if account not in self.balances:
                self.balances[account] = balance + self.unread.pop(account, 0)


@dataclass(frozen=True, slots=True)
class Context:
    """What surrounds a decision: who asks, when, under which key and programme.

    Attributes:
        key: the idempotency key of the call.
        new_id: supplies a fresh id for a prefix; equal supplies give equal decisions.
    """

    tenant_id: str
    actor: Actor
    now: datetime
    key: str
    programme: Programme
    new_id: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[E]):
    """Everything one command writes; the store commits all of it or nothing.

    Attributes:
        approved_by: the second person, where two are needed.
    """

    result: Any
    command: str
    context: Context
    rows: tuple[Entity, ...]
    postings: tuple[Posting, ...]
    events: tuple[Step, ...]
    approved_by: str = ""


class Change:
    """The desk of one decision: reads see what the decision already wrote, nothing is stored yet.

    A decision that reads a row it did not name in its needs is a bug, hence the assertions.

    Attributes:
        now: the instant of the decision, UTC.
        actor: who asks.
        programme: the operator's assets, finality and limits.
    """

    __slots__ = (
        "_approved_by",
        "_balances",
        "_events",
        "_postings",
        "_rows",
        "_seen",
        "actor",
        "context",
        "now",
        "programme",
    )

    def __init__(self, seen: Snapshot, context: Context) -> None:
        self.context = context
        self.now, self.actor, self.programme = context.now, context.actor, context.programme
        self._seen = seen
        self._rows: dict[RowKey, Entity] = {}
        self._balances: dict[Account, int] = {}
        self._postings: list[Posting] = []
        self._events: list[Step] = []
        self._approved_by = ""

    def new_id(self, prefix: str) -> str:
        """A fresh id, for example `inv_…`."""
        return self.context.new_id(prefix)

    def peek(self, kind: type[E], id: str) -> E | None:
        """The row, or None where none exists."""
        key = (kind, id)
        rows: Any = self._rows if key in self._rows else self._seen.rows
        assert key in rows, f"needs did not name {kind.KIND} {id}"
        row: E | None = rows[key]
        return row

    def get(self, kind: type[E], id: str) -> E:
        """The row.

        Raises:
            NotFound: there is none; another tenant's row answers the same.
        """
        row = self.peek(kind, id)
        if row is None:
            raise NotFound(f"there is no {kind.KIND} {id}", kind=kind.KIND, id=id)
        return row

    def find(self, wanted: Find[E]) -> tuple[E, ...]:
        """The rows that match now, own writes included."""
        assert wanted in self._seen.finds, f"needs did not name {wanted}"
        own = {row.id: row for key, row in self._rows.items() if key[0] is wanted.kind}
        return wanted.pick(({row.id: row for row in self._seen.candidates(wanted)} | own).values())

    def balance(self, account: Account) -> int:
        """Micros on a loaded account, own postings included."""
        if account in self._balances:
            return self._balances[account]
        assert account in self._seen.balances, f"needs did not name {account}"
        return self._seen.balances[account]

    def add(self, row: E, event: str | None = None, **values: Any) -> E:
        """Store a new row; `event` names what happened, for example `invoice.created`.

        Args:
            values: fields that the stored row has otherwise.
        """
        assert (type(row), row.id) not in self._rows, f"{row.id} was added already"
        return self._write(row, None, event, values)

    def put(self, row: E, event: str | None = None, **values: Any) -> E:
        """Store the changed row; a change of status must name its event.

        Args:
            values: fields that the stored row has otherwise.
        """
        before = self.get(type(row), row.id)
        assert (type(row), row.id) not in self._seen.shared, f"needs named {row.KIND} {row.id} only to read"
        written = self._write(row, before, event, values)
        moved = getattr(before, "status", None) != getattr(written, "status", None)
        assert event or not moved, f"{row.id} changed status without an event"
        return written

    def _write(self, row: E, before: E | None, event: str | None, values: dict[str, Any]) -> E:
        written = evolve(
            row,
            version=(before.version if before else 0) + 1,
            created_at=before.created_at if before else self.now,
            updated_at=self.now,
            idempotency_key=self.context.key,
            **values,
        )
        self._rows[(type(row), row.id)] = written
        if event:
            self._events.append(Step.of(self.new_id("evt"), event, before, written, self.now))
        return written

    def post(self, posting: Posting) -> Posting:
        """Book a posting; the returned one carries its id.

        Raises:
            InsufficientFunds: an account with a floor would fall below zero.
        """
        for entry in posting.entries:
            self._move(entry.account, entry.growth)
        id = self.new_id("ltx")
        booked = Posting(posting.rule, posting.entries, posting.memo, posting.reverses, id)
        self._postings.append(booked)
        return booked

    def _move(self, account: Account, growth: int) -> None:
        if account not in self._balances and account not in self._seen.balances:
            assert growth > 0 or not account.party_id, f"needs did not name the debited {account}"
            return  # control accounts are moved without being read; the store keeps their floor
        after = self.balance(account) + growth
        if after < 0 and growth < 0 and has_floor(account):
            who = account.party_id if account.code is Code.AVAILABLE else account.name
            raise InsufficientFunds(
                f"{who} is short of {Money.from_micros(-after, account.asset)}",
                account=account.id,
                short_micros=-after,
            )
        self._balances[account] = after

    def attempt(self, decide: Callable[[], T]) -> T:
        """Decide a part; when that is refused, nothing of it is written, and something else may be decided.

        Raises:
            InvoicePayError: the refusal.
        """
        rows, balances = dict(self._rows), dict(self._balances)
        postings, events, approved_by = list(self._postings), list(self._events), self._approved_by
        try:
            return decide()
        except InvoicePayError:
            self._rows, self._balances = rows, balances
            self._postings, self._events, self._approved_by = postings, events, approved_by
            raise

    def approve(self, by: str) -> None:
        """Name the second person of a decision that takes two; the audit trail keeps it (S-03)."""
        self._approved_by = by

    def outcome(self, command: str, result: Any) -> Outcome[Any]:
        """What to write, once the decision is made."""
        return Outcome(
            result=result,
            command=command,
            context=self.context,
            rows=tuple(self._rows.values()),
            postings=tuple(self._postings),
            events=tuple(self._events),
            approved_by=self._approved_by,
        )
