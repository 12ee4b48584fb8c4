"""Logins are shared and renewed; each way a call can end is told as what it is."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from invoicepay.adapters.tillipay import Payer, TilliPay
from invoicepay.errors import ProviderError, ProviderRejected, ProviderUnavailable, ProviderUnknown
from invoicepay.ports.rails import RailOrder, RailStatus, RailTransfer
from invoicepay.testing.hosts import Host
from invoicepay.testing.simulators.faults import Fault, Faults
from invoicepay.testing.simulators.server import App, Message, Receive, Scope, Send
from tests.adapters.tillipay.desk import Desk, desk

PAYMENT, QUERY, LOGIN = "POST /gps/ach/payments", "GET /gps/payments/status", "/gps/api/login/"


def deposit(host: Host, at: Desk, order: RailOrder) -> RailTransfer:
    return host.run(at.rails.initiate_deposit(order, idempotency_key="k"))


def test_one_login_serves_a_channel_for_as_long_as_its_token_lives(host: Host, at: Desk) -> None:
    for number in range(3):
        deposit(host, at, at.order(reference=f"eff_{number}"))
    once = at.gateway.logins
    at.clock.advance(seconds=at.gateway.profile.auth.token_ttl_seconds)
    deposit(host, at, at.order(reference="eff_later"))

    assert (once, at.gateway.logins) == (1, 2)


def test_each_channel_has_a_login_of_its_own(host: Host, at: Desk) -> None:
    for rail in ("card", "bank_debit", "bank_debit_by_phone"):
        deposit(host, at, at.order(rail=rail, reference=f"eff_{rail}"))

    assert at.gateway.logins == 3
    assert [payment.channel for payment in at.gateway.payments()] == ["card", "ica", "cbp"]


def test_a_token_that_ended_early_is_renewed_once_and_the_order_moves_once(host: Host, at: Desk) -> None:
    deposit(host, at, at.order())
    at.gateway.end_sessions()

    second = deposit(host, at, at.order(reference="eff_2"))

    assert second.status is RailStatus.PENDING
    assert (at.gateway.logins, at.movements()) == (2, 2)


def test_a_refusal_of_the_token_in_the_envelope_renews_it_as_well(host: Host, at: Desk) -> None:
    at.gateway.refuse_next("401")

    assert deposit(host, at, at.order()).status is RailStatus.PENDING
    assert (at.gateway.logins, at.movements()) == (2, 1)


def test_a_second_refusal_ends_the_call_and_nothing_moved(host: Host, at: Desk) -> None:
    at.gateway.faults.fail_before(401, times=2, on=PAYMENT)

    with pytest.raises(ProviderUnavailable):
        deposit(host, at, at.order())

    assert (at.gateway.logins, at.movements()) == (2, 0)
    assert [line for line in at.gateway.faults.seen if line == PAYMENT] == [PAYMENT] * 2


def test_wrong_keys_are_unavailable_and_no_order_is_sent(host: Host, at: Desk) -> None:
    wrong = replace(at.gateway.credentials["ica"], secret_key=SecretStr("no such key"))
    rails = TilliPay(
        at.gateway.profile, {"ica": wrong}, environment="simulator", base_url=at.gateway.url, clock=at.clock
    )

    with pytest.raises(ProviderUnavailable, match="credentials"):
        host.run(rails.initiate_deposit(at.order(), idempotency_key="k"))

    assert PAYMENT not in at.gateway.faults.seen
    host.run(rails.aclose())


def test_a_login_without_a_token_is_unavailable(host: Host, at: Desk) -> None:
    at.gateway.faults.change(lambda _: b'{"statusCode": "200"}', on=LOGIN)

    with pytest.raises(ProviderUnavailable, match="got no token"):
        deposit(host, at, at.order())


Ordered = Callable[[Faults], object]


def refusing(status: int) -> Fault:
    """A fault: the gateway refuses in its own words."""

    async def fault(_app: App, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json")]
        told = {"statusCode": str(status), "statusDesc": "Refused"}
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    return fault


ENDS: dict[str, tuple[Ordered, type[ProviderError], int]] = {
    "a login that is lost": (lambda f: f.drop_answer(on=LOGIN), ProviderUnavailable, 0),
    "500 before": (lambda f: f.fail_before(500, on=PAYMENT), ProviderUnknown, 0),
    "503 after": (lambda f: f.fail_after(503, on=PAYMENT), ProviderUnknown, 1),
    "a lost request": (lambda f: f.drop_request(on=PAYMENT), ProviderUnknown, 0),
    "a lost answer": (lambda f: f.drop_answer(on=PAYMENT), ProviderUnknown, 1),
    "429": (lambda f: f.too_many(retry_after=7, on=PAYMENT), ProviderUnavailable, 0),
    "403": (lambda f: f.fail_before(403, on=PAYMENT), ProviderUnavailable, 0),
    "422": (lambda f: f.order(refusing(422), on=PAYMENT), ProviderRejected, 0),
    "422 without an envelope": (lambda f: f.fail_before(422, on=PAYMENT), ProviderUnknown, 0),
    "404 without an envelope": (lambda f: f.fail_before(404, on=PAYMENT), ProviderUnknown, 0),
    "409": (lambda f: f.fail_before(409, on=PAYMENT), ProviderUnknown, 0),
    "408": (lambda f: f.fail_before(408, on=PAYMENT), ProviderUnknown, 0),
    "a redirect": (lambda f: f.fail_before(307, on=PAYMENT), ProviderUnknown, 0),
    "no JSON": (lambda f: f.change(lambda _: b"<html>", on=PAYMENT), ProviderUnknown, 1),
    "no envelope": (lambda f: f.change(lambda _: b'{"ok": true}', on=PAYMENT), ProviderUnknown, 1),
    "a number for a text": (
        lambda f: f.change(lambda _: b'{"statusCode": 200}', on=PAYMENT),
        ProviderUnknown,
        1,
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_order_ends_as_what_is_known_of_it(host: Host, at: Desk, end: str) -> None:
    ordered, kind, movements = ENDS[end]
    ordered(at.gateway.faults)

    with pytest.raises(ProviderError) as error:
        deposit(host, at, at.order())

    assert type(error.value) is kind
    assert at.movements() == movements
    if end == "429":
        assert error.value.details["retry_after_seconds"] == 7


@pytest.mark.parametrize(
    ("code", "kind"), [("422", ProviderRejected), ("402", ProviderRejected), ("E-77", ProviderUnknown)]
)
def test_a_code_that_nobody_listed_leaves_the_outcome_unknown(
    host: Host, at: Desk, code: str, kind: type[ProviderError]
) -> None:
    at.gateway.refuse_next(code)

    with pytest.raises(ProviderError) as error:
        deposit(host, at, at.order())

    assert type(error.value) is kind
    assert error.value.details["code"] == code


@pytest.mark.parametrize("status", [400, 404, 422, 500])
def test_only_a_well_formed_answer_says_that_a_payment_does_not_exist(
    host: Host, at: Desk, status: int
) -> None:
    deposit(host, at, at.order())
    at.gateway.faults.fail_before(status, on=QUERY)

    with pytest.raises(ProviderUnavailable):
        host.run(at.rails.find("eff_2"))
    assert host.run(at.rails.find("eff_2")) is None
    assert host.run(at.rails.find("eff_1")) is not None


def test_a_payment_is_found_whatever_its_channel_and_direction(host: Host, at: Desk) -> None:
    deposit(host, at, at.order(rail="card", reference="eff_card"))
    host.run(at.rails.initiate_withdrawal(at.order(reference="eff_out"), idempotency_key="k"))

    found = [host.run(at.rails.find(reference)) for reference in ("eff_card", "eff_out")]

    assert [transfer and (transfer.reference, transfer.direction) for transfer in found] == [
        ("eff_card", "deposit"),
        ("eff_out", "withdrawal"),
    ]


def test_a_channel_that_is_down_hides_no_payment_of_another_one(host: Host, at: Desk) -> None:
    deposit(host, at, at.order())
    at.gateway.faults.fail_before(500, times=9, on="/gps/api/login/merchant-card")

    assert host.run(at.rails.find("eff_1")) is not None
    with pytest.raises(ProviderUnavailable):
        host.run(at.rails.find("eff_2"))


@pytest.mark.parametrize(
    "change",
    [{"account_token": ""}, {"rail": "wire"}, {"amount": "10.00 EUR"}, {"amount": "10.001 USD"}],
    ids=str,
)
def test_an_order_that_the_gateway_cannot_take_is_refused_before_a_login(
    host: Host, at: Desk, change: dict[str, Any]
) -> None:
    order = at.order(change.get("amount", "10.00 USD"))
    rest = {name: value for name, value in change.items() if name != "amount"}

    with pytest.raises(ProviderRejected):
        deposit(host, at, replace(order, **rest))

    assert at.gateway.logins == 0


def test_what_the_host_knows_of_the_payer_goes_along_and_failing_to_tell_sends_nothing(host: Host) -> None:
    bodies: list[bytes] = []

    async def payers(party: str) -> Payer:
        if party != "ann":
            raise LookupError(party)
        return Payer(first_name="Ann", city="McLean")

    async def kept(app: App, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        bodies.append(message["body"])
        await app(scope, lambda: _at_once(message), send)

    with desk(payers=payers) as at:
        at.gateway.faults.order(kept, times=2, on=PAYMENT)
        with pytest.raises(ProviderUnavailable, match="nothing was sent"):
            deposit(host, at, replace(at.order(), party_id="bob"))
        deposit(host, at, at.order())
        host.run(at.rails.aclose())

    (sent,) = [json.loads(body) for body in bodies]
    assert (sent["firstName"], sent["city"], "lastName" in sent) == ("Ann", "McLean", False)


async def _at_once(message: Message) -> Message:
    return message


def test_what_was_told_of_the_payer_is_repeated_in_no_error_and_no_log(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    async def payers(_: str) -> Payer:
        return Payer(first_name="Annabella", email="annabella@example.com")

    said = b'{"statusCode": "422", "statusDesc": "Annabella with annabella@example.com is not known"}'
    with desk(payers=payers) as at:
        at.gateway.faults.change(lambda _: said, on=PAYMENT)
        with (
            caplog.at_level(logging.DEBUG),
            pytest.raises(ProviderRejected, match=r"code 422: \[redacted\] with \[redacted\] is not known"),
        ):
            deposit(host, at, at.order())
        host.run(at.rails.aclose())

    assert "[redacted] with [redacted] is not known" in caplog.text
    assert "nnabella" not in caplog.text


def test_health_tells_of_each_login(host: Host, at: Desk) -> None:
    well = host.run(at.rails.health())
    at.gateway.end_sessions()
    at.clock.advance(hours=1)
    at.gateway.faults.fail_before(500, times=9, on="/gps/api/login/merchant-ica")
    ill = host.run(at.rails.health())

    assert well.is_ok
    assert [check.name for check in ill.failed] == ["login.ica"]
    assert {check.name: check.detail for check in well.checks} == {
        "login.card": "",
        "login.cbp": "",
        "login.ica": "",
        "news": "webhooks, status queries",
        "assumptions": f"{len(at.gateway.profile.unconfirmed())} unconfirmed",
    }
