"""Puts what a command decided into words and figures, for a dry run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from invoicepay.domain.accounts import Entry, Posting
from invoicepay.domain.applied_rules import rules_applied
from invoicepay.domain.change import Outcome
from invoicepay.domain.decided import Decided
from invoicepay.domain.effects import Effect
from invoicepay.domain.entity import Entity
from invoicepay.domain.explanation import (
    AmountChange,
    ExplainedCall,
    Posted,
    PostedLine,
    Refusal,
    RowChange,
    WithheldEffect,
)
from invoicepay.domain.money import Money
from invoicepay.domain.wording import RULES, account_words

_SIDES = {"D": "debit", "C": "credit"}


def explained(decided: Decided) -> ExplainedCall:
    """One command as a dry run tells of it."""
    refusal, outcome = decided.refusal, decided.outcome
    rows = sorted(_changes(decided, outcome), key=lambda row: row.is_new) if outcome else ()
    return ExplainedCall(
        name=decided.operation,
        actor=str(decided.actor),
        is_replayed=decided.is_replayed,
        refusal=Refusal.of(refusal) if refusal else None,
        changes=tuple(rows),
        postings=tuple(map(posted, outcome.postings)) if outcome else (),
        rules=rules_applied(decided),
        effects=tuple(_withheld(decided)),
    )


def _changes(decided: Decided, outcome: Outcome[Any]) -> Iterator[RowChange]:
    """What became of each thing that has a life of its own; counters and links between things have none."""
    rows = {(row.KIND, row.id): row for row in outcome.rows}
    for key in dict.fromkeys((step.kind, step.entity_id) for step in outcome.events):
        steps = [step for step in outcome.events if (step.kind, step.entity_id) == key]
        row = rows[key]
        before = decided.known(type(row), row.id)
        yield RowChange(
            kind=row.KIND,
            id=row.id,
            is_new=before is None,
            from_status=steps[0].from_status,
            to_status=steps[-1].to_status,
            events=tuple(step.name for step in steps),
            amounts=tuple(_amounts(before, row)),
        )


def _amounts(before: Entity | None, after: Entity) -> Iterator[AmountChange]:
    for part in fields(after):
        now, was = getattr(after, part.name), getattr(before, part.name, None)
        if isinstance(now, Money) and now != was and (now or was):
            yield AmountChange(name=part.name, before=was, after=now)


def posted(posting: Posting) -> Posted:
    """A transaction of the book in words."""
    return Posted(
        rule=posting.rule,
        meaning=RULES[posting.rule],
        about=posting.memo,
        lines=tuple(map(_line, posting.entries)),
    )


def _line(entry: Entry) -> PostedLine:
    asset = entry.account.asset
    return PostedLine(
        side=_SIDES[entry.side],
        amount=Money.from_micros(entry.amount, asset),
        growth=Money.from_micros(entry.growth, asset),
        account=entry.account.name,
        meaning=account_words(entry.account),
    )


def _withheld(decided: Decided) -> Iterator[WithheldEffect]:
    for before, effect in decided.written(Effect):
        if before is None:
            yield WithheldEffect(kind=effect.kind, about=effect.cause_id, amount=effect.amount)
