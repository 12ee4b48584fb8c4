"""What a dry run tells: each call with its changes, postings, rules and refusal, for people and programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar

from invoicepay.domain.html import card, listing
from invoicepay.domain.money import Money
from invoicepay.domain.shown import Shown
from invoicepay.errors import InvoicePayError


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountChange(Shown):
    """One amount of a row; `before` is None when the row is new."""

    name: str
    before: Money | None
    after: Money

    def __str__(self) -> str:
        name = self.name.replace("_", " ")
        was = "" if self.before is None else f"{self.before.amount_text} → "
        return f"{name} {was}{self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange(Shown):
    """What became of one thing.

    Attributes:
        from_status: empty when the thing is new, or has no states.
        events: names of the events that handlers and webhooks would be told, in order.
        amounts: the amounts that are others than before.
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("kind", "id", "from_status", "to_status", "difference")

    kind: str
    id: str
    is_new: bool
    from_status: str
    to_status: str
    events: tuple[str, ...]
    amounts: tuple[AmountChange, ...]

    @property
    def difference(self) -> str:
        """The amounts in one line."""
        return "; ".join(map(str, self.amounts))

    def __str__(self) -> str:
        said = "; ".join(part for part in (self._states(), self.difference) if part)
        return f"{self.kind.replace('_', ' ')} {self.id}: {said or 'changed'}"

    def _states(self) -> str:
        if self.is_new:
            return f"new → {self.to_status}" if self.to_status else "new"
        return "" if self.from_status == self.to_status else f"{self.from_status} → {self.to_status}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedLine(Shown):
    """One side of a posting.

    Attributes:
        side: `debit` or `credit`.
        growth: what the account has more afterwards, negative for less.
        account: its name in the book, for example `wallet:available:ann`.
        meaning: the account in words.
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("side", "meaning", "growth", "account")

    side: str
    amount: Money
    growth: Money
    account: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Shown):
    """One transaction of the issuer book.

    Attributes:
        rule: the posting's name, for example `P-11`.
        meaning: the rule in words.
        about: the id of what it is about.
    """

    rule: str
    meaning: str
    about: str
    lines: tuple[PostedLine, ...]

    def __str__(self) -> str:
        widest = max(len(line.meaning) for line in self.lines)
        lines = [
            f"  {line.side:6}  {line.meaning:{widest}}  {_signed(line.growth):>14}" for line in self.lines
        ]
        return "\n".join((f"{self.rule} {self.meaning}", *lines))


def _signed(amount: Money) -> str:
    return f"+{amount}" if amount.micros > 0 else str(amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRule(Shown):
    """A choice of an enterprise or of the programme that decided something.

    Attributes:
        owner: the enterprise whose policy it is; empty for a choice of the programme.
        name: the field of `Policy` or `Programme`, for example `overpay`.
        value: what was chosen.
        meaning: what came of it here.
    """

    owner: str
    name: str
    value: str
    meaning: str

    def __str__(self) -> str:
        owner = f"policy of {self.owner}" if self.owner else "programme"
        return f"{owner}: {self.name}={self.value}, {self.meaning}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WithheldEffect(Shown):
    """What a provider would have been asked to do after the commit.

    Attributes:
        kind: for example `rails.deposit` or `token.transfer`.
        about: the id of what it serves.
    """

    kind: str
    about: str
    amount: Money

    def __str__(self) -> str:
        return f"{self.kind} of {self.amount} for {self.about}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal(Shown):
    """Why a call was refused, as its error said it."""

    code: str
    message: str
    hint: str
    retryable: bool
    details: dict[str, Any]

    @classmethod
    def of(cls, error: InvoicePayError) -> Refusal:
        """The refusal that an error tells."""
        return cls(
            code=error.code,
            message=error.message,
            hint=error.hint,
            retryable=error.retryable,
            details={name: _exact(value) for name, value in error.details.items()},
        )

    def __str__(self) -> str:
        details = [f"{name}: {value}" for name, value in self.details.items()]
        return "\n".join((f"{self.code}: {self.message}", f"next step: {self.hint}", *details))


def _exact(value: object) -> object:
    """A detail without floats, which have no stored form."""
    if isinstance(value, float):
        return str(value)
    if isinstance(value, dict):
        return {name: _exact(inner) for name, inner in value.items()}
    return [_exact(inner) for inner in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedCall(Shown):
    """One command of a dry run and everything that came of it.

    Attributes:
        name: for example `invoices.pay`; a batch or a run makes several of them.
        refusal: why nothing was done; None for what was done.
        is_replayed: its key had been used: the stored answer came back, and nothing was done again.
    """

    name: str
    actor: str
    is_replayed: bool = False
    refusal: Refusal | None = None
    changes: tuple[RowChange, ...] = ()
    postings: tuple[Posted, ...] = ()
    rules: tuple[AppliedRule, ...] = ()
    effects: tuple[WithheldEffect, ...] = ()

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the events that nobody was told."""
        return tuple(event for change in self.changes for event in change.events)

    @property
    def title(self) -> str:
        """Who called what, and how it ended where it was not done."""
        refused = ": refused" if self.refusal else ""
        again = " (the stored answer to its key; nothing is done again)" if self.is_replayed else ""
        return f"{self.name} by {self.actor}{refused}{again}"

    def __str__(self) -> str:
        parts: list[object] = [*self.changes, *self.postings, *self.rules]
        if self.refusal:
            parts.insert(0, self.refusal)
        if self.events:
            parts.append(f"events withheld: {', '.join(self.events)}")
        parts += [f"effect withheld: {effect}" for effect in self.effects]
        return "\n".join((self.title, *_indented(parts)))

    def _repr_html_(self) -> str:
        tables = [f'<p style="font-weight: bold">{escape(self.title)}</p>']
        if self.refusal:
            tables.append(card(self.refusal))
        for caption, rows in (("changes", self.changes), ("rules applied", self.rules)):
            tables += [listing(rows, caption=caption)] if rows else []
        tables += [listing(one.lines, caption=f"{one.rule} {one.meaning}") for one in self.postings]
        if self.events:
            tables.append(f"<p>events withheld: {escape(', '.join(self.events))}</p>")
        if self.effects:
            tables.append(listing(self.effects, caption="effects withheld"))
        return "".join(tables)


def _indented(parts: Iterable[object]) -> Iterator[str]:
    for part in parts:
        yield from (f"  {line}" for line in str(part).splitlines())


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation(Shown):
    """What a dry run would have done: `str` for a terminal, a table in a notebook, `to_dict` for programs.

    Attributes:
        calls: what changed something or was refused, in order; looks are left out.
        assumptions: what nobody outside was asked, one sentence each.
    """

    calls: tuple[ExplainedCall, ...]
    assumptions: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Why calls were refused."""
        return tuple(call.refusal for call in self.calls if call.refusal)

    @property
    def postings(self) -> tuple[Posted, ...]:
        """Every transaction that the book would have."""
        return tuple(posted for call in self.calls for posted in call.postings)

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the events that nobody was told."""
        return tuple(event for call in self.calls for event in call.events)

    @property
    def effects(self) -> tuple[WithheldEffect, ...]:
        """What no provider was asked."""
        return tuple(effect for call in self.calls for effect in call.effects)

    def __str__(self) -> str:
        assumed = [f"assumed: {sentence}" for sentence in self.assumptions]
        return "\n".join([*map(str, self.calls), *assumed]) or "nothing would change"

    def _repr_html_(self) -> str:
        if not self.calls:
            return "<p>nothing would change</p>"
        assumed = "".join(f"<p>assumed: {escape(sentence)}</p>" for sentence in self.assumptions)
        return "".join(call._repr_html_() for call in self.calls) + assumed
