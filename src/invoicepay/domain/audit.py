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
OPERATIONS = "operations"
"""The stream of what people of the operator decided and of what was denied, in every tenant (S-36)."""


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

    @property
    def reason(self) -> str:
        """Why the call was denied; empty for what was done."""
        return self._word("reason")

    @property
    def remark(self) -> tuple[str, str] | None:
        """Id and digest of the words in which the actor said why; None for everyday commands.

        The words lie beside the trail, so that they can be erased: `pay.audit.operations` joins the two.
        """
        said = json.loads(self.body).get("remark")
        return None if said is None else (said[0], said[1])

    @property
    def denied(self) -> str:
        """The code of the refusal of a call that the actor might not make; empty for what was done."""
        return self._word("denied")

    @property
    def approved_by(self) -> str:
        """The second person, where it took two."""
        return self._word("approved_by")

    @property
    def on_behalf_of(self) -> str:
        """In whose place the actor acted; empty for their own."""
        return self._word("on_behalf_of")

    @property
    def request_id(self) -> str:
        """The host's name for the request that led here."""
        return self._word("request_id")

    def _word(self, name: str) -> str:
        return str(json.loads(self.body).get(name, ""))


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


def by_stream(
    ids: Sequence[str], outcomes: Sequence[Outcome[Any]], stream: str
) -> list[tuple[str, list[str], list[Outcome[Any]]]]:
    """The outcomes of a batch by the stream that each goes into, in the order in which heads are locked.

    Args:
        stream: the writer's own, for everything that the log of operations does not keep.
    """
    streams: dict[str, tuple[list[str], list[Outcome[Any]]]] = {}
    for id, outcome in zip(ids, outcomes, strict=True):
        own_ids, own = streams.setdefault(OPERATIONS if outcome.is_noted else stream, ([], []))
        own_ids.append(id)
        own.append(outcome)
    return [(name, *streams[name]) for name in sorted(streams)]


def audit_body(outcome: Outcome[Any]) -> str:
    """Canonical JSON of what a command did, or of what was denied."""
    context, steps = outcome.context, outcome.events
    changes = [
        f'["{step.kind}",{text(step.entity_id)},{step.seq},"{step.name}","{step.from_status}","{step.to_status}"]'
        for step in steps
    ]
    actor = context.actor
    return (
        f'{{"action":"{outcome.command}","actor":[{text(actor.subject)},"{actor.role}"],'
        f"{_said('approved_by', outcome.approved_by)}"
        f'"at":"{iso(context.now)}","changes":{series(changes)},'
        f'{_said("denied", outcome.denied)}"key":{text(context.key)},'
        f"{_said('on_behalf_of', actor.on_behalf_of)}"
        f'"postings":{series([posting_body(posting) for posting in outcome.postings])}'
        f"{_told(outcome)}}}"
    )


def _said(name: str, value: str) -> str:
    """A part of the text that most records do not have."""
    return f'"{name}":{text(value)},' if value else ""


def _told(outcome: Outcome[Any]) -> str:
    """What the host said about it: why, and by which of its own requests."""
    parts = {"reason": outcome.reason, "request_id": outcome.context.actor.request_id}
    told = [f',"{name}":{text(value)}' for name, value in parts.items() if value]
    if outcome.remark:
        told.insert(bool(outcome.reason), f',"remark":{series([text(part) for part in outcome.remark])}')
    return "".join(told)


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
