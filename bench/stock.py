"""What lies in a store before it is measured: parties with tokens and open invoices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from bench.clients import blocking
from bench.workers import side_by_side
from bench.workload import POOR, Due, payer, poor
from invoicepay import Invoice, InvoicePay, InvoicePayError, Issue, Money, Register, migrate
from invoicepay.bridge import run_blocking
from invoicepay.domain.parties import PartyKind
from invoicepay.domain.policies import Policy
from invoicepay.use_cases.perform import own_call, perform_many
from tests.support.desk import FUND, Fund

BATCH = 1_000
WEALTH = "1000000 USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """So many invoices, by how many enterprises for how many payers."""

    invoices: int
    enterprises: int = 64
    payers: int = 500


def enterprise(number: int) -> str:
    """An enterprise's id."""
    return f"enterprise-{number}"


def lay_in(url: str, stock: Stock, *, workers: int) -> list[Due]:
    """Migrate a new database and fill it through the library's own calls; the invoices, shuffled by payer."""
    migrate(url)
    with blocking(url) as pay:
        _parties(pay, stock)
    parts = [(url, stock, number, workers) for number in range(min(workers, stock.enterprises))]
    issued = side_by_side(_issuing, parts).results
    dues = [due for some in issued for due in some]
    Random(1).shuffle(dues)
    return dues


def _parties(pay: InvoicePay, stock: Stock) -> None:
    sellers = [Register(enterprise(number), kind="enterprise") for number in range(stock.enterprises)]
    _all_done(pay.parties.register_many([*sellers, *(Register(poor(number)) for number in range(POOR))]))
    for start in range(0, stock.payers, BATCH):
        _fund(pay, [payer(number) for number in range(start, min(start + BATCH, stock.payers))])


def _fund(pay: InvoicePay, ids: Sequence[str]) -> None:
    """Tokens with the reserve and the mint behind them, without a provider's round for each party."""
    deps = pay._pay._core.deps
    wealth, policy = Money.of(WEALTH), Policy()
    commands = [Fund(party_id=id, kind=PartyKind.USER, amount=wealth, policy=policy) for id in ids]
    _all_done(run_blocking(perform_many(deps, [own_call(deps, FUND, command) for command in commands])))


def _issuing(part: tuple[str, Stock, int, int]) -> Iterator[Any]:
    """One lane of enterprises issues its invoices."""
    url, stock, lane, workers = part
    with blocking(url, stream=f"issue-{lane}") as pay:
        yield
        wanted = [issue for owner, issue in _wanted(stock) if owner % workers == lane]
        made = [
            invoice
            for start in range(0, len(wanted), BATCH)
            for invoice in _all_done(pay.invoices.issue_many(wanted[start : start + BATCH]))
        ]
        yield
        yield [_due(invoice) for invoice in made]


def _wanted(stock: Stock) -> Iterator[tuple[int, Issue]]:
    random = Random(2)
    for number in range(stock.invoices):
        owner = random.randrange(stock.enterprises)
        lines = [("Goods", f"{10 + number % 90}.00 USD")]
        customer = payer(number % stock.payers)
        yield owner, Issue(enterprise=enterprise(owner), customer=customer, lines=lines)


def _due(invoice: Invoice) -> Due:
    return Due(invoice.id, int(invoice.customer_id.rpartition("-")[2]), invoice.remaining.micros)


def _all_done(answers: Sequence[Any]) -> Sequence[Any]:
    for answer in answers:
        if isinstance(answer, InvoicePayError):
            raise answer
    return answers
