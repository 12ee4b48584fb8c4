"""Names for what we ask of Circle: one key for each leg, one fingerprint for each request."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from invoicepay.adapters.locks import Lock
from invoicepay.domain.ids import parse_typeid
from invoicepay.errors import IdempotencyConflict, InvalidIdentifier

V = TypeVar("V")

SECRET_FIELD = "entitySecretCiphertext"  # noqa: S105 - the name of a field
"""Differs with every sending, so it is no part of what was asked."""

SKEW = timedelta(hours=1)
"""How far Circle's clock and ours may be apart."""

MOST_REMEMBERED = 50_000


def leg_key(operation: str, leg: str) -> str:
    """The idempotency key of one leg of an operation: the same for ever, in the form of a version 4 UUID.

    Circle takes only that form. The key is the first 16 bytes of a SHA-256, so it needs no store: a retry
    after any crash, on any machine, has the key of the first try.

    Examples:
        >>> leg_key("eff_01k0000000e008000000000000", "mint")
        'dfd1dc3e-9a64-4742-b5e4-519e2b3ca692'
    """
    digest = bytearray(hashlib.sha256(f"{operation}\n{leg}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def fingerprint(body: Mapping[str, object]) -> str:
    """What a request asks for, without the ciphertext that is new each time."""
    asked = {name: value for name, value in body.items() if name != SECRET_FIELD}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def earliest(reference: str) -> datetime | None:
    """Before this instant nothing can have happened under a reference; None when it does not tell.

    Our ids begin with their time, which bounds a search through Circle's lists.
    """
    try:
        _, uuid = parse_typeid(reference)
    except InvalidIdentifier:
        return None
    return datetime.fromtimestamp(int.from_bytes(uuid[:6]) / 1000, UTC) - SKEW


class Memory(Generic[V]):
    """The newest answers to one kind of question, bounded; losing one costs a request and never money."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._known: OrderedDict[str, V] = OrderedDict()
        self._lock, self._most = Lock(), most

    def get(self, name: str) -> V | None:
        """What is remembered, if anything."""
        with self._lock:
            return self._known.get(name)

    def put(self, name: str, value: V) -> V:
        """Remember it unless something is remembered already; what is remembered now."""
        with self._lock:
            kept = self._known.setdefault(name, value)
            self._known.move_to_end(name)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
            return kept


class KeysUsed:
    """Refuses a key that this process has used for another request.

    Circle's wallet API answers a reused key with the first result whatever the second request says, so the
    comparison is ours. After a restart the answer is compared instead: see `CircleTokens`.
    """

    def __init__(self) -> None:
        self._fingerprints = Memory[str]()

    def check(self, key: str, body: Mapping[str, object]) -> None:
        """Note what a key is used for.

        Raises:
            IdempotencyConflict: it was used for something else; nothing is sent.
        """
        asked = fingerprint(body)
        if self._fingerprints.put(key, asked) != asked:
            raise IdempotencyConflict("this key was sent to Circle with another request", key=key)
