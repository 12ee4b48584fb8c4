"""A tenant's rows in dictionaries, with an index for every field that is searched by value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from invoicepay.domain.accounts import Account, Booked
from invoicepay.domain.audit import GENESIS, AuditRecord, Checkpoint, Head
from invoicepay.domain.entity import E, Entity
from invoicepay.domain.events import Event
from invoicepay.domain.needs import Find
from invoicepay.domain.personal import ERASED, erased, erased_data, json_text, searches
from invoicepay.domain.writes import UNIQUE, Unique
from invoicepay.ports.repository import Reply

Index = dict[Any, dict[str, None]]


@dataclass(slots=True)
class Tables:
    """Everything one tenant has.

    Attributes:
        revision: grows with every commit.
    """

    revision: int = 0
    by_kind: dict[type[Entity], dict[str, Entity]] = field(
        default_factory=dict[type[Entity], dict[str, Entity]]
    )
    indexes: dict[tuple[type[Entity], str], Index] = field(
        default_factory=dict[tuple[type[Entity], str], Index]
    )
    unique: dict[tuple[Unique, tuple[Any, ...]], str] = field(
        default_factory=dict[tuple[Unique, tuple[Any, ...]], str]
    )
    balances: dict[Account, int] = field(default_factory=dict[Account, int])
    ledger: list[Booked] = field(default_factory=list[Booked])
    reversed: set[str] = field(default_factory=set[str])
    events: list[Event] = field(default_factory=list[Event])
    events_of: dict[str, list[Event]] = field(default_factory=dict[str, "list[Event]"])
    published: dict[str, datetime] = field(default_factory=dict[str, datetime])
    unpublished: dict[str, Event] = field(default_factory=dict[str, Event])
    audit: dict[str, list[AuditRecord]] = field(default_factory=dict[str, list[AuditRecord]])
    checkpoints: list[Checkpoint] = field(default_factory=list[Checkpoint])
    replies: dict[tuple[str, str], Reply] = field(default_factory=dict[tuple[str, str], Reply])

    def copy(self) -> Tables:
        """The same rows in containers of their own; indexes are made anew where they are asked for."""
        return Tables(
            revision=self.revision,
            by_kind={kind: dict(rows) for kind, rows in self.by_kind.items()},
            unique=dict(self.unique),
            balances=dict(self.balances),
            ledger=list(self.ledger),
            reversed=set(self.reversed),
            events=list(self.events),
            events_of={id: list(events) for id, events in self.events_of.items()},
            published=dict(self.published),
            unpublished=dict(self.unpublished),
            audit={stream: list(records) for stream, records in self.audit.items()},
            checkpoints=list(self.checkpoints),
            replies=dict(self.replies),
        )

    def rows(self, kind: type[E]) -> dict[str, E]:
        """The rows of one kind by id."""
        return cast("dict[str, E]", self.by_kind.setdefault(kind, {}))

    def find(self, wanted: Find[E]) -> tuple[E, ...]:
        """Matching rows, through the smallest index bucket that its conditions name."""
        rows = self.rows(wanted.kind)
        buckets = [
            self._index(wanted.kind, name).get(value, {})
            for name, test, value in wanted.where
            if test == "eq"
        ]
        if not buckets:
            return wanted.pick(rows.values())
        return wanted.pick(rows[id] for id in min(buckets, key=len))

    def _index(self, kind: type[Entity], name: str) -> Index:
        index = self.indexes.get((kind, name))
        if index is None:
            index = self.indexes[kind, name] = {}
            for row in self.by_kind.get(kind, {}).values():
                index.setdefault(getattr(row, name), {})[row.id] = None
        return index

    def store(self, rows: Iterable[Entity]) -> None:
        """Keep rows and what is indexed of them."""
        for row in rows:
            kind = type(row)
            before = self.by_kind.setdefault(kind, {}).get(row.id)
            self.by_kind[kind][row.id] = row
            for (indexed, name), index in self.indexes.items():
                if indexed is kind:
                    if before is not None:
                        _take_out(index, getattr(before, name), row.id)
                    index.setdefault(getattr(row, name), {})[row.id] = None
            for unique in (unique for unique in UNIQUE if unique.kind is kind):
                given_up = unique.value(before) if before is not None else None
                if given_up and self.unique.get((unique, given_up)) == row.id:
                    del self.unique[unique, given_up]
                if value := unique.value(row):
                    self.unique[unique, value] = row.id

    def tell(self, events: Iterable[Event]) -> None:
        """Keep events, in order and by entity."""
        for event in events:
            self.events.append(event)
            self.events_of.setdefault(event.entity_id, []).append(event)
            self.unpublished[event.id] = event

    def erase(self, party_id: str) -> None:
        """Empty the texts of a party's rows, of their past events and of the answers about them (S-27)."""
        ids: dict[str, None] = {party_id: None}
        for texts in ERASED:
            for wanted in searches(texts, party_id, ids):
                rows = self.find(wanted)
                ids.update((row.id, None) for row in rows)
                self.store(map(erased, rows))
        told = {event.id: event for id in ids for event in self.events_of.get(id, ())}
        self._retell({id: replace(event, data=erased_data(event.data, ids)) for id, event in told.items()})
        for key, reply in self.replies.items():
            if not reply.is_error:
                body = json_text(erased_data(json.loads(reply.body), ids))
                self.replies[key] = replace(reply, body=body)

    def _retell(self, changed: Mapping[str, Event]) -> None:
        """Put events in the place of those with the same ids."""
        self.events = [changed.get(event.id, event) for event in self.events]
        for id in {event.entity_id for event in changed.values()}:
            self.events_of[id] = [changed.get(event.id, event) for event in self.events_of[id]]
        self.unpublished.update((id, event) for id, event in changed.items() if id in self.unpublished)

    def heads(self) -> list[Head]:
        """The newest record of every stream, by name."""
        return [self.head(stream) for stream in sorted(self.audit)]

    def head(self, stream: str) -> Head:
        """The newest record of a stream."""
        records = self.audit.get(stream)
        return Head(stream, records[-1].position, records[-1].hash) if records else Head(stream, 0, GENESIS)


def _take_out(index: Index, value: Any, id: str) -> None:
    """Forget a row under a value, and the value with its last row."""
    bucket = index.get(value, {})
    bucket.pop(id, None)
    if not bucket:
        index.pop(value, None)
