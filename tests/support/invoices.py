"""Invoices for tests of values: nothing is stored."""

from __future__ import annotations

from typing import Any

from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.lines import Line, totals
from invoicepay.domain.money import Money


def usd(text: str) -> Money:
    """Dollars."""
    return Money(text, "USD")


def an_invoice(status: InvoiceStatus = InvoiceStatus.OPEN, *lines: Line, **facts: Any) -> Invoice:
    """An invoice of acme for ann, 100.00 USD unless lines say otherwise, with nothing paid."""
    lines = lines or (Line.of("Advice", "100.00 USD"),)
    sums = totals(lines)
    nothing = Money.zero(sums.total.asset)
    amounts: dict[str, Any] = dict.fromkeys(
        ("applied", "credited_pre", "credited_post", "written_off", "pending", "overpaid", "refunded"),
        nothing,
    )
    amounts |= {"net": sums.net, "tax": sums.tax, "total": sums.total, "remaining": sums.total}
    return Invoice(
        **{
            "id": "inv_1",
            "enterprise_id": "acme",
            "customer_id": "ann",
            "asset": sums.total.asset,
            "status": status,
            "lines": lines,
            **amounts,
            **facts,
        }
    )
