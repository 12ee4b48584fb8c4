"""Settles a thousand invoices on a local Tempo node: each payment on the chain, beside the nets of them all.

    python -m tests.adapters.tempo.thousand [--invoices 1000] [--payers 100] [--json]

The same invoices, payers and enterprises twice: with an asset in `onchain` mode, and in `netted` mode.
Counted are the chain's own transactions and gas, and the time until every payment is final on the chain. What
comes before is set-up and counted apart: a mint and an approval for each payer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from invoicepay import Asset, InvoicePay, Issue, Pay, Payment, Programme, Register, migrate, run_blocking
from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens
from invoicepay.adapters.sql.slots import SqlSlots
from invoicepay.adapters.system import SystemClock
from invoicepay.adapters.tempo.network import LOCAL
from invoicepay.adapters.tempo.provider import Tempo
from invoicepay.testing.tempo_node import TempoNode
from tests.adapters.tempo.bench import ASSET, Bench, bench_on

ENTERPRISES = ("acme", "bolt", "cup", "dune", "echo")
PRICE_CENTS = 1_000
LIMIT = 1_000
LONGEST_SECONDS = 600
PAUSE_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one mode took.

    Attributes:
        booked_seconds: until every call had its answer.
        final_seconds: until the chain had all of it for good and the books said so.
        transfers: movements of tokens on the chain.
    """

    mode: str
    invoices: int
    payers: int
    setup_transactions: int
    booked_seconds: float
    final_seconds: float
    transactions: int
    transfers: int
    gas: int

    @property
    def per_second(self) -> float:
        """Payments per second until they are final on the chain."""
        return self.invoices / self.final_seconds


@dataclass(frozen=True)
class Shop:
    """One mode's programme with its token on the node."""

    mode: str
    pay: InvoicePay
    tempo: Tempo
    bench: Bench
    bank: SimControl
    payers: tuple[str, ...]

    def height(self) -> int:
        """The newest block."""
        return int(run_blocking(self.bench.rpc.block()).number)

    def used(self, since: int) -> tuple[int, int]:
        """Transactions and gas of the blocks after that one."""
        ask = self.bench.node.ask
        blocks = [ask("eth_getBlockByNumber", hex(n), False) for n in range(since + 1, self.height() + 1)]
        return sum(len(one["transactions"]) for one in blocks), sum(int(one["gasUsed"], 16) for one in blocks)

    def work(self, is_done: Callable[[], bool]) -> None:
        """Run the worker until something is so."""
        until = time.monotonic() + LONGEST_SECONDS
        while not is_done():
            if time.monotonic() > until:
                raise SystemExit(f"{self.mode}: not done after {LONGEST_SECONDS} s")
            if not self.pay.run_pending(limit=LIMIT).moved:
                time.sleep(PAUSE_SECONDS)

    def count(self, read: Callable[..., Any], **where: Any) -> int:
        """How many rows a list holds."""
        return sum(1 for _ in read(limit=200, **where))

    def fund(self, share: int) -> None:
        """A settled deposit for each payer, minted, and the approval of its wallet."""
        for party in self.payers:
            deposit = self.pay.deposits.initiate(party, f"{share * PRICE_CENTS // 100}.00 {ASSET}")
            self.pay.run_pending(limit=LIMIT)
            (effect,) = self.pay.effects.list(cause=deposit.id)
            self.bank.settle(effect.id)
            for slot, delivery in self.bank.webhooks():
                self.pay.webhooks.receive(slot, headers=delivery.headers, body=delivery.body)
        mints = len(self.payers)
        self.work(lambda: self.count(self.pay.tokens.mints, status="completed") == mints)
        for party in self.payers:
            run_blocking(self.tempo.prepare(party, ASSET))


@contextmanager
def shop(mode: str, node: TempoNode, url: str, payers: int) -> Iterator[Shop]:
    """A programme whose asset settles in one mode, over a fresh store."""
    migrate(url)
    clock, slots = SystemClock(), SqlSlots(url)
    rails = SimulatedRails(clock)
    with bench_on(node, f"thousand {mode}") as bench:
        tempo = Tempo(bench.rpc, bench.keys, LOCAL, [bench.set_up()], slots=slots, tenant_id=mode)
        programme = Programme(assets={ASSET: Asset(ASSET, settlement=mode)})  # type: ignore[arg-type]
        parts: dict[str, Any] = {"rails": rails, "token": tempo, "programme": programme}
        with InvoicePay(url, dispatch="deferred", **parts) as pay:
            names = tuple(f"payer-{number:04}" for number in range(payers))
            _done(pay.parties.register_many([Register(name, kind="enterprise") for name in ENTERPRISES]))
            _done(pay.parties.register_many([Register(name) for name in names]))
            yield Shop(mode, pay, tempo, bench, SimControl(rails, SimulatedTokens(clock)), names)
    run_blocking(slots.close())


def _done(outcomes: Sequence[Any]) -> Sequence[Any]:
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return outcomes


def measured(shop: Shop, invoices: int) -> Figures:
    """Issue, pay, and settle; only from the first payment on is timed."""
    before = shop.height()
    shop.fund(-(-invoices // len(shop.payers)))
    setup, _ = shop.used(before)
    issued = _done(
        shop.pay.invoices.issue_many(
            [
                Issue(
                    enterprise=ENTERPRISES[number % len(ENTERPRISES)],
                    customer=shop.payers[number % len(shop.payers)],
                    lines=[("Service", f"{PRICE_CENTS // 100}.00 {ASSET}")],
                )
                for number in range(invoices)
            ]
        )
    )
    start, began = shop.height(), time.perf_counter()
    _done(shop.pay.invoices.pay_many([Pay(invoice, payer=invoice.customer_id) for invoice in issued]))
    booked = time.perf_counter() - began
    transfers = _settled(shop, invoices)
    final = time.perf_counter() - began
    transactions, gas = shop.used(start)
    _checked(shop, invoices)
    return Figures(
        mode=shop.mode,
        invoices=invoices,
        payers=len(shop.payers),
        setup_transactions=setup,
        booked_seconds=round(booked, 2),
        final_seconds=round(final, 2),
        transactions=transactions,
        transfers=transfers,
        gas=gas,
    )


def _settled(shop: Shop, invoices: int) -> int:
    """Bring every payment to its end on the chain; how many transfers that took."""
    pay = shop.pay
    if shop.mode == "netted":
        run = pay.tokens.settle(ASSET)
        shop.work(lambda: pay.tokens.settlement(run).status != "running")
        return pay.tokens.settlement(run).final
    shop.work(lambda: not pay.effects.list(status="planned", limit=1).items)
    shop.work(lambda: shop.count(pay.payments.list, status="completed") == invoices)
    return invoices


def _checked(shop: Shop, invoices: int) -> None:
    """Everything is paid, and every wallet of the chain holds what the books say."""
    paid = [payment for payment in shop.pay.payments.list(limit=200) if payment.status == "completed"]
    tie_out = shop.pay.tokens.tie_out(ASSET)
    assert len(paid) == invoices and all(isinstance(payment, Payment) for payment in paid)
    assert tie_out.is_tied_out and not tie_out.unsettled, str(tie_out)
    assert shop.pay.invariants.check() == ()


def shown(figures: Sequence[Figures]) -> str:
    """The figures side by side."""
    rows = [
        ("", *(each.mode for each in figures)),
        ("transactions of the payments", *(str(each.transactions) for each in figures)),
        ("transfers in them", *(str(each.transfers) for each in figures)),
        ("gas", *(f"{each.gas:,}" for each in figures)),
        ("seconds until booked or held", *(f"{each.booked_seconds:.2f}" for each in figures)),
        ("seconds until final on chain", *(f"{each.final_seconds:.2f}" for each in figures)),
        ("payments per second, final", *(f"{each.per_second:.0f}" for each in figures)),
        ("transactions of the set-up", *(str(each.setup_transactions) for each in figures)),
    ]
    return "\n".join("".join([row[0].ljust(32), *(cell.rjust(14) for cell in row[1:])]) for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--invoices", type=int, default=1_000)
    parser.add_argument("--payers", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with TempoNode() as node, tempfile.TemporaryDirectory() as folder:
        figures = []
        for mode in ("onchain", "netted"):
            with shop(mode, node, f"sqlite:///{Path(folder) / mode}.db", given.payers) as one:
                figures.append(measured(one, given.invoices))
    say = sys.stdout.write
    say(f"{given.invoices} invoices of {given.payers} payers at {len(ENTERPRISES)} enterprises\n")
    say(f"{shown(figures)}\n")
    if given.json:
        modes = {each.mode: {**asdict(each), "payments_per_second": each.per_second} for each in figures}
        say(json.dumps(modes) + "\n")


if __name__ == "__main__":
    main()
