"""Deliveries of Circle Mint: Amazon SNS messages, from pinned hosts and known topics, verified before use."""

from __future__ import annotations

import base64
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

from invoicepay.adapters.circle.asking import Allowance
from invoicepay.adapters.locks import Lock
from invoicepay.domain.strict_json import strict_json
from invoicepay.errors import MissingExtra, ProviderRejected, WebhookSignatureInvalid

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

LARGEST_BODY = 256 * 1024 + 16 * 1024
"""SNS takes messages of 256 KiB; the rest is its envelope."""
MOST_CERTIFICATES = 16
LEAST_BITS = 2048

SIGNED_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
SIGNED_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")

_HOST = re.compile(r"sns\.[a-z]{2}(?:-[a-z]+)+-[0-9]\.amazonaws\.com(?:\.cn)?")
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem")
"""These hosts also serve what strangers wrote, by other paths and by queries; certificates are only here."""
_ONE_PEM = re.compile(
    rb"\s*-----BEGIN CERTIFICATE-----\r?\n(?:[A-Za-z0-9+/=]{1,76}\r?\n)+-----END CERTIFICATE-----\s*"
)
"""One certificate and nothing around it: a certificate inside another document is a stranger's."""
_ID = re.compile(r"[0-9A-Za-z-]{1,100}")
_TIMESTAMP = re.compile(r"[0-9TZ:.-]{10,40}")
"""The signed text joins names and values by line ends, so what stands between two texts may hold none."""

Fetch = Callable[[str], Awaitable[bytes]]


_SPELLING: dict[str, str] = {"signing_cert_url": "SigningCertURL", "subscribe_url": "SubscribeURL"}


def _spelled(name: str) -> str:
    return _SPELLING.get(name, to_pascal(name))


class SnsMessage(BaseModel):
    """The envelope of a delivery. `message` is text that is read only after the signature was found good."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", alias_generator=_spelled)

    type: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature_version: Literal["1", "2"]
    signature: str
    signing_cert_url: str
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = None

    @property
    def canonical(self) -> bytes:
        """The text that is signed: each part that is there, its name above its value."""
        names = SIGNED_NOTIFICATION if self.type == "Notification" else SIGNED_CONFIRMATION
        values = self.model_dump(by_alias=True)
        return "".join(f"{name}\n{values[name]}\n" for name in names if values[name] is not None).encode()


@dataclass(frozen=True, slots=True)
class SubscriptionOffer:
    """Somebody asks whether we want the messages of a topic; only an operator says yes.

    Attributes:
        url: what `CircleTreasury.confirm_subscription` fetches once.
        is_new: False when it tells that a subscription was ended, which the same URL would undo.
    """

    topic: str
    url: str
    is_new: bool


class Certificates:
    """Signing certificates by URL. A URL that is not of the form of Amazon's certificates is never fetched.

    One that has verified a delivery of ours stays; of the others only the newest do, since anybody may send a
    delivery that names one.

    Args:
        fetch: gets what a pinned URL serves.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch, self._lock, self._allowance = fetch, Lock(), Allowance()
        self._proven: dict[str, Certificate] = {}
        self._new: OrderedDict[str, Certificate] = OrderedDict()

    def at(self, url: str) -> Certificate | None:
        """The certificate, when it is at hand."""
        with self._lock:
            return self._proven.get(url) or self._new.get(url)

    def proved(self, url: str) -> None:
        """The certificate has verified a delivery of a topic of ours."""
        with self._lock:
            if (certificate := self._new.pop(url, None)) is not None:
                self._proven[url] = certificate

    async def prepare(self, url: str, at: datetime) -> None:
        """Fetch a certificate that is not at hand, if it may be asked for now; one that is none is not kept.

        Raises:
            ProviderUnavailable: it was not served, or too many were asked for; it cannot be checked yet.
        """
        if not is_certificate_url(url) or self.at(url) is not None or not self._allowance.takes(url, at):
            return
        found = certificate_from(await self._fetch(url))
        if found is None:
            self._allowance.found_nothing(url, at)
            return
        with self._lock:
            if url not in self._proven:
                self._new[url] = found
            while len(self._new) > MOST_CERTIFICATES:
                self._new.popitem(last=False)


def is_pinned(url: str) -> bool:
    """Whether a URL leads to Amazon SNS and nowhere else: https, its exact host, no port, no login.

    Examples:
        >>> is_pinned("https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription")
        True
        >>> is_pinned("https://sns.us-west-2.amazonaws.com.example.org/a.pem")
        False
    """
    if not url.isascii() or not url.isprintable() or "\\" in url or len(url) > 2_000:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and not parts.fragment and _HOST.fullmatch(parts.netloc) is not None


def is_certificate_url(url: str) -> bool:
    """Whether a URL is where Amazon SNS keeps a signing certificate, with nothing added.

    Examples:
        >>> is_certificate_url(
        ...     "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
        ... )
        True
        >>> is_certificate_url("https://sns.us-west-2.amazonaws.com/a.pem?Action=GetEndpointAttributes")
        False
    """
    if not is_pinned(url):
        return False
    parts = urlsplit(url)
    return url == f"https://{parts.netloc}{parts.path}" and bool(_CERTIFICATE_PATH.fullmatch(parts.path))


def host_of(topic: str) -> str:
    """The host of Amazon SNS that serves a topic: the one of its region.

    Examples:
        >>> host_of("arn:aws:sns:us-west-2:908968368384:platform-notifications")
        'sns.us-west-2.amazonaws.com'
    """
    _, partition, _, region, *_ = topic.split(":")
    return f"sns.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}"


def certificate_from(pem: bytes) -> Certificate | None:
    """The one RSA certificate that a file consists of, or None when it is none that we verify with."""
    try:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.x509 import load_pem_x509_certificate
    except ImportError as error:
        raise MissingExtra("circle", needed_for="Circle Mint's webhooks") from error
    if not _ONE_PEM.fullmatch(pem):
        return None
    try:
        found = load_pem_x509_certificate(pem)
        key = found.public_key()
    except Exception:  # noqa: BLE001 - whatever the parser finds wrong with it, it is no certificate for us
        return None
    return found if isinstance(key, RSAPublicKey) and key.key_size >= LEAST_BITS else None


def message_from(body: bytes, topics: tuple[str, ...]) -> SnsMessage:
    """The envelope, not verified yet, if its form, topic and hosts are right.

    Raises:
        WebhookSignatureInvalid: anything else.
    """
    if len(body) > LARGEST_BODY:
        raise WebhookSignatureInvalid
    try:
        seen = SnsMessage.model_validate(strict_json(body))
    except ValueError:  # of which pydantic's ValidationError is one
        raise WebhookSignatureInvalid from None
    is_right = (
        seen.topic_arn in topics and _ID.fullmatch(seen.message_id) and _TIMESTAMP.fullmatch(seen.timestamp)
    )
    if not is_right or not _is_from_amazon(seen):
        raise WebhookSignatureInvalid
    return seen


def _is_from_amazon(seen: SnsMessage) -> bool:
    """Whether each URL leads to Amazon SNS in the region of the topic."""
    urls = [seen.signing_cert_url, *([] if seen.type == "Notification" else [seen.subscribe_url or ""])]
    is_pinned_there = all(is_pinned(url) and urlsplit(url).netloc == host_of(seen.topic_arn) for url in urls)
    return is_pinned_there and is_certificate_url(seen.signing_cert_url)


def verified(certificates: Certificates, topics: tuple[str, ...], body: bytes, at: datetime) -> SnsMessage:
    """The envelope, once its signature was found good under a certificate that is at hand.

    Raises:
        WebhookSignatureInvalid: whatever is wrong, without telling which part.
    """
    seen = message_from(body, topics)
    certificate = certificates.at(seen.signing_cert_url)
    if certificate is None or not _is_valid(certificate, at) or not _is_signed(certificate, seen):
        raise WebhookSignatureInvalid
    certificates.proved(seen.signing_cert_url)
    return seen


def _is_valid(certificate: Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _is_signed(certificate: Certificate, seen: SnsMessage) -> bool:
    """Version 1 signs with SHA-1, which still withstands forging for a given text; version 2 with SHA-256."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey), "only RSA certificates are kept"
    digest = hashes.SHA1() if seen.signature_version == "1" else hashes.SHA256()  # noqa: S303
    try:
        signature = base64.b64decode(seen.signature, validate=True)
        key.verify(signature, seen.canonical, padding.PKCS1v15(), digest)
    except (ValueError, InvalidSignature):
        return False
    return base64.b64encode(signature).decode() == seen.signature


def offer_from(seen: SnsMessage) -> SubscriptionOffer | None:
    """What a verified delivery offers, when it is about the subscription itself."""
    if seen.type == "Notification":
        return None
    is_new = seen.type == "SubscriptionConfirmation"
    return SubscriptionOffer(topic=seen.topic_arn, url=seen.subscribe_url or "", is_new=is_new)


def require_confirmable(offer: SubscriptionOffer, topics: tuple[str, ...]) -> None:
    """Refuse an offer that did not come out of a verified delivery of a topic of ours.

    Raises:
        ProviderRejected: the offer is another one, or tells of an end.
    """
    if not offer.is_new or offer.topic not in topics or not is_pinned(offer.url):
        raise ProviderRejected("this is no subscription to confirm", topic=offer.topic)
