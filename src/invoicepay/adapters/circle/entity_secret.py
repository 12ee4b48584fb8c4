"""The entity secret, encrypted afresh for every write (circle.com: entity secret management)."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from pydantic import SecretStr

from invoicepay.errors import ConfigurationError, MissingExtra

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

LEAST_BITS = 2048

_PEM = re.compile(r"-----BEGIN (?:RSA )?PUBLIC KEY-----(.+?)-----END (?:RSA )?PUBLIC KEY-----", re.DOTALL)


def entity_key(pem: str) -> RSAPublicKey:
    """Circle's public key for entity secrets.

    The pages show `RSA PUBLIC KEY` around what is a SubjectPublicKeyInfo, so the label is not looked at.

    Raises:
        ConfigurationError: no RSA key of at least 2048 bits.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ImportError as error:
        raise MissingExtra("circle", needed_for="Circle") from error
    found = _PEM.fullmatch(pem.strip())
    try:
        key = load_der_public_key(base64.b64decode("".join(found[1].split()) if found else ""))
    except ValueError as error:
        raise ConfigurationError("Circle's public key for entity secrets cannot be read") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
        raise ConfigurationError(f"Circle's public key is no RSA key of at least {LEAST_BITS} bits")
    return key


def ciphertext(secret: SecretStr, key: RSAPublicKey) -> str:
    """The secret under RSA-OAEP with SHA-256, as base64; no two are alike, and Circle takes each once."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    return base64.b64encode(key.encrypt(bytes.fromhex(secret.get_secret_value()), oaep)).decode()
