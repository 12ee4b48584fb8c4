"""Deliveries of the wallet API: ECDSA over the raw bytes, verified before anything is read."""

from __future__ import annotations

import base64
import binascii
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.asking import Allowance
from invoicepay.adapters.locks import Lock
from invoicepay.errors import MissingExtra, WebhookSignatureInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

KEY_ID, SIGNATURE = "x-circle-key-id", "x-circle-signature"
ALGORITHM = "ECDSA_SHA_256"
VERSION = 2
LARGEST_BODY = 256 * 1024

MOST_KEYS = 64

_KEY_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{8,140}={0,2}")

FetchKey = Callable[[str], Awaitable[wire.NotificationKey | None]]


class NotificationKeys:
    """Circle's public keys by id. An id always means the same key, so a key is kept for good.

    Args:
        fetch: asks Circle for a key; None when there is no such key.
    """

    def __init__(self, fetch: FetchKey) -> None:
        self._fetch, self._lock, self._allowance = fetch, Lock(), Allowance()
        self._keys: OrderedDict[str, EllipticCurvePublicKey] = OrderedDict()

    async def prepare(self, headers: Mapping[str, str], at: datetime) -> None:
        """Fetch the key that a delivery names, if it is new and may be asked about now.

        Raises:
            ProviderUnavailable: not answered, or too many were asked for; it cannot be checked yet.
        """
        try:
            key_id, _ = _named(headers)
        except WebhookSignatureInvalid:
            return  # refused when it is parsed
        if self._at(key_id) is not None or not self._allowance.takes(key_id, at):
            return
        found = await self._fetch(key_id)
        key = None if found is None or found.id != key_id else public_key(found)
        if key is None:
            self._allowance.found_nothing(key_id, at)
            return
        with self._lock:
            self._keys[key_id] = key
            while len(self._keys) > MOST_KEYS:
                self._keys.popitem(last=False)

    def _at(self, key_id: str) -> EllipticCurvePublicKey | None:
        with self._lock:
            return self._keys.get(key_id)

    def verified(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Check a delivery with a key that is at hand.

        Raises:
            WebhookSignatureInvalid: whatever is wrong, without telling which part.
        """
        key_id, signature = _named(headers)
        key = self._at(key_id)
        if key is None or len(body) > LARGEST_BODY or not is_signed(key, body, signature):
            raise WebhookSignatureInvalid


def _named(headers: Mapping[str, str]) -> tuple[str, bytes]:
    """Key id and signature, each given exactly once whatever the case of its name."""
    found: dict[str, list[str]] = {KEY_ID: [], SIGNATURE: []}
    for name, value in headers.items():
        if name.lower() in found:
            found[name.lower()].append(value)
    if any(len(values) != 1 for values in found.values()):
        raise WebhookSignatureInvalid
    (key_id,), (signature,) = found[KEY_ID], found[SIGNATURE]
    if not _KEY_ID.fullmatch(key_id) or not _SIGNATURE.fullmatch(signature):
        raise WebhookSignatureInvalid
    return key_id, _bytes(signature)


def _bytes(text: str) -> bytes:
    """Base64 in its one spelling: bits that no byte takes are zero."""
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        found = b""
    if base64.b64encode(found).decode() != text:
        raise WebhookSignatureInvalid
    return found


def public_key(seen: wire.NotificationKey) -> EllipticCurvePublicKey | None:
    """The key, or None when it is none for this scheme: P-256 with SHA-256."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ImportError as error:
        raise MissingExtra("circle", needed_for="Circle's webhooks") from error
    if seen.algorithm != ALGORITHM:
        return None
    try:
        key = load_der_public_key(base64.b64decode(seen.public_key, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    return None


def is_signed(key: EllipticCurvePublicKey, body: bytes, signature: bytes) -> bool:
    """Whether the signature over the raw bytes is the key's."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key.verify(signature, body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def notification_from(body: bytes) -> wire.Notification:
    """What a verified delivery says.

    Raises:
        WebhookSignatureInvalid: signed, and yet no delivery of version 2.
    """
    try:
        seen = wire.Notification.model_validate_json(body)
    except ValidationError:
        seen = None
    if seen is None or seen.version != VERSION:
        raise WebhookSignatureInvalid("signed, but no notification of version 2")
    return seen


def transaction_of(seen: wire.Notification) -> wire.Transaction | None:
    """The transaction that a notification is about, or None when it is about something else.

    Raises:
        WebhookSignatureInvalid: a transaction that cannot be read.
    """
    if not seen.notification_type.startswith("transactions."):
        return None
    try:
        return wire.Transaction.model_validate(seen.notification)
    except ValidationError:
        pass
    raise WebhookSignatureInvalid("signed, but the transaction in it cannot be read")
