"""A netted asset in a crowd: one run at a time, while payments and workers go on (S-07, ADR 0029)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from invoicepay import Asset, InvoicePay, Programme
from invoicepay.domain.netting import SettlementRun
from invoicepay.domain.policies import Settlement
from invoicepay.errors import InvalidTransition, InvoicePayError
from tests.stories.test_races import STORES, opened

NETTED = Programme(assets={"USD": Asset("USD", settlement=Settlement.NETTED)})
ROUNDS = 3


@pytest.fixture(params=STORES)
def pay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InvoicePay]:
    """A programme on a database that threads share; ann and bob have 1,000 dollars each."""
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'pay.db'}" if is_file else request.getfixturevalue("postgres_url")
    yield from opened(url, NETTED)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call gave that started at the same moment, in a thread of its own."""
    start = Barrier(len(calls), timeout=30)

    def run(call: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return call()
        except InvoicePayError as refusal:
            return refusal

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def send(pay: InvoicePay, payer: str, payee: str, amount: str) -> Callable[[], Any]:
    return lambda: pay.transfers.send(payer, payee, f"{amount} USD")


def test_of_operators_who_settle_at_once_one_opens_the_run(pay: InvoicePay) -> None:
    for number in range(ROUNDS):
        pay.transfers.send("ann", "acme", "10.00 USD")
        answers = at_once(
            *[lambda: pay.tokens.settle("USD")] * 4,
            send(pay, "ann", "bob", "3.00"),
            send(pay, "bob", "acme", "2.00"),
        )

        runs = [answer for answer in answers if isinstance(answer, SettlementRun)]
        refusals = [answer for answer in answers if isinstance(answer, InvoicePayError)]
        assert len(runs) == 1, number
        assert {type(refusal) for refusal in refusals} == {InvalidTransition}
        pay.sim.deliver()
        pay.run_pending()
        assert pay.tokens.settlement(runs[0]).status == "settled"

    pay.tokens.settle("USD")
    pay.run_pending()
    tie_out = pay.tokens.tie_out("USD")
    assert tie_out.is_tied_out and not tie_out.unsettled, str(tie_out)


def test_workers_and_payments_that_meet_a_run_leave_positions_right(pay: InvoicePay) -> None:
    for _ in range(ROUNDS):
        withdraw = [
            lambda who=who: pay.withdrawals.initiate(who, "20.00 USD", account_token="acc-1")
            for who in ("ann", "bob", "acme")
        ]
        at_once(
            *withdraw,
            send(pay, "ann", "acme", "30.00"),
            send(pay, "bob", "ann", "5.00"),
            lambda: pay.tokens.settle("USD"),
            *[pay.run_pending] * 3,
        )
        assert pay.invariants.check() == ()

    for _ in range(2):
        pay.run_pending()
        at_once(lambda: pay.tokens.settle("USD"))
    pay.run_pending()
    tie_out = pay.tokens.tie_out("USD")
    assert tie_out.is_tied_out and not tie_out.unsettled, str(tie_out)
