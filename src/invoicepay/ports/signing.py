"""Signing for a chain: one key per account, held by the process, a key service or hardware."""

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
