"""A bank under transfers from several processes: every full look at its books adds up.

    python -m tests.processes.reads --store postgres --seconds 20

Two processes send money to and fro between a few wallets, also more than is there; two others read every
balance again and again. Each look has to show the same total, nobody below zero, and every token backed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from bench.workers import side_by_side
from invoicepay import InvoicePay, migrate
from invoicepay.domain.accounts import Code
from invoicepay.errors import ConcurrencyError, InsufficientFunds
from tests.processes.kills import STORES, a_store, say

PARTIES = tuple(f"user-{number}" for number in range(8))
EACH, MOVERS, READERS = 100, 2, 2
TOTAL_MICROS = EACH * len(PARTIES) * 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one process does for so long."""

    url: str
    seconds: float
    seed: int
    reads: bool


@dataclass(slots=True)
class Share:
    """What one process did and found."""

    sent: int = 0
    refused: int = 0
    looks: int = 0
    wrong: tuple[str, ...] = ()


def busy(part: Part) -> Iterator[Any]:
    """A process that sends, or one that reads."""
    with InvoicePay(part.url, dispatch="deferred") as pay:
        pay.wallets.get(PARTIES[0])
        yield
        deadline, share = time.monotonic() + part.seconds, Share()
        chance = Random(part.seed)
        while time.monotonic() < deadline:
            if part.reads:
                share.looks += 1
                share.wrong += tuple(looked(pay))
            else:
                _send(pay, chance, share)
        yield
        yield share


def _send(pay: InvoicePay, chance: Random, share: Share) -> None:
    payer, payee = chance.sample(PARTIES, 2)
    try:
        pay.transfers.send(payer, payee, f"{chance.randint(1, 120)}.00 USD")
        share.sent += 1
    except InsufficientFunds:
        share.refused += 1
    except ConcurrencyError:
        pass


def looked(pay: InvoicePay) -> list[str]:
    """What one look at every balance shows that cannot be."""
    held = {
        account: amount.micros
        for account, amount in pay.ledger.balances().items()
        if account.code is Code.AVAILABLE
    }
    total = sum(held.values())
    wrong = [f"{account.party_id} has {micros} micros" for account, micros in held.items() if micros < 0]
    wrong += [] if total == TOTAL_MICROS else [f"together they have {total} micros"]
    return wrong if pay.reserves.audit().backed else [*wrong, "not every token is backed"]


def run(url: str, seconds: float) -> tuple[Share, int]:
    """Send and read for so long; what all did and found, and how many transfers are stored."""
    migrate(url)
    with InvoicePay(url) as pay:
        for party in PARTIES:
            pay.parties.register(party)
            pay.deposits.record(party, f"{EACH}.00 USD", provider="lockbox", provider_ref=party)
    parts = [
        Part(url=url, seconds=seconds, seed=number, reads=number >= MOVERS)
        for number in range(MOVERS + READERS)
    ]
    total = Share()
    for share in side_by_side(busy, parts).results:
        total.sent += share.sent
        total.refused += share.refused
        total.looks += share.looks
        total.wrong += share.wrong
    with InvoicePay(url) as pay:
        total.wrong += tuple(looked(pay)) + tuple(str(found) for found in pay.invariants.check())
        return total, sum(1 for _ in pay.transfers.list(limit=200))


def main() -> int:
    """The command; ends with 1 where a look was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.processes.reads", description=__doc__)
    parser.add_argument("--store", choices=STORES, default="sqlite")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not given.json:
        say(f"  sending and reading for {given.seconds:.0f} s")
    with a_store(given.store) as url:
        share, stored = run(url, given.seconds)
    if stored != share.sent:
        share.wrong += (f"{share.sent} transfers were acknowledged and {stored} are stored",)
    figures = {"sent": share.sent, "refused": share.refused, "full_reads": share.looks}
    say(json.dumps({"store": given.store, **figures, "wrong": share.wrong[:20]}))
    return 1 if share.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
