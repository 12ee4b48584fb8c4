"""Webhook signatures: the schemes that providers publish, made and checked over the raw bytes (S-09).

A provider's adapter picks the scheme, gives it its secrets and asks for a proof before it reads the body:

    proof = STANDARD_V1.verified([STANDARD_V1.secret("whsec_…")], body, headers, received_at=now)
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from logging import getLogger

from invoicepay.errors import ConfigurationError, WebhookSignatureInvalid

TOLERANCE_SECONDS = 300
LARGEST_BODY = 256 * 1024
LONGEST_HEADER = 2_010
MOST_SIGNATURES = 10

_WORD = re.compile(r"[\x21-\x7e]{1,200}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_MARK = "whsec_"


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that deliveries may be signed with; give the old and the new one while a rotation is under way.

    Attributes:
        not_before, not_after: when it counts, aware; None is without limit.
    """

    key: bytes = field(repr=False)
    not_before: datetime | None = None
    not_after: datetime | None = None

    def counts_at(self, instant: datetime) -> bool:
        """Whether a delivery received then may be signed with it."""
        is_early = self.not_before is not None and instant < self.not_before
        return not is_early and (self.not_after is None or instant <= self.not_after)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a good signature vouches for.

    Attributes:
        id: the delivery's, the same whenever it is repeated; empty where the scheme has none.
        body_authenticated: False when only headers are signed: ask the provider before acting on the body.
    """

    id: str
    body_authenticated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the headers of a delivery say of it, before anything is believed."""

    id: str = ""
    timestamp: str = ""
    nonce: str = ""
    signatures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One way to sign deliveries.

    Attributes:
        headers: names of the headers, in the order in which `read` takes and `write` gives their values.
        content: the bytes that are signed.
        text: how a signature is spelt.
        key_of: the key in a secret as the provider hands it out.
        is_timed: an instant is signed, so that old and future deliveries are refused.
    """

    name: str
    headers: tuple[str, ...]
    read: Callable[[Sequence[str]], Claim]
    write: Callable[[Claim], Sequence[str]]
    content: Callable[[Claim, bytes], bytes]
    digest: str
    text: Callable[[bytes], str]
    key_of: Callable[[str], bytes]
    is_timed: bool = True
    body_authenticated: bool = True

    def under(self, *headers: str) -> Scheme:
        """The same scheme under other header names."""
        if len(headers) != len(self.headers):
            raise ConfigurationError(f"{self.name} has {len(self.headers)} headers, not {len(headers)}")
        return replace(self, headers=headers)

    def secret(
        self, text: str, *, not_before: datetime | None = None, not_after: datetime | None = None
    ) -> Secret:
        """The secret that a provider handed out as text.

        Raises:
            ConfigurationError: the text is no such secret; it is not repeated in the message.
        """
        return Secret(self.key_of(text), not_before, not_after)

    def signed(
        self, secret: Secret, body: bytes, *, id: str = "", at: datetime | None = None, nonce: str = ""
    ) -> dict[str, str]:
        """The headers that a sender puts on a delivery."""
        claim = Claim(id=id, timestamp="" if at is None else str(int(at.timestamp())), nonce=nonce)
        complete = replace(claim, signatures=(self._signature(secret, claim, body),))
        return dict(zip(self.headers, self.write(complete), strict=True))

    def verified(
        self, secrets: Sequence[Secret], body: bytes, headers: Mapping[str, str], *, received_at: datetime
    ) -> Proof:
        """The proof that the delivery was signed with one of the secrets.

        Every secret is tried with every offered signature in constant time; signatures are compared as text,
        so no second spelling of the same bytes is taken.

        Raises:
            WebhookSignatureInvalid: whatever is wrong, without telling which part.
        """
        claim = self.read(_values(self.headers, headers))
        if len(body) > LARGEST_BODY or not 1 <= len(claim.signatures) <= MOST_SIGNATURES:
            raise WebhookSignatureInvalid
        if self.is_timed and not _is_timely(claim.timestamp, received_at):
            raise WebhookSignatureInvalid
        matching = [secret for secret in secrets if self._matches(secret, claim, body)]
        if not any(secret.counts_at(received_at) for secret in matching):
            if matching:
                getLogger("invoicepay.webhooks").warning(
                    "signed with a secret whose time is over: %s", self.name
                )
            raise WebhookSignatureInvalid
        return Proof(claim.id, self.body_authenticated)

    def _matches(self, secret: Secret, claim: Claim, body: bytes) -> bool:
        expected, is_good = self._signature(secret, claim, body).encode(), False
        for candidate in claim.signatures:
            is_good |= hmac.compare_digest(expected, candidate.encode())
        return is_good

    def _signature(self, secret: Secret, claim: Claim, body: bytes) -> str:
        return self.text(hmac.digest(secret.key, self.content(claim, body), self.digest))


def _values(names: Sequence[str], headers: Mapping[str, str]) -> list[str]:
    """The value of each header, each named exactly once whatever the case of its name, and plain ASCII."""
    found: dict[str, list[str]] = {name.lower(): [] for name in names}
    for name, value in headers.items():
        if name.lower() in found:
            found[name.lower()].append(value)
    for values in found.values():
        if len(values) != 1 or len(values[0]) > LONGEST_HEADER or not values[0].isascii():
            raise WebhookSignatureInvalid
    return [found[name.lower()][0] for name in names]


def _is_timely(timestamp: str, received_at: datetime) -> bool:
    return abs(int(timestamp) - received_at.timestamp()) <= TOLERANCE_SECONDS


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise WebhookSignatureInvalid
    return text


def _seconds(text: str) -> str:
    """Whole seconds in ASCII digits: no sign, fraction, space or exponent."""
    if not _TIMESTAMP.fullmatch(text):
        raise WebhookSignatureInvalid
    return text


def _read_standard(values: Sequence[str]) -> Claim:
    """`v1,<base64>` items with one space between; what is of another version is no signature of this one."""
    offered = [_word(item) for item in values[2].split(" ")]
    return Claim(id=_word(values[0]), timestamp=_seconds(values[1]), signatures=tuple(offered))


def _write_standard(claim: Claim) -> Sequence[str]:
    return claim.id, claim.timestamp, " ".join(claim.signatures)


def _standard_content(claim: Claim, body: bytes) -> bytes:
    return b".".join((claim.id.encode(), claim.timestamp.encode(), body))


def _standard_text(mac: bytes) -> str:
    return f"v1,{base64.b64encode(mac).decode()}"


def _standard_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix(_MARK), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 24:
        raise ConfigurationError("a webhook secret is whsec_ and the base64 of at least 24 bytes")
    return key


def _read_t_v1(values: Sequence[str]) -> Claim:
    """`t=<seconds>,v1=<hex>[,v1=<hex>]`; items of other names are no signatures of this scheme."""
    items = [item.partition("=") for item in values[0].split(",")]
    times = [value for name, _, value in items if name == "t"]
    if len(times) != 1:
        raise WebhookSignatureInvalid
    return Claim(timestamp=_seconds(times[0]), signatures=tuple(v for name, _, v in items if name == "v1"))


def _write_t_v1(claim: Claim) -> Sequence[str]:
    return (",".join((f"t={claim.timestamp}", *(f"v1={signature}" for signature in claim.signatures))),)


def _t_v1_content(claim: Claim, body: bytes) -> bytes:
    return b".".join((claim.timestamp.encode(), body))


def _text_key(text: str) -> bytes:
    """The text itself is the key, a `whsec_` in front included."""
    if len(text) < 8:
        raise ConfigurationError("a webhook secret has at least 8 characters")
    return text.encode()


def _read_headers(values: Sequence[str]) -> Claim:
    timestamp, nonce, id, signature = values
    return Claim(
        id=_word(id), timestamp=_seconds(timestamp), nonce=_word(nonce), signatures=(_word(signature),)
    )


def _write_headers(claim: Claim) -> Sequence[str]:
    return claim.timestamp, claim.nonce, claim.id, *claim.signatures


STANDARD_V1 = Scheme(
    name="standard_v1",
    headers=("webhook-id", "webhook-timestamp", "webhook-signature"),
    read=_read_standard,
    write=_write_standard,
    content=_standard_content,
    digest="sha256",
    text=_standard_text,
    key_of=_standard_key,
)
"""Standard Webhooks: id, instant and body are signed; secrets are spelt `whsec_…`."""

T_V1 = Scheme(
    name="t_v1",
    headers=("stripe-signature",),
    read=_read_t_v1,
    write=_write_t_v1,
    content=_t_v1_content,
    digest="sha256",
    text=bytes.hex,
    key_of=_text_key,
)
"""One header with instant and signatures, as Stripe sends it; instant and body are signed."""

BODY_HMAC_SHA256_HEX = Scheme(
    name="body_hmac_sha256_hex",
    headers=("x-signature",),
    read=lambda values: Claim(signatures=(_word(values[0]),)),
    write=lambda claim: claim.signatures,
    content=lambda _claim, body: body,
    digest="sha256",
    text=bytes.hex,
    key_of=_text_key,
    is_timed=False,
)
"""The body alone is signed, no instant: only the inbox, which keeps each event once, stops a repetition."""

HEADERS_HMAC_SHA512_HEX = Scheme(
    name="headers_hmac_sha512_hex",
    headers=("x-timestamp", "x-nonce", "x-webhook-id", "x-signature"),
    read=_read_headers,
    write=_write_headers,
    content=lambda claim, _body: f"{claim.timestamp}|{claim.nonce}|{claim.id}".encode(),
    digest="sha512",
    text=bytes.hex,
    key_of=_text_key,
    body_authenticated=False,
)
"""Instant, nonce and id are signed, as Moov does it, and the body is not: it is only a hint to ask."""

SCHEMES: Mapping[str, Scheme] = {
    scheme.name: scheme for scheme in (STANDARD_V1, T_V1, BODY_HMAC_SHA256_HEX, HEADERS_HMAC_SHA512_HEX)
}
"""Every scheme by its name, for profiles that are data."""
