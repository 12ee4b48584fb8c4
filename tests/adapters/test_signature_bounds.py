"""What each scheme signs, byte for byte, and where exactly each bound of a delivery lies (S-09)."""

from __future__ import annotations

import base64
import hmac
import itertools
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from invoicepay.adapters.signatures import (
    BODY_HMAC_SHA256_HEX,
    HEADERS_HMAC_SHA512_HEX,
    LARGEST_BODY,
    LONGEST_HEADER,
    MOST_SIGNATURES,
    SCHEMES,
    STANDARD_V1,
    T_V1,
    TOLERANCE_SECONDS,
    Claim,
    Proof,
    Scheme,
    Secret,
)
from invoicepay.errors import ConfigurationError, InvoicePayError, WebhookSignatureInvalid

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
STAMP = str(int(NOON.timestamp()))
KEY, BODY = b"k" * 32, b'{"a":1}'
SECRET = Secret(KEY)
SECOND, MICRO = timedelta(seconds=1), timedelta(microseconds=1)


def mac(content: bytes, digest: str = "sha256") -> bytes:
    return hmac.digest(KEY, content, digest)


def base64_mac(content: bytes) -> str:
    return f"v1,{base64.b64encode(mac(content)).decode()}"


SIGNED: list[tuple[Scheme, dict[str, str]]] = [
    (
        STANDARD_V1,
        {
            "webhook-id": "evt-1",
            "webhook-timestamp": STAMP,
            "webhook-signature": base64_mac(f"evt-1.{STAMP}.".encode() + BODY),
        },
    ),
    (T_V1, {"stripe-signature": f"t={STAMP},v1={mac(f'{STAMP}.'.encode() + BODY).hex()}"}),
    (BODY_HMAC_SHA256_HEX, {"x-signature": mac(BODY).hex()}),
    (
        HEADERS_HMAC_SHA512_HEX,
        {
            "x-timestamp": STAMP,
            "x-nonce": "n-1",
            "x-webhook-id": "evt-1",
            "x-signature": mac(f"{STAMP}|n-1|evt-1".encode(), "sha512").hex(),
        },
    ),
]
HEADERS = dict(SIGNED)
PROOFS = {
    STANDARD_V1: Proof("evt-1", True),
    T_V1: Proof("", True),
    BODY_HMAC_SHA256_HEX: Proof("", True),
    HEADERS_HMAC_SHA512_HEX: Proof("evt-1", False),
}
EVERY = list(SCHEMES.values())


def verified(scheme: Scheme, headers: dict[str, str], body: bytes = BODY, at: datetime = NOON) -> Proof:
    return scheme.verified([SECRET], body, headers, received_at=at)


def is_taken(scheme: Scheme, headers: dict[str, str], body: bytes = BODY, at: datetime = NOON) -> bool:
    """Whether the delivery passes; what does not is the one error without a word of why."""
    try:
        verified(scheme, headers, body, at)
    except WebhookSignatureInvalid as error:
        if (error.message, error.details) != (WebhookSignatureInvalid.title(), {}):
            raise
        return False
    return True


@pytest.mark.parametrize(("scheme", "headers"), SIGNED, ids=SCHEMES)
def test_a_scheme_signs_these_bytes_and_proves_this(scheme: Scheme, headers: dict[str, str]) -> None:
    made = scheme.signed(SECRET, BODY, id="evt-1", at=NOON + 999_999 * MICRO, nonce="n-1")

    assert made == headers
    assert list(made) == list(scheme.headers)
    assert verified(scheme, made) == PROOFS[scheme]
    assert SCHEMES[scheme.name] is scheme


def test_without_id_instant_and_nonce_a_scheme_that_needs_none_signs_the_body() -> None:
    made = BODY_HMAC_SHA256_HEX.signed(SECRET, BODY)

    assert verified(BODY_HMAC_SHA256_HEX, made) == Proof("", True)
    assert not is_taken(T_V1, T_V1.signed(SECRET, BODY))
    assert T_V1.signed(SECRET, BODY)["stripe-signature"] == f"t=,v1={mac(b'.' + BODY).hex()}"
    assert Claim() == Claim(id="", timestamp="", nonce="", signatures=())


@pytest.mark.parametrize("scheme", EVERY, ids=SCHEMES)
def test_the_names_of_headers_are_read_in_any_case_and_others_left_alone(scheme: Scheme) -> None:
    upper = {name.upper(): value for name, value in HEADERS[scheme].items()}

    assert is_taken(scheme, {**upper, "Content-Type": "é" * 5_000, "x-other": ""})
    renamed = scheme.under(*(f"X-Acme-{n}" for n in range(len(scheme.headers))))
    made = renamed.signed(SECRET, BODY, id="evt-1", at=NOON, nonce="n-1")
    assert list(made.values()) == list(HEADERS[scheme].values())
    assert list(made) == [f"X-Acme-{n}" for n in range(len(scheme.headers))]
    assert verified(renamed, made) == PROOFS[scheme]


def test_several_signatures_are_written_as_they_are_read() -> None:
    claim = Claim(id="evt-1", timestamp=STAMP, signatures=("v1,a", "v1,b"))
    assert STANDARD_V1.write(claim) == ("evt-1", STAMP, "v1,a v1,b")
    assert STANDARD_V1.read(STANDARD_V1.write(claim)) == claim
    several = Claim(timestamp=STAMP, signatures=("a", "b"))
    assert tuple(T_V1.write(several)) == (f"t={STAMP},v1=a,v1=b",)
    assert T_V1.read(T_V1.write(several)) == several


@pytest.mark.parametrize("item", ["t=1=1", "t=", "t", "t==1"])
def test_a_second_instant_is_refused_however_it_is_written(item: str) -> None:
    good = HEADERS[T_V1]["stripe-signature"]

    assert not is_taken(T_V1, {"stripe-signature": f"{good},{item}"})
    assert is_taken(T_V1, {"stripe-signature": f"{good},T=1,tt=1,=t"})


@pytest.mark.parametrize("scheme", EVERY, ids=SCHEMES)
@pytest.mark.parametrize(("length", "fits"), [(LARGEST_BODY, True), (LARGEST_BODY + 1, False)])
def test_a_body_may_be_so_long(scheme: Scheme, length: int, fits: bool) -> None:
    body = b"x" * length

    made = scheme.signed(SECRET, body, id="evt-1", at=NOON, nonce="n-1")

    assert is_taken(scheme, made, body) is fits


@pytest.mark.parametrize("scheme", [STANDARD_V1, T_V1, HEADERS_HMAC_SHA512_HEX], ids=lambda one: one.name)
@pytest.mark.parametrize("sign", [-1, 1])
def test_an_instant_may_be_so_far_away(scheme: Scheme, sign: int) -> None:
    edge = NOON + sign * TOLERANCE_SECONDS * SECOND

    assert is_taken(scheme, HEADERS[scheme], at=edge)
    assert not is_taken(scheme, HEADERS[scheme], at=edge + sign * MICRO)


def test_a_scheme_without_instant_is_never_late() -> None:
    assert is_taken(BODY_HMAC_SHA256_HEX, HEADERS[BODY_HMAC_SHA256_HEX], at=NOON + timedelta(days=4_000))


def offered(scheme: Scheme, others: int, *, first: bool) -> dict[str, str]:
    """A delivery with so many signatures beside the good one."""
    name = scheme.headers[-1]
    good = HEADERS[scheme][name]
    if scheme is STANDARD_V1:
        wrong = ["v1,AAAA="] * others
        value = " ".join([good, *wrong] if first else [*wrong, good])
    else:
        good, wrong = good.partition(",")[2], ["v1=00"] * others
        value = ",".join([f"t={STAMP}", *([good, *wrong] if first else [*wrong, good])])
    return {**HEADERS[scheme], name: value}


@pytest.mark.parametrize("scheme", [STANDARD_V1, T_V1], ids=lambda one: one.name)
@pytest.mark.parametrize("first", [True, False])
def test_so_many_signatures_are_tried_and_one_more_is_not(scheme: Scheme, first: bool) -> None:
    assert is_taken(scheme, offered(scheme, MOST_SIGNATURES - 1, first=first))
    assert not is_taken(scheme, offered(scheme, MOST_SIGNATURES, first=first))
    assert not is_taken(T_V1, {"stripe-signature": f"t={STAMP}"})


def test_a_header_may_be_so_long_and_a_word_in_it_so_long() -> None:
    good = HEADERS[T_V1]["stripe-signature"]
    longest = good + ",x=" + "y" * (LONGEST_HEADER - len(good) - 3)

    assert is_taken(T_V1, {"stripe-signature": longest})
    assert not is_taken(T_V1, {"stripe-signature": longest + "y"})
    for length, fits in ((200, True), (201, False)):
        id = "~" * (length - 1) + "!"
        assert is_taken(STANDARD_V1, STANDARD_V1.signed(SECRET, BODY, id=id, at=NOON)) is fits
        for nonce, name in ((id, "evt"), ("n", id)):
            made = HEADERS_HMAC_SHA512_HEX.signed(SECRET, BODY, id=name, at=NOON, nonce=nonce)
            assert is_taken(HEADERS_HMAC_SHA512_HEX, made) is fits


def test_a_timestamp_has_at_most_twelve_digits() -> None:
    far = datetime.fromtimestamp(9_999_999_999, UTC)
    stamped = {"stripe-signature": f"t=009999999999,v1={mac(b'009999999999.' + BODY).hex()}"}
    longer = {"stripe-signature": f"t=0009999999999,v1={mac(b'0009999999999.' + BODY).hex()}"}

    assert is_taken(T_V1, stamped, at=far)
    assert not is_taken(T_V1, longer, at=far)


@pytest.mark.parametrize(
    ("secret", "counts"),
    [
        (Secret(KEY), True),
        (Secret(KEY, not_before=NOON), True),
        (Secret(KEY, not_after=NOON), True),
        (Secret(KEY, not_before=NOON, not_after=NOON), True),
        (Secret(KEY, not_before=NOON + MICRO), False),
        (Secret(KEY, not_after=NOON - MICRO), False),
        (Secret(KEY, not_before=NOON + MICRO, not_after=NOON + SECOND), False),
        (Secret(KEY, not_before=NOON - SECOND, not_after=NOON - MICRO), False),
    ],
    ids=itertools.count(),
)
def test_a_secret_counts_from_its_first_to_its_last_instant(
    secret: Secret, counts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    assert secret.counts_at(NOON) is counts
    with caplog.at_level(logging.DEBUG):
        try:
            STANDARD_V1.verified([secret], BODY, HEADERS[STANDARD_V1], received_at=NOON)
        except WebhookSignatureInvalid:
            assert not counts
        else:
            assert counts
    told = [] if counts else ["signed with a secret whose time is over: standard_v1"]
    assert [(one.name, one.levelname, one.getMessage()) for one in caplog.records] == [
        ("invoicepay.webhooks", "WARNING", text) for text in told
    ]


def test_a_forgery_is_not_told_as_a_secret_whose_time_is_over(caplog: pytest.LogCaptureFixture) -> None:
    over = Secret(b"o" * 32, not_after=NOON - SECOND)

    with caplog.at_level(logging.DEBUG), pytest.raises(WebhookSignatureInvalid):
        STANDARD_V1.verified([over], BODY, HEADERS[STANDARD_V1], received_at=NOON)

    assert caplog.records == []


def test_one_secret_that_counts_is_enough_among_equal_ones_that_do_not() -> None:
    over = Secret(KEY, not_after=NOON - SECOND)

    for secrets in ([over, SECRET], [SECRET, over]):
        assert STANDARD_V1.verified(secrets, BODY, HEADERS[STANDARD_V1], received_at=NOON).id == "evt-1"
    with pytest.raises(WebhookSignatureInvalid):
        STANDARD_V1.verified([], BODY, HEADERS[STANDARD_V1], received_at=NOON)


def test_the_secret_of_a_scheme_is_its_text_or_the_base64_in_it() -> None:
    since, until = NOON, NOON + SECOND
    text = base64.b64encode(b"k" * 24).decode()

    assert STANDARD_V1.secret(f"whsec_{text}").key == STANDARD_V1.secret(text).key == b"k" * 24
    for scheme in (T_V1, BODY_HMAC_SHA256_HEX, HEADERS_HMAC_SHA512_HEX):
        assert scheme.secret("whsec_12", not_before=since, not_after=until) == Secret(
            b"whsec_12", since, until
        )
    assert T_V1.secret("ä2345678").key == "ä2345678".encode()


BASE64 = "a webhook secret is whsec_ and the base64 of at least 24 bytes"
WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: STANDARD_V1.secret("whsec_" + base64.b64encode(b"k" * 23).decode()), BASE64),
    (lambda: STANDARD_V1.secret("whsec_" + base64.b64encode(b"k" * 32).decode() + "\n"), BASE64),
    (lambda: STANDARD_V1.secret("whsec_" + "!" + base64.b64encode(b"k" * 32).decode()), BASE64),
    (lambda: STANDARD_V1.secret("whsec_" + base64.b64encode(b"k" * 32).decode()[:-1]), BASE64),
    (lambda: STANDARD_V1.secret("é" * 40), BASE64),
    (lambda: T_V1.secret("1234567"), "a webhook secret has at least 8 characters"),
    (lambda: STANDARD_V1.under("a"), "standard_v1 has 3 headers, not 1"),
    (lambda: T_V1.under("a", "b"), "t_v1 has 1 headers, not 2"),
]


@pytest.mark.parametrize(("made", "message"), WRONG, ids=range(len(WRONG)))
def test_what_is_configured_wrongly_is_said_without_the_secret(
    made: Callable[[], object], message: str
) -> None:
    with pytest.raises(InvoicePayError) as refused:
        made()

    assert isinstance(refused.value, ConfigurationError)
    assert (refused.value.message, refused.value.details) == (message, {})
