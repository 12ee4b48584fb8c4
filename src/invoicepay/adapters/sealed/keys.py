"""Seals texts with AES-256-GCM under a key of their place, derived from a named secret (S-26)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from invoicepay.adapters.system import fresh_secret
from invoicepay.errors import ConfigurationError, InvariantViolated, MissingExtra

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MIN_SECRET_BYTES = 32

_KID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NONCE_BYTES, _TAG_BYTES = 12, 16
_LABEL = b"invoicepay field key 1\n"


class FieldKeys:
    """The secrets that seal people's texts in the store: one seals, all open, so that old rows stay readable.

    Every place has a key of its own, made from the secret and the place: a text that is moved to another
    tenant, row or column does not open. To rotate, add a secret under a new name and make it active; keep the
    old ones as long as rows or backups hold texts that they sealed. Nothing prints, pickles or lists them.

    Args:
        active: name of the secret that seals; 1 to 32 of `A-Z a-z 0-9 _ -`, stored with every text.
        secrets: at least 32 random bytes under each name.

    Raises:
        ConfigurationError: a name is malformed, the active one is missing, or a secret is too short.
        MissingExtra: the package `cryptography` is not installed.

    Examples:
        >>> from invoicepay.adapters.sealed import FieldKeys
        >>> keys = FieldKeys("2026", {"2026": bytes(range(32))})
        >>> keys.open(keys.seal("tea with Ann", about="here"), about="here")
        'tea with Ann'
    """

    __slots__ = ("_active", "_secrets")

    def __init__(self, active: str, secrets: Mapping[str, bytes]) -> None:
        self._active, self._secrets = active, dict(secrets)
        problem = _problem(active, self._secrets)
        if problem:
            del secrets  # a traceback with captured locals must not show them
            self._secrets = {}
            raise ConfigurationError(problem)
        _require_extra()

    @property
    def kids(self) -> tuple[str, ...]:
        """Names of the secrets that open."""
        return tuple(self._secrets)

    def seal(self, text: str, *, about: str) -> str:
        """`<name of the secret>.<nonce and ciphertext as base64url>`."""
        nonce = fresh_secret()[:_NONCE_BYTES]
        sealed = nonce + self._key(self._active, about).encrypt(nonce, text.encode(), about.encode())
        return f"{self._active}.{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()}"

    def open(self, sealed: str, *, about: str) -> str:
        """The text.

        Raises:
            InvariantViolated: changed, cut, or sealed for another place.
            ConfigurationError: its key is not among the keys.
        """
        from cryptography.exceptions import InvalidTag

        kid, _, encoded = sealed.partition(".")
        if kid not in self._secrets:
            raise ConfigurationError(
                "a stored text was sealed with a key that is not among the field keys",
                hint="Add the secret of that name to FieldKeys.",
                key=kid if _KID.fullmatch(kid) else "malformed",
            )
        raw = _decoded(encoded)
        try:
            opened = self._key(kid, about).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], about.encode())
        except InvalidTag:
            raise InvariantViolated("a sealed text was changed, or belongs to another place") from None
        return opened.decode()

    def _key(self, kid: str, about: str) -> AESGCM:
        """Under a key of its own a place never comes near the number of nonces that one key allows."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(hmac.digest(self._secrets[kid], _LABEL + about.encode(), hashlib.sha256))

    def __repr__(self) -> str:
        return f"FieldKeys(active={self._active!r}, kids={self.kids!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("FieldKeys hold secrets and are not pickled or copied")


def _decoded(encoded: str) -> bytes:
    """Nonce and ciphertext; what is none is short, and opens with no key."""
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    return raw if len(raw) >= _NONCE_BYTES + _TAG_BYTES else bytes(_NONCE_BYTES + _TAG_BYTES)


def _problem(active: str, secrets: Mapping[str, bytes]) -> str | None:
    if active not in secrets:
        return "the active field key is not among the secrets"
    if not all(isinstance(kid, str) and _KID.fullmatch(kid) for kid in secrets):
        return "the name of a field key is 1 to 32 of A-Z a-z 0-9 _ -"
    if any(not isinstance(secret, bytes) or len(secret) < MIN_SECRET_BYTES for secret in secrets.values()):
        return f"a field key is at least {MIN_SECRET_BYTES} random bytes"
    return None


def _require_extra() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise MissingExtra("crypto", needed_for="FieldKeys") from error
