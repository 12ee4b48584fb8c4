"""Many invoices at once, each with its own outcome (spec 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

from invoicepay.domain.invoices import Invoice
from invoicepay.domain.issuing import InvoiceTerms
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases.batches import Asked, in_batches
from invoicepay.use_cases.invoices.issue import FINALIZE, ISSUE, FinalizeInvoice
from invoicepay.use_cases.perform import Deps


async def issue_many(deps: Deps, asked: Sequence[Asked[InvoiceTerms]]) -> list[Invoice | InvoicePayError]:
    """Draft and finalize many invoices in order; numbers of a series have no gaps where one is refused."""
    return await in_batches(deps, ISSUE, asked)


async def finalize_many(
    deps: Deps, asked: Sequence[Asked[FinalizeInvoice]]
) -> list[Invoice | InvoicePayError]:
    """Freeze and number many drafts in order."""
    return await in_batches(deps, FINALIZE, asked)
