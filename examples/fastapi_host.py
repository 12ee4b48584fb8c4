"""A web host: invoices and payments over HTTP, errors as application/problem+json.

See a conversation with it: python examples/fastapi_host.py
Its interface for a service in another language: python examples/fastapi_host.py openapi > openapi.json
Serve it: INVOICEPAY_STORE=sqlite:///pay.db uvicorn --app-dir examples --factory fastapi_host:app_from_env
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from pydantic import BaseModel

from invoicepay import Invoice, InvoicePay, Line, Money, Page, Payment
from invoicepay.integrations.fastapi import install_error_handlers


class NewLine(BaseModel):
    """What a line of an invoice is made of; a float for the price is refused with 422."""

    description: str
    price: Money
    quantity: str = "1"
    tax_rate: str = "0"


class NewInvoice(BaseModel):
    """An invoice to be issued by whoever asks."""

    customer: str
    lines: list[NewLine]
    due_in_days: int | None = None


def acting_user(request: Request, x_user: Annotated[str, Header()]) -> InvoicePay:
    """The client, limited to what the user may do; a real host takes the user from its own login."""
    sdk: InvoicePay = request.app.state.pay
    return sdk.acting_as(x_user)


Pay = Annotated[InvoicePay, Depends(acting_user)]
Key = Annotated[str | None, Header(alias="Idempotency-Key")]


def name_of(route: APIRoute) -> str:
    """How a generated client calls an operation."""
    return route.name


def app_around(sdk: InvoicePay) -> FastAPI:
    """The application around a client; plain `def` endpoints run in the thread pool."""

    @asynccontextmanager
    async def closing(_app: FastAPI) -> AsyncIterator[None]:
        yield  # requests are answered here; a server ends them before it goes on
        sdk.close()

    app = FastAPI(
        title="Invoices and payments", version="1", lifespan=closing, generate_unique_id_function=name_of
    )
    app.state.pay = sdk
    install_error_handlers(app)

    @app.post("/invoices", status_code=201)
    def issue(new: NewInvoice, pay: Pay, x_user: Annotated[str, Header()], key: Key = None) -> Invoice:
        return pay.invoices.issue(
            enterprise=x_user,
            customer=new.customer,
            lines=[
                Line.of(line.description, line.price, quantity=line.quantity, tax_rate=line.tax_rate)
                for line in new.lines
            ],
            due_in_days=new.due_in_days,
            idempotency_key=key,
        )

    @app.get("/invoices/{invoice_id}")
    def read(invoice_id: str, pay: Pay) -> Invoice:
        return pay.invoices.get(invoice_id)

    @app.get("/invoices")
    def listed(
        pay: Pay, customer: str, after: str = "", limit: Annotated[int, Query(le=200)] = 50
    ) -> Page[Invoice]:
        return pay.invoices.list(customer=customer, after=after, limit=limit)

    @app.post("/invoices/{invoice_id}/payments")
    def settle(invoice_id: str, pay: Pay, x_user: Annotated[str, Header()], key: Key = None) -> Payment:
        return pay.invoices.pay(invoice_id, payer=x_user, idempotency_key=key)

    @app.post("/hooks/{provider}", status_code=204)
    async def hook(provider: str, request: Request) -> Response:
        body = await request.body()  # raw bytes: the signature covers them
        await run_in_threadpool(sdk.webhooks.receive, provider, headers=request.headers, body=body)
        return Response(status_code=204)  # repeated, late and reordered deliveries are safe

    return app


def app_from_env() -> FastAPI:
    """The application that a server starts; `INVOICEPAY_DISPATCH=deferred` leaves work to a worker."""
    return app_around(InvoicePay.from_env())


def talk() -> None:
    """Talk to the application the way a client would, and print what it answers."""
    from fastapi.testclient import TestClient

    sdk = InvoicePay()
    sdk.parties.register("acme", kind="enterprise")
    sdk.sim.settle(sdk.deposits.initiate("ann", "50.00 USD"))
    with TestClient(app_around(sdk)) as web:
        acme, ann = {"X-User": "acme"}, {"X-User": "ann"}
        order = {"customer": "ann", "lines": [{"description": "Hosting", "price": "29.00 USD"}]}
        invoice = web.post("/invoices", json=order, headers=acme | {"Idempotency-Key": "order-1"}).json()
        print("issued  ", invoice["number"], invoice["total"])
        for attempt in ("first", "again"):
            paid = web.post(f"/invoices/{invoice['id']}/payments", headers=ann | {"Idempotency-Key": "pay-1"})
            print(f"{attempt:8}", paid.status_code, paid.json()["status"], paid.json()["applied"])
        refused = web.post(f"/invoices/{invoice['id']}/payments", headers=ann)
        print("refused ", refused.status_code, refused.json()["code"], "|", refused.json()["hint"])


if __name__ == "__main__":
    if sys.argv[1:] == ["openapi"]:
        print(json.dumps(app_around(InvoicePay()).openapi(), indent=2))
    else:
        talk()
