"""Sixty-four at once, from four processes: payers of one invoice, and callers with one key.

    python -m tests.processes.crowds --store postgres

Each round an invoice of 100.00 is paid by 64 payers of 3.00: 34 payments settle it, the last of them with
2.00 too much, and everybody else is refused. Then 64 callers pay under one key: one payment, 63 repetitions.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

from bench.workers import side_by_side
from invoicepay import InvoicePay, InvoicePayError, Programme, migrate
from tests.processes.crew import context
from tests.processes.kills import STORES, a_store, say

PROCESSES, THREADS = 4, 16
CALLERS = PROCESSES * THREADS
PAYERS = tuple(f"payer-{number:02d}" for number in range(CALLERS))
PATIENCE_SECONDS = 60
AGAIN = " again"
EXPECTED = Counter({"3.00 USD + 0.00 USD": 33, "1.00 USD + 2.00 USD": 1, "invoice_already_paid": 30})
"""What the payers of a round are answered: applied and credited, or why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One caller's part in a round."""

    invoice: str
    payer: str
    amount: str
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one process does: the calls of each round, all at once."""

    url: str
    group_commit: str
    rounds: list[list[Call]]
    start: Barrier


def calling(part: Part) -> Iterator[Any]:
    """A process: its threads call together, and together with those of the others."""
    with (
        InvoicePay(part.url, dispatch="deferred", group_commit=part.group_commit) as pay,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        pay.wallets.get(PAYERS[0])
        yield
        answers = []
        for calls in part.rounds:
            part.start.wait(PATIENCE_SECONDS)
            answers.append(list(pool.map(lambda call: _answer(pay, call), calls)))
        yield
        yield answers


def _answer(pay: InvoicePay, call: Call) -> tuple[str, str]:
    """What was paid, or the code of the refusal; and the payment's id where it was done by this call."""
    try:
        payment = pay.invoices.pay(
            call.invoice, payer=call.payer, amount=call.amount, idempotency_key=call.key
        )
    except InvoicePayError as refusal:
        return refusal.code, ""
    return f"{payment.applied} + {payment.credit}", f"{payment.id}{AGAIN if payment.replayed else ''}"


def together(url: str, rounds: list[list[Call]], group_commit: str) -> list[list[tuple[str, str]]]:
    """Every caller's answer, by round."""
    start = context().Barrier(PROCESSES)
    parts = [
        Part(
            url=url,
            group_commit=group_commit,
            rounds=[calls[number::PROCESSES] for calls in rounds],
            start=start,
        )
        for number in range(PROCESSES)
    ]
    shares = side_by_side(calling, parts).results
    return [[answer for share in shares for answer in share[number]] for number in range(len(rounds))]


def run(url: str, rounds: int, keys: int, group_commit: str = "auto") -> list[str]:
    """So many invoices with 64 payers, and so many keys with 64 callers; what was wrong."""
    paid, called = _prepared(url, rounds), _prepared(url, keys)
    crowds = [[Call(invoice=id, payer=payer, amount="3.00 USD") for payer in PAYERS] for id in paid]
    same = [_same_key(id, "key-same", ["1.00 USD"]) for id in called]
    mixed = [_same_key(id, "key-mixed", ["2.00 USD", "3.00 USD"]) for id in called]
    answers = _together(url, [*crowds, *same, *mixed], group_commit)
    wrong = _not_paid_up(answers[:rounds])
    wrong += [found for each in answers[rounds : rounds + keys] for found in _not_once(each, CALLERS)]
    wrong += [found for each in answers[rounds + keys :] for found in _not_one_of_two(each)]
    with InvoicePay(url) as pay:
        for id in paid:
            invoice = pay.invoices.get(id)
            if (str(invoice.applied), invoice.status.value) != ("100.00 USD", "paid"):
                wrong.append(f"{id} is {invoice.status}, {invoice.applied} of it applied")
        done = [said for each in answers[rounds:] for said, id in each if id and AGAIN not in id]
        by_keys = sum(int(said.partition(".")[0]) for said in done)
        return wrong + _bookkeeping(pay, taken=102 * rounds + by_keys)


def _prepared(url: str, invoices: int) -> list[str]:
    """A shop, payers with money, and so many open invoices of 100.00."""
    migrate(url)
    programme = Programme(unknown_parties="register")
    with InvoicePay(url, programme=programme, dispatch="deferred") as pay:
        for payer in PAYERS:
            pay.deposits.record(
                payer,
                "500.00 USD",
                provider="lockbox",
                provider_ref=f"first/{payer}",
                idempotency_key=f"first/{payer}",
            )
        pay.run_pending()
        lines = [("Seats", "100.00 USD")]
        return [
            pay.invoices.issue(enterprise="acme", customer="customer", lines=lines).id
            for _ in range(invoices)
        ]


def _together(url: str, rounds: list[list[Call]], group_commit: str) -> list[list[tuple[str, str]]]:
    """Every caller's answer, by round."""
    start = context().Barrier(PROCESSES)
    parts = [
        Part(
            url=url,
            group_commit=group_commit,
            rounds=[calls[number::PROCESSES] for calls in rounds],
            start=start,
        )
        for number in range(PROCESSES)
    ]
    shares = side_by_side(calling, parts).results
    return [[answer for share in shares for answer in share[number]] for number in range(len(rounds))]


def _not_paid_up(rounds: list[list[tuple[str, str]]]) -> list[str]:
    """Rounds in which payers were answered something else than expected."""
    told = [Counter(said for said, _ in answers) for answers in rounds]
    return [f"round {number}: {dict(got)}" for number, got in enumerate(told) if got != EXPECTED]


def _same_key(invoice: str, key: str, amounts: list[str]) -> list[Call]:
    """Calls under one key; every process has callers of each amount."""
    return [
        Call(
            invoice=invoice,
            payer=PAYERS[0],
            amount=amounts[number // PROCESSES % len(amounts)],
            key=f"{key}/{invoice}",
        )
        for number in range(CALLERS)
    ]


def _not_once(answers: list[tuple[str, str]], expected: int) -> list[str]:
    """Whether one call did it and the others of the same words repeat its answer."""
    done = [id for _, id in answers if id and AGAIN not in id]
    again = [id for _, id in answers if AGAIN in id]
    is_once = len(done) == 1 and set(again) <= {f"{done[0]}{AGAIN}"} and len(again) == expected - 1
    return [] if is_once else [f"done {len(done)} times, repeated {len(again)} times: {Counter(answers)}"]


def _not_one_of_two(answers: list[tuple[str, str]]) -> list[str]:
    """Whether the words that came first were done once, and the others refused."""
    refused = sum(said == "idempotency_conflict" for said, _ in answers)
    half = CALLERS // 2
    return _not_once(answers, half) + ([] if refused == half else [f"{refused} conflicts"])


def _bookkeeping(pay: InvoicePay, *, taken: int) -> list[str]:
    """Whether the shop has what was paid, nobody has less than that, and the books are right."""
    held = pay.wallets.get("acme").total
    left = sum(pay.wallets.get(payer).total.micros for payer in PAYERS) // 10**6
    wrong = [str(violation) for violation in pay.invariants.check()] + list(pay.audit.verify().faults)
    wrong += [] if str(held) == f"{taken}.00 USD" else [f"the shop has {held}, not {taken}"]
    wrong += [] if left == 500 * CALLERS - taken else [f"the payers have {left} after paying {taken}"]
    return wrong


def main() -> int:
    """The command; ends with 1 where a round was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.processes.crowds", description=__doc__)
    parser.add_argument("--store", choices=STORES, default="sqlite")
    parser.add_argument("--rounds", type=int, default=20, help="invoices with 64 payers")
    parser.add_argument("--keys", type=int, default=30, help="keys with 64 callers")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    began, wrong = time.monotonic(), list[str]()
    for group_commit in ("auto", "off"):
        with a_store(given.store) as url:
            found = run(url, given.rounds, given.keys, group_commit)
        wrong += [f"group commit {group_commit}: {what}" for what in found]
        if not given.json:
            say(f"  group commit {group_commit}: {len(found)} wrong")
    figures = {"store": given.store, "callers": CALLERS, "rounds": given.rounds, "keys": given.keys}
    say(json.dumps(figures | {"wrong": wrong[:20], "seconds": round(time.monotonic() - began, 1)}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
