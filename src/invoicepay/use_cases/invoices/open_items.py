"""What enterprises are still owed on their invoices: overdue ones, and all by age."""

from __future__ import annotations

from invoicepay.domain.authority import Side
from invoicepay.domain.invoices import AgeingBucket, Invoice, InvoiceStatus, ageing_bucket, is_overdue
from invoicepay.domain.money import Money
from invoicepay.domain.needs import find
from invoicepay.domain.parties import Party
from invoicepay.domain.tables import Ageing
from invoicepay.use_cases import queries
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps

OPEN = (InvoiceStatus.OPEN, InvoiceStatus.PARTIALLY_PAID)


async def overdue(deps: Deps, enterprise_id: str) -> list[Invoice]:
    """Open invoices past their due date in the enterprise's zone.

    Raises:
        NotFound, NotAllowed: no such enterprise, or another party asks.
    """
    now, zone = deps.clock.now(), await _zone(deps, enterprise_id)
    return [invoice for invoice in await _open(deps, enterprise_id) if is_overdue(invoice, now, zone)]


async def ageing(deps: Deps, enterprise_id: str) -> Ageing:
    """What is open, by asset and by how many days it is past due.

    Raises:
        NotFound, NotAllowed: no such enterprise, or another party asks.
    """
    now, zone = deps.clock.now(), await _zone(deps, enterprise_id)
    report = Ageing()
    for invoice in await _open(deps, enterprise_id):
        zero = Money.zero(invoice.asset)
        buckets = report.setdefault(invoice.asset, dict.fromkeys(AgeingBucket, zero))
        buckets[ageing_bucket(invoice, now, zone)] += invoice.remaining
    return report


async def _zone(deps: Deps, enterprise_id: str) -> str:
    await allow(deps, "invoices.overdue", sides={Side.ENTERPRISE: enterprise_id})
    party = await queries.get(deps, Party, enterprise_id)
    return party.timezone


async def _open(deps: Deps, enterprise_id: str) -> tuple[Invoice, ...]:
    return await queries.every(deps, find(Invoice, enterprise_id=enterprise_id, status__in=OPEN))
