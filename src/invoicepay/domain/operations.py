"""The log of operations: what people of the operator decided and why, and what was denied (S-36)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from invoicepay.domain.audit import AuditRecord
from invoicepay.domain.remarks import Remark
from invoicepay.domain.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Shown):
    """One entry of the log of operations.

    Attributes:
        position: its place in the log; the audit record `record_id` stands there.
        reason: why, as the actor said it, or why the call was denied; empty once it was erased.
        is_as_said: whether the audit trail vouches for the reason; an erased one counts.
        denied: the code of the refusal; empty for what was done.
        approved_by: the second person, where it took two.
        on_behalf_of: in whose place the actor acted.
        request_id: the host's name for the request that led here.
    """

    position: int
    recorded_at: datetime
    actor: str
    action: str
    entity_ids: tuple[str, ...]
    reason: str
    is_as_said: bool
    denied: str
    approved_by: str
    on_behalf_of: str
    request_id: str
    record_id: str


def operation(record: AuditRecord, remarks: Mapping[str, Remark]) -> Operation:
    """A record of the log, with the words that were said."""
    reason, is_as_said = record.reason, True
    if record.remark is not None:
        id, digest = record.remark
        remark = remarks.get(id)
        reason = remark.text if remark else ""
        is_as_said = remark is not None and (not reason or hmac.compare_digest(remark.digest, digest))
    return Operation(
        position=record.position,
        recorded_at=record.recorded_at,
        actor=record.actor,
        action=record.action,
        entity_ids=record.entity_ids,
        reason=reason,
        is_as_said=is_as_said,
        denied=record.denied,
        approved_by=record.approved_by,
        on_behalf_of=record.on_behalf_of,
        request_id=record.request_id,
        record_id=record.id,
    )
