"""A view of Django's: the order's rows and its invoice are written in one transaction, or neither is."""

from types import SimpleNamespace

import django
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.test import RequestFactory

from invoicepay import InvoicePay, Line
from invoicepay.errors import InsufficientFunds
from invoicepay.integrations.django import atomic

DATABASE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db"}
settings.configure(DATABASES={"default": DATABASE}, USE_TZ=True)  # yours: settings.py
django.setup()

pay = InvoicePay("sqlite:///shop.db")  # on Django's database


def checkout(request: HttpRequest, order_id: int) -> JsonResponse:
    """Invoice an order and pay it."""
    customer = f"user:{request.user.pk}"
    try:
        with atomic(pay) as tx:  # Django's connection, Django's transaction
            invoice = tx.invoices.issue(
                enterprise="acme",
                customer=customer,
                idempotency_key=f"order-{order_id}",
                lines=[Line.of(f"Order {order_id}", "49.00 USD")],
            )
            tx.invoices.pay(invoice.id, payer=customer, idempotency_key=f"order-{order_id}-pay")
    except InsufficientFunds as exc:
        return JsonResponse(exc.to_problem(), status=exc.http_status)
    return JsonResponse(invoice.to_dict(), status=201)


pay.parties.register("acme", kind="enterprise")
pay.parties.register("user:7")
pay.sim.settle(pay.deposits.initiate("user:7", "60.00 USD"))
request = RequestFactory().post("/checkout")
request.user = SimpleNamespace(pk=7)  # who is logged in
for order_id in (1, 1, 2):  # an order, the same again, and one that is too much
    answer = checkout(request, order_id)
    print(order_id, answer.status_code, answer.reason_phrase)
print([invoice.number for invoice in pay.invoices.list()], "and nothing of order 2")
pay.close()
