"""What a bank answers, and what its own code raises, is told in the port's words."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from examples.acme_bank import SECRET, AcmeBank
from invoicepay import InboxMessage, InvoicePay, Money, run_blocking
from invoicepay.adapters.signatures import BODY_HMAC_SHA256_HEX, HEADERS_HMAC_SHA512_HEX, STANDARD_V1
from invoicepay.errors import (
    ConfigurationError,
    InvoicePayError,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    WebhookSignatureInvalid,
)
from invoicepay.ports.rails import RailEvent, RailOrder, RailStatus, RailTransfer
from invoicepay.testing import FrozenClock
from invoicepay.use_cases.inbox import ANOTHER_BODY
from tests.adapters.http_rails.far_side import LIMITS, FarSide, detail

ORDER_TIME = datetime(2026, 1, 31, 9, tzinfo=UTC)
ORDER = RailOrder(reference="eff_1", amount=Money.of("10.00 USD"), rail="instant", party_id="ann")


def start(rails: AcmeBank, order: RailOrder = ORDER) -> RailTransfer:
    return run_blocking(rails.initiate_deposit(order, idempotency_key="key-1"))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("400", ProviderRejected),
        ("404", ProviderRejected),
        ("422", ProviderRejected),
        ("401", ProviderUnavailable),
        ("429", ProviderUnavailable),
        ("409", ProviderUnknown),
        ("408", ProviderUnknown),
        ("302", ProviderUnknown),
        ("500", ProviderUnknown),
        ("200", ProviderUnknown),
        ("lose", ProviderUnknown),
    ],
)
def test_each_answer_to_an_order_is_one_of_three(bank: FarSide, answer: str, kind: type[Exception]) -> None:
    bank.next = answer

    with pytest.raises(kind):
        start(bank.rails())


def test_what_is_not_read_names_the_missing_key_and_nothing_of_the_answer(bank: FarSide) -> None:
    bank.next = "200"

    with pytest.raises(ProviderUnknown, match="acmebank answered what is not read: KeyError 'kind'"):
        start(bank.rails())


def test_key_and_idempotency_key_travel_in_their_headers(bank: FarSide) -> None:
    start(bank.rails())

    ((path, headers),) = bank.heard
    assert path == "/collections"
    assert headers["authorization"] == "Bearer test-key-of-acme"
    assert headers["idempotency-key"] == "key-1"


def test_a_bank_shows_its_key_nowhere(bank: FarSide) -> None:
    assert "test-key" not in f"{bank.rails()!r} {bank.rails()}"


@pytest.mark.parametrize("answer", ["422", "500", "200"])
def test_no_frame_of_a_failed_call_shows_the_key(bank: FarSide, answer: str) -> None:
    bank.next = answer
    with pytest.raises(ProviderError) as failed:
        start(bank.rails())

    ours = [entry for entry in failed.traceback if "invoicepay" in str(entry.path)]
    shown = [repr(value) for entry in ours for value in entry.frame.f_locals.values()]
    assert any("<AcmeBank at" in text for text in shown)
    assert not [text for text in shown if "test-key" in text]


def test_a_bank_says_in_headers_of_its_own_what_it_is_known_by(bank: FarSide) -> None:
    class ByHeader(AcmeBank):
        name = "by-header"

        def headers(self) -> Mapping[str, SecretStr]:
            return {"X-Api-Key": self.key}

    start(bank.rails(ByHeader))

    ((_, headers),) = bank.heard
    assert headers["x-api-key"] == "test-key-of-acme"
    assert "authorization" not in headers


def test_a_word_that_is_not_in_the_list_needs_a_person(bank: FarSide) -> None:
    rails = bank.rails()
    start(rails)
    bank.transfers["eff_1"]["state"] = "teleported"

    found = run_blocking(rails.find("eff_1"))

    assert found is not None
    assert (found.status, found.provider_status) == (RailStatus.NEEDS_REVIEW, "teleported")


class Talkative(AcmeBank):
    """Asks for details once the order is taken, and logs in before."""

    name = "talkative"
    logs_in = False

    def start_deposit(self, order: RailOrder, key: str) -> RailTransfer:
        if self.logs_in:
            self.call("POST", "/login", json={"reference": "login"})
        super().start_deposit(order, key)
        raise ProviderUnavailable("the details cannot be had")


def test_what_fails_after_the_order_was_taken_is_unknown(bank: FarSide) -> None:
    with pytest.raises(ProviderUnknown, match="talkative took the order, then: the details cannot be had"):
        start(bank.rails(Talkative))


def test_an_order_that_is_refused_after_a_login_is_refused(bank: FarSide) -> None:
    class LogsIn(Talkative):
        name = "logs-in"
        logs_in = True

    rails = bank.rails(LogsIn)
    bank.next = "200"  # for the login, whose answer is not looked at

    run = bank.take

    def then_refuse(kind: str, order: dict[str, str]) -> dict[str, str]:
        bank.next = "422"
        return run(kind, order)

    bank.take = then_refuse  # type: ignore[method-assign]
    with pytest.raises(ProviderRejected):
        start(rails)


class Broken(AcmeBank):
    """Breaks before anything is sent."""

    name = "broken"

    def start_deposit(self, order: RailOrder, key: str) -> RailTransfer:
        raise KeyError("account")

    def look_up(self, reference: str) -> RailTransfer:
        raise ProviderRejected("no such question")


def test_what_breaks_before_anything_left_is_not_sent(bank: FarSide) -> None:
    with pytest.raises(ProviderUnavailable, match="nothing was sent to broken: KeyError 'account'"):
        start(bank.rails(Broken))


def test_a_question_that_fails_in_any_way_is_not_answered(bank: FarSide) -> None:
    with pytest.raises(ProviderUnavailable, match="no such question"):
        run_blocking(bank.rails(Broken).find("eff_1"))


class Silent(AcmeBank):
    """Forgets to return what it read."""

    name = "silent"

    def start_deposit(self, order: RailOrder, key: str) -> RailTransfer:
        super().start_deposit(order, key)
        return None  # type: ignore[return-value]


def test_an_order_that_returns_nothing_is_unknown(bank: FarSide) -> None:
    with pytest.raises(ProviderUnknown, match="TypeError"):
        start(bank.rails(Silent))


def test_an_awaiting_host_goes_on_while_the_bank_is_slow(bank: FarSide) -> None:
    rails = bank.rails()
    bank.next = "slow"

    async def ticks() -> int:
        order = asyncio.create_task(rails.initiate_deposit(ORDER, idempotency_key="key-1"))
        count = 0
        while not order.done():
            await asyncio.sleep(0.01)
            count += 1
            if count > 5:
                bank.may_answer.set()
        assert (await order).status is RailStatus.PENDING
        return count

    assert asyncio.run(ticks()) > 5


def test_all_calls_of_one_order_end_together(bank: FarSide) -> None:
    answered = list[object]()

    class Patient(AcmeBank):
        name = "patient"

        def start_deposit(self, order: RailOrder, key: str) -> RailTransfer:
            for _ in range(100):
                answered.append(self.call("GET", "/slow"))
                time.sleep(0.5)
            raise AssertionError("nobody waits so long")

    bank.transfers["slow"] = {"state": "created"}
    rails = bank.rails(Patient, limits=replace(LIMITS, total_seconds=2.0))
    since = time.monotonic()
    with pytest.raises(ProviderUnavailable, match="no time was left"):
        start(rails)

    assert answered
    assert time.monotonic() - since < 20  # of the 50 that a hundred calls last


class Counting(AcmeBank):
    """Counts in the smallest unit of each currency, and in whole numbers where it can."""

    name = "counting"

    def start_deposit(self, order: RailOrder, key: str) -> RailTransfer:
        body = {"units": order.minor_units, "currency": order.currency, "reference": order.reference}
        found = self.call("POST", "/collections", json=body, idempotency_key=key)
        amount = self.minor(found["units"], found["currency"])
        return self.transfer("deposit", id=found["id"], status=found["state"], amount=amount)


@pytest.mark.parametrize(
    ("amount", "units"), [("10.00 USD", 1000), ("0.01 USD", 1), ("500 JPY", 500), ("1.234 KWD", 1234)]
)
def test_a_bank_may_count_in_the_smallest_unit(bank: FarSide, amount: str, units: int) -> None:
    order = replace(ORDER, amount=Money.of(amount))

    transfer = start(bank.rails(Counting), order)

    assert str(bank.transfers["eff_1"]["units"]) == str(units)
    assert transfer.amount == order.amount


@pytest.mark.parametrize("stated", [10, "10", "10.00", Decimal(10), Decimal("10.00")])
def test_a_bank_may_state_ten_in_any_exact_way(stated: Any) -> None:
    assert AcmeBank().money(stated, "USD") == Money.of("10.00 USD")


@pytest.mark.parametrize("stated", [True, 10.0, None, "ten", Decimal(-1), "1.0000001"])
def test_what_is_no_amount_is_not_read(stated: Any) -> None:
    with pytest.raises((InvoicePayError, TypeError)):
        AcmeBank().money(stated, "USD")


@pytest.mark.parametrize("stated", [True, 10.0, "1000", Decimal(1000), -1, None])
def test_what_is_no_count_of_the_smallest_unit_is_not_read(stated: Any) -> None:
    with pytest.raises(InvoicePayError):
        AcmeBank().minor(stated, "USD")


@pytest.mark.parametrize("status", [0, 410])
def test_only_the_promised_answer_says_never_seen(bank: FarSide, status: int) -> None:
    class Other(AcmeBank):
        name = "other"
        unseen_status = status

    with pytest.raises(ProviderUnavailable, match="other answered 404 to GET transfers"):
        run_blocking(bank.rails(Other).find("eff_never"))
    assert run_blocking(bank.rails().find("eff_never")) is None


def test_an_asset_that_stands_for_the_currency_is_translated_both_ways(bank: FarSide) -> None:
    rails = AcmeBank(base_url=bank.url, assets=["USD.tempo"])
    bank.made.append(rails)
    order = RailOrder(reference="eff_2", amount=Money.of("10.00 USD.tempo"), rail="instant", party_id="ann")

    transfer = run_blocking(rails.initiate_deposit(order, idempotency_key="k"))

    assert bank.transfers["eff_2"]["currency"] == "USD"
    assert transfer.amount == order.amount
    with pytest.raises(ProviderRejected, match=r"moves USD\.tempo here, not USD"):
        start(rails)


def test_health_says_whether_it_is_there_and_how_news_come(bank: FarSide) -> None:
    there = detail(run_blocking(bank.rails().health()))
    rails = bank.rails()
    bank.end()
    gone = detail(run_blocking(rails.health()))

    assert there == {"reachable": (True, ""), "credentials": (True, ""), "news": (True, "webhooks, look-ups")}
    assert gone["reachable"][0] is False


def test_production_is_told_of_plain_http_and_of_webhooks_that_nobody_can_verify() -> None:
    faults = AcmeBank(key="k", base_url="http://127.0.0.1:1").production_faults()

    assert faults == ("acmebank is asked over plain http", "acmebank has no webhook_secret")
    assert AcmeBank(key="k", webhook_secret=SECRET).production_faults() == ()


def test_a_bank_without_a_webhook_secret_believes_nothing() -> None:
    body = b'{"event": "e"}'
    headers = BODY_HMAC_SHA256_HEX.signed(BODY_HMAC_SHA256_HEX.secret(SECRET), body)

    with pytest.raises(WebhookSignatureInvalid):
        AcmeBank().parse_webhook(body, headers, received_at=ORDER_TIME)


def test_a_delivery_that_is_signed_and_not_read_comes_again() -> None:
    body = b'{"event": "e", "transfer": {}}'
    headers = BODY_HMAC_SHA256_HEX.signed(BODY_HMAC_SHA256_HEX.secret(SECRET), body)

    with pytest.raises(ProviderUnavailable, match="delivered what is not read: KeyError 'kind'"):
        AcmeBank(webhook_secret=SECRET).parse_webhook(body, headers, received_at=ORDER_TIME)


class Telling(AcmeBank):
    """Tells several facts in one delivery, of which none has a name."""

    name = "telling"
    signature = STANDARD_V1

    def read_webhook(self, document: Any) -> list[RailEvent]:
        return [self.event("", self.read(one)) for one in document]

    def read(self, found: Mapping[str, Any]) -> RailTransfer:
        return self.transfer("deposit", id=found["id"], status="done", amount="1.00 USD")


def test_events_without_a_name_take_that_of_the_delivery() -> None:
    secret = "whsec_" + "QWNtZSBzaWducyB3aXRoIHRoaXMgc2VjcmV0Lg=="
    rails, body = Telling(webhook_secret=secret), b'[{"id": "a"}, {"id": "b"}]'
    headers = STANDARD_V1.signed(STANDARD_V1.secret(secret), body, id="msg_1", at=ORDER_TIME)

    events = rails.parse_webhook(body, headers, received_at=ORDER_TIME)

    assert [event.event_id for event in events] == ["msg_1/0", "msg_1/1"]


def test_several_events_of_one_delivery_are_kept_once_however_often_it_comes() -> None:
    secret, clock = "whsec_" + "QWNtZSBzaWducyB3aXRoIHRoaXMgc2VjcmV0Lg==", FrozenClock("2026-01-31T09:00:00Z")
    pay = InvoicePay(rails=Telling(webhook_secret=secret, clock=clock), clock=clock)
    body = b'[{"id": "a"}, {"id": "b"}]'

    def deliver() -> tuple[InboxMessage, ...]:
        headers = STANDARD_V1.signed(STANDARD_V1.secret(secret), body, id="msg_1", at=clock.now())
        return pay.webhooks.receive("telling", headers=headers, body=body)

    first = deliver()
    clock.advance(minutes=10)
    again = deliver()

    assert [message.digest for message in again] == [message.digest for message in first]
    assert ANOTHER_BODY not in {message.reason for message in again}


def test_where_only_headers_are_signed_the_body_is_a_hint() -> None:
    class Hinting(Telling):
        name = "hinting"
        signature = HEADERS_HMAC_SHA512_HEX

        def read_webhook(self, document: Any) -> list[RailEvent]:
            return [self.event("forged", self.read(document))]

    headers = HEADERS_HMAC_SHA512_HEX.signed(
        HEADERS_HMAC_SHA512_HEX.secret(SECRET), b"", id="msg_1", at=ORDER_TIME, nonce="n"
    )

    (event,) = Hinting(webhook_secret=SECRET).parse_webhook(b'{"id": "a"}', headers, received_at=ORDER_TIME)

    assert (event.event_id, event.body_authenticated) == ("msg_1", False)


def test_a_bank_that_reads_deliveries_itself_can_verify_them() -> None:
    body = b"not=json"
    good = BODY_HMAC_SHA256_HEX.signed(BODY_HMAC_SHA256_HEX.secret(SECRET), body)["x-signature"]
    rails = AcmeBank(webhook_secret=["an-older-secret", SECRET])

    rails.verify_hmac(body, good)
    for wrong in (None, "", good.upper(), good[:-1]):
        with pytest.raises(WebhookSignatureInvalid):
            rails.verify_hmac(body, wrong)


def test_the_environment_describes_a_bank() -> None:
    rails = AcmeBank.from_env(
        {
            "ACMEBANK_KEY": "k",
            "ACMEBANK_BASE_URL": "https://sandbox.acme.example",
            "ACMEBANK_WEBHOOK_SECRET": f"an-older-one {SECRET}",
        }
    )

    assert repr(rails) == "<AcmeBank at https://sandbox.acme.example>"
    assert rails.production_faults() == ()


def test_a_path_that_leads_elsewhere_is_refused(bank: FarSide) -> None:
    with pytest.raises(ConfigurationError, match="begins with a slash"):
        bank.rails().call("GET", "https://elsewhere.example/")
