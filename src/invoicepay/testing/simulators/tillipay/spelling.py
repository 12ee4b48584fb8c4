"""Writes what an adapter reads: envelopes, answers and deliveries as a profile describes them."""

from __future__ import annotations

import json
from typing import Any

from invoicepay.adapters.tillipay.parts import Envelope, Extractors
from invoicepay.adapters.tillipay.profile import TilliPayProfile
from invoicepay.domain.time import iso
from invoicepay.ports.rails import RailStatus
from invoicepay.testing.simulators.tillipay.book import Payment

OK = "200"


def amount(cents: int) -> str:
    """Cents as decimal text."""
    return f"{cents // 100}.{cents % 100:02}"


def cents(text: object) -> int | None:
    """Decimal text as cents; None when it is no such text."""
    whole, _, rest = text.partition(".") if isinstance(text, str) else ("", "", "")
    is_amount = whole.isdecimal() and rest.isdecimal() and len(rest) == 2
    return int(whole + rest) if is_amount else None


def success(envelope: Envelope, content: dict[str, Any]) -> dict[str, Any]:
    """An answer that says yes."""
    document = dict[str, Any](content) if not envelope.content else {}
    if envelope.content:
        put(document, envelope.content, content)
    put(document, envelope.message, "done")
    put(document, envelope.code, OK)
    put(document, envelope.success.at, envelope.success.equals)
    return document


def failure(envelope: Envelope, code: str, message: str) -> dict[str, Any]:
    """An answer that says no."""
    document: dict[str, Any] = {}
    if isinstance(envelope.success.equals, bool):
        put(document, envelope.success.at, not envelope.success.equals)
    put(document, envelope.code, code)
    put(document, envelope.message, message)
    return document


def answer(profile: TilliPayProfile, places: Extractors, payment: Payment) -> dict[str, Any]:
    """What an operation answers about a payment, in the entries that the profile reads."""
    stated = {
        "provider_ref": payment.transaction_id,
        "reference": payment.reference,
        "status": payment.word or status_word(profile, payment.status),
        "amount": amount(payment.cents),
        "currency": payment.currency,
        "fee": amount(payment.fee_cents),
        "return_code": payment.return_code,
    }
    document: dict[str, Any] = {}
    for name, pointers in places:
        if pointers and stated.get(name):
            put(document, pointers[0], stated[name])
    return document


def delivery(profile: TilliPayProfile, payment: Payment) -> bytes:
    """The body of a webhook about a payment."""
    webhook, document = profile.webhook, dict[str, Any]()
    put(document, webhook.event, payment.word or event_word(profile, payment))
    put(document, webhook.provider_ref, payment.transaction_id)
    put(document, webhook.amount, amount(payment.cents))
    put(document, webhook.currency, payment.currency)
    optional = {
        webhook.reference: payment.reference,
        webhook.occurred_at: iso(payment.changed_at),
        webhook.return_code: payment.return_code,
        webhook.fee: amount(payment.fee_cents) if payment.fee_cents else "",
    }
    for pointer, value in optional.items():
        if pointer and value:
            put(document, pointer, value)
    return json.dumps(document).encode()


def status_word(profile: TilliPayProfile, status: RailStatus) -> str:
    """The profile's newest word for a status; ours where it has none."""
    words = [word for word, one in profile.status_map.items() if one is status]
    return words[-1] if words else status.value


def event_word(profile: TilliPayProfile, payment: Payment) -> str:
    """The profile's newest name of an event; one that it does not know where it has none."""
    wanted = (payment.direction, payment.status)
    words = [
        word for word, event in profile.webhook.events.items() if (event.direction, event.status) == wanted
    ]
    return words[-1] if words else f"{payment.direction}.{payment.status}"


def put(document: dict[str, Any], pointer: str, value: object) -> None:
    """Write a value at a place, with the tables on the way to it.

    Examples:
        >>> document = {}
        >>> put(document, "/statusMessage/code", "200")
        >>> document
        {'statusMessage': {'code': '200'}}
    """
    *above, last = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    for step in above:
        document = document.setdefault(step, {})
    document[last] = value
