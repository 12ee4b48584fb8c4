"""What happened, told to the host after the commit: one event per step of an entity."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from invoicepay.domain.canonical import canonical
from invoicepay.domain.entity import Entity
from invoicepay.domain.quick import quick
from invoicepay.domain.shown import Shown
from invoicepay.domain.time import iso

WITHHELD_FIELDS = frozenset({"account_token"})
"""Fields of entities that are not told outside, however deep they lie: tokens of people's accounts."""


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

    def outward(self) -> dict[str, Any]:
        """What is told outside, by webhooks and as a CloudEvent: which step of what, and how it was then.

        Tokens of people's accounts stay inside.
        """
        return {
            "id": self.entity_id,
            "kind": self.kind,
            "seq": self.seq,
            "from_status": self.from_status,
            "to_status": self.to_status,
            "tenant": self.tenant_id,
            "object": _without_tokens(self.data),
        }

    def to_cloudevent(self, source: str = "") -> dict[str, Any]:
        """The event as a CloudEvent 1.0 in its JSON form, for an event bus; `json.dumps` makes the text.

        `subject` is the entity and `sequence` its version, padded so that text sorts as numbers do. An event
        that is told twice has the same `source` and `id`.

        Args:
            source: a URI that names your installation; `/invoicepay/` and the tenant when left out.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay, told = InvoicePay(), []
            >>> _ = pay.on("invoice.finalized")(told.append)
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> sent = told[0].to_cloudevent()
            >>> sent["specversion"], sent["type"], sent["source"], sent["subject"] == invoice.id
            ('1.0', 'invoicepay.invoice.finalized', '/invoicepay/default', True)
        """
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": source or f"/invoicepay/{quote(self.tenant_id, safe='')}",
            "type": f"invoicepay.{self.name}",
            "subject": self.entity_id,
            "time": iso(self.at),
            "datacontenttype": "application/json",
            "sequence": f"{self.seq:010d}",
            "data": self.outward(),
        }


def _without_tokens(data: Any) -> Any:
    if isinstance(data, list):
        return [_without_tokens(each) for each in data]
    if not isinstance(data, dict):
        return data
    return {name: _without_tokens(value) for name, value in data.items() if name not in WITHHELD_FIELDS}


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
