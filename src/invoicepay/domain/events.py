"""What happened, told to the host after the commit: one event per step of an entity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from invoicepay.domain.codec import to_dict
from invoicepay.domain.entity import Entity
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

    @classmethod
    def of(
        cls, id: str, tenant_id: str, name: str, before: Entity | None, after: Entity, at: datetime
    ) -> Event:
        """The event of a step from `before` (None when new) to `after`."""
        return cls(
            id=id,
            tenant_id=tenant_id,
            name=name,
            kind=after.KIND,
            entity_id=after.id,
            seq=after.version,
            from_status=str(getattr(before, "status", "")),
            to_status=str(getattr(after, "status", "")),
            at=at,
            data=to_dict(after),
        )
