"""What comes before a payment: issuing invoices, and work for providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.clients import blocking
from bench.ground import Ground
from bench.loads import WORKERS
from bench.registry import measure
from bench.result import Result
from bench.stats import medians
from bench.stock import Stock, enterprise
from bench.workers import side_by_side
from bench.workload import payer
from invoicepay import InvoicePay, InvoicePayError, Issue

PARTIES = Stock(invoices=0)
LINES = [("Goods", "12.00 USD")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one worker is to do how often."""

    url: str
    name: str
    number: int
    count: int


@measure("issue", "issue one by one, issue_many 1,000 per call, 2 processes")
def issue(ground: Ground) -> Result:
    """Invoices of one line."""
    calls = ground.size.calls
    return _each(ground, {"issue_single": (_issuing, calls // 10), "issue_many": (_issuing_many, calls // 2)})


@measure("effects", "orders to a simulated provider: claim, send, record; 2 processes")
def effects(ground: Ground) -> Result:
    """Mints of recorded deposits, each worker with providers of its own."""
    return _each(ground, {"effects": (_sending, ground.size.calls // 10)})


def _each(ground: Ground, tasks: dict[str, tuple[Callable[[Turn], Iterator[Any]], int]]) -> Result:
    result, place = Result(), ground.on_server
    base = place.base(PARTIES)
    for _ in range(ground.size.runs):
        found: dict[str, float] = {}
        for name, (task, count) in tasks.items():
            store = place.copy(base.name)
            turns = [
                Turn(url=place.url(store), name=f"lane-{number}", number=number, count=count)
                for number in range(WORKERS)
            ]
            load = side_by_side(task, turns, place.meter)
            place.leave(store, result)
            done = sum(load.results)
            found[f"{name}_per_second"] = done / load.seconds
            found |= {f"{name}_{part}": micros for part, micros in load.micros(done).items()}
        result.runs.append(found)
    result.figures = medians(result.runs)
    return result


def _invoices(turn: Turn) -> list[Issue]:
    """Invoices of enterprises that only this worker issues for, since their numbers have no gaps."""
    return [
        Issue(
            enterprise=enterprise(WORKERS * (number % (PARTIES.enterprises // WORKERS)) + turn.number),
            customer=payer(number % PARTIES.payers),
            lines=LINES,
            idempotency_key=f"{turn.name}-{number}",
        )
        for number in range(turn.count)
    ]


def _issuing(turn: Turn) -> Iterator[Any]:
    with blocking(turn.url, stream=turn.name) as pay:
        asked = _invoices(turn)
        _issue_one(pay, asked.pop())
        yield
        for one in asked:
            _issue_one(pay, one)
        yield
        yield len(asked)


def _issue_one(pay: InvoicePay, one: Issue) -> None:
    pay.invoices.issue(
        enterprise=one.enterprise,
        customer=one.customer,
        lines=one.lines,
        idempotency_key=one.idempotency_key,
    )


def _issuing_many(turn: Turn) -> Iterator[Any]:
    with blocking(turn.url, stream=turn.name) as pay:
        asked = _invoices(turn)
        _issue_one(pay, asked.pop())
        yield
        done = pay.invoices.issue_many(asked)
        yield
        yield sum(not isinstance(one, InvoicePayError) for one in done)


def _sending(turn: Turn) -> Iterator[Any]:
    """Deposits that arrived wait to be minted; a worker of the host brings them on."""
    with blocking(turn.url, stream=turn.name) as pay:
        for number in range(turn.count):
            owner = payer(WORKERS * (number % (PARTIES.payers // WORKERS)) + turn.number)
            ref = f"{turn.name}-{number}"
            pay.deposits.record(owner, "10.00 USD", provider="bank", provider_ref=ref)
        yield
        sent = 0
        while moved := pay.run_pending(until_quiet=False).sent:
            sent += moved
        yield
        yield sent
