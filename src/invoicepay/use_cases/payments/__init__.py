"""Payments of invoices: pulled from a wallet, pushed by a transfer, recorded from outside, taken back."""

from __future__ import annotations

from invoicepay.use_cases.payments.external import RECORD_EXTERNAL, RecordExternalPayment, record_external
from invoicepay.use_cases.payments.onchain import (
    CANCEL,
    CancelPayment,
    cancel_payment,
    fold_needs,
    fold_transfer,
)
from invoicepay.use_cases.payments.pull import (
    PAY,
    PAY_SEVERAL,
    PaidInvoices,
    PayInvoice,
    PayInvoices,
    pay_invoice,
    pay_invoices,
    pay_many,
)
from invoicepay.use_cases.payments.push import RECEIVE, Received, ReceivePush, receive_push
from invoicepay.use_cases.payments.reverse import REVERSE, ReversePayment, reverse_payment

__all__ = [
    "CANCEL",
    "PAY",
    "PAY_SEVERAL",
    "RECEIVE",
    "RECORD_EXTERNAL",
    "REVERSE",
    "CancelPayment",
    "PaidInvoices",
    "PayInvoice",
    "PayInvoices",
    "ReceivePush",
    "Received",
    "RecordExternalPayment",
    "ReversePayment",
    "cancel_payment",
    "fold_needs",
    "fold_transfer",
    "pay_invoice",
    "pay_invoices",
    "pay_many",
    "receive_push",
    "record_external",
    "reverse_payment",
]
