"""Many customers of one shop: invoices are issued and paid a thousand at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from invoicepay.domain.invoices import Invoice
from invoicepay.domain.issuing import InvoiceTerms
from invoicepay.domain.lines import Line
from invoicepay.domain.payments import Payment
from invoicepay.use_cases.invoices.issue import ISSUE
from invoicepay.use_cases.payments.pull import PAY, PayInvoice
from invoicepay.use_cases.perform import Deps, UseCase, call_of, perform_many
from tests.support.desk import Desk
from tests.support.till import usd

BATCH = 1_000


class Crowd(Desk):
    """acme and beta sell to so many payers, who have 100,000.00 USD each."""

    def __init__(self, payers: int = 50, **ports: Any) -> None:
        super().__init__(**ports)
        self.payers = [f"payer-{number:03}" for number in range(payers)]
        for seller in ("acme", "beta"):
            self.enterprise(seller)
        for payer in self.payers:
            self.fund(payer, "100000.00 USD")

    def issue(self, count: int) -> list[Invoice]:
        """Open invoices over 10.00 USD, to one payer after the other."""
        return self.together(ISSUE, [self.terms(number, "10.00") for number in range(count)])

    def terms(self, number: int, total: str) -> InvoiceTerms:
        """An invoice to one of the payers."""
        return InvoiceTerms(
            enterprise_id="acme" if number % 2 else "beta",
            customer_id=self.payers[number % len(self.payers)],
            lines=(Line(description="goods", unit_price=usd(total)),),
        )

    def pay(self, invoices: Sequence[Invoice]) -> list[Payment]:
        """Pay each in full."""
        return self.together(
            PAY, [PayInvoice(invoice_id=each.id, payer_id=each.customer_id) for each in invoices]
        )

    def together(self, use_case: UseCase[Any, Any], commands: Sequence[Any]) -> list[Any]:
        """The results of commands that come in batches with keys of the host's; none may be refused."""
        return [
            result
            for start in range(0, len(commands), BATCH)
            for result in self.run(_batch(self.deps, use_case, commands[start : start + BATCH]))
        ]


async def _batch(deps: Deps, use_case: UseCase[Any, Any], commands: Sequence[Any]) -> list[Any]:
    keys = [f"host/{deps.ids.nonce()}" for _ in commands]
    calls = [call_of(deps, use_case, command, key) for command, key in zip(commands, keys, strict=True)]
    answers = await perform_many(deps, calls)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
