"""Webhooks in: verified, kept, applied once. Events out: to functions of the host and to endpoints."""

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.testclient import TestClient

from invoicepay import Event, InvoicePay
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.adapters.system import SystemClock
from invoicepay.errors import WebhookSignatureInvalid

bank = SimulatedRails(SystemClock(), name="acmebank")  # yours is a real one
pay, app = InvoicePay(rails=bank), FastAPI()


@app.post("/hooks/{provider}")
async def hook(provider: str, request: Request) -> Response:
    """Take what a provider tells."""
    body = await request.body()  # raw bytes: the signature covers them
    try:
        await run_in_threadpool(pay.webhooks.receive, provider, headers=request.headers, body=body)
    except WebhookSignatureInvalid:
        return Response(status_code=400)
    return Response(status_code=204)  # repeated, late or reordered deliveries are safe


@pay.on("invoice.paid")  # after commit, at least once
def ship(event: Event) -> None:
    """Send the goods."""
    ...  # noqa: PIE790 - as printed


pay.webhook_endpoints.create(url="https://shop.example/hooks", events=["invoice.*"])  # outbound, signed

deposit = pay.deposits.initiate("ann", "50.00 USD")
bank.drain()
bank.move(bank.transfers()[-1].reference, BankCommand.SETTLE)
(delivery,) = bank.drain()
web = TestClient(app)
for headers in (delivery.headers, delivery.headers, {}):  # told, told again, forged
    print(web.post("/hooks/acmebank", content=delivery.body, headers=headers).status_code)
print("ann has", pay.wallets.get("ann").available)
print("told", *(endpoint.url for endpoint in pay.webhook_endpoints.list()))
