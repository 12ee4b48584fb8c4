"""Webhook signatures: the published vectors hold, and nothing else passes."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from invoicepay.adapters.signatures import HEADERS, LARGEST_BODY, key_of, signed_headers, verified
from invoicepay.errors import ConfigurationError, WebhookSignatureInvalid

VECTORS = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        "1649367553",
        b'{"email":"test@example.com","username":"test_user"}',
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
KEY, OLD_KEY, BODY = b"k" * 32, b"o" * 32, b'{"a":1}'


def good() -> dict[str, str]:
    return signed_headers(KEY, "evt-1", NOON, BODY)


def refused(headers: dict[str, str], body: bytes = BODY, *, at: datetime = NOON) -> bool:
    """Whether the delivery is refused, with the one error."""
    try:
        verified([KEY], body, headers, received_at=at)
    except WebhookSignatureInvalid:
        return True
    return False


@pytest.mark.parametrize(("secret", "id", "timestamp", "body", "signature"), VECTORS)
def test_the_published_vectors_hold(
    secret: str, id: str, timestamp: str, body: bytes, signature: str
) -> None:
    at = datetime.fromtimestamp(int(timestamp), UTC)
    headers = dict(zip(HEADERS, (id, timestamp, signature), strict=True))

    assert signed_headers(key_of(secret), id, at, body) == headers
    assert verified([key_of(secret)], body, headers, received_at=at) == id


def test_a_second_spelling_of_the_same_bytes_is_refused() -> None:
    secret, id, timestamp, body, signature = VECTORS[0]
    headers = dict(zip(HEADERS, (id, timestamp, signature.replace("1OE=", "1OF=")), strict=True))

    with pytest.raises(WebhookSignatureInvalid):
        verified([key_of(secret)], body, headers, received_at=datetime.fromtimestamp(int(timestamp), UTC))


def test_the_old_key_passes_while_both_are_valid() -> None:
    headers = signed_headers(OLD_KEY, "evt-1", NOON, BODY)

    assert verified([KEY, OLD_KEY], BODY, headers, received_at=NOON) == "evt-1"


def test_a_good_signature_is_found_among_others_and_unknown_versions() -> None:
    headers = good()
    signature = headers["webhook-signature"]

    for offered in (f"v9,x v1 v1,AAAA= {signature}", f"{signature} v1,AAAA= v9,x"):
        assert not refused({**headers, "webhook-signature": offered})


@pytest.mark.parametrize("apart", [-300, 0, 300])
def test_five_minutes_each_way_are_tolerated(apart: int) -> None:
    assert not refused(good(), at=NOON + timedelta(seconds=apart))


@pytest.mark.parametrize("apart", [-301, 301, -86400, 10**9])
def test_more_is_not(apart: int) -> None:
    assert refused(good(), at=NOON + timedelta(seconds=apart))


STAMP = str(int(NOON.timestamp()))
ARABIC = STAMP.translate({ord(str(n)): chr(0x660 + n) for n in range(10)})


@pytest.mark.parametrize(
    "stamp",
    [
        f"{STAMP}.9",
        f" {STAMP}",
        f"{STAMP} ",
        f"{STAMP}\n",
        f"+{STAMP}",
        f"{STAMP[:4]}_{STAMP[4:]}",
        ARABIC,
        "1.7e9",
        "",
        "9" * 13,
    ],
)
def test_a_timestamp_is_ascii_digits_and_nothing_else(stamp: str) -> None:
    headers = signed_headers(KEY, "evt-1", NOON, BODY)

    assert refused({**headers, "webhook-timestamp": stamp})


@pytest.mark.parametrize("name", HEADERS)
def test_each_header_comes_exactly_once(name: str) -> None:
    headers = good()

    assert refused({other: value for other, value in headers.items() if other != name})
    assert refused({**headers, name.upper(): headers[name]})


@pytest.mark.parametrize(
    "signature",
    [
        "",
        " ",
        "v1",
        "v1,",
        ",",
        "é",
        "\u2028",
        "v1,\x00",
        "x" * 5000,
        "a b c d e f g h i j k l",
        "v2,{mac}",
        "{mac}",
        "v1,{mac} ",
        "v1, {mac}",
    ],
)
def test_a_malformed_signature_is_the_same_error(signature: str) -> None:
    headers = good()
    mac = headers["webhook-signature"].removeprefix("v1,")

    assert refused({**headers, "webhook-signature": signature.replace("{mac}", mac)})


@pytest.mark.parametrize("id", ["", "evt 1", "é", "evt-1\n", "x" * 300])
def test_a_malformed_id_is_the_same_error(id: str) -> None:
    assert refused({**good(), "webhook-id": id})


def test_a_body_beyond_the_cap_is_refused_although_it_was_signed() -> None:
    body = b"x" * (LARGEST_BODY + 1)

    assert refused(signed_headers(KEY, "evt-1", NOON, body), body)


def test_ten_thousand_mutations_are_all_refused_with_the_one_error() -> None:
    chance = random.Random(7)
    headers = good()
    passed = [number for number in range(10_000) if not refused(*_mutation(chance, headers))]

    assert passed == []


def _mutation(chance: random.Random, headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
    """One place of the delivery changed, to any byte or character."""
    place = chance.choice([*HEADERS, "body"])
    if place == "body":
        body = bytearray(BODY)
        body[chance.randrange(len(body))] ^= chance.randrange(1, 256)
        return headers, bytes(body)
    text = headers[place]
    where = chance.randrange(len(text))
    other = chr(chance.choice([chance.randrange(0x20, 0x7F), chance.randrange(0x80, 0xD800)]))
    changed = text[:where] + (other if other != text[where] else "~") + text[where + chance.randrange(2) :]
    return {**headers, place: changed}, BODY


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", "é"])
def test_a_secret_that_is_none_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        key_of(secret)

    assert not secret or secret not in str(refusal.value) or secret == "whsec_"
