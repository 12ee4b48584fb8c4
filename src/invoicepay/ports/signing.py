"""Signing for a chain, one key per account; and of the audit trail's checkpoints, by a key of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


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

    async def sign(self, account: str, digest: bytes, *, payload: bytes) -> Signature:
        """Sign the 32 bytes of `digest` as they are, without hashing them again.

        Nothing moves by a signature alone, so every failure here is one before sending.

        Args:
            payload: what `digest` is the hash of, for a signer that judges what it signs.

        Raises:
            ProviderUnavailable: the key service was not reached; ask again.
            ProviderRejected: the signer's policy does not allow it.
            NotFound: the signer has no such account.
        """
        ...


@runtime_checkable
class ForeseesRefusals(Protocol):
    """A `Signer` that can tell beforehand what it would not sign.

    It is asked before a movement is bound to a slot of a chain, so that what it refuses goes to a person and
    holds up nothing else. Without this ability a refusal shows only when the movement is on record.
    """

    async def refusal(self, account: str, calls: Sequence[tuple[str, bytes]]) -> str:
        """Why the account would not sign these calls, each an address and its data; empty when it would.

        Raises:
            ProviderUnavailable: the key service was not reached; ask again.
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
