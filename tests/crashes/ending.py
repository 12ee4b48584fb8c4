"""How a story ended, told so that two ends compare: without ids that were drawn on the way, and instants."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from types import NoneType
from typing import Any

from invoicepay.adapters.sql.schema import TABLE_NAMES
from invoicepay.bridge import run_blocking
from invoicepay.domain.accounts import Booked
from invoicepay.domain.codec import to_dict
from invoicepay.domain.effects import Effect, InboxMessage, Observation
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Event
from invoicepay.domain.needs import find
from invoicepay.domain.webhook_deliveries import WebhookDelivery
from invoicepay.domain.webhook_endpoints import WebhookEndpoint
from invoicepay.ports.repository import Reader
from tests.crashes.stage import Stage

ID = re.compile(r"\b([a-z]{2,8})_[0-7][0-9a-hjkmnp-tv-z]{25}\b")
REF = re.compile(r"\b(in-|out-|0x)[0-9a-f]{6,64}\b")
"""How providers call what they move: they count, so it depends on what came first."""
MOST = 100_000
SUBMITTED = ".submitted"

OWN = frozenset({"version", "idempotency_key", "nonce", "salt"})
"""What counts changes, or is drawn by chance."""
ON_THE_WAY: Mapping[type[Entity], frozenset[str]] = {
    Effect: frozenset({"alarm", "attempt", "misses", "fence", "provider_ref", "provider_key", "request"}),
    InboxMessage: frozenset({"id", "event_id", "digest", "body"}),
    WebhookDelivery: frozenset({"attempts", "fence"}),
    WebhookEndpoint: frozenset({"positions"}),
}
"""How often something was tried, how long that took, what follows from ids, and how far a trail was read."""
LOOKS = frozenset({Effect.KIND, Observation.KIND, InboxMessage.KIND})
"""Kinds whose steps tell of looking and trying, which a crash makes more of."""


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that is compared, as it was read."""

    rows: Mapping[tuple[str, str], Entity]
    balances: Mapping[str, int]
    ledger: Mapping[str, Booked]
    events: Mapping[str, Event]

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all rows."""
        return frozenset(id for _, id in self.rows)


def books(stage: Stage) -> Books:
    """What the store has of the scene's tenant."""
    deps = stage.scene.pay._pay._core.wired

    async def read() -> Books:
        async with deps.repository.reader(deps.tenant_id) as reader:
            return await _books(reader)

    return run_blocking(read())


async def _books(reader: Reader) -> Books:
    rows = [row for kind in TABLE_NAMES if kind is not Observation for row in await reader.find(find(kind))]
    return Books(
        rows={(row.KIND, row.id): row for row in rows},
        balances={account.id: n for account, n in (await reader.balances()).items() if n},
        ledger={booked.posting.id: booked for booked in await reader.transactions(limit=MOST)},
        events={event.id: event for event in await reader.events(limit=MOST)},
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """What must not depend on when a process died: what a story changed, and what providers did.

    Attributes:
        told: everything by what it is of; each with how often.
        twice: references under which a provider moved more than once.
        doubted: events of the submission of what was unknown for a while; where nobody died, the answer may
            have been final at once, and then nobody was told of it.
    """

    told: Mapping[str, Counter[str]]
    twice: tuple[str, ...]
    doubted: Counter[str]

    def unlike(self, other: Ending) -> list[str]:
        """What differs, one line each."""
        lines = [f"moved twice: {reference}" for reference in self.twice]
        for name, found in self.told.items():
            lines += [f"{name}, too much: {what}" for what in found - other.told[name] - self.doubted]
            lines += [f"{name}, missing: {what}" for what in other.told[name] - found]
        return lines


def ending(stage: Stage, before: Books) -> Ending:
    """How things are, beside what was so before the story."""
    now, known = books(stage), before.ids
    rails, tokens = stage.scene.rails.transfers(), stage.scene.tokens.transfers()
    moved = Counter([*(one.reference for one in rails), *(one.reference for one in tokens)])
    events = [one for id, one in now.events.items() if id not in before.events]
    told = {
        "row": (row_text(row) for key, row in now.rows.items() if before.rows.get(key) != row),
        "balance": (f"{id} {n}" for id, n in now.balances.items()),
        "posting": (_posting(booked) for id, booked in now.ledger.items() if id not in before.ledger),
        "event": _events(events),
        "bank": (f"{one.direction} {one.amount} {one.status}" for one in rails),
        "chain": (f"{one.amount} {one.status}" for one in tokens),
    }
    counted = {name: _counted(lines, known) for name, lines in told.items()}
    twice = tuple(reference for reference, times in moved.items() if times > 1)
    return Ending(counted, twice, _counted(_doubted(events), known))


def _counted(lines: Iterable[str], known: frozenset[str]) -> Counter[str]:
    return Counter(plain(line, known) for line in lines if line)


def plain(text: str, known: frozenset[str]) -> str:
    """The text with ids that were drawn meanwhile as their prefix alone, and no provider's counting."""
    named = REF.sub(r"\1…", text)
    return ID.sub(lambda found: found[0] if found[0] in known else f"{found[1]}_…", named)


def row_text(row: Entity) -> str:
    """The row without counts, chance and instants; an instant may be there or not, so absent ones go, too."""
    kind: Any = type(row)
    left_out = OWN | ON_THE_WAY.get(kind, frozenset())
    left_out |= {name for name in names(kind) if isinstance(getattr(row, name), datetime | NoneType)}
    told = {name: value for name, value in to_dict(row).items() if name not in left_out}
    return f"{row.KIND} {json.dumps(told, sort_keys=True)}"


@cache
def names(kind: Any) -> tuple[str, ...]:
    """The fields of a kind of row."""
    return tuple(part.name for part in fields(kind))


def _posting(booked: Booked) -> str:
    posting = booked.posting
    entries = sorted(f"{e.side} {e.account.id} {e.amount}" for e in posting.entries)
    return f"{posting.rule} {posting.memo} {posting.reverses} {'; '.join(entries)}"


def _events(events: Iterable[Event]) -> list[str]:
    """What became of things; that this was unknown for a while is nothing that a death must leave alone.

    Nor is that an order went out again after it: each thing counts as submitted once.
    """
    told: list[str] = []
    for event in events:
        line = _told_of(event)
        is_again = event.name.endswith(SUBMITTED) and line in told
        if not (event.kind in LOOKS or event.to_status == "unknown" or is_again):
            told.append(line)
    return told


def _doubted(events: Sequence[Event]) -> list[str]:
    unknown = {(event.kind, event.entity_id) for event in events if event.to_status == "unknown"}
    ours = (event for event in events if (event.kind, event.entity_id) in unknown)
    return [_told_of(event) for event in ours if event.name.endswith(SUBMITTED)]


def _told_of(event: Event) -> str:
    return f"{event.name} {event.entity_id} {event.to_status}"
