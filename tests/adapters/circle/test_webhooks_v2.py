"""Deliveries of Circle's wallets are taken with a good signature over the raw bytes, and never otherwise."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.asking import MOST_QUESTIONS
from invoicepay.adapters.circle.webhooks_v2 import (
    LARGEST_BODY,
    NotificationKeys,
    notification_from,
    public_key,
)
from invoicepay.bridge import run_blocking
from invoicepay.errors import ProviderUnavailable, WebhookSignatureInvalid

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY_ID = "879dc113-5ca4-4ff7-a6b7-54652083fcf8"
PUBLISHED_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESl76SZPBJemW0mJNN4KTvYkLT8bOT4UGhFhzNk3fJqf6iuPlLQLq533FelXwczJbjg2U"
    "1PHTvQTK7qOQnDL2Tg=="
)
PUBLISHED_SIGNATURE = (
    "MEQCIBlJPX7t0FDOcozsRK6qIQwik5Fq6mhAtCSSgIB/yQO7AiB9U5lVpdufKvPhk3cz4TH2f5MP7ArnmPRBmhPztpsIFQ=="
)
PUBLISHED_BODY = (
    b'{"subscriptionId":"00000000-0000-0000-0000-000000000000","notificationId":'
    b'"00000000-0000-0000-0000-000000000000","notificationType":"webhooks.test","notification":{"hello":"world"},'
    b'"timestamp":"2024-01-26T18:22:19.779834211Z","version":2}'
)
PUBLISHED = {"X-Circle-Key-Id": KEY_ID, "X-Circle-Signature": PUBLISHED_SIGNATURE}


class Circle:
    """Circle's key endpoint; counts what it is asked."""

    def __init__(self, **keys: wire.NotificationKey) -> None:
        self.keys, self.asked = keys, list[str]()

    async def fetch(self, key_id: str) -> wire.NotificationKey | None:
        self.asked.append(key_id)
        return self.keys.get(key_id)


def told(public: str, *, id: str = KEY_ID, algorithm: str = "ECDSA_SHA_256") -> wire.NotificationKey:
    return wire.NotificationKey(id=id, algorithm=algorithm, public_key=public)


def der(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_key().public_bytes(serialization.Encoding.DER, form)).decode()


def signed(key: ec.EllipticCurvePrivateKey, body: bytes) -> dict[str, str]:
    signature = base64.b64encode(key.sign(body, ec.ECDSA(hashes.SHA256()))).decode()
    return {"X-Circle-Key-Id": KEY_ID, "X-Circle-Signature": signature}


def knowing(public: str = PUBLISHED_KEY) -> NotificationKeys:
    keys = NotificationKeys(Circle(**{KEY_ID: told(public)}).fetch)
    run_blocking(keys.prepare(PUBLISHED, NOON))
    return keys


def test_the_published_vector_verifies() -> None:
    keys = knowing()

    keys.verified(PUBLISHED_BODY, PUBLISHED)

    assert notification_from(PUBLISHED_BODY).notification == {"hello": "world"}


def test_every_byte_of_the_published_vector_counts() -> None:
    keys = knowing()
    for place in range(len(PUBLISHED_BODY)):
        changed = PUBLISHED_BODY[:place] + bytes([PUBLISHED_BODY[place] ^ 1]) + PUBLISHED_BODY[place + 1 :]

        with pytest.raises(WebhookSignatureInvalid):
            keys.verified(changed, PUBLISHED)


def test_the_same_json_in_other_bytes_is_refused() -> None:
    with pytest.raises(WebhookSignatureInvalid):
        knowing().verified(json.dumps(json.loads(PUBLISHED_BODY)).encode(), PUBLISHED)


def test_a_key_of_our_own_verifies_and_another_one_does_not() -> None:
    ours, others = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    keys, body = knowing(der(ours)), b'{"a": 1}'

    keys.verified(body, signed(ours, body))

    with pytest.raises(WebhookSignatureInvalid):
        keys.verified(body, signed(others, body))


def test_a_body_beyond_all_measure_is_refused_unread() -> None:
    ours = ec.generate_private_key(ec.SECP256R1())
    keys, body = knowing(der(ours)), b" " * (LARGEST_BODY + 1)

    keys.verified(body[1:], signed(ours, body[1:]))
    with pytest.raises(WebhookSignatureInvalid):
        keys.verified(body, signed(ours, body))


def test_a_key_is_asked_for_once_and_kept() -> None:
    circle = Circle(**{KEY_ID: told(PUBLISHED_KEY)})
    keys = NotificationKeys(circle.fetch)

    for minute in range(3):
        run_blocking(keys.prepare(PUBLISHED, NOON + timedelta(minutes=minute)))

    assert circle.asked == [KEY_ID]


def test_a_delivery_is_refused_while_its_key_is_not_at_hand() -> None:
    with pytest.raises(WebhookSignatureInvalid):
        NotificationKeys(Circle().fetch).verified(PUBLISHED_BODY, PUBLISHED)


def test_an_unknown_key_is_not_asked_for_again_within_seconds() -> None:
    circle = Circle()
    keys = NotificationKeys(circle.fetch)

    for second in (0, 1, 29, 30):
        run_blocking(keys.prepare(PUBLISHED, NOON + timedelta(seconds=second)))

    assert circle.asked == [KEY_ID, KEY_ID]


def test_a_flood_of_unknown_keys_costs_ten_questions_a_minute_and_refuses_no_good_delivery() -> None:
    circle = Circle()
    keys = NotificationKeys(circle.fetch)

    for number in range(1_000):
        forged = {**PUBLISHED, "X-Circle-Key-Id": f"00000000-0000-4000-8000-{number:012}"}
        with suppress(ProviderUnavailable):
            run_blocking(keys.prepare(forged, NOON))

    assert len(circle.asked) == MOST_QUESTIONS
    with pytest.raises(ProviderUnavailable) as later:
        run_blocking(keys.prepare(PUBLISHED, NOON + timedelta(seconds=40)))
    assert later.value.details["retry_after_seconds"] == 20, "a good delivery comes again"
    run_blocking(keys.prepare(PUBLISHED, NOON + timedelta(minutes=1)))
    assert circle.asked[-1] == KEY_ID


def test_a_key_of_another_kind_is_never_used() -> None:
    p384, edward = ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)

    assert public_key(told(der(p384))) is None
    assert public_key(told(der(edward))) is None
    assert public_key(told("bm8ga2V5")) is None
    assert public_key(told("no base64!")) is None
    assert public_key(told(PUBLISHED_KEY, algorithm="ECDSA_SHA_512")) is None


def test_a_key_that_answers_to_another_id_is_never_used() -> None:
    other = told(PUBLISHED_KEY, id="00000000-0000-4000-8000-000000000000")
    keys = NotificationKeys(Circle(**{KEY_ID: other}).fetch)
    run_blocking(keys.prepare(PUBLISHED, NOON))

    with pytest.raises(WebhookSignatureInvalid):
        keys.verified(PUBLISHED_BODY, PUBLISHED)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Circle-Key-Id": KEY_ID},
        {"X-Circle-Signature": PUBLISHED_SIGNATURE},
        {**PUBLISHED, "x-circle-signature": PUBLISHED_SIGNATURE},
        {**PUBLISHED, "X-Circle-Key-Id": KEY_ID.upper()},
        {**PUBLISHED, "X-Circle-Key-Id": f"{KEY_ID}/../x"},
        {**PUBLISHED, "X-Circle-Signature": PUBLISHED_SIGNATURE.rstrip("=")},
        {**PUBLISHED, "X-Circle-Signature": PUBLISHED_SIGNATURE.replace("FQ==", "FR==")},
        {**PUBLISHED, "X-Circle-Signature": f"{PUBLISHED_SIGNATURE}\n"},
    ],
)
def test_headers_have_one_spelling(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookSignatureInvalid):
        knowing().verified(PUBLISHED_BODY, headers)


def test_a_signed_body_of_another_version_is_refused() -> None:
    body = PUBLISHED_BODY.replace(b'"version":2', b'"version":3')

    with pytest.raises(WebhookSignatureInvalid, match="version 2"):
        notification_from(body)
