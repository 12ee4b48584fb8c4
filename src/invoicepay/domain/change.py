"""What a decision sees and wants written: Snapshot, Change, Outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from invoicepay.domain.accounts import Account, Code, Posting, has_floor
from invoicepay.domain.authority import Authorize
from invoicepay.domain.entity import E, Entity, evolve
from invoicepay.domain.events import Step
from invoicepay.domain.ids import Prefix
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Find, Needs, RowKey
from invoicepay.domain.parties import Actor
from invoicepay.domain.policies import Programme
from invoicepay.domain.quick import quick
from invoicepay.domain.remarks import Remark
from invoicepay.errors import InsufficientFunds, InvoicePayError, NotFound

T = TypeVar("T")
Route = Callable[[str, str, str], str | None]
"""From a kind of work, an asset and a rail to a provider's name: empty where the side has one, else None."""


def one_for_each_side(_kind: str, _asset: str, _rail: str) -> str | None:
    """The route of a client with one provider on each side."""
    return ""


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


@quick
@dataclass(frozen=True, slots=True)
class Context:
    """What surrounds a decision: who asks what, when, under which key and programme.

    Attributes:
        key: the idempotency key of the call.
        new_id: supplies a fresh id for a prefix; equal supplies give equal decisions.
        operation, command: what is asked, by its name and as it was given.
        nonce: supplies a text that nobody can guess.
        route: names the provider that does work of a kind, for an asset and over a rail; see `effects.plan`.
        authorizer: the host's own say in who may; None where the rules alone decide.
    """

    tenant_id: str
    actor: Actor
    now: datetime
    key: str
    programme: Programme
    new_id: Callable[[str], str]
    operation: str = ""
    command: Any = None
    authorizer: Authorize | None = None
    nonce: Callable[[], str] = str
    route: Route = one_for_each_side


@dataclass(frozen=True, slots=True)
class Outcome(Generic[E]):
    """Everything one command writes; the store commits all of it or nothing.

    Attributes:
        approved_by: the second person, where two are needed.
        reason: why it was denied.
        remark: id and digest of what the actor said, where the command is noted in the log of operations.
        denied: the code of the refusal, where the actor might not; nothing but the record is written then.
        is_noted: whether the record belongs to the log of operations (S-36).
        erases: the party whose texts the store empties, in rows, events and answers, with the same commit.
    """

    result: Any
    command: str
    context: Context
    rows: tuple[Entity, ...]
    postings: tuple[Posting, ...]
    events: tuple[Step, ...]
    approved_by: str = ""
    reason: str = ""
    remark: tuple[str, str] | None = None
    denied: str = ""
    is_noted: bool = False
    erases: str = ""


class Change:
    """The desk of one decision: reads see what the decision already wrote, nothing is stored yet.

    A decision that reads a row it did not name in its needs is a bug, hence the assertions.

    Attributes:
        now: the instant of the decision, UTC.
        actor: who asks.
        programme: the operator's assets, finality and limits.
        approved_by: the second person, where the decision takes two.
        is_authorised: the decision has asked whether the actor may.
    """

    actor: Actor
    now: datetime
    programme: Programme

    __slots__ = (
        "_balances",
        "_erases",
        "_events",
        "_postings",
        "_rows",
        "_seen",
        "actor",
        "approved_by",
        "context",
        "is_authorised",
        "now",
        "programme",
    )

    def __init__(self, seen: Snapshot, context: Context) -> None:
        self.context: Context = context
        self.now, self.actor, self.programme = context.now, context.actor, context.programme
        self._seen = seen
        self._rows: dict[RowKey, Entity] = {}
        self._balances: dict[Account, int] = {}
        self._postings: list[Posting] = []
        self._events: list[Step] = []
        self.approved_by: str = ""
        self.is_authorised: bool = False
        self._erases = ""

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
        postings, events, approved_by = list(self._postings), list(self._events), self.approved_by
        try:
            return decide()
        except InvoicePayError:
            self._rows, self._balances = rows, balances
            self._postings, self._events, self.approved_by = postings, events, approved_by
            raise

    def approve(self, by: str) -> None:
        """Name the second person of a decision that takes two; the audit trail keeps it (S-03)."""
        self.approved_by = by

    def erase(self, party_id: str) -> None:
        """Empty the texts of a party with this command: `domain.personal` says which (S-27)."""
        self._erases = party_id

    def outcome(self, command: str, result: Any, *, is_noted: bool = False) -> Outcome[Any]:
        """What to write, once the decision is made.

        Args:
            is_noted: the log of operations keeps it, with the reason that the command gives.
        """
        remark = self._remark() if is_noted else None
        return Outcome(
            result=result,
            command=command,
            context=self.context,
            rows=tuple(self._rows.values()),
            postings=tuple(self._postings),
            events=tuple(self._events),
            approved_by=self.approved_by,
            remark=None if remark is None else (remark.id, remark.digest),
            is_noted=is_noted,
            erases=self._erases,
        )

    def _remark(self) -> Remark | None:
        """What the actor said, kept beside the trail."""
        text = getattr(self.context.command, "reason", "")
        if not text:
            return None
        about_id = self._events[0].entity_id if self._events else ""
        id, salt = self.new_id(Prefix.REMARK), self.context.nonce()
        return self.add(Remark(id=id, about_id=about_id, text=text, salt=salt))


def denied(context: Context, refusal: InvoicePayError) -> Outcome[Any]:
    """What is written of a call that the actor might not make: its audit record, and nothing else (S-01)."""
    return Outcome(
        result=None,
        command=context.operation,
        context=context,
        rows=(),
        postings=(),
        events=(),
        reason=refusal.message,
        denied=refusal.code,
        is_noted=True,
    )
