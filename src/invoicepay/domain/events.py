"""What happened, told to the host after the commit: one event per step of an entity."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from invoicepay.domain.canonical import canonical
from invoicepay.domain.entity import Entity
from invoicepay.domain.quick import quick
from invoicepay.domain.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Shown):
    """One step of one entity, in order by (`tenant_id`, `kind`, `entity_id`, `seq`).

    Attributes:
        name: for example `invoice.paid`.
        seq: the entity's version after the step.
        from_status: empty when the entity is new; equal to `to_status` when only amounts moved.
        data: the entity as JSON-ready values, as it was after the step.
    """

    id: str
    tenant_id: str
    name: str
    kind: str
    entity_id: str
    seq: int
    from_status: str
    to_status: str
    at: datetime
    data: dict[str, Any]


@quick
@dataclass(frozen=True, slots=True)
class Step:
    """An event as a command writes it; the store adds the tenant.

    Attributes:
        row: the entity after the step.
        body: its one JSON text, stored with the event and replayed when it is the command's result.
    """

    id: str
    name: str
    row: Entity
    from_status: str
    to_status: str
    at: datetime
    body: str

    @classmethod
    def of(cls, id: str, name: str, before: Entity | None, after: Entity, at: datetime) -> Step:
        """The step from `before` (None when new) to `after`."""
        from_status, to_status = getattr(before, "status", ""), getattr(after, "status", "")
        return cls(id, name, after, str(from_status), str(to_status), at, canonical(after))

    @property
    def kind(self) -> str:
        """Which kind of entity took it."""
        return self.row.KIND

    @property
    def entity_id(self) -> str:
        """Which entity took it."""
        return self.row.id

    @property
    def seq(self) -> int:
        """The entity's version after it."""
        return self.row.version

    def event(self, tenant_id: str) -> Event:
        """The step as hosts are told of it."""
        return Event(
            id=self.id,
            tenant_id=tenant_id,
            name=self.name,
            kind=self.kind,
            entity_id=self.entity_id,
            seq=self.seq,
            from_status=self.from_status,
            to_status=self.to_status,
            at=self.at,
            data=json.loads(self.body),
        )
