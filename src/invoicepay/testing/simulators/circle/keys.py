"""The simulated service's keys: the entity secret under RSA, webhooks signed by P-256 and as SNS messages.

Every key is made when first needed and lives as long as the process; none of them guards anything.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from invoicepay.testing.simulators.circle.refusals import Refusal

CIPHERTEXT_LENGTH = 684
"""Characters of base64 over what RSA-4096 makes."""

OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)

SIGNED_FIELDS: Mapping[str, tuple[str, ...]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
"""What an SNS signature covers, in this order, by the message's type."""


@cache
def entity_key() -> rsa.RSAPrivateKey:
    """The RSA-4096 key of the entity; making it takes a second or more, so a process has one."""
    return rsa.generate_private_key(public_exponent=65537, key_size=4096)


@cache
def sns_key() -> rsa.RSAPrivateKey:
    """The RSA-2048 key that signs SNS messages."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class EntitySecrets:
    """Takes each ciphertext once, and only of the registered secret.

    Args:
        registered: the entity's secret in hex; None until it is registered.
    """

    def __init__(self, registered: str | None) -> None:
        self._secret = bytes.fromhex(registered) if registered else None
        self._seen: set[str] = set()

    @staticmethod
    def public_key_pem() -> str:
        """The key to encrypt under: SubjectPublicKeyInfo with the label that Circle's pages show."""
        pem = (
            entity_key()
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return pem.decode().replace(" PUBLIC KEY", " RSA PUBLIC KEY")

    def register(self, ciphertext: str) -> str:
        """Take the entity's secret; returns the recovery file.

        Raises:
            Refusal: 156013 when it cannot be read; 409 when one is registered already.
        """
        secret = self._opened(ciphertext)
        if self._secret is not None:
            raise Refusal(409, 409, "The entity secret has already been set")
        self._secret = secret
        return base64.b64encode(secrets.token_bytes(64)).decode()

    def check(self, ciphertext: str) -> None:
        """Accept a ciphertext for one request.

        Raises:
            Refusal: 156016 nothing is registered; 156004 seen before; 156013 not our secret or no ciphertext.
        """
        if self._secret is None:
            raise Refusal(400, 156016, "The entity secret has not been set yet")
        if ciphertext in self._seen:
            raise Refusal(400, 156004, "Reusing an entity secret ciphertext is not allowed")
        if not secrets.compare_digest(self._opened(ciphertext), self._secret):
            raise _unreadable()
        self._seen.add(ciphertext)

    @staticmethod
    def _opened(ciphertext: str) -> bytes:
        if len(ciphertext) != CIPHERTEXT_LENGTH:
            raise _unreadable()
        try:
            opened = entity_key().decrypt(base64.b64decode(ciphertext, validate=True), OAEP)
        except (binascii.Error, ValueError) as error:
            raise _unreadable() from error
        if len(opened) != 32:
            raise _unreadable()
        return opened


def _unreadable() -> Refusal:
    return Refusal(400, 156013, "The provided entity secret ciphertext is invalid")


class NotificationKeys:
    """Signs webhooks of version 2; every key stays known under its id after `rotate`."""

    algorithm = "ECDSA_SHA_256"

    def __init__(self) -> None:
        self._keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.current: str = ""
        self.rotate()

    def rotate(self) -> str:
        """Sign with a new key from now on; returns its id."""
        self.current = str(uuid.uuid4())
        self._keys[self.current] = ec.generate_private_key(ec.SECP256R1())
        return self.current

    def headers(self, body: bytes) -> dict[str, str]:
        """The headers of a delivery."""
        signature = self._keys[self.current].sign(body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Circle-Key-Id": self.current,
            "X-Circle-Signature": base64.b64encode(signature).decode(),
        }

    def public_key(self, id: str) -> str | None:
        """A public key in base64, or None where there never was one."""
        if id not in self._keys:
            return None
        der = (
            self._keys[id]
            .public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return base64.b64encode(der).decode()


@cache
def sns_certificate_pem() -> bytes:
    """A certificate that the simulator made for itself; only a test trusts it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(sns_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3650))
        .not_valid_after(now + timedelta(days=3650))
        .sign(sns_key(), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def sns_signed(message: dict[str, str], version: str) -> dict[str, str]:
    """The message with its signature.

    Args:
        version: `1` signs a SHA-1 digest, `2` a SHA-256 one, as SNS defines them.
    """
    keys = SIGNED_FIELDS[message["Type"]]
    text = "".join(f"{key}\n{message[key]}\n" for key in keys if key in message)
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 - what version 1 is
    signature = sns_key().sign(text.encode(), padding.PKCS1v15(), digest)
    return {**message, "SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}
