"""Anchors: checkpoints signed by a key of their own, for keeping out of the store's reach (S-29)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import datetime

from invoicepay.domain.audit import Checkpoint
from invoicepay.domain.canonical import canonical
from invoicepay.domain.shown import Shown
from invoicepay.domain.time import from_iso, iso

MAX_TEXT = 4096

_PREFIX = "ipa1"
"""Pins layout and algorithm together, so no text can ask to be verified in another way."""
_LABEL = b"invoicepay anchor 1\n"
_TEXT = re.compile(r"(ipa1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,2048}))\.([A-Za-z0-9_-]{1,1024})")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor(Shown):
    """What a tenant's audit trail was at one instant, signed.

    Attributes:
        position, hash: of the checkpoint, which seals the heads of all streams.
        at: when it was sealed.
        key_id: names the key that signed.
        text: `ipa1.<key>.<content>.<signature>`, the one thing to keep outside; it holds no personal data.
    """

    tenant_id: str
    position: int
    at: datetime
    hash: str
    key_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Signed:
    """An anchor's text in parts, before anybody has verified it.

    Attributes:
        signed: what the signature covers, see `signed_bytes`.
    """

    signed: str
    key_id: str
    content: str
    signature: bytes
    text: str


def is_key_id(text: object) -> bool:
    """Whether a key can be named so: 1 to 64 of `A-Z a-z 0-9 _ -`."""
    return isinstance(text, str) and _KEY_ID.fullmatch(text) is not None


def unsigned(tenant_id: str, point: Checkpoint, key_id: str) -> str:
    """What is signed for a checkpoint; equal checkpoints give equal texts."""
    content = canonical([tenant_id, point.position, iso(point.at), point.hash])
    return f"{_PREFIX}.{key_id}.{_encoded(content.encode())}"


def signed_bytes(signed: str) -> bytes:
    """The bytes that a key signs: labelled, so that they are nothing else that the key could sign."""
    return _LABEL + signed.encode()


def with_signature(signed: str, signature: bytes) -> str:
    """The whole text of an anchor."""
    return f"{signed}.{_encoded(signature)}"


def parts_of(text: object) -> Signed | None:
    """The parts of an anchor's text; None when it has another form."""
    found = _TEXT.fullmatch(text) if isinstance(text, str) and len(text) <= MAX_TEXT else None
    if found is None:
        return None
    signature = _decoded(found[4])
    return None if signature is None else Signed(found[1], found[2], found[3], signature, found[0])


def read(verified: Signed) -> Anchor:
    """What a text says whose signature was verified."""
    tenant_id, position, at, hash = json.loads(_decoded(verified.content) or b"")
    return Anchor(
        tenant_id=tenant_id,
        position=position,
        at=from_iso(at),
        hash=hash,
        key_id=verified.key_id,
        text=verified.text,
    )


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes | None:
    """The bytes; None where the text is not the one spelling that `_encoded` gives them."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    return data if _encoded(data) == text else None
