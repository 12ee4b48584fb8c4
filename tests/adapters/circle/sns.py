"""SNS messages signed by a certificate of our own, for tests of Circle Mint's notifications."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-west-2:908968368384:sandbox_platform-notifications-topic"
CERTIFICATE = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
CONFIRM = "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37fb"
ORDER = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def certificate(key: rsa.RSAPrivateKey | None = None, *, until: datetime = NOON + timedelta(days=9)) -> bytes:
    key = key or rsa_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(NOON - timedelta(days=9)).not_valid_after(until)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def payout(status: str = "complete", **more: Any) -> dict[str, Any]:
    return {
        "id": "6c96f2a6-1c36-4a3e-b5f1-0f2d8a6b1c11",
        "sourceWalletId": "1000000001",
        "destination": {"type": "wire", "id": "b8627ae8-732b-4d25-b947-1df8f4007a29"},
        "amount": {"amount": "500.00", "currency": "USD"},
        "status": status,
        "createDate": "2026-01-31T11:00:00.000Z",
        "updateDate": "2026-01-31T11:30:00.000Z",
        **more,
    }


def message(kind: str = "payouts", **resource: Any) -> dict[str, str]:
    """A notification, not signed yet."""
    said = {"clientId": "c", "notificationType": kind, "version": 1, **(resource or {"payout": payout()})}
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": json.dumps(said),
        "Timestamp": "2026-01-31T11:59:58.123Z",
        "SigningCertURL": CERTIFICATE,
    }


def confirmation() -> dict[str, str]:
    """The question whether we want the messages of a topic, not signed yet."""
    asked = {"Type": "SubscriptionConfirmation", "Token": "2336412f37fb", "SubscribeURL": CONFIRM}
    return {**message(), "Message": "You have chosen to subscribe.", **asked}


def signed(
    told: dict[str, str], *, version: str = "2", key: rsa.RSAPrivateKey | None = None
) -> dict[str, str]:
    text = "".join(f"{name}\n{told[name]}\n" for name in ORDER[told["Type"]] if name in told)
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = (key or rsa_key()).sign(text.encode(), padding.PKCS1v15(), digest)
    return {**told, "SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}


def body(told: dict[str, str], **how: Any) -> bytes:
    """The raw bytes of a signed delivery."""
    return json.dumps(signed(told, **how)).encode()
