"""A store that has grown: its payments are made by the library itself, in parts of few invoices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.clients import blocking
from bench.loads import WORKERS
from bench.places import Base, Place
from bench.progress import telling
from bench.stock import BATCH, Stock, enterprise
from bench.workers import side_by_side
from bench.workload import payer
from invoicepay import InvoicePayError, Issue, Pay

PARTS = 20
PRICE = "1.00 USD"
WHOLE = f"{PARTS}.00 USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many payments one worker adds."""

    url: str
    name: str
    number: int
    stock: Stock
    payments: int


def grow(place: Place, base: Base, stock: Stock, payments: int) -> str:
    """A copy of the store with so many payments more; its name.

    Every row is written by `issue_many` and `pay_many`, so the books are right by construction. An invoice is
    paid in twenty parts, because only the payments are to be many.
    """
    name = place.copy(base.name)
    with telling(f"growing by {payments:,} payments"):
        shares = [
            Share(
                url=place.url(name),
                name=f"grow-{lane}",
                number=lane,
                stock=stock,
                payments=payments // WORKERS,
            )
            for lane in range(WORKERS)
        ]
        side_by_side(_growing, shares)
        place.tidy(name)
    return name


def _growing(share: Share) -> Iterator[Any]:
    """Issue fifty invoices, pay them in parts, a thousand per call, and so on."""
    with blocking(share.url, stream=share.name) as pay:
        yield
        for start in range(0, share.payments, BATCH):
            asked = [_issue(share, start // PARTS + number) for number in range(BATCH // PARTS)]
            invoices = [
                done for done in pay.invoices.issue_many(asked) if not isinstance(done, InvoicePayError)
            ]
            parts = [
                Pay(invoice, payer=invoice.customer_id, amount=PRICE, idempotency_key=f"{invoice.id}-{part}")
                for part in range(PARTS)
                for invoice in invoices
            ]
            assert not any(isinstance(done, InvoicePayError) for done in pay.invoices.pay_many(parts))
        yield
        yield None


def _issue(share: Share, number: int) -> Issue:
    """An invoice of a seller and for a payer of this lane only."""
    seller = WORKERS * (number % (share.stock.enterprises // WORKERS)) + share.number
    customer = WORKERS * (number % (share.stock.payers // WORKERS)) + share.number
    return Issue(enterprise=enterprise(seller), customer=payer(customer), lines=[("Goods", WHOLE)])
