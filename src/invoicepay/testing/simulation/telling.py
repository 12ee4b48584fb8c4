"""The story of a run, line by line, for whoever has to understand it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from invoicepay.domain.accounts import Posting
from invoicepay.domain.money import Money
from invoicepay.testing.simulation.faults import FAULTS
from invoicepay.testing.simulation.machine import BEGINNING
from invoicepay.testing.simulation.ports import Answer, Commit, Happening, ProviderFact

QUIET = frozenset({"find"})
"""Happenings that fill a story without telling anything."""


class Story:
    """Takes down what happened.

    Args:
        tells: False takes nothing down, which is faster.
    """

    def __init__(self, *, tells: bool) -> None:
        self._tells = tells
        self.lines: list[str] = []

    def note(self, at: datetime, who: str, text: str) -> None:
        """A line."""
        if self._tells:
            self.lines.append(f"{_elapsed(at):>14}  {who:<16} {text}")

    def committed(self, commit: Commit) -> None:
        """What became durable."""
        if not self._tells:
            return
        for outcome in commit.outcomes:
            events = ", ".join(f"{step.name} {step.entity_id}" for step in outcome.events)
            booked = "; ".join(_booked(posting) for posting in outcome.postings)
            text = f"{outcome.command}: {events or 'no event'}{f' [{booked}]' if booked else ''}"
            self.note(commit.at, f"{commit.process}/{commit.task}", text)

    def fact(self, fact: ProviderFact) -> None:
        """What a provider did."""
        if self._tells:
            transfer = fact.transfer
            part = getattr(transfer, "part", "")
            text = (
                f"{transfer.status} {transfer.amount} for {fact.reference}{f' part {part}' if part else ''}"
            )
            self.note(fact.at, f"the {fact.provider}", text)

    def happened(self, happening: Happening) -> None:
        """What else happened."""
        if not self._tells or happening.kind in QUIET:
            return
        fault = FAULTS.get(happening.name)
        text = fault.title if fault else f"{happening.kind} {happening.name}"
        about = " ".join(part for part in (happening.reference, happening.detail) if part)
        self.note(happening.at, happening.process or "the world", f"{text}{f' ({about})' if about else ''}")

    def answered(self, answer: Answer[Any]) -> None:
        """What a client was told."""
        if self._tells:
            word = answer.refusal.code if answer.refusal else getattr(answer.result, "id", "done")
            tries = f", asked {answer.tries} times" if answer.tries > 1 else ""
            self.note(answer.at, answer.actor, f"{answer.what}: {word}{tries}")


def _elapsed(at: datetime) -> str:
    seconds = (at - BEGINNING).total_seconds()
    days, rest = divmod(seconds, 86_400)
    minutes, seconds = divmod(rest, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{f'{days:.0f}d ' if days else ''}{hours:02d}:{minutes:02d}:{seconds:06.3f}"


def _booked(posting: Posting) -> str:
    entries = ", ".join(
        f"{entry.account.name} {'+' if entry.growth > 0 else '-'}"
        f"{Money.from_micros(abs(entry.growth), entry.account.asset)}"
        for entry in posting.entries
    )
    return f"{posting.rule} {entries}"


def named(lines: list[str] | tuple[str, ...]) -> list[str]:
    """The same with short names instead of ids, numbered in the order in which they appear."""
    names: dict[str, str] = {}
    counts: dict[str, int] = {}

    def short(found: re.Match[str]) -> str:
        id, prefix = found[0], found[1]
        if id not in names:
            counts[prefix] = counts.get(prefix, 0) + 1
            names[id] = f"{prefix}-{counts[prefix]}"
        return names[id]

    return [_ID.sub(short, line) for line in lines]


_ID = re.compile(r"\b([a-z]{2,8})_[0-7][0-9a-hjkmnp-tv-z]{25}\b")
