"""The web host of the examples answers as its documentation says."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from openapi_spec_validator import validate

from invoicepay import InvoicePay
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.adapters.system import SystemClock
from invoicepay.errors import ConfigurationError

SCRIPT = Path(__file__).parents[2] / "examples" / "fastapi_host.py"
HOST = runpy.run_path(str(SCRIPT))
READS = Config(extra_media_type_deserializers={"application/problem+json": json.loads})
ACME, ANN = {"X-User": "acme"}, {"X-User": "ann"}
ORDER = {"customer": "ann", "lines": [{"description": "Hosting", "price": "29.00 USD", "tax_rate": "0.19"}]}


@pytest.fixture
def rails() -> SimulatedRails:
    return SimulatedRails(SystemClock(), name="acmebank")


@pytest.fixture
def web(rails: SimulatedRails) -> Iterator[TestClient]:
    sdk = InvoicePay(rails=rails)
    sdk.parties.register("acme", kind="enterprise")
    sdk.sim.settle(sdk.deposits.initiate("ann", "100.00 USD"))
    with TestClient(HOST["app_around"](sdk)) as client:
        client.event_hooks["response"] = [agrees]
        yield client


@cache
def described() -> OpenAPI:
    document = HOST["app_around"](InvoicePay()).openapi()
    return OpenAPI.from_dict({**document, "servers": [{"url": "http://testserver"}]}, READS)


def agrees(answer: Any) -> None:
    """Hold an answer against what the OpenAPI document says of it."""
    body, kind = answer.read(), answer.headers.get("content-type", "")
    asked = MockRequest("http://testserver", answer.request.method, answer.request.url.path)
    described().validate_response(asked, MockResponse(body, answer.status_code, content_type=kind))


def issue(web: TestClient, **headers: str) -> Any:
    answer = web.post("/invoices", json=ORDER, headers=ACME | headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_an_invoice_is_answered_as_json_with_money_as_text(web: TestClient) -> None:
    invoice = issue(web)

    assert invoice["total"] == {"amount": "34.51", "asset": "USD"}
    assert web.get(f"/invoices/{invoice['id']}", headers=ANN).json() == invoice


def test_a_key_in_the_header_makes_a_repetition_harmless(web: TestClient) -> None:
    first, again = issue(web, **{"Idempotency-Key": "order-1"}), issue(web, **{"Idempotency-Key": "order-1"})

    assert first["id"] == again["id"]


def test_a_payment_is_made_by_whoever_asks_and_a_second_one_is_a_problem(web: TestClient) -> None:
    path = f"/invoices/{issue(web)['id']}/payments"

    assert web.post(path, headers=ANN).json()["status"] == "completed"
    refused = web.post(path, headers=ANN)
    assert (refused.status_code, refused.json()["code"]) == (409, "invoice_already_paid")
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "user", "body", "status", "code"),
    [
        ("GET", "/invoices/inv_unknown", ANN, None, 404, "not_found"),
        ("GET", "/invoices?customer=ann&limit=0", ANN, None, 400, "invalid_input"),
        ("POST", "/invoices", ANN, ORDER | {"customer": "ben"}, 404, "not_found"),
        ("POST", "/invoices", ACME, {"customer": "ann", "lines": []}, 400, "invalid_line"),
        ("POST", "/hooks/stripe", {}, {}, 400, "invalid_input"),
        ("POST", "/hooks/acmebank", {}, {}, 400, "webhook_signature_invalid"),
    ],
)
def test_a_refusal_is_a_problem_document(
    web: TestClient, method: str, path: str, user: dict[str, str], body: Any, status: int, code: str
) -> None:
    answer = web.request(method, path, headers=user, json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["hint"]


def test_a_float_for_a_price_is_refused_by_the_model(web: TestClient) -> None:
    order = {"customer": "ann", "lines": [{"description": "Hosting", "price": 29.0}]}

    assert web.post("/invoices", json=order, headers=ACME).status_code == 422


def test_a_list_is_read_page_by_page(web: TestClient) -> None:
    made = [issue(web)["number"] for _ in range(3)]

    first = web.get("/invoices?customer=ann&limit=2", headers=ANN).json()
    rest = web.get(f"/invoices?customer=ann&after={first['next_cursor']}", headers=ANN).json()

    assert [invoice["number"] for invoice in (*first["items"], *rest["items"])] == made
    assert rest["next_cursor"] == ""


def test_a_delivery_of_the_bank_is_taken_once_however_often_it_comes(
    web: TestClient, rails: SimulatedRails
) -> None:
    sdk: InvoicePay = web.app.state.pay  # type: ignore[attr-defined]
    sdk.deposits.initiate("ann", "20.00 USD")
    rails.drain()
    rails.move(rails.transfers()[-1].reference, BankCommand.SETTLE)
    (delivery,) = rails.drain()

    for _ in range(2):
        taken = web.post("/hooks/acmebank", content=delivery.body, headers=delivery.headers)
        assert taken.status_code == 204
    assert str(sdk.wallets.get("ann").available) == "120.00 USD"


def test_the_interface_is_written_by_a_command_and_is_valid_openapi() -> None:
    written = subprocess.run([sys.executable, SCRIPT, "openapi"], capture_output=True, check=True).stdout

    document = json.loads(written)
    validate(document)
    schemas = document["components"]["schemas"]
    assert {"Invoice", "Payment", "PageOf_Invoice_", "InvoicePayProblem"} <= schemas.keys()
    assert schemas["Invoice"]["properties"]["total"]["properties"]["amount"]["type"] == "string"
    assert {call["operationId"] for path in document["paths"].values() for call in path.values()} == {
        *("issue", "read", "listed", "settle", "hook"),
    }


def test_a_server_without_a_store_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INVOICEPAY_STORE", raising=False)

    with pytest.raises(ConfigurationError, match="INVOICEPAY_STORE"):
        HOST["app_from_env"]()


def test_closing_the_application_closes_the_client(rails: SimulatedRails) -> None:
    sdk = InvoicePay(rails=rails)
    with TestClient(HOST["app_around"](sdk)):
        pass

    assert repr(sdk).endswith("closed>")
