"""Notifications of Mint are taken from Amazon's own hosts and our topics, and never confirmed unasked."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from pydantic import SecretStr

from invoicepay.adapters.circle import CircleTreasury, MintConfig, SubscriptionOffer
from invoicepay.adapters.circle.asking import MOST_QUESTIONS
from invoicepay.adapters.circle.webhooks_v1 import MOST_CERTIFICATES, Certificates, is_pinned, message_from
from invoicepay.bridge import run_blocking
from invoicepay.domain.money import Money
from invoicepay.errors import ProviderRejected, ProviderUnavailable, WebhookSignatureInvalid
from invoicepay.ports.treasury import TreasuryEvent, TreasuryKind, TreasuryStatus
from tests.adapters.circle import sns
from tests.adapters.circle.sns import CERTIFICATE, CONFIRM, NOON, TOPIC


class Amazon:
    """What Amazon serves; counts what it is asked."""

    def __init__(self, pem: bytes | None = None) -> None:
        self.pem, self.asked = pem or sns.certificate(), list[str]()

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        return self.pem


def treasury(amazon: Amazon) -> CircleTreasury:
    config = MintConfig(api_key=SecretStr("SAND_API_KEY:a:b"), topics=(TOPIC,))
    return CircleTreasury(config, fetch=amazon.fetch)


def received(own: CircleTreasury, body: bytes) -> tuple[TreasuryEvent, ...]:
    run_blocking(own.prepare_webhook(body, {}, received_at=NOON))
    return own.parse_webhook(body, {}, received_at=NOON)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_signed_notification_is_read_in_our_words(version: str) -> None:
    (event,) = received(treasury(Amazon()), sns.body(sns.message(), version=version))

    assert event.event_id == "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"
    assert (event.movement.kind, event.movement.status) == (TreasuryKind.PAYOUT, TreasuryStatus.FINAL)
    assert event.movement.amount == Money("500.00", "USD.usdc")
    assert event.movement.is_watched, "a complete payout may still come back"


def test_a_subject_is_signed_where_there_is_one() -> None:
    told = {**sns.message(), "Subject": "Payout"}

    assert received(treasury(Amazon()), sns.body(told))
    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(Amazon()), json.dumps({**sns.signed(sns.message()), "Subject": "Payout"}).encode())


@pytest.mark.parametrize(
    "words",
    [{"status": "failed", "errorCode": "transaction_returned"}, {"status": "failed"}, {"status": "complete"}],
)
def test_a_payout_that_bears_a_return_has_come_back_whatever_its_word(words: dict[str, str]) -> None:
    amount = {"amount": "485.00", "currency": "USD"}
    back = {"return": {"id": "r", "payoutId": "p", "amount": amount, "reason": "R03"}}
    told = sns.message("payouts", payout={**sns.payout(), **words, **back})

    (event,) = received(treasury(Amazon()), sns.body(told))

    assert event.movement.status is TreasuryStatus.RETURNED
    assert (event.movement.returned, event.movement.reason) == (Money("485.00", "USD.usdc"), "R03")


def test_news_of_something_else_tells_no_movement() -> None:
    assert received(treasury(Amazon()), sns.body(sns.message("externalEntities", externalEntity={}))) == ()


@pytest.mark.parametrize(
    "said", ["no json", "[]", '{"notificationType": []}', '{"notificationType": "payouts"}']
)
def test_a_signed_message_that_cannot_be_read_is_refused(said: str) -> None:
    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(Amazon()), sns.body({**sns.message(), "Message": said}))


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-west-2.amazonaws.com/a.pem",
        "https://sns.us-west-2.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.us-west-2.amazonaws.com/a.pem",
        "https://sns.us-west-2.amazonaws.com@evil.example/a.pem",
        "https://user:pass@sns.us-west-2.amazonaws.com/a.pem",
        "https://sns.us-west-2.amazonaws.com:8443/a.pem",
        "https://sns.us-west-2.amazonaws.com\\@evil.example/a.pem",
        "https://sns.us-west-2.amazonaws.com/a.pem#x",
        "https://SNS.us-west-2.amazonaws.com/a.pem",
        "https://s3.us-west-2.amazonaws.com/a.pem",
        "https://sns.amazonaws.com/a.pem",
        "https://sns.us-west-2.amazonaws.com/a.pem\n",
        "https://sns.us-w\u0435st-2.amazonaws.com/a.pem",
        "https://[::1]/a.pem",
        "https://[sns.us-west-2.amazonaws.com/a.pem",
        "",
        "https://sns.us-west-2.amazonaws.com/a.pem",
        f"{CERTIFICATE}?Action=GetEndpointAttributes&X-Amz-Signature=0a",
        f"{CERTIFICATE}?",
        f"{CERTIFICATE}#",
        f"{CERTIFICATE};a=b",
        CERTIFICATE.replace("/Simple", "//Simple"),
        CERTIFICATE.replace("/Simple", "/a/../Simple"),
        CERTIFICATE.replace("abcdef", "ABCDEF"),
        CERTIFICATE.replace("0123456789abcdef", "0123456789abcde"),
        CERTIFICATE.replace("us-west-2", "eu-west-1"),
    ],
)
def test_no_other_place_is_ever_asked_for_a_certificate(url: str) -> None:
    amazon = Amazon()

    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(amazon), sns.body({**sns.message(), "SigningCertURL": url}))

    assert amazon.asked == []


def test_a_host_is_refused_by_who_reads_and_by_who_fetches() -> None:
    amazon, url = Amazon(), "https://evil.example/a.pem"

    run_blocking(Certificates(amazon.fetch).prepare(url, NOON))
    assert amazon.asked == []
    with pytest.raises(WebhookSignatureInvalid):
        message_from(sns.body({**sns.message(), "SigningCertURL": url}), (TOPIC,))


def test_amazon_of_both_kinds_is_pinned() -> None:
    assert is_pinned(CERTIFICATE)
    assert is_pinned(CONFIRM)
    assert is_pinned("https://sns.cn-north-1.amazonaws.com.cn/a.pem")
    assert is_pinned("https://sns.us-gov-west-1.amazonaws.com/a.pem")


def test_a_certificate_is_a_pem_file_and_is_fetched_once() -> None:
    amazon = Amazon()
    own = treasury(amazon)

    received(own, sns.body(sns.message()))
    received(own, sns.body(sns.message()))
    with pytest.raises(WebhookSignatureInvalid):
        received(own, sns.body({**sns.message(), "SigningCertURL": CERTIFICATE.removesuffix(".pem")}))

    assert amazon.asked == [CERTIFICATE]


def test_a_flood_of_certificates_costs_ten_questions_a_minute() -> None:
    amazon = Amazon(b"no certificate")
    own = treasury(amazon)

    for number in range(200):
        url = CERTIFICATE.replace("0123456789abcdef", f"{number:016x}")
        with pytest.raises(WebhookSignatureInvalid if number < MOST_QUESTIONS else ProviderUnavailable):
            received(own, sns.body({**sns.message(), "SigningCertURL": url}))

    assert len(amazon.asked) == MOST_QUESTIONS


def test_a_certificate_that_has_verified_something_outlives_a_flood_of_others() -> None:
    amazon = Amazon()
    own = treasury(amazon)
    received(own, sns.body(sns.message()))

    for number in range(MOST_CERTIFICATES * 2):
        url, at = CERTIFICATE.replace("0123456789abcdef", f"{number:016x}"), NOON + timedelta(minutes=number)
        stranger = sns.body({**sns.message(), "SigningCertURL": url}, key=sns.rsa_key(3072))
        run_blocking(own.prepare_webhook(stranger, {}, received_at=at))

    assert received(own, sns.body(sns.message()))
    assert amazon.asked.count(CERTIFICATE) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<CustomUserData>", b"</CustomUserData>"),
        (b"<CustomUserData>\n", b"\n</CustomUserData>"),
        (b"Subject: CN=sns.amazonaws.com\n", b""),
        (b"", sns.certificate()),
    ],
)
def test_a_certificate_inside_another_document_verifies_nothing(before: bytes, after: bytes) -> None:
    amazon = Amazon(before + sns.certificate() + after)

    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(amazon), sns.body(sns.message()))


def test_a_certificate_with_the_line_ends_of_windows_is_one() -> None:
    assert received(treasury(Amazon(sns.certificate().replace(b"\n", b"\r\n"))), sns.body(sns.message()))


def test_another_topic_is_refused_before_anything_is_fetched() -> None:
    amazon = Amazon()
    foreign = {**sns.message(), "TopicArn": TOPIC.replace("908968368384", "000000000000")}

    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(amazon), sns.body(foreign))

    assert amazon.asked == []


def test_a_certificate_out_of_its_time_is_refused() -> None:
    amazon = Amazon(sns.certificate(until=NOON - timedelta(seconds=1)))

    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(amazon), sns.body(sns.message()))


def test_another_key_is_refused() -> None:
    other = sns.rsa_key(3072)

    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(Amazon()), sns.body(sns.message(), key=other))


@pytest.mark.parametrize(
    "pem", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_verifies_nothing(pem: bytes) -> None:
    amazon = Amazon()
    amazon.pem = pem

    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(amazon), sns.body(sns.message()))


def test_a_signature_of_one_version_is_no_signature_of_the_other() -> None:
    told = {**sns.signed(sns.message(), version="1"), "SignatureVersion": "2"}

    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(Amazon()), json.dumps(told).encode())


@pytest.mark.parametrize(
    ("name", "text"), [("Signature", "\u0661AAA"), ("Message", "\ud800"), ("Subject", "\udfff")]
)
def test_letters_that_no_signature_covers_are_refused(name: str, text: str) -> None:
    told = {**sns.signed(sns.message()), name: text}

    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(Amazon()), json.dumps(told).encode())


def test_a_signature_has_one_spelling() -> None:
    told = sns.signed(sns.message())
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = letters[letters.index(told["Signature"][-3]) + 1]  # differs in bits that no byte takes

    with pytest.raises(WebhookSignatureInvalid):
        received(
            treasury(Amazon()),
            json.dumps({**told, "Signature": told["Signature"][:-3] + last + "=="}).encode(),
        )


def test_a_short_key_verifies_nothing() -> None:
    short = sns.rsa_key(1024)

    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(Amazon(sns.certificate(short))), sns.body(sns.message(), key=short))


@pytest.mark.parametrize(
    ("name", "text"),
    [("Timestamp", "2026-01-31\nTopicArn\nx"), ("MessageId", "1\nSubject\nx"), ("MessageId", "")],
)
def test_values_that_could_swallow_their_neighbours_are_refused(name: str, text: str) -> None:
    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(Amazon()), sns.body({**sns.message(), name: text}))


def test_a_name_that_stands_twice_is_refused() -> None:
    body = sns.body(sns.message())

    for twice in (body[:-1] + b', "Message": "{}"}', b'{"Message": "{}", ' + body[1:]):
        with pytest.raises(WebhookSignatureInvalid):
            received(treasury(Amazon()), twice)


def test_a_subscription_is_confirmed_by_an_operator_only() -> None:
    amazon = Amazon()
    own, body = treasury(amazon), sns.body(sns.confirmation())

    assert received(own, body) == ()
    assert amazon.asked == [CERTIFICATE], "the link was not visited"

    offer = own.subscription_offer(body, received_at=NOON)
    assert offer == SubscriptionOffer(topic=TOPIC, url=CONFIRM, is_new=True)
    run_blocking(own.confirm_subscription(offer))
    assert amazon.asked == [CERTIFICATE, CONFIRM]


@pytest.mark.parametrize(
    "offer",
    [
        SubscriptionOffer(topic=TOPIC, url="https://evil.example/", is_new=True),
        SubscriptionOffer(topic=TOPIC, url=CONFIRM, is_new=False),
        SubscriptionOffer(topic="arn:aws:sns:us-west-2:1:other", url=CONFIRM, is_new=True),
    ],
)
def test_only_a_new_subscription_of_our_topic_can_be_confirmed(offer: SubscriptionOffer) -> None:
    amazon = Amazon()

    with pytest.raises(ProviderRejected):
        run_blocking(treasury(amazon).confirm_subscription(offer))

    assert amazon.asked == []


@pytest.mark.parametrize("url", ["https://evil.example/confirm", CONFIRM.replace("us-west-2", "eu-west-1")])
def test_a_confirmation_link_outside_of_amazons_region_makes_the_delivery_invalid(url: str) -> None:
    told = {**sns.confirmation(), "SubscribeURL": url}

    with pytest.raises(WebhookSignatureInvalid):
        received(treasury(Amazon()), sns.body(told))
