"""Deliveries: only the gateway's, read as the profile says, and never believed beyond that."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from invoicepay.adapters.signatures import STANDARD_V1, Secret
from invoicepay.adapters.tillipay import ChannelCredentials, TilliPay, TilliPayProfile
from invoicepay.domain.money import Money
from invoicepay.errors import WebhookSignatureInvalid
from invoicepay.ports.rails import Direction, RailEvent, RailStatus
from invoicepay.testing.contracts import Webhook

KNOWN, ASSUMED = TilliPayProfile.known(), TilliPayProfile.assumed()
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
KEYS = ChannelCredentials(merchant_id="m-1", api_key=SecretStr("k-1"), secret_key=SecretStr("s-1"))
SIGNATURE = KNOWN.webhook.signature()
SECRET, OLD, FOREIGN = (SIGNATURE.secret(f"{name} secret of webhooks") for name in ("new", "old", "another"))
PAID: dict[str, Any] = {
    "eventType": "payment.completed",
    "transactionId": "TX1",
    "orderId": "eff_1",
    "amount": "37.00",
    "currency": "USD",
    "timestamp": "2026-01-05T11:59:00Z",
}
MUTATIONS = 10_000


def rails(profile: TilliPayProfile = KNOWN, *secrets: Secret, **options: Any) -> TilliPay:
    return TilliPay(
        profile, {"ica": KEYS}, environment="staging", webhook_secrets=secrets or (SECRET,), **options
    )


def delivered(document: object = PAID, secret: Secret = SECRET) -> Webhook:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return SIGNATURE.signed(secret, body), body


def read(webhook: Webhook, at: TilliPay | None = None, received_at: datetime = NOON) -> RailEvent:
    headers, body = webhook
    (event,) = (at or rails()).parse_webhook(body, headers, received_at=received_at)
    return event


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(WebhookSignatureInvalid):
        yield


def test_a_delivery_is_read_in_our_words() -> None:
    event = read(delivered())

    transfer = event.transfer
    assert (transfer.provider_ref, transfer.reference) == ("TX1", "eff_1")
    assert (transfer.direction, transfer.status) == (Direction.DEPOSIT, RailStatus.SETTLED)
    assert (transfer.amount, transfer.fee) == (Money.of("37.00 USD"), Money.of("0 USD"))
    assert transfer.provider_status == "payment.completed"
    assert event.occurred_at == datetime(2026, 1, 5, 11, 59, tzinfo=UTC)
    assert event.body_authenticated


def test_a_return_tells_its_code_and_a_fee_its_amount() -> None:
    document = {**PAID, "eventType": "payment.returned", "returnCode": "R10", "fee": "0.30"}

    transfer = read(delivered(document), rails(ASSUMED)).transfer

    assert (transfer.status, transfer.return_code, transfer.fee) == (
        RailStatus.RETURNED,
        "R10",
        Money.of("0.30 USD"),
    )


@pytest.mark.parametrize(
    "word", ["payment.settled", "PAYMENT.COMPLETED", "payment.completed ", "completed", "", None, 7, True, {}]
)
def test_an_event_of_another_name_needs_a_person(word: object) -> None:
    assert read(delivered({**PAID, "eventType": word})).transfer.status is RailStatus.NEEDS_REVIEW


@pytest.mark.parametrize(
    "change",
    [{"amount": None}, {"amount": "37,00"}, {"amount": "-37.00"}, {"amount": True}, {"currency": 7}],
    ids=str,
)
def test_an_event_whose_amount_cannot_be_read_needs_a_person(change: dict[str, Any]) -> None:
    transfer = read(delivered({**PAID, **change})).transfer

    assert (transfer.status, transfer.amount) == (RailStatus.NEEDS_REVIEW, Money.zero("USD"))


def test_another_currency_stays_what_it_is() -> None:
    assert read(delivered({**PAID, "currency": "EUR"})).transfer.amount == Money.of("37.00 EUR")


def test_a_verified_body_that_is_no_object_is_refused() -> None:
    for body in (b"", b"[]", b"null", b"\xff\xfe", b"[" * 9999, b'{"a":1,"a":2}'):
        with refused():
            read(delivered(body))


def test_an_event_is_named_alike_whenever_it_comes_and_differently_from_every_other() -> None:
    names = [
        read(delivered(document)).event_id
        for document in (
            PAID,
            dict(reversed(PAID.items())),
            {**PAID, "amount": "38.00"},
            {**PAID, "transactionId": "TX2"},
            {**PAID, "eventType": "payment.refunded"},
            {**PAID, "timestamp": "2026-01-05T12:00:00Z"},
        )
    ]

    assert names[0] == names[1] == names[2]
    assert len({names[0], *names[3:]}) == 4


def test_an_event_without_the_parts_of_its_name_is_named_after_its_body() -> None:
    without = {name: value for name, value in PAID.items() if name != "timestamp"}

    once, again, other = (read(delivered(d)) for d in (without, without, {**without, "amount": "1.00"}))

    assert once.event_id == again.event_id != other.event_id
    assert once.occurred_at == NOON


def test_both_secrets_pass_during_a_rotation_and_the_old_one_ends() -> None:
    day = timedelta(days=1)
    old = SIGNATURE.secret("old secret of webhooks", not_after=NOON + day)
    at = rails(KNOWN, SECRET, old)

    assert read(delivered(), at).event_id == read(delivered(secret=OLD), at).event_id
    for webhook, received_at in ((delivered(secret=FOREIGN), NOON), (delivered(secret=OLD), NOON + 2 * day)):
        with refused():
            read(webhook, at, received_at)


def test_without_a_secret_no_delivery_is_taken() -> None:
    at = TilliPay(KNOWN, {"ica": KEYS}, environment="staging")

    for secret in (SECRET, Secret(b"")):
        with refused():
            read(delivered(secret=secret), at)


@pytest.mark.parametrize("name", ["x-tillipay-signature", "X-TILLIPAY-SIGNATURE", "X-TilliPay-Signature"])
def test_the_header_is_read_in_any_case_and_only_once(name: str) -> None:
    headers, body = delivered()
    (value,) = headers.values()

    assert read(({name: value, "Other": "1"}, body)).transfer.provider_ref == "TX1"
    with refused():
        read(({name: value, name.swapcase(): value}, body))


def test_ten_thousand_mutated_deliveries_are_refused_with_the_one_error() -> None:
    at, tried, passed = rails(), 0, []

    for headers, body in _mutations(*delivered()):
        tried += 1
        try:
            passed.append(at.parse_webhook(body, headers, received_at=NOON))
        except WebhookSignatureInvalid:
            continue

    assert (tried, passed) == (MUTATIONS, [])


def _mutations(headers: dict[str, str], body: bytes) -> Iterator[Webhook]:
    """The delivery with one byte or character changed, put in, or taken out."""
    chance, (name, text) = random.Random(11), next(iter(headers.items()))
    for number in range(MUTATIONS):
        if number % 2:
            where = chance.randrange(len(body))
            put = bytes([chance.choice([b for b in range(256) if b != body[where]])])
            put = (put, put + body[where : where + 1], b"")[chance.randrange(3)]
            yield headers, body[:where] + put + body[where + 1 :]
        else:
            where = chance.randrange(len(text))
            other = chr(
                chance.choice([c for c in (*range(0x20, 0x7F), 0xE9, 0x661) if chr(c) != text[where]])
            )
            other = (other, other + text[where], "")[chance.randrange(3)]
            yield {name: text[:where] + other + text[where + 1 :]}, body


def test_a_profile_chooses_another_scheme_as_data() -> None:
    profile = KNOWN.amended(
        {
            "webhook": {
                "scheme": "standard_v1",
                "headers": ["webhook-id", "webhook-timestamp", "webhook-signature"],
            },
            "facts": [
                {
                    "id": "webhook.signature",
                    "grade": "D",
                    "claim": "Deliveries follow Standard Webhooks.",
                    "covers": ["webhook.scheme", "webhook.headers"],
                    "source": "a guide",
                    "date": "2026-12-01",
                }
            ],
        }
    )
    secret = STANDARD_V1.secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = json.dumps(PAID).encode()
    headers = STANDARD_V1.signed(secret, body, id="msg-1", at=NOON)

    assert read((headers, body), rails(profile, secret)).event_id == "msg-1"
    with refused():
        read((headers, body), rails(profile, secret), NOON + timedelta(minutes=6))


def test_a_scheme_that_signs_no_body_says_so_to_the_inbox() -> None:
    names = ["x-timestamp", "x-nonce", "x-webhook-id", "x-signature"]
    stated = {**_fact("webhook.signature"), "grade": "D"}
    profile = KNOWN.amended(
        {"webhook": {"scheme": "headers_hmac_sha512_hex", "headers": names}, "facts": [stated]}
    )
    signature = profile.webhook.signature()
    secret, body = signature.secret("new secret of webhooks"), json.dumps(PAID).encode()

    event = read(
        (signature.signed(secret, body, id="h-1", at=NOON, nonce="n-1"), body), rails(profile, secret)
    )

    assert (event.event_id, event.body_authenticated) == ("h-1", False)


def _fact(id: str) -> dict[str, Any]:
    return next(fact.model_dump(mode="json") for fact in KNOWN.facts if fact.id == id)
