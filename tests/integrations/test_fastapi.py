"""`install_error_handlers` turns refusals into problem documents, in answers and in the description."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from inspect import getmembers, isclass
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.testclient import TestClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from invoicepay import AsyncInvoicePay, Invoice, InvoicePay, errors
from invoicepay.errors import InvoicePayError, MissingExtra, NotFound, ProviderUnavailable
from invoicepay.integrations.fastapi import PROBLEM_SCHEMA, install_error_handlers

KINDS = [kind for _, kind in getmembers(errors, isclass) if issubclass(kind, InvoicePayError)]
REF = {"$ref": "#/components/schemas/InvoicePayProblem"}


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    install_error_handlers(app)
    return app


def test_a_refusal_of_the_blocking_client_is_a_problem_document(app: FastAPI) -> None:
    pay = InvoicePay()

    @app.get("/invoices/{invoice_id}")
    def read(invoice_id: str) -> Invoice:
        return pay.invoices.get(invoice_id)

    answer = TestClient(app).get("/invoices/inv_unknown")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["type"] == "urn:invoicepay:error:not_found"
    assert answer.json()["hint"]


def test_a_refusal_of_the_awaiting_client_is_the_same(app: FastAPI) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncInvoicePay() as app.state.pay:
            yield

    @app.get("/invoices/{invoice_id}")
    async def read(invoice_id: str) -> Invoice:
        invoice: Invoice = await app.state.pay.invoices.get(invoice_id)
        return invoice

    app.router.lifespan_context = lifespan
    with TestClient(app) as web:
        answer = web.get("/invoices/inv_unknown")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_refusals_in_dependencies_and_routers_are_answered_alike(app: FastAPI) -> None:
    router = APIRouter()

    def somebody() -> str:
        raise NotFound("nobody of that name")

    @router.get("/who", dependencies=[Depends(somebody)])
    def who() -> None: ...

    app.include_router(router, prefix="/shop")

    assert TestClient(app).get("/shop/who").json()["detail"] == "nobody of that name"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_every_error_is_written_as_the_description_says(kind: type[InvoicePayError]) -> None:
    error = errors.error_from(kind.code, "what happened", {"id": "inv_1"})

    OAS31Validator(PROBLEM_SCHEMA | {"additionalProperties": False}).validate(error.to_problem())


@pytest.mark.parametrize(
    ("error", "level"), [(errors.InvariantViolated(), "ERROR"), (ProviderUnavailable(), "WARNING")]
)
def test_what_is_nobodys_request_at_fault_is_logged(
    app: FastAPI, caplog: pytest.LogCaptureFixture, error: InvoicePayError, level: str
) -> None:
    @app.get("/broken")
    def broken() -> None:
        raise error

    with caplog.at_level(logging.INFO, "invoicepay.integrations"):
        answer = TestClient(app).get("/broken?token=hush")

    (record,) = [one for one in caplog.records if one.name == "invoicepay.integrations"]
    assert answer.json()["code"] == error.code
    assert (record.levelname, record.getMessage()) == (level, f"GET /broken: {error.code}")


def test_what_a_caller_did_wrong_is_not_logged(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    @app.get("/missing")
    def missing() -> None:
        raise NotFound

    with caplog.at_level(logging.INFO, "invoicepay.integrations"):
        assert TestClient(app).get("/missing").status_code == 404

    assert not [one for one in caplog.records if one.name == "invoicepay.integrations"]


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (operation for path in document["paths"].values() for operation in path.values())


@pytest.mark.parametrize("is_early", [True, False])
def test_every_operation_is_described_with_the_problem_and_the_description_is_valid(is_early: bool) -> None:
    app = FastAPI()
    if is_early:
        install_error_handlers(app)

    @app.get("/invoices/{invoice_id}")
    def read(invoice_id: str) -> Invoice:
        raise NotFound

    @app.delete("/invoices/{invoice_id}")
    def drop(invoice_id: str) -> None: ...

    if not is_early:
        install_error_handlers(app)

    document = app.openapi()
    validate(document)
    assert [operation["responses"]["default"]["content"] for operation in operations(document)] == [
        {"application/problem+json": {"schema": REF}}
    ] * 2
    assert TestClient(app).get("/openapi.json").json() == document


def test_a_default_response_of_the_hosts_own_stays(app: FastAPI) -> None:
    @app.get("/own", responses={"default": {"description": "Mine."}})
    def own() -> None: ...

    (operation,) = operations(app.openapi())
    assert operation["responses"]["default"] == {"description": "Mine."}


def test_a_route_that_is_added_late_is_described_as_well(app: FastAPI) -> None:
    app.openapi()

    @app.get("/late")
    def late() -> None: ...

    app.openapi_schema = None
    assert "default" in app.openapi()["paths"]["/late"]["get"]["responses"]


def test_without_fastapi_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI()
    monkeypatch.setitem(sys.modules, "fastapi.responses", None)

    with pytest.raises(MissingExtra, match=r'pip install "invoicepay\[fastapi\]"'):
        install_error_handlers(app)


def test_importing_the_integration_imports_no_framework() -> None:
    asked = "import sys, invoicepay.integrations.fastapi; print('fastapi' in sys.modules)"

    assert subprocess.check_output([sys.executable, "-c", asked], text=True) == "False\n"
