"""What the payment codes of invoices, requests and payees say (spec 4.6)."""

from __future__ import annotations

from datetime import datetime

from invoicepay.domain.invoices import Invoice
from invoicepay.domain.money import Money
from invoicepay.domain.qr_payload import QrKind, QrPayload
from invoicepay.domain.requests import PaymentRequest


def request_payload(request: PaymentRequest, tenant_id: str) -> QrPayload:
    """The code of a request: equal requests say the same, for the nonce is stored with them."""
    return QrPayload(
        kind=QrKind.REQUEST,
        id=request.id,
        tenant=tenant_id,
        payee=request.requester_id,
        asset=request.asset,
        amount=request.due or None,
        expires_at=request.expires_at,
        nonce=request.nonce,
    )


def invoice_payload(invoice: Invoice, tenant_id: str, nonce: str) -> QrPayload:
    """The code of an invoice, for what is open now; whoever scans it later pays what is open then."""
    return QrPayload(
        kind=QrKind.INVOICE,
        id=invoice.id,
        tenant=tenant_id,
        payee=invoice.enterprise_id,
        asset=invoice.asset,
        amount=invoice.remaining or None,
        expires_at=invoice.expires_at,
        nonce=nonce,
    )


def payee_payload(
    payee_id: str,
    tenant_id: str,
    nonce: str,
    *,
    asset: str,
    amount: Money | None = None,
    expires_at: datetime | None = None,
) -> QrPayload:
    """The code of a payee: static, or with a fixed amount.

    Raises:
        InvalidInput: the amount is of another asset, or a field is malformed.
    """
    return QrPayload(
        kind=QrKind.STATIC_PAYEE if amount is None else QrKind.STATIC_AMOUNT,
        tenant=tenant_id,
        payee=payee_id,
        asset=asset,
        amount=amount,
        expires_at=expires_at,
        nonce=nonce,
    )
