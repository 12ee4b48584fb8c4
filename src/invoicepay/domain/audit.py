"""Tamper evidence: audit records chained by hash in streams, heads sealed into checkpoints (decision D9)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from invoicepay.domain.accounts import Posting
from invoicepay.domain.canonical import canonical, series, text
from invoicepay.domain.change import Outcome
from invoicepay.domain.quick import quick
from invoicepay.domain.shown import Shown
from invoicepay.domain.time import iso

GENESIS = "0" * 64


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord(Shown):
    """One command's trail: who did what, which entities moved, what was posted.

    Attributes:
        position: 1, 2, 3, … within the stream, without gaps.
        body: canonical JSON text; the hash covers it with tenant, stream, position, previous hash and id. The
            other columns repeat what it says, for searches.
    """

    id: str
    stream: str
    position: int
    recorded_at: datetime
    actor: str
    action: str
    entity_ids: tuple[str, ...]
    body: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The newest position of a stream and its hash."""

    stream: str
    position: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint(Shown):
    """All stream heads of a tenant at one instant, chained to the checkpoint before it."""

    position: int
    at: datetime
    heads: tuple[Head, ...]
    previous_hash: str
    hash: str


def chain(
    tenant_id: str, head: Head, ids: Iterable[str], outcomes: Sequence[Outcome[Any]]
) -> list[AuditRecord]:
    """The records of a batch, linked to `head` in order."""
    records: list[AuditRecord] = []
    for id, outcome in zip(ids, outcomes, strict=True):
        body = audit_body(outcome)
        digest = link(tenant_id, head.stream, head.position + 1, head.hash, body, id)
        records.append(
            AuditRecord(
                id=id,
                stream=head.stream,
                position=head.position + 1,
                recorded_at=outcome.context.now,
                actor=outcome.context.actor.subject,
                action=outcome.command,
                entity_ids=tuple(sorted({event.entity_id for event in outcome.events})),
                body=body,
                previous_hash=head.hash,
                hash=digest,
            )
        )
        head = Head(head.stream, head.position + 1, digest)
    return records


def audit_body(outcome: Outcome[Any]) -> str:
    """Canonical JSON of what a command did."""
    context, steps = outcome.context, outcome.events
    changes = [
        f'["{step.kind}",{text(step.entity_id)},{step.seq},"{step.name}","{step.from_status}","{step.to_status}"]'
        for step in steps
    ]
    approved = f'"approved_by":{text(outcome.approved_by)},' if outcome.approved_by else ""
    return (
        f'{{"action":"{outcome.command}","actor":[{text(context.actor.subject)},"{context.actor.role}"],'
        f'{approved}"at":"{iso(context.now)}","changes":{series(changes)},"key":{text(context.key)},'
        f'"postings":{series([posting_body(posting) for posting in outcome.postings])}}}'
    )


def posting_body(posting: Posting) -> str:
    """A posting as its audit record shows it, canonical JSON."""
    entries = [f'[{text(entry.account.id)},"{entry.side}",{entry.amount}]' for entry in posting.entries]
    return series(
        [text(posting.id), f'"{posting.rule}"', text(posting.memo), text(posting.reverses), series(entries)]
    )


def shown_postings(record: AuditRecord) -> dict[str, str]:
    """The postings that a record shows, by their ids, each as `posting_body` writes it.

    None where somebody made the record's text unreadable: that its hash does not match says so.
    """
    try:
        return {posting[0]: canonical(posting) for posting in json.loads(record.body)["postings"]}
    except (ValueError, TypeError, LookupError):
        return {}


def link(tenant_id: str, stream: str, position: int, previous_hash: str, body: str, id: str = "") -> str:
    """Hash of one record; each part is length-prefixed, so that no two inputs collide."""
    place, previous, data, name = str(position).encode(), previous_hash.encode(), body.encode(), id.encode()
    return hashlib.sha256(
        b"%b%b%b%b%b%b%b%b%b"
        % (
            _framed(tenant_id, stream),
            _size(place),
            place,
            _size(previous),
            previous,
            _size(data),
            data,
            _size(name),
            name,
        )
    ).hexdigest()


@lru_cache(maxsize=256)
def _framed(tenant_id: str, stream: str) -> bytes:
    parts = (tenant_id.encode(), stream.encode())
    return b"".join([_size(part) + part for part in parts])


def _size(data: bytes) -> bytes:
    return len(data).to_bytes(8, "big")


def seal(tenant_id: str, previous: Checkpoint | None, heads: Sequence[Head], at: datetime) -> Checkpoint:
    """The next checkpoint over the given heads."""
    position = previous.position + 1 if previous else 1
    previous_hash = previous.hash if previous else GENESIS
    ordered = tuple(sorted(heads, key=lambda head: head.stream))
    return Checkpoint(
        position=position,
        at=at,
        heads=ordered,
        previous_hash=previous_hash,
        hash=link(tenant_id, "checkpoint", position, previous_hash, _checkpoint_body(ordered, at)),
    )


def _checkpoint_body(heads: Sequence[Head], at: datetime) -> str:
    return json.dumps([iso(at), [[head.stream, head.position, head.hash] for head in heads]])


def broken_links(
    tenant_id: str, stream: str, records: Iterable[AuditRecord], after: tuple[int, str] = (0, GENESIS)
) -> list[str]:
    """What is wrong with a stream: edits, gaps, insertions, reorderings, each in one sentence.

    Args:
        records: in the order of their positions.
        after: position and hash of the record before the first of them; the stream is read from its start
            when left out.
    """
    faults: list[str] = []
    position, previous = after
    for record in records:
        if record.position != position + 1:
            faults.append(
                f"{stream}: position {position + 1} is missing, {record.position} follows {position}"
            )
        if record.previous_hash != previous:
            faults.append(f"{stream}#{record.position}: does not follow the record before it")
        digest = link(tenant_id, stream, record.position, record.previous_hash, record.body, record.id)
        if record.hash != digest:
            faults.append(f"{stream}#{record.position}: was edited, its hash does not match")
        elif not _says_what_its_body_says(record):
            faults.append(f"{stream}#{record.position}: was edited, a column differs from its body")
        position, previous = record.position, record.hash
    return faults


def _says_what_its_body_says(record: AuditRecord) -> bool:
    """Whether the columns that a search reads are those of the text that the hash covers."""
    told = json.loads(record.body)
    return (
        told["action"] == record.action
        and told["actor"][0] == record.actor
        and told["at"] == iso(record.recorded_at)
        and tuple(sorted({change[1] for change in told["changes"]})) == record.entity_ids
    )


def broken_checkpoints(tenant_id: str, checkpoints: Iterable[Checkpoint]) -> list[str]:
    """What is wrong with the chain of checkpoints, each in one sentence."""
    faults: list[str] = []
    previous, position = GENESIS, 0
    for point in checkpoints:
        body = _checkpoint_body(point.heads, point.at)
        if point.position != position + 1 or point.previous_hash != previous:
            faults.append(f"checkpoint {point.position}: does not follow the one before it")
        if point.hash != link(tenant_id, "checkpoint", point.position, point.previous_hash, body):
            faults.append(f"checkpoint {point.position}: was edited, its hash does not match")
        previous, position = point.hash, point.position
    return faults
