"""What goes over the wire, letter by letter as it is documented, and both shapes of answers.

The samples are synthetic: written after the documents, recorded nowhere.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from invoicepay.adapters.http import Answer
from invoicepay.adapters.tillipay import TilliPayProfile, wire
from invoicepay.adapters.tillipay.pointers import ABSENT, at, first_at
from invoicepay.domain.money import Money
from invoicepay.errors import ProviderRejected, WebhookSignatureInvalid
from invoicepay.ports.rails import Direction, RailStatus

KNOWN, ASSUMED = TilliPayProfile.known(), TilliPayProfile.assumed()
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TOKEN = SecretStr("gps-token-canary")
SOURCES: wire.Sources = {
    "merchant_id": "m-1",
    "reference": "eff_1",
    "account_token": "tok-1",
    "amount": "37.00",
    "currency": "USD",
    "party_id": "ann",
    "payer.first_name": SecretStr("Ann"),
    "payer.last_name": SecretStr(""),
    "payer.postal_code": SecretStr("22102"),
}


def asked(name: str, channel: str, profile: TilliPayProfile = KNOWN, sources: wire.Sources = SOURCES) -> Any:
    return wire.request(profile, name, profile.channels[channel], sources, TOKEN)


def answered(document: object, status: int = 200) -> Answer:
    return Answer(status, {}, json.dumps(document).encode())


def test_a_login_is_a_get_with_both_keys_in_headers() -> None:
    keys = {"api_key": SecretStr("k"), "secret_key": SecretStr("s")}

    request = wire.login_request(KNOWN, keys, {"merchant_id": "m/1"})

    assert (request.method, request.path, request.json) == ("GET", "/gps/api/login/m%2F1", None)
    assert list(request.headers) == [("apiKey", SecretStr("k")), ("secretKey", SecretStr("s"))]


@pytest.mark.parametrize(("channel", "kind"), [("ica", "ICA"), ("cbp", "CBP")])
def test_an_e_check_is_sent_as_documented(channel: str, kind: str) -> None:
    request = asked("ach_payment", channel)

    assert (request.method, request.path) == ("POST", "/gps/ach/payments")
    assert list(request.headers) == [("gpsToken", TOKEN)]
    assert request.json == {
        "merchantId": "m-1",
        "channel": "GPS",
        "clientRequestId": "eff_1",
        "requestType": "token",
        "isSaveCheck": "N",
        "token": "tok-1",
        "amount": "37.00",
        "currency": "USD",
        "customerNumber": "ann",
        "firstName": "Ann",
        "zip": "22102",
        "achType": kind,
    }


def test_a_card_payment_is_sent_as_documented() -> None:
    request = asked("card_payment", "card")

    assert (request.method, request.path) == ("POST", "/gps/card/payments")
    assert request.json == {
        "merchantId": "m-1",
        "channel": "GPS",
        "clientRequestId": "eff_1",
        "requestType": "token",
        "isSavecard": "N",
        "token": "tok-1",
        "amount": "37.00",
        "currency": "USD",
        "customerNumber": "ann",
        "postalCode": "22102",
    }


def test_a_question_has_a_query_and_no_body() -> None:
    request = asked("payment_status", "ica", ASSUMED)

    assert (request.method, request.path, request.json) == ("GET", "/gps/payments/status", None)
    assert list(request.query) == [("merchantId", "m-1"), ("clientRequestId", "eff_1")]


@pytest.mark.parametrize(
    ("amount", "text"), [("37.00", "37.00"), ("0.01", "0.01"), ("1234567.89", "1234567.89"), ("5", "5.00")]
)
def test_amounts_are_decimal_text_with_two_places(amount: str, text: str) -> None:
    assert wire.amount_text(Money(amount, "USD")) == text


def test_a_fraction_of_a_cent_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ProviderRejected):
        wire.amount_text(Money("0.001", "USD"))


@pytest.mark.parametrize(
    ("document", "is_success", "code"),
    [
        ({"statusCode": "200", "statusDesc": "ok"}, True, "200"),
        ({"statusCode": 200}, False, "200"),
        ({"statusCode": "500", "statusDesc": "down"}, False, "500"),
        ({"hasError": False, "statusMessage": {"code": "200", "type": "S"}, "data": {}}, True, "200"),
        ({"hasError": True, "statusMessage": {"code": "E12"}}, False, "E12"),
        ({"hasError": "false", "statusMessage": {"code": "200"}}, False, "200"),
        ({"hasError": 0}, False, ""),
        ({"hasError": True, "statusCode": "200"}, False, ""),
    ],
)
def test_both_envelopes_are_read_and_success_is_exact(document: Any, is_success: bool, code: str) -> None:
    reply = wire.reply_of(KNOWN, answered(document))

    assert reply is not None
    assert (reply.is_success, reply.code) == (is_success, code)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"ok", b'{"status":"completed"}', b"\xff", b"[" * 9999]
)
def test_what_has_no_known_shape_is_no_reply(body: bytes) -> None:
    assert wire.reply_of(KNOWN, Answer(200, {}, body)) is None


@pytest.mark.parametrize(
    "document",
    [
        {"statusCode": "200", "gpsApiToken": "t-1"},
        {"hasError": False, "statusMessage": {"code": "200", "type": "S"}, "data": {"gpsApiToken": "t-1"}},
    ],
)
def test_the_login_token_is_found_in_either_envelope(document: Any) -> None:
    assert wire.token_of(KNOWN, answered(document)) == SecretStr("t-1")


@pytest.mark.parametrize(
    "document",
    [
        {"statusCode": "401", "gpsApiToken": "t-1"},
        {"hasError": True, "data": {"gpsApiToken": "t-1"}},
        {"statusCode": "200"},
        {"statusCode": "200", "gpsApiToken": ""},
        {"statusCode": "200", "gpsApiToken": 7},
        "t-1",
    ],
)
def test_a_token_outside_a_success_is_none(document: Any) -> None:
    assert wire.token_of(KNOWN, answered(document)) is None


def transfer(
    content: object, name: str = "payment_status", profile: TilliPayProfile = ASSUMED, **given: Any
) -> Any:
    options: dict[str, Any] = {"ordered": None, "asset": "USD", "direction": Direction.DEPOSIT, **given}
    reply = wire.Reply(is_success=True, code="200", message="", content=content)
    return wire.transfer_of(profile, profile.operations[name], reply, reference="eff_1", now=NOON, **options)


def test_success_on_a_payment_means_accepted_whatever_else_the_answer_says() -> None:
    said = transfer(
        {"transactionId": "TX1", "status": "completed", "statusDesc": "paid"},
        "ach_payment",
        KNOWN,
        ordered=Money.of("37.00 USD"),
    )

    assert (said.status, said.provider_ref, said.amount) == (RailStatus.PENDING, "TX1", Money.of("37.00 USD"))


@pytest.mark.parametrize(
    ("word", "status"),
    [("completed", RailStatus.SETTLED), ("voided", RailStatus.CANCELLED), ("returned", RailStatus.RETURNED)],
)
def test_known_words_are_mapped(word: str, status: RailStatus) -> None:
    assert transfer({"status": word, "amount": "37.00"}).status is status


@pytest.mark.parametrize(
    "word",
    ["Completed", "COMPLETED", "completed ", "success", "", "200", "settled", None, True, ["completed"], 7],
)
def test_any_other_word_needs_a_person(word: object) -> None:
    assert transfer({"status": word, "amount": "37.00"}).status is RailStatus.NEEDS_REVIEW


@pytest.mark.parametrize(
    "amount", [None, "", "37,00", "-37.00", "1e3", "37.0000001", True, {}, [], "NaN", "99999999999999"]
)
def test_an_amount_that_cannot_be_read_needs_a_person(amount: object) -> None:
    for name in ("amount", "fee"):
        said = transfer({"status": "completed", "amount": "37.00", name: amount})
        assert said.status is RailStatus.NEEDS_REVIEW


def test_an_answer_to_a_question_must_name_the_amount() -> None:
    assert transfer({"status": "completed"}).status is RailStatus.NEEDS_REVIEW


def test_a_number_is_taken_for_an_amount_as_the_field_table_has_it() -> None:
    document = json.loads('{"status": "completed", "amount": 37.50}', parse_float=lambda text: text)

    assert transfer(document).amount == Money.of("37.50 USD")


@pytest.mark.parametrize("currency", ["EUR", "XXY", "", 7, None])
def test_another_currency_never_passes_for_ours(currency: object) -> None:
    said = transfer({"status": "completed", "amount": "37.00", "currency": currency})

    assert said.amount != Money.of("37.00 USD")


def test_dollars_are_called_what_the_books_call_them() -> None:
    said = transfer(
        {"status": "completed", "amount": "37.00", "fee": "0.30", "currency": "USD"}, asset="USD.tempo"
    )

    assert (said.amount, said.fee) == (Money.of("37.00 USD.tempo"), Money.of("0.30 USD.tempo"))


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", {"a": [{"b/c": 1, "~": 2}], "": 3}),
        ("/a/0/b~1c", 1),
        ("/a/0/~0", 2),
        ("/", 3),
        ("/a/1", ABSENT),
        ("/a/-1", ABSENT),
        ("/a/x", ABSENT),
        ("/a/0/b~1c/d", ABSENT),
    ],
)
def test_pointers_are_those_of_rfc_6901(pointer: str, found: object) -> None:
    assert at({"a": [{"b/c": 1, "~": 2}], "": 3}, pointer) == found


def test_the_first_place_that_has_something_counts_even_null() -> None:
    assert first_at({"b": None, "c": 1}, ("/a", "/b", "/c")) is None


def test_values_under_unknown_names_are_hidden() -> None:
    document = {"amount": "1.00", "data": [{"accountNumber": "000123", "status": "ok"}], "firstName": "Ann"}

    assert wire.shown(document, {"amount", "data", "status"}) == {
        "amount": "1.00",
        "data": [{"accountNumber": "[redacted]", "status": "ok"}],
        "firstName": "[redacted]",
    }


NAMES = ["statusCode", "hasError", "data", "status", "amount", "currency", "fee", "eventType"]
WORDS = ["200", "completed", "payment.completed", "37.00", "USD", "EUR", ""]
NUMBERS = st.integers(-(10**20) + 1, 10**20 - 1)  # what has more digits is no JSON that is read (S-08)
LEAVES = st.none() | st.booleans() | NUMBERS | st.sampled_from(WORDS)
DOCUMENTS = st.recursive(
    LEAVES | st.text(max_size=8) | st.floats().map(str),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*NAMES, "payment.completed"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
@example({"statusCode": "200", "status": "completed", "amount": "37.00", "currency": "EUR"})
def test_no_answer_breaks_the_reader_or_settles_without_the_word_and_the_amount(document: Any) -> None:
    reply = wire.reply_of(ASSUMED, answered(document))
    content: Any = document if reply is None else reply.content

    said = transfer(content)

    if said.status is RailStatus.SETTLED:
        assert (content["status"], said.provider_status) == ("completed", "completed")
        assert said.amount == Money(str(content["amount"]), content.get("currency", "USD"))


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
@example({"eventType": "payment.completed", "amount": "37.00"})
def test_no_delivery_breaks_the_reader_or_settles_without_the_word_and_the_amount(document: Any) -> None:
    body = json.dumps(document).encode()
    try:
        event = wire.event_of(KNOWN, body, id="", is_vouched=True, asset="USD", received_at=NOON)
    except WebhookSignatureInvalid:
        assert not isinstance(document, dict)
        return

    if event.transfer.status is RailStatus.SETTLED:
        assert document["eventType"] == "payment.completed"
        assert event.transfer.amount == Money(str(document["amount"]), document.get("currency", "USD"))
