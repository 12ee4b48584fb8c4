"""Money through a gateway over real sockets that are cut, delayed and dripped on, again and again.

    python -m tests.processes.soak --orders 500

The gateway is simulated and speaks HTTP; between it and us answers get lost, requests vanish, errors come
before and after the effect, and answers come byte by byte. In the end every order has moved its money once,
or failed where we were told so, and gateway and books agree.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from random import Random

from pydantic import SecretStr

from invoicepay import InvoicePay
from invoicepay.adapters.http import Limits
from invoicepay.adapters.tillipay import TilliPay
from invoicepay.domain.money import Money
from invoicepay.testing.clock import FrozenClock
from invoicepay.testing.simulators.faults import Faults
from invoicepay.testing.simulators.tillipay import TilliPaySimulator
from tests.processes.kills import quiet, say

IMPATIENT = Limits(total_seconds=0.6, read_seconds=0.2, tries=2, rest_seconds=0.01)
"""The breaker goes by the machine's clock, and a rest of half a minute would outlast the whole soak."""
BATCH = 10
ORDERS = "POST /gps"
TOXICS: tuple[Callable[[Faults], None], ...] = (
    lambda faults: faults.drop_request(on=ORDERS),
    lambda faults: faults.drop_answer(on=ORDERS),
    lambda faults: faults.fail_before(503, on=ORDERS),
    lambda faults: faults.fail_after(500, on=ORDERS),
    lambda faults: faults.too_many(retry_after=None, on=ORDERS),
    lambda faults: faults.drip(0.01, on=ORDERS),
    lambda faults: faults.delay(0.3, on=ORDERS),
    lambda faults: faults.change(lambda body: body[: len(body) // 2], on=ORDERS),
    lambda faults: faults.delay(0.05),
    lambda faults: faults.drop_answer(),
)
"""What happens on the way: silence before and after the effect, errors, slowness, half an answer."""
LAST_DAYS = 20


def run(
    orders: int, *, seed: int = 1, told: Callable[[str], None] = quiet
) -> tuple[dict[str, int], list[str]]:
    """Order so many deposits in bad weather; what was counted, and what was wrong."""
    clock, chance = FrozenClock(), Random(seed)
    with TilliPaySimulator(clock=clock) as gateway:
        rails = TilliPay(
            gateway.profile,
            gateway.credentials,
            environment="simulator",
            base_url=gateway.url,
            clock=clock,
            webhook_secrets=gateway.webhook_secrets,
            fingerprint_key=SecretStr("a key for fingerprints"),
            limits=IMPATIENT,
        )
        with InvoicePay(rails=rails, clock=clock, dispatch="deferred") as pay:
            pay.reserves.top_up("1000000.00 USD", approved_by="cfo")
            soak = Soak(pay, gateway, clock, chance)
            for done in range(0, orders, BATCH):
                soak.batch(done, min(BATCH, orders - done))
                if done % (10 * BATCH) == 0:
                    told(f"  {done} of {orders} orders, {soak.toxics} faults so far")
            soak.clear_up()
            counted = soak.counts()
            wrong = soak.mistakes(orders)
        rails.close()
    return counted, wrong


class Soak:
    """One business in bad weather."""

    def __init__(
        self, pay: InvoicePay, gateway: TilliPaySimulator, clock: FrozenClock, chance: Random
    ) -> None:
        self.pay, self.gateway, self.clock, self.chance = pay, gateway, clock, chance
        self.account, self.toxics = gateway.account("card"), 0

    def batch(self, first: int, size: int) -> None:
        """Some deposits, and as many faults as meet about half of the calls."""
        for number in range(first, first + size):
            amount = f"{10 + number % 90}.00 USD"
            self.pay.deposits.initiate("ann", amount, rail="card", account_token=self.account)
        for _ in range(self.chance.randrange(2 * size)):
            self.chance.choice(TOXICS)(self.gateway.faults)
            self.toxics += 1
        self.go_on(seconds=self.chance.uniform(1, 90))

    def go_on(self, *, seconds: float) -> None:
        """Work, carry some webhooks over, let time pass."""
        self.pay.run_pending(until_quiet=False)
        for headers, body in self.gateway.webhooks():
            if self.chance.randrange(100) < 70:
                self.pay.webhooks.receive("rails", headers=headers, body=body)
        self.clock.advance(seconds=seconds)

    def clear_up(self) -> None:
        """Good weather, until banks and worker are done."""
        self.toxics -= self.gateway.faults.pending
        self.gateway.faults.clear()
        for _ in range(60):
            self.go_on(seconds=120)
        for _ in range(LAST_DAYS):
            self.go_on(seconds=86_400)

    def counts(self) -> dict[str, int]:
        """How it ended."""
        statuses = Counter(deposit.status.value for deposit in self.pay.deposits.list(limit=200))
        return {"faults": self.toxics, **statuses}

    def mistakes(self, orders: int) -> list[str]:
        """Where gateway and books differ, or an order was carried out twice."""
        times = Counter(payment.reference for payment in self.gateway.payments())
        wrong = [f"{reference} moved {many} times" for reference, many in times.items() if many > 1]
        effects = {effect.cause_id: effect for effect in self.pay.effects.list(limit=200)}
        total = Money.zero("USD")
        for deposit in self.pay.deposits.list(limit=200):
            effect = effects[deposit.id]
            is_there = times[effect.id] == 1
            if deposit.status != "completed" or not is_there:
                wrong.append(f"{deposit.id} is {deposit.status}: {effect.status} {effect.review_reason}")
            total += deposit.requested
        held = self.pay.wallets.get("ann").available
        wrong += [] if held == total else [f"ann has {held} of {total}"]
        wrong += [] if len(times) == orders else [f"{len(times)} payments of {orders} orders"]
        wrong += [str(found) for found in self.pay.invariants.check()]
        return wrong + list(self.pay.audit.verify().faults)


def main() -> int:
    """The command; ends with 1 where something was lost or took place twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.processes.soak", description=__doc__)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    began = time.monotonic()
    counted, wrong = run(given.orders, seed=given.seed, told=quiet if given.json else say)
    figures = {"orders": given.orders, **counted, "wrong": wrong[:20]}
    say(json.dumps(figures | {"seconds": round(time.monotonic() - began, 1)}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
