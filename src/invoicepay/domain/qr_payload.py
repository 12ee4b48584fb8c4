"""What a payment code says, and the signature that proves we said it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NoReturn

from invoicepay.domain.money import Money, positive, scale_of
from invoicepay.domain.time import aware, iso
from invoicepay.errors import InvalidInput, QrExpired, QrSignatureInvalid

VERSION = 1
"""Pins layout and algorithm together: HMAC-SHA-256 over a JSON array in base64url."""
SCHEME = "invoicepay:"
"""What stands before the signed text in a code that no web page answers."""
MAX_TEXT = 1024
MIN_SECRET_BYTES = 32

_PREFIX = f"ip{VERSION}"
_KID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{22,64}")
_SIGNED = re.compile(
    rf"({_PREFIX}\.({_KID.pattern})\.([A-Za-z0-9_-]{{1,{MAX_TEXT}}}))\.([A-Za-z0-9_-]{{43}})"
)
_BASE = re.compile(r"https://[!#-;=?-~]{1,255}")
_MAX_ID = 128
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KEY_LABEL = b"invoicepay qr ip1 tenant key\n"
_MAC_LABEL = b"invoicepay qr ip1 mac\n"


class QrKind(StrEnum):
    """What is paid: one invoice, one request, or a payee with or without a fixed amount (spec 4.6)."""

    INVOICE = "invoice"
    REQUEST = "request"
    STATIC_PAYEE = "static_payee"
    STATIC_AMOUNT = "static_amount"


@dataclass(frozen=True, slots=True, kw_only=True)
class QrPayload:
    """The signed content of a payment code; no balance and no personal data (spec 4.6).

    It tells a payer's device what to ask for. What is paid is decided by the stored invoice or request
    when the payment is approved, never by these figures.

    Attributes:
        id: the invoice or request; empty for the static kinds.
        tenant: the programme the code belongs to.
        payee: the host's id of whoever is paid; everyone who scans sees it.
        amount: what is asked for; None leaves it to the payer. A static payee has none, a static amount one.
        expires_at: from this instant on the code is refused; None never expires.
        nonce: at least 128 random bits as base64url (16 bytes, 22 characters): no code can be guessed (S-24).

    Raises:
        InvalidInput: the fields do not fit the kind, or one is malformed; `UnknownAsset`, `InvalidTime`,
            `AmountNotPositive` and `AmountOutOfRange` say which.
    """

    version: int = VERSION
    kind: QrKind
    id: str = ""
    tenant: str
    payee: str
    asset: str
    amount: Money | None = None
    expires_at: datetime | None = None
    nonce: str

    def __post_init__(self) -> None:
        scale_of(self.asset)
        if self.expires_at is not None:
            object.__setattr__(self, "expires_at", aware(self.expires_at, "expires_at"))
        if self.amount is not None:
            positive(self.amount)
        problem = _field_problem(self) or _kind_problem(self)
        if problem:
            raise InvalidInput(problem)


class QrKeys:
    """The secrets that sign payment codes: one signs, all verify, so a code outlives a rotation.

    To rotate, add a secret under a new name and make it active; drop the old one after its last code expired.
    Nothing prints, pickles or lists the secrets.

    Args:
        active: name of the secret that signs; 1 to 32 of `A-Z a-z 0-9 _ -`, public.
        secrets: at least 32 random bytes under each name.

    Raises:
        InvalidInput: a name is malformed, the active one is missing, or a secret is too short.
    """

    __slots__ = ("_active", "_secrets")

    def __init__(self, active: str, secrets: Mapping[str, bytes]) -> None:
        self._active = active
        self._secrets = dict(secrets)
        problem = _key_problem(active, self._secrets)
        if problem:
            del secrets  # a traceback with captured locals must not show them
            raise InvalidInput(problem)

    @property
    def active(self) -> str:
        """Name of the secret that signs."""
        return self._active

    @property
    def kids(self) -> tuple[str, ...]:
        """Names of the secrets that verify."""
        return tuple(self._secrets)

    def __repr__(self) -> str:
        return f"QrKeys(active={self._active!r}, kids={self.kids!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("QrKeys hold secrets and are not pickled or copied")

    def _mac(self, signed: str, kid: str, tenant: str) -> str:
        """Under an unknown name the work is the same, and `_accepts` refuses the result (S-23)."""
        secret = self._secrets.get(kid, self._secrets[self._active])
        tenant_key = hmac.digest(secret, _KEY_LABEL + tenant.encode(), hashlib.sha256)
        return _base64url(hmac.digest(tenant_key, _MAC_LABEL + signed.encode(), hashlib.sha256))

    def _accepts(self, signed: str, kid: str, mac: str, tenant: str) -> bool:
        return hmac.compare_digest(self._mac(signed, kid, tenant), mac) & (kid in self._secrets)


def sign(payload: QrPayload, keys: QrKeys) -> str:
    """The payload as text `ip1.<kid>.<payload>.<mac>`, signed with the active secret (S-14).

    Equal payloads under one secret give equal texts.

    Raises:
        InvalidInput: the text would be longer than 1,024 characters.
    """
    signed = f"{_PREFIX}.{keys.active}.{_encoded(payload)}"
    text = f"{signed}.{keys._mac(signed, keys.active, payload.tenant)}"
    if len(text) > MAX_TEXT:
        raise InvalidInput(
            f"a payment code has at most {MAX_TEXT} characters; shorten the ids", size=len(text)
        )
    return text


def verify(text: str, keys: QrKeys, *, now: datetime, tenant: str) -> QrPayload:
    """The payload of a text we signed for `tenant`, unless it has expired (S-14, S-23).

    Call it when a code is scanned and again when the payment is approved, then check the state of the
    invoice or request in the same transaction (spec 4.6).

    Raises:
        QrSignatureInvalid: anything but a text we signed for this tenant with a secret still in `keys`;
            malformed, altered, unknown key and foreign tenant answer alike.
        QrExpired: we signed it and its time is over.
    """
    match = _SIGNED.fullmatch(text) if isinstance(text, str) and len(text) <= MAX_TEXT else None
    if match is None or not keys._accepts(match[1], match[2], match[4], tenant):
        raise QrSignatureInvalid
    payload = _decoded(match[3])
    if payload.tenant != tenant:
        raise QrSignatureInvalid
    if payload.expires_at is not None and now >= payload.expires_at:
        raise QrExpired(expires_at=iso(payload.expires_at))
    return payload


def link(text: str, base: str = SCHEME) -> str:
    """What a code shows: the signed text behind `invoicepay:` or behind the host's own https address.

    Args:
        text: from `sign`.
        base: what stands before it, such as `https://pay.example/#`; a fragment stays out of access logs.

    Raises:
        InvalidInput: the base is neither `invoicepay:` nor printable ASCII that begins with https://.
    """
    _refuse_other_base(base)
    return base + text


def text_of(scanned: str, base: str = SCHEME) -> str:
    """The signed text inside a scanned link, for `verify`.

    Raises:
        QrSignatureInvalid: it does not begin with `base`.
        InvalidInput: the base is neither `invoicepay:` nor printable ASCII that begins with https://.
    """
    _refuse_other_base(base)
    if not scanned.startswith(base):
        raise QrSignatureInvalid
    return scanned.removeprefix(base)


def _encoded(payload: QrPayload) -> str:
    """Base64url of the fields as a JSON array; equal payloads have equal encodings."""
    fields = [
        payload.kind.value,
        payload.id,
        payload.tenant,
        payload.payee,
        payload.asset,
        None if payload.amount is None else payload.amount.micros,
        None if payload.expires_at is None else (payload.expires_at - _EPOCH) // _MICROSECOND,
        payload.nonce,
    ]
    return _base64url(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode())


def _decoded(encoded: str) -> QrPayload:
    """The inverse of `_encoded`; a second spelling of one payload is refused even when it is signed."""
    try:
        payload = _payload(json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()))
    except (ValueError, OverflowError):
        raise QrSignatureInvalid from None
    if _encoded(payload) != encoded:
        raise QrSignatureInvalid
    return payload


def _payload(fields: object) -> QrPayload:
    match fields:
        case [
            str(kind),
            str(id),
            str(tenant),
            str(payee),
            str(asset),
            (int() | None) as micros,
            (int() | None) as expires_at,
            str(nonce),
        ]:
            return QrPayload(
                kind=QrKind(kind),
                id=id,
                tenant=tenant,
                payee=payee,
                asset=asset,
                amount=None if micros is None else Money.from_micros(micros, asset),
                expires_at=None if expires_at is None else _EPOCH + expires_at * _MICROSECOND,
                nonce=nonce,
            )
        case _:
            raise ValueError("not the fields of a payment code")


def _field_problem(payload: QrPayload) -> str | None:
    if payload.version != VERSION:
        return f"a payment code has version {VERSION}"
    if not payload.tenant or not payload.payee:
        return "a payment code names its tenant and its payee"
    if not all(
        len(text) <= _MAX_ID and text.isprintable() for text in (payload.id, payload.tenant, payload.payee)
    ):
        return f"id, tenant and payee have at most {_MAX_ID} printable characters"
    if not _NONCE.fullmatch(payload.nonce):
        return "a nonce is 22 to 64 characters of base64url, from at least 16 random bytes"
    return None


def _kind_problem(payload: QrPayload) -> str | None:
    static = payload.kind in (QrKind.STATIC_PAYEE, QrKind.STATIC_AMOUNT)
    if static is bool(payload.id):
        return f"{payload.kind} has no id" if static else f"{payload.kind} needs the id"
    if payload.amount is None:
        return "static_amount needs an amount" if payload.kind is QrKind.STATIC_AMOUNT else None
    if payload.kind is QrKind.STATIC_PAYEE:
        return "static_payee leaves the amount to the payer"
    return None if payload.amount.asset == payload.asset else "the amount is of another asset"


def _key_problem(active: str, secrets: Mapping[str, bytes]) -> str | None:
    if active not in secrets:
        return "the active key is not among the secrets"
    if not all(_KID.fullmatch(kid) for kid in secrets):
        return "a key name is 1 to 32 of A-Z a-z 0-9 _ -"
    if any(not isinstance(secret, bytes) or len(secret) < MIN_SECRET_BYTES for secret in secrets.values()):
        return f"a secret is at least {MIN_SECRET_BYTES} random bytes"
    return None


def _refuse_other_base(base: str) -> None:
    if base != SCHEME and not _BASE.fullmatch(base):
        raise InvalidInput(f"a link begins with {SCHEME} or with https:// and printable ASCII")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
