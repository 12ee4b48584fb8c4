"""Payments over HTTP: the client of the process, a copy for each user, errors as problem documents."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI, Header
from fastapi.testclient import TestClient

from invoicepay import InvoicePay, Payment
from invoicepay.integrations.fastapi import install_error_handlers

os.environ.setdefault("INVOICEPAY_STORE", "memory://")  # yours names a database

sdk, app = InvoicePay.from_env(), FastAPI()
install_error_handlers(app)  # InvoicePayError -> application/problem+json


def as_user(x_user: Annotated[str, Header()]) -> InvoicePay:
    """The client of whoever asks; a real host takes the user from its own login."""
    return sdk.acting_as(x_user)  # actor for authority checks and the audit trail


Pay = Annotated[InvoicePay, Depends(as_user)]
Key = Annotated[str | None, Header(alias="Idempotency-Key")]


@app.post("/invoices/{invoice_id}/payments")
def settle(invoice_id: str, payer: str, pay: Pay, key: Key = None) -> Payment:
    """Pay an invoice, once for each key."""
    return pay.invoices.pay(invoice_id, payer=payer, idempotency_key=key)


sdk.sim.settle(sdk.deposits.initiate("ann", "50.00 USD"))
invoice = sdk.invoices.issue(enterprise="acme", customer="ann", lines=[("Hosting", "29.00 USD")])
web, path = TestClient(app), f"/invoices/{invoice.id}/payments?payer=ann"
for user in ("ben", "ann", "ann"):  # somebody else, the customer, and the customer once more
    answer = web.post(path, headers={"X-User": user})
    print(answer.status_code, answer.json().get("code", "paid"))
