"""Invoice-first stablecoin payments: deposits, reserves, tokens, invoices, credits, requests, payouts.

Names are loaded on first use, so importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invoicepay import errors as errors
    from invoicepay.awaiting import AsyncInvoicePay as AsyncInvoicePay
    from invoicepay.blocking import InvoicePay as InvoicePay
    from invoicepay.bridge import run_blocking as run_blocking
    from invoicepay.client.batches import Finalize as Finalize
    from invoicepay.client.batches import Issue as Issue
    from invoicepay.client.batches import Pay as Pay
    from invoicepay.client.batches import Register as Register
    from invoicepay.client.pages import AsyncPage as AsyncPage
    from invoicepay.client.pages import Page as Page
    from invoicepay.documents.qr import QrCode as QrCode
    from invoicepay.domain.credit_notes import CreditNote as CreditNote
    from invoicepay.domain.credits import CreditLot as CreditLot
    from invoicepay.domain.deposits import Deposit as Deposit
    from invoicepay.domain.events import Event as Event
    from invoicepay.domain.holds import Hold as Hold
    from invoicepay.domain.invoices import Invoice as Invoice
    from invoicepay.domain.lines import Line as Line
    from invoicepay.domain.money import Money as Money
    from invoicepay.domain.money import MoneyLike as MoneyLike
    from invoicepay.domain.parties import Party as Party
    from invoicepay.domain.payments import Payment as Payment
    from invoicepay.domain.policies import Asset as Asset
    from invoicepay.domain.policies import Policy as Policy
    from invoicepay.domain.policies import Programme as Programme
    from invoicepay.domain.requests import PaymentRequest as PaymentRequest
    from invoicepay.domain.requests import Transfer as Transfer
    from invoicepay.domain.schedules import Every as Every
    from invoicepay.domain.schedules import Schedule as Schedule
    from invoicepay.domain.withdrawals import Withdrawal as Withdrawal
    from invoicepay.errors import InvoicePayError as InvoicePayError
    from invoicepay.settings import Settings as Settings
    from invoicepay.wiring import migrate as migrate

_HOMES = {
    "Asset": "domain.policies",
    "AsyncInvoicePay": "awaiting",
    "AsyncPage": "client.pages",
    "CreditLot": "domain.credits",
    "CreditNote": "domain.credit_notes",
    "Deposit": "domain.deposits",
    "Event": "domain.events",
    "Every": "domain.schedules",
    "Finalize": "client.batches",
    "Hold": "domain.holds",
    "Invoice": "domain.invoices",
    "InvoicePay": "blocking",
    "InvoicePayError": "errors",
    "Issue": "client.batches",
    "Line": "domain.lines",
    "Money": "domain.money",
    "MoneyLike": "domain.money",
    "Page": "client.pages",
    "Party": "domain.parties",
    "Pay": "client.batches",
    "Payment": "domain.payments",
    "PaymentRequest": "domain.requests",
    "Policy": "domain.policies",
    "Programme": "domain.policies",
    "QrCode": "documents.qr",
    "Register": "client.batches",
    "Schedule": "domain.schedules",
    "Settings": "settings",
    "Transfer": "domain.requests",
    "Withdrawal": "domain.withdrawals",
    "errors": "",
    "migrate": "wiring",
    "run_blocking": "bridge",
}

__all__ = [  # noqa: PLE0604 - the keys are the names above
    *_HOMES,
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'invoicepay' has no attribute {name!r}")
    home = _HOMES[name]
    module = import_module(f"invoicepay.{home or name}")
    value = getattr(module, name) if home else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
