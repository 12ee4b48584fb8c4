"""Ed25519 keys that sign and verify checkpoints of the audit trail in this process."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from invoicepay.domain.anchors import is_key_id
from invoicepay.errors import ConfigurationError, MissingExtra

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_BYTES = 32
_NAME_LABEL = b"invoicepay checkpoint key\n"


class Ed25519Key:
    """A `CheckpointKey` in memory: with the private key it signs, with the public key it only verifies.

    Keep the private key away from whoever owns the database; give the public key to auditors.

    Args:
        private: 32 random bytes.
        public: 32 bytes, instead of the private key.
        key_id: names the key; made from the public key when left out.

    Raises:
        ConfigurationError: not exactly one of the two, or of another length; or no name.
        MissingExtra: the package cryptography is not installed.

    Examples:
        >>> key = Ed25519Key(bytes(range(32)))
        >>> key
        Ed25519Key('03c1771a19ad6e03')
        >>> Ed25519Key(public=key.public).key_id == key.key_id
        True
    """

    def __init__(
        self, private: bytes | None = None, *, public: bytes | None = None, key_id: str | None = None
    ) -> None:
        self._key_id = key_id or ""  # first of all: a traceback may show this object half made
        halves = [half for half in (private, public) if half is not None]
        if len(halves) != 1 or len(halves[0]) != _BYTES:
            del private, halves  # so that no traceback that shows variables shows it
            raise ConfigurationError(f"a checkpoint key is {_BYTES} bytes: private, or public to verify only")
        self._private = None if private is None else _private(private)
        self._public = self._private.public_key() if self._private else _public(halves[0])
        self._key_id = key_id or hashlib.sha256(_NAME_LABEL + self.public).hexdigest()[:16]
        del private, halves
        if not is_key_id(self._key_id):
            raise ConfigurationError("a key's name is 1 to 64 of A-Z a-z 0-9 _ -")

    @property
    def key_id(self) -> str:
        return self._key_id

    @property
    def public(self) -> bytes:
        """The public key, for who only verifies."""
        return self._public.public_bytes_raw()

    async def sign(self, data: bytes) -> bytes:
        if self._private is None:
            raise ConfigurationError(f"the checkpoint key {self._key_id} only verifies")
        return self._private.sign(data)

    async def verify(self, data: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature

        try:
            self._public.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def __repr__(self) -> str:
        return f"Ed25519Key({self._key_id!r})"

    def __reduce__(self) -> tuple[object, ...]:
        raise ConfigurationError("keys are neither pickled nor copied: make them where they are used")


def _private(key: bytes) -> Ed25519PrivateKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise MissingExtra("crypto", needed_for="a checkpoint key") from error
    return Ed25519PrivateKey.from_private_bytes(key)


def _public(key: bytes) -> Ed25519PublicKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise MissingExtra("crypto", needed_for="a checkpoint key") from error
    return Ed25519PublicKey.from_public_bytes(key)
