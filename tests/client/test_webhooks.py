"""Deliveries are taken for the side that they name, by that word or by the provider's own name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from starlette.datastructures import Headers
from werkzeug.datastructures import Headers as WerkzeugHeaders

from invoicepay import InvoicePay
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.adapters.simulated.weather import Delivery
from invoicepay.adapters.system import SystemClock
from invoicepay.errors import InvalidInput, WebhookSignatureInvalid
from invoicepay.ports.webhooks import RequestHeaders


def delivered(name: str) -> tuple[InvoicePay, Delivery]:
    """A client and a delivery of its bank that nobody has taken yet."""
    rails = SimulatedRails(SystemClock(), name=name)
    pay = InvoicePay(rails=rails)
    pay.deposits.initiate("ann", "20.00 USD")
    (transfer,) = rails.transfers()
    rails.drain()
    rails.move(transfer.reference, BankCommand.SETTLE)
    (delivery,) = rails.drain()
    return pay, delivery


@pytest.mark.parametrize("provider", ["rails", "acmebank"])
def test_a_delivery_is_taken_under_the_side_or_the_name_of_the_provider(provider: str) -> None:
    pay, delivery = delivered("acmebank")

    (kept,) = pay.webhooks.receive(provider, headers=delivery.headers, body=delivery.body)

    assert kept.provider == "acmebank"
    assert str(pay.wallets.get("ann").available) == "20.00 USD"


@pytest.mark.parametrize("provider", ["stripe", "", "RAILS", "Acmebank", None, 5, ["rails"]])
def test_a_provider_that_nobody_wired_is_refused_with_those_there_are(provider: Any) -> None:
    pay, delivery = delivered("acmebank")

    with pytest.raises(InvalidInput, match="is one of rails, tokens, acmebank, simulated-tokens"):
        pay.webhooks.receive(provider, headers=delivery.headers, body=delivery.body)

    assert not pay.wallets.get("ann").available


Pairs = list[tuple[str, str]]


def starlettes(pairs: Pairs) -> RequestHeaders:
    return Headers(raw=[(name.lower().encode(), value.encode()) for name, value in pairs])


def werkzeugs(pairs: Pairs) -> RequestHeaders:
    """Flask's are of this kind: no mapping."""
    return WerkzeugHeaders(pairs)


@pytest.mark.parametrize("framework", [starlettes, werkzeugs])
def test_a_signature_that_came_twice_is_refused_and_another_header_may(
    framework: Callable[[Pairs], RequestHeaders],
) -> None:
    def twice(headers: Mapping[str, str], name: str, other: str) -> RequestHeaders:
        return framework([*headers.items(), (name, other)])

    pay, delivery = delivered("acmebank")
    (signature,) = [name for name in delivery.headers if "signature" in name.lower()]

    with pytest.raises(WebhookSignatureInvalid):
        pay.webhooks.receive("rails", headers=twice(delivery.headers, signature, "0a"), body=delivery.body)

    forwarded = {"Via": "a", **delivery.headers}
    assert pay.webhooks.receive("rails", headers=twice(forwarded, "Via", "b"), body=delivery.body)


def test_a_name_that_both_sides_share_is_told_apart_by_the_side() -> None:
    clock = SystemClock()
    pay = InvoicePay(rails=SimulatedRails(clock, name="circle"), token=SimulatedTokens(clock, name="circle"))

    with pytest.raises(InvalidInput, match="is one of rails, tokens, circle, not 'circle'"):
        pay.webhooks.receive("circle", headers={}, body=b"{}")
    with pytest.raises(WebhookSignatureInvalid):
        pay.webhooks.receive("tokens", headers={}, body=b"{}")


@pytest.mark.parametrize(("headers", "body"), [({}, "{}"), (None, b"{}"), ({}, {"event": 1}), ([], b"")])
def test_a_parsed_body_is_no_delivery(headers: Any, body: Any) -> None:
    with pytest.raises(WebhookSignatureInvalid, match="headers and bytes, not") as caught:
        InvoicePay().webhooks.receive("rails", headers=headers, body=body)

    assert "before anything has parsed it" in caught.value.hint
