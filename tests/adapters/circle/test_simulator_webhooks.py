"""The simulator's webhooks: who is told what, signed how, and what a test can do to deliveries."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from invoicepay.testing.simulators.circle import CircleSimulator, Delivery
from tests.adapters.circle.caller import ACCOUNT, Caller, Json, calling

HOOKS = "https://host.example/hooks"


@pytest.fixture
def caller() -> Iterator[Caller]:
    with calling(CircleSimulator()) as caller:
        yield caller


def news(caller: Caller) -> list[Json]:
    return [json.loads(one.body) for one in caller.circle.deliveries()]


def told(delivery: Delivery) -> Json:
    message: Json = json.loads(json.loads(delivery.body)["Message"])
    return message


def test_a_subscription_is_greeted_and_then_told_each_state_that_circle_tells(caller: Caller) -> None:
    caller.circle.subscribe(2, HOOKS)
    first, second = caller.wallets()
    caller.transfer(first, second)
    caller.circle.finish()

    seen = [(one["notificationType"], one["notification"].get("state")) for one in news(caller)]

    assert seen == [
        ("webhooks.test", None),
        ("transactions.outbound", "QUEUED"),
        ("transactions.outbound", "SENT"),
        ("transactions.outbound", "CONFIRMED"),
        ("transactions.inbound", "CONFIRMED"),
        ("transactions.outbound", "COMPLETE"),
        ("transactions.inbound", "COMPLETE"),
    ]


def test_a_restricted_subscription_is_told_only_what_it_wants(caller: Caller) -> None:
    wish: Json = {"endpoint": HOOKS, "notificationTypes": ["transactions.inbound"]}
    caller.call("POST", "/v2/notifications/subscriptions", wish)
    first, second = caller.wallets()
    caller.transfer(first, second)
    caller.circle.finish()

    assert {one["notificationType"] for one in news(caller)} == {"webhooks.test", "transactions.inbound"}


def test_the_signature_is_of_the_raw_body_under_the_key_that_is_named(caller: Caller) -> None:
    caller.circle.subscribe(2, HOOKS)
    (delivery,) = caller.circle.deliveries()
    published = caller.get(f"/v2/notifications/publicKey/{delivery.headers['X-Circle-Key-Id']}")
    key = serialization.load_der_public_key(base64.b64decode(published["publicKey"]))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(delivery.headers["X-Circle-Signature"])

    key.verify(signature, delivery.body, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(signature, delivery.body + b" ", ec.ECDSA(hashes.SHA256()))


def test_a_rotated_key_signs_what_follows_and_the_old_one_stays_known(caller: Caller) -> None:
    keys = caller.circle.world.notification_keys
    before = keys.current

    after = keys.rotate()
    caller.circle.subscribe(2, HOOKS)

    assert caller.circle.deliveries()[0].headers["X-Circle-Key-Id"] == after
    for id in (before, after):
        assert caller.get(f"/v2/notifications/publicKey/{id}")["id"] == id


def test_mint_asks_for_two_confirmations_and_is_silent_until_then(caller: Caller) -> None:
    made = caller.call("POST", "/v1/notifications/subscriptions", {"endpoint": HOOKS}).json()["data"]
    asked = [json.loads(one.body) for one in caller.circle.deliveries()]
    bank = caller.bank()
    silent = caller.circle.deliveries()

    confirmed = [caller.circle.confirm(one["SubscribeURL"]) for one in asked]
    caller.circle.wire_in(bank["id"], 1_000_000)

    assert [one["Type"] for one in asked] == ["SubscriptionConfirmation"] * 2
    assert {one["status"] for one in made["subscriptionDetails"]} == {"pending"}
    assert (silent, confirmed) == ([], [True, True])
    assert [told(one)["notificationType"] for one in caller.circle.deliveries()] == ["deposits"]
    assert not caller.circle.confirm(asked[0]["SubscribeURL"])


@pytest.mark.parametrize(("version", "digest"), [("1", hashes.SHA1()), ("2", hashes.SHA256())])
def test_an_sns_message_verifies_under_the_certificate(
    caller: Caller, version: str, digest: hashes.HashAlgorithm
) -> None:
    caller.circle.world.postbox.sns_version = version
    caller.circle.subscribe(1, HOOKS)
    caller.circle.deliveries()
    caller.bank()
    message = json.loads(caller.circle.deliveries()[0].body)
    served = caller.bare("GET", "/sns/certificate.pem").content
    key = x509.load_pem_x509_certificate(served).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    names = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
    signed = "".join(f"{name}\n{message[name]}\n" for name in names).encode()

    key.verify(base64.b64decode(message["Signature"]), signed, padding.PKCS1v15(), digest)

    assert served == caller.circle.certificate_pem
    assert message["SignatureVersion"] == version


def test_every_move_of_the_account_is_told(caller: Caller) -> None:
    caller.circle.subscribe(1, HOOKS)
    caller.circle.fund_mint(1_000_000_000)
    bank = caller.bank()
    caller.circle.deliveries()
    body = {
        "destination": {"type": "wire", "id": bank["id"]},
        "amount": {"amount": "5.00", "currency": "USD"},
    }
    id = caller.post(f"{ACCOUNT}/payouts", **body).json()["data"]["id"]
    caller.circle.finish()
    caller.circle.return_payout(id)

    seen = [told(one)["payout"] for one in caller.circle.deliveries()]

    assert [(one["status"], one.get("errorCode")) for one in seen] == [
        ("pending", None),
        ("complete", None),
        ("failed", "transaction_returned"),
    ]


def test_deliveries_are_doubled_lost_and_reordered_on_demand(caller: Caller) -> None:
    circle = caller.circle
    circle.subscribe(2, HOOKS)
    circle.deliveries()
    first, second = caller.wallets()
    circle.duplicate(2)
    caller.transfer(first, second)
    circle.finish()

    backwards = circle.deliveries(lambda queued: queued[::-1])
    circle.duplicate(0)
    caller.transfer(first, second)
    circle.finish()

    ids = [one.id for one in backwards]
    assert ids[::2] == ids[1::2]
    assert json.loads(backwards[0].body)["notification"]["state"] == "COMPLETE"
    assert circle.deliveries() == []
