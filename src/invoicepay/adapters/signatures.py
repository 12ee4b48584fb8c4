"""Webhook signatures after the Standard Webhooks scheme: made and checked over the raw bytes (S-09)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from invoicepay.errors import ConfigurationError, WebhookSignatureInvalid

TOLERANCE_SECONDS = 300
LARGEST_BODY = 256 * 1024
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")

_ID = re.compile(r"[\x21-\x7e]{1,200}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURES = re.compile(r"[\x21-\x7e]{1,200}(?: [\x21-\x7e]{1,200}){0,9}")
_LONGEST_HEADER = 2_010
_MARK = "whsec_"


def key_of(secret: str) -> bytes:
    """The key of a `whsec_…` secret as providers hand it out.

    Raises:
        ConfigurationError: the text is no such secret; it is not repeated in the message.
    """
    text = secret.removeprefix(_MARK)
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 24:
        raise ConfigurationError("a webhook secret is whsec_ and the base64 of at least 24 bytes")
    return key


def signed_headers(key: bytes, id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that a sender puts on a delivery."""
    timestamp = str(int(at.timestamp()))
    values = (id, timestamp, f"v1,{_mac(key, id, timestamp, body)}")
    return dict(zip(HEADERS, values, strict=True))


def verified(keys: Sequence[bytes], body: bytes, headers: Mapping[str, str], *, received_at: datetime) -> str:
    """The delivery's id, once its signature was found good under one of the keys.

    Every key is tried with every offered signature in constant time; signatures are compared as text, so no
    second spelling of the same bytes is taken.

    Raises:
        WebhookSignatureInvalid: whatever is wrong, without telling which part.
    """
    id, timestamp, offered = _three_headers(headers)
    if len(body) > LARGEST_BODY or not _ID.fullmatch(id) or not _TIMESTAMP.fullmatch(timestamp):
        raise WebhookSignatureInvalid
    if not _SIGNATURES.fullmatch(offered):
        raise WebhookSignatureInvalid
    if abs(int(timestamp) - received_at.timestamp()) > TOLERANCE_SECONDS:
        raise WebhookSignatureInvalid
    is_good = False
    for key in keys:
        expected = f"v1,{_mac(key, id, timestamp, body)}".encode()
        for candidate in offered.split(" "):
            is_good |= hmac.compare_digest(expected, candidate.encode())
    if not is_good:
        raise WebhookSignatureInvalid
    return id


def _three_headers(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """The three values, each named exactly once whatever the case of its name."""
    found: dict[str, list[str]] = {name: [] for name in HEADERS}
    for name, value in headers.items():
        if name.lower() in found:
            found[name.lower()].append(value)
    if any(len(values) != 1 or len(values[0]) > _LONGEST_HEADER for values in found.values()):
        raise WebhookSignatureInvalid
    return found[HEADERS[0]][0], found[HEADERS[1]][0], found[HEADERS[2]][0]


def _mac(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((id.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
