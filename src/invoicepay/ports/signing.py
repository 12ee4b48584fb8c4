"""Signing for a chain, one key per account; and of the audit trail's checkpoints, by a key of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Signature:
    """An ECDSA signature over secp256k1.

    Attributes:
        s: the lower of the two possible values; chains refuse the other one.
        recovery: 0 or 1, which tells the signer's public key from the signature.
    """

    r: int
    s: int
    recovery: int


class Signer(Protocol):
    """Signs digests for named accounts; a private key never leaves it.

    Accounts are names of ours: roles such as `issuer`, `admin`, `fees`, `operator`, and one per wallet.
    One account has one address for ever.
    """

    async def address(self, account: str) -> str:
        """The account's address: `0x` and 40 lower-case hexadecimal digits.

        Raises:
            ProviderUnavailable: the key service was not reached; ask again.
            NotFound: the signer has no such account.
        """
        ...

    async def sign(self, account: str, digest: bytes) -> Signature:
        """Sign the 32 bytes of `digest` as they are, without hashing them again.

        Nothing moves by a signature alone, so every failure here is one before sending.

        Raises:
            ProviderUnavailable: the key service was not reached; ask again.
            NotFound: the signer has no such account.
        """
        ...


class CheckpointKey(Protocol):
    """Signs checkpoints of the audit trail, so that who can write the store cannot rewrite its past.

    Best held by a key service of somebody else than the store's owner. A key that only verifies is one whose
    `sign` raises.
    """

    @property
    def key_id(self) -> str:
        """Names the key in what it signed: 1 to 64 of `A-Z a-z 0-9 _ -`, never given to another key."""
        ...

    async def sign(self, data: bytes) -> bytes:
        """The signature of `data`, at most 512 bytes.

        Raises:
            ProviderUnavailable: the key service was not reached; ask again.
            ConfigurationError: this key only verifies.
        """
        ...

    async def verify(self, data: bytes, signature: bytes) -> bool:
        """Whether this key signed `data`; never an error, however malformed the signature is.

        Raises:
            ProviderUnavailable: the key service was not reached; ask again.
        """
        ...
