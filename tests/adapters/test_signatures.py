"""Webhook signatures: the published vectors hold, and nothing else passes, in every scheme."""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from invoicepay.adapters.signatures import (
    BODY_HMAC_SHA256_HEX,
    HEADERS_HMAC_SHA512_HEX,
    LARGEST_BODY,
    SCHEMES,
    STANDARD_V1,
    T_V1,
    Proof,
    Scheme,
    Secret,
)
from invoicepay.errors import ConfigurationError, WebhookSignatureInvalid

BODY_A = b'{"test": 2432232314}'
STANDARD_VECTORS = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        BODY_A,
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
VECTORS = [
    (
        T_V1,
        "whsec_test_secret",
        {"id": "", "nonce": ""},
        {
            "stripe-signature": "t=1614265330,"
            "v1=10c96c6fd3f320fcfc264cdc4f476c15060ede8e8a08404cea2ddf3b72544a9c"
        },
    ),
    (
        BODY_HMAC_SHA256_HEX,
        "test_key",
        {"id": "", "nonce": ""},
        {"x-signature": "402b24d9a25cfb1dcf7e19501a1945c87eec732e9d964877807a46b393360412"},
    ),
    (
        HEADERS_HMAC_SHA512_HEX,
        "test_key",
        {"id": "hook-1", "nonce": "nonce-1"},
        {
            "x-timestamp": "1614265330",
            "x-nonce": "nonce-1",
            "x-webhook-id": "hook-1",
            "x-signature": "d5ce61b3fe0d164df90867d9377f1b9f1ed0b3c8e65ac557f768795047f6b28d"
            "5aee194e39a06e76a12bcef03ccd9acbddd66d2ee45d83787013194a383fde88",
        },
    ),
]
THEN = datetime.fromtimestamp(1614265330, UTC)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
NEW, OLD, BODY = Secret(b"k" * 32), Secret(b"o" * 32), b'{"a":1}'
EVERY = list(SCHEMES.values())
TIMED = [scheme for scheme in EVERY if scheme.is_timed]
MUTATIONS = 10_000


def good(scheme: Scheme = STANDARD_V1, secret: Secret = NEW, body: bytes = BODY) -> dict[str, str]:
    return scheme.signed(secret, body, id="evt-1", at=NOON, nonce="n-1")


def refused(
    headers: dict[str, str], body: bytes = BODY, *, at: datetime = NOON, scheme: Scheme = STANDARD_V1
) -> bool:
    """Whether the delivery is refused, with the one error."""
    try:
        scheme.verified([NEW], body, headers, received_at=at)
    except WebhookSignatureInvalid:
        return True
    return False


@pytest.mark.parametrize(("secret", "id", "timestamp", "body", "signature"), STANDARD_VECTORS)
def test_the_published_vectors_hold(
    secret: str, id: str, timestamp: str, body: bytes, signature: str
) -> None:
    at, key = datetime.fromtimestamp(int(timestamp), UTC), STANDARD_V1.secret(secret)
    headers = dict(zip(STANDARD_V1.headers, (id, timestamp, signature), strict=True))

    assert STANDARD_V1.signed(key, body, id=id, at=at) == headers
    assert STANDARD_V1.verified([key], body, headers, received_at=at) == Proof(id, body_authenticated=True)


@pytest.mark.parametrize(("scheme", "secret", "claim", "headers"), VECTORS, ids=lambda value: str(value)[:20])
def test_the_vectors_of_the_other_schemes_hold(
    scheme: Scheme, secret: str, claim: dict[str, str], headers: dict[str, str]
) -> None:
    key = scheme.secret(secret)

    assert scheme.signed(key, BODY_A, at=THEN, **claim) == headers
    assert scheme.verified([key], BODY_A, headers, received_at=THEN).id == claim["id"]


def test_only_the_scheme_that_signs_no_body_says_so() -> None:
    proofs = {scheme: scheme.verified([NEW], BODY, good(scheme), received_at=NOON) for scheme in EVERY}

    without = [scheme.name for scheme, proof in proofs.items() if not proof.body_authenticated]
    assert without == ["headers_hmac_sha512_hex"]


@pytest.mark.parametrize("ending", ["1OA=", "1OF="])
def test_another_ending_is_refused_even_when_it_spells_nearly_the_same_bytes(ending: str) -> None:
    secret, id, timestamp, body, signature = STANDARD_VECTORS[0]
    headers = dict(zip(STANDARD_V1.headers, (id, timestamp, signature.replace("1OE=", ending)), strict=True))

    with pytest.raises(WebhookSignatureInvalid):
        STANDARD_V1.verified([STANDARD_V1.secret(secret)], body, headers, received_at=THEN)


@pytest.mark.parametrize("scheme", EVERY, ids=lambda scheme: scheme.name)
def test_both_secrets_pass_while_they_overlap_and_none_other(scheme: Scheme) -> None:
    day = timedelta(days=1)
    old, new = Secret(OLD.key, not_after=NOON + day), Secret(NEW.key, not_before=NOON - day)

    for signer in (old, new):
        scheme.verified([new, old], BODY, good(scheme, signer), received_at=NOON)
    with pytest.raises(WebhookSignatureInvalid):
        scheme.verified([new, old], BODY, good(scheme, Secret(b"x" * 32)), received_at=NOON)


@pytest.mark.parametrize(
    "secret",
    [
        Secret(NEW.key, not_after=NOON - timedelta(seconds=1)),
        Secret(NEW.key, not_before=NOON + timedelta(seconds=1)),
    ],
)
def test_a_secret_outside_its_time_is_refused_and_its_use_is_told(
    secret: Secret, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(WebhookSignatureInvalid):
        STANDARD_V1.verified([secret], BODY, good(), received_at=NOON)

    assert caplog.messages == ["signed with a secret whose time is over: standard_v1"]


def test_a_key_is_shown_to_nobody() -> None:
    assert "kkkk" not in repr(NEW)


def test_a_good_signature_is_found_among_others_and_unknown_versions() -> None:
    headers, timed = good(), good(T_V1)["stripe-signature"]
    signature = headers["webhook-signature"]

    for offered in (f"v9,x v1 v1,AAAA= {signature}", f"{signature} v1,AAAA= v9,x"):
        assert not refused({**headers, "webhook-signature": offered})
    for offered in (f"v0=x,oops,v1=00,{timed}", f"{timed},v1=00,v9="):
        assert not refused({"stripe-signature": offered}, scheme=T_V1)


@pytest.mark.parametrize("scheme", TIMED, ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("apart", [-300, 0, 300])
def test_five_minutes_each_way_are_tolerated(scheme: Scheme, apart: int) -> None:
    assert not refused(good(scheme), at=NOON + timedelta(seconds=apart), scheme=scheme)


@pytest.mark.parametrize("scheme", TIMED, ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("apart", [-301, 301, -86400, 10**9])
def test_more_is_not(scheme: Scheme, apart: int) -> None:
    assert refused(good(scheme), at=NOON + timedelta(seconds=apart), scheme=scheme)


STAMP = str(int(NOON.timestamp()))
ARABIC = STAMP.translate({ord(str(n)): chr(0x660 + n) for n in range(10)})


@pytest.mark.parametrize("scheme", TIMED, ids=lambda scheme: scheme.name)
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
    ids=itertools.count(),
)
def test_a_timestamp_is_ascii_digits_and_nothing_else(scheme: Scheme, stamp: str) -> None:
    headers = {name: value.replace(STAMP, stamp) for name, value in good(scheme).items()}

    assert refused(headers, scheme=scheme)


@pytest.mark.parametrize(("scheme", "name"), [(scheme, name) for scheme in EVERY for name in scheme.headers])
def test_each_header_comes_exactly_once(scheme: Scheme, name: str) -> None:
    headers = good(scheme)

    assert refused({other: value for other, value in headers.items() if other != name}, scheme=scheme)
    assert refused({**headers, name.upper(): headers[name]}, scheme=scheme)


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
    ids=itertools.count(),
)
def test_a_malformed_signature_is_the_same_error(signature: str) -> None:
    headers = good()
    mac = headers["webhook-signature"].removeprefix("v1,")

    assert refused({**headers, "webhook-signature": signature.replace("{mac}", mac)})


@pytest.mark.parametrize(
    "header",
    [
        "",
        ",",
        "t",
        "{mac}",
        "v1={mac}",
        "t={t}",
        "t={t},t={t},v1={mac}",
        "t={t},v0={mac}",
        "t={t}, v1={mac}",
        "t={t};v1={mac}",
        "t={t},v1={mac}=",
        "t={t}" + ",v1=00" * 10 + ",v1={mac}",
    ],
)
def test_a_malformed_timed_header_is_the_same_error(header: str) -> None:
    mac = good(T_V1)["stripe-signature"].partition("v1=")[2]

    assert refused({"stripe-signature": header.replace("{t}", STAMP).replace("{mac}", mac)}, scheme=T_V1)


@pytest.mark.parametrize("id", ["", "evt 1", "é", "evt-1\n", "x" * 300], ids=range(5))
def test_a_malformed_id_is_the_same_error(id: str) -> None:
    assert refused({**good(), "webhook-id": id})


@pytest.mark.parametrize("scheme", EVERY, ids=lambda scheme: scheme.name)
def test_a_body_beyond_the_cap_is_refused_although_it_was_signed(scheme: Scheme) -> None:
    body = b"x" * (LARGEST_BODY + 1)

    assert refused(good(scheme, body=body), body, scheme=scheme)


@pytest.mark.parametrize("scheme", EVERY, ids=lambda scheme: scheme.name)
def test_ten_thousand_mutations_are_all_refused_with_the_one_error(scheme: Scheme) -> None:
    tried = list(_mutations(scheme))

    passed = [mutation for mutation in tried if not refused(*mutation, scheme=scheme)]

    assert len(tried) == MUTATIONS
    assert passed == []


def _mutations(scheme: Scheme) -> Iterator[tuple[dict[str, str], bytes]]:
    """Deliveries with one place of what is signed changed, to any byte or character."""
    chance, headers = random.Random(7), good(scheme)
    places = [*headers, "body"] if scheme.body_authenticated else [*headers]
    for _ in range(MUTATIONS):
        place = chance.choice(places)
        if place == "body":
            body = bytearray(BODY)
            body[chance.randrange(len(body))] ^= chance.randrange(1, 256)
            yield headers, bytes(body)
        else:
            yield {**headers, place: _mutated(chance, headers[place])}, BODY


def _mutated(chance: random.Random, text: str) -> str:
    """One character changed, or another one put in."""
    where = chance.randrange(len(text))
    other = chr(chance.choice([chance.randrange(0x20, 0x7F), chance.randrange(0x80, 0xD800)]))
    return text[:where] + (other if other != text[where] else "~") + text[where + chance.randrange(2) :]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", "é"], ids=range(5))
def test_a_secret_that_is_none_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        STANDARD_V1.secret(secret)

    assert not secret or secret not in str(refusal.value) or secret == "whsec_"


def test_a_secret_of_a_few_letters_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        T_V1.secret("short")


def test_a_scheme_is_used_under_the_header_names_of_a_provider() -> None:
    scheme = BODY_HMAC_SHA256_HEX.under("X-Acme-Signature")

    assert scheme.verified([NEW], BODY, good(scheme), received_at=NOON) == Proof("", body_authenticated=True)
    with pytest.raises(ConfigurationError):
        STANDARD_V1.under("X-Acme-Signature")
