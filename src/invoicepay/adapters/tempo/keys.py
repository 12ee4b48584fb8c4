"""Keys in this process: one per account, derived from one seed, shown to nobody."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import SecretBytes, SecretStr

from invoicepay.adapters.tempo.extra import keccak, tempo_extra
from invoicepay.errors import ConfigurationError
from invoicepay.ports.signing import Signature

if TYPE_CHECKING:
    from coincurve import PrivateKey

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""How many private keys the curve has, plus one."""
_DOMAIN = b"invoicepay tempo account key 1\n"
_SHORTEST_SEED = 32
_GIVEN = "raw or as a SecretStr in hexadecimal"
_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2})+)")


class LocalKeys:
    """A `Signer` with its keys in memory, for programmes without a key service.

    The same seed gives the same key to an account for ever: to lose the seed is to lose every wallet, and
    who knows it can spend from every wallet.

    Args:
        seed: at least 32 random bytes, or the same in hexadecimal as a secret text.
        fixed: keys made elsewhere, by account: 32 bytes, or hexadecimal as a secret text. They win over
            derived ones.

    Raises:
        ConfigurationError: the seed is too short or not hexadecimal, or a fixed key is not a key.

    Examples:
        >>> from invoicepay.bridge import run_blocking
        >>> keys = LocalKeys(bytes(range(32)))
        >>> run_blocking(keys.address("issuer"))
        '0x52c9a4fc7bb5a719bf403859ead83b158d6c04cf'
        >>> keys
        LocalKeys(fixed=[])
    """

    def __init__(
        self, seed: bytes | SecretStr, *, fixed: Mapping[str, bytes | SecretStr] | None = None
    ) -> None:
        self._fixed: dict[str, SecretBytes] = {}  # first of all: a traceback may show this object half made
        hidden, others = _hidden(seed), {name: _hidden(key) for name, key in (fixed or {}).items()}
        del seed, fixed  # so that no traceback that shows variables shows them
        if hidden is None or len(hidden) < _SHORTEST_SEED:
            raise ConfigurationError(f"the seed of the keys is {_SHORTEST_SEED} bytes or more, {_GIVEN}")
        self._seed = hidden
        self._fixed.update({name: _checked(name, key) for name, key in others.items()})
        self._loaded: dict[str, PrivateKey] = {}
        self._addresses: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"LocalKeys(fixed={sorted(self._fixed)})"

    def __reduce__(self) -> tuple[object, ...]:
        raise ConfigurationError("keys are neither pickled nor copied: make them where they are used")

    async def address(self, account: str) -> str:
        known = self._addresses.get(account)
        if known is None:
            known = self._addresses[account] = address_of(self._key(account).public_key.format(False))
        return known

    async def sign(self, account: str, digest: bytes, *, payload: bytes) -> Signature:  # noqa: ARG002
        assert len(digest) == 32, "a digest has 32 bytes"
        signed = self._key(account).sign_recoverable(digest, hasher=None)
        return Signature(int.from_bytes(signed[:32], "big"), int.from_bytes(signed[32:64], "big"), signed[64])

    def _key(self, account: str) -> PrivateKey:
        if account not in self._loaded:
            with tempo_extra():
                from coincurve import PrivateKey
            secret = self._fixed.get(account) or _derived(self._seed, account)
            self._loaded[account] = PrivateKey(secret.get_secret_value())
        return self._loaded[account]


def address_of(public_key: bytes) -> str:
    """The address of an uncompressed public key: the last 20 bytes of the hash of its two coordinates."""
    return "0x" + keccak(public_key[1:])[-20:].hex()


def _derived(seed: SecretBytes, account: str) -> SecretBytes:
    """The account's key; one digest in about 2^127 is no key, and then the next counter is taken."""
    for counter in range(8):
        told = _DOMAIN + bytes([counter]) + account.encode()
        key = SecretBytes(hmac.digest(seed.get_secret_value(), told, hashlib.sha256))
        if _is_key(key):
            return key
    raise ConfigurationError("no key can be derived for this account", account=account)


def _checked(account: str, key: SecretBytes | None) -> SecretBytes:
    if key is None or not _is_key(key):
        raise ConfigurationError(f"the key of {account} is no private key: it is 32 bytes, {_GIVEN}")
    return key


def _is_key(key: SecretBytes) -> bool:
    return len(key) == 32 and 0 < int.from_bytes(key.get_secret_value(), "big") < _ORDER


def _hidden(given: bytes | SecretStr) -> SecretBytes | None:
    """What was given, wrapped; None when it is not in one of the two forms."""
    if isinstance(given, bytes):
        return SecretBytes(given)
    found = _HEX.fullmatch(given.get_secret_value()) if isinstance(given, SecretStr) else None
    return SecretBytes(bytes.fromhex(found[1])) if found else None
