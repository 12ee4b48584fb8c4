"""How long one tenant's single intent waits beside another's long queue (S-31).

`python -m tests.scale.fairness [--effects 100000] [--store sqlite|postgres] [--rounds 20] [--json]`: a worker
sends for both through a bank that takes 20 ms for each call. Fails when the longest wait is 5 s or more.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.sql import connect_store, migrate_url
from invoicepay.adapters.system import SystemClock, SystemIds
from invoicepay.bridge import run_blocking
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.money import Money
from invoicepay.domain.needs import find
from invoicepay.ports.rails import RailOrder, RailTransfer
from invoicepay.use_cases.pending import run_pending_everywhere
from invoicepay.use_cases.perform import Deps, call_of, perform, perform_many
from tests.support.desk import Desk
from tests.support.intents import ANN, PLAN, PlanErrand
from tests.support.postgres import start

MOST_WAIT_SECONDS = 5.0
CALL_SECONDS = 0.02
AT_ONCE = 2_000
ONE = PlanErrand(kind=EffectKind.PAYOUT, amount=Money.of("1.00 USD"), request=ANN)


class SlowBank(SimulatedRails):
    """Takes its time for each call."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.came_at: dict[str, float] = {}

    async def initiate_withdrawal(self, order: RailOrder, *, idempotency_key: str) -> RailTransfer:
        """Take it, after a while."""
        time.sleep(CALL_SECONDS)
        self.came_at[order.reference] = time.monotonic()
        return await super().initiate_withdrawal(order, idempotency_key=idempotency_key)

    async def find(self, reference: str) -> RailTransfer | None:
        """Look it up, after a while."""
        time.sleep(CALL_SECONDS)
        return await super().find(reference)


def measure(url: str, effects: int, rounds: int) -> dict[str, object]:
    """The waits of single intents beside a queue of so many, in seconds."""
    bank = SlowBank()
    bank.add_cash(Money.of("9000000.00 USD"))
    repository = connect_store(url, SystemIds().new, blocking=True)
    desk = Desk(repository=repository, clock=SystemClock(), ids=SystemIds(), rails=bank)
    busy, quiet = replace(desk.deps, tenant_id="busy"), replace(desk.deps, tenant_id="quiet")
    try:
        _plan(busy, effects)
        waits = [_wait(desk.deps, quiet, bank) for _ in range(rounds)]
        left = run_blocking(_planned(busy))
    finally:
        run_blocking(repository.close())
    return {
        "effects": effects,
        "rounds": rounds,
        "longest_wait_seconds": round(max(waits), 3),
        "mean_wait_seconds": round(sum(waits) / len(waits), 3),
        "sent_of_the_queue": effects - left,
        "violations": sum(wait >= MOST_WAIT_SECONDS for wait in waits) + (left == effects),
    }


def _plan(deps: Deps, count: int) -> None:
    for done in range(0, count, AT_ONCE):
        some = min(AT_ONCE, count - done)
        run_blocking(perform_many(deps, [call_of(deps, PLAN, ONE, None) for _ in range(some)]))
        _tell(f"{done + some:,} of {count:,} planned")


def _wait(everybody: Deps, quiet: Deps, bank: SlowBank) -> float:
    """Right after a pass has left the quiet tenant, something comes up there."""
    run_blocking(run_pending_everywhere(everybody))
    began = time.monotonic()
    single = run_blocking(perform(quiet, PLAN, ONE))
    while single.id not in bank.came_at:
        run_blocking(run_pending_everywhere(everybody))
    waited = bank.came_at[single.id] - began
    _tell(f"last wait {waited:.2f} s")
    return waited


def _tell(progress: str) -> None:
    sys.stderr.write(f"{progress}\n")


async def _planned(deps: Deps) -> int:
    async with deps.repository.reader(deps.tenant_id) as reader:
        return len(await reader.find(find(Effect, status=EffectStatus.PLANNED)))


@contextmanager
def _store(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        with TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'pay.db'}"
    else:
        with start() as server:
            yield server.url(server.clone())


def main() -> int:
    """Measure and tell; 1 where somebody waited too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--effects", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with _store(options.store) as url:
        migrate_url(url)
        told = {"store": options.store, **measure(url, options.effects, options.rounds)}
    figures = [f"{name}: {value}" for name, value in told.items()]
    sys.stdout.write((json.dumps(told) if options.json else "\n".join(figures)) + "\n")
    return 1 if told["violations"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
