"""Events as CloudEvents 1.0, read back by the library of those who define them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat

from invoicepay import Event

DATA = {"id": "dep_1", "account_token": "ba_1", "parts": [{"account_token": "ba_2", "amount": "1.00"}]}


def event(**other: Any) -> Event:
    told: dict[str, Any] = {
        "id": "evt_1",
        "tenant_id": "acme & söhne",
        "name": "deposit.confirmed",
        "kind": "deposit",
        "entity_id": "dep_1",
        "seq": 7,
        "from_status": "received",
        "to_status": "confirmed",
        "at": datetime(2026, 1, 5, 9, tzinfo=UTC),
        "data": DATA,
    }
    return Event(**told | other)


def test_the_reference_library_reads_every_attribute() -> None:
    body = json.dumps(event().to_cloudevent()).encode()
    message = HTTPMessage({"content-type": "application/cloudevents+json"}, body)

    read = from_http_event(message, JSONFormat())

    assert read.get_specversion() == "1.0"
    assert (read.get_id(), read.get_type()) == ("evt_1", "invoicepay.deposit.confirmed")
    assert read.get_source() == "/invoicepay/acme%20%26%20s%C3%B6hne"
    assert (read.get_subject(), read.get_time()) == ("dep_1", datetime(2026, 1, 5, 9, tzinfo=UTC))
    assert read.get_datacontenttype() == "application/json"
    assert read.get_extension("sequence") == "0000000007"
    assert read.get_data() == event().outward()


def test_a_host_may_name_its_own_source() -> None:
    assert event().to_cloudevent("https://shop.example/pay")["source"] == "https://shop.example/pay"


def test_sequences_sort_as_text_as_they_do_as_numbers() -> None:
    sequences = [event(seq=seq).to_cloudevent()["sequence"] for seq in (2, 10, 100)]

    assert sequences == sorted(sequences)


def test_tokens_of_accounts_stay_inside_however_deep_they_lie() -> None:
    told = event().outward()["object"]

    assert told == {"id": "dep_1", "parts": [{"amount": "1.00"}]}
    assert DATA["account_token"] == "ba_1"
