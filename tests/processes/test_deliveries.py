"""Webhooks that never come, come five times or come backwards lead to the same end as those that behave."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from invoicepay import Asset, InvoicePay, Programme, migrate
from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.adapters.simulated.weather import Delivery
from invoicepay.domain.policies import Settlement
from invoicepay.domain.resending import LONGEST_LOOK, SHORTEST_LOOK
from invoicepay.errors import InvalidTransition
from invoicepay.ports.rails import RailStatus
from invoicepay.ports.tokens import TokenStatus
from invoicepay.testing.clock import FrozenClock

ROUND_SECONDS = 3
MOST_ROUNDS = 200
PILE_ROUNDS = 4
"""So long, and no longer than a signature counts, the one who delivers backwards lets webhooks pile up."""
MOVING = frozenset({"planned", "sending", "unknown", "accepted"})
FAILS, COMES_BACK = "0.66 USD", "0.77 USD"
"""What the cents of an amount mean to the bank."""

Told = tuple[str, Delivery]
Courier = Callable[[list[Told], int], list[Told]]
"""Which of the waiting webhooks are delivered in a round, in which order; it takes them off the list."""


def as_they_come(waiting: list[Told], _number: int) -> list[Told]:
    """Each once, in order."""
    taken, waiting[:] = list(waiting), []
    return taken


def never(waiting: list[Told], _number: int) -> list[Told]:
    """All are lost."""
    waiting.clear()
    return []


def five_times(waiting: list[Told], number: int) -> list[Told]:
    """Each five times, the whole row again and again."""
    return as_they_come(waiting, number) * 5


def backwards(waiting: list[Told], number: int) -> list[Told]:
    """A pile of several rounds at once, the newest first."""
    return as_they_come(waiting, number)[::-1] if number % PILE_ROUNDS == PILE_ROUNDS - 1 else []


@dataclass
class House:
    """A business with a bank and an issuer on command, whose time passes in rounds."""

    pay: InvoicePay
    clock: FrozenClock
    rails: SimulatedRails
    tokens: SimulatedTokens
    courier: Courier
    waiting: list[Told] = field(default_factory=list[Told])
    rounds: int = 0

    @classmethod
    def opened(cls, url: str, courier: Courier) -> House:
        """An empty one."""
        if not url.startswith("memory"):
            migrate(url)
        clock = FrozenClock()
        rails = SimulatedRails(clock)
        tokens = SimulatedTokens(clock, custody="wallets", finality="manual")
        programme = Programme(
            assets={"USD": Asset("USD", settlement=Settlement.ONCHAIN)}, unknown_parties="register"
        )
        pay = InvoicePay(
            url, rails=rails, token=tokens, clock=clock, programme=programme, dispatch="deferred"
        )
        return cls(pay, clock, rails, tokens, courier)

    def until_quiet(self, *, moving: frozenset[str] = MOVING) -> None:
        """Let rounds pass until everything that was ordered has ended, and a pile more."""
        quiet = 0
        while quiet <= PILE_ROUNDS:
            left = [effect for effect in self.pay.effects.list(limit=200) if effect.status in moving]
            assert self.rounds < MOST_ROUNDS, f"does not end: {left}"
            self.round()
            quiet = 0 if left else quiet + 1

    def round(self) -> None:
        """Bank and issuer go on, webhooks are carried over, the worker runs, time passes."""
        self._outside_acts()
        self.waiting += SimControl(self.rails, self.tokens).webhooks()
        for slot, delivery in self.courier(self.waiting, self.rounds):
            self.pay.webhooks.receive(slot, headers=delivery.headers, body=delivery.body)
        self.pay.run_pending()
        self.rounds += 1
        self.clock.advance(seconds=ROUND_SECONDS)

    def _outside_acts(self) -> None:
        """Settle or fail what is new; a payout that will come back does so at once."""
        sim = SimControl(self.rails, self.tokens)
        for transfer in self.rails.transfers():
            if transfer.status is RailStatus.PENDING:
                cents = f"0.{transfer.amount.amount_text.partition('.')[2]} USD"
                if cents == FAILS:
                    sim.fail(transfer.reference)
                    continue
                sim.settle(transfer.reference)
                if cents == COMES_BACK:
                    sim.return_(transfer.reference, "R03")
        for order in self.tokens.transfers():
            if order.status is TokenStatus.PENDING:
                self.tokens.finalize(order.reference)

    def finalize(self) -> None:
        """The time for returns is over for whatever the bank still watches."""
        for transfer in self.rails.transfers():
            with suppress(InvalidTransition):
                self.rails.move(transfer.reference, BankCommand.FINALIZE)


def business(house: House) -> None:
    """Money comes in, moves in every way, goes out; some of it fails, some comes back."""
    pay = house.pay
    pay.parties.register("acme", kind="enterprise")
    for party, amount in (("ann", "200.00"), ("ben", "80.00"), ("dora", "50.00"), ("ann", "9.66")):
        pay.deposits.initiate(party, f"{amount} USD")
    house.until_quiet()
    exact, part, over = (
        pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seats", price)])
        for price in ("20.00 USD", "40.00 USD", "15.00 USD")
    )
    pay.invoices.pay(exact, payer="ann")
    pay.invoices.pay(part, payer="ben", amount="12.50 USD")
    pay.invoices.pay(over, payer="ann", amount="18.00 USD")
    pay.transfers.send("ann", "ben", "5.00 USD")
    request = pay.requests.create("ben", "7.00 USD", payer="ann")
    pay.requests.approve(request, payer="ann")
    for number, amount in enumerate(("30.00", "10.66", "11.77")):
        pay.withdrawals.initiate("ann", f"{amount} USD", account_token=f"ba-{number}")
    house.until_quiet()
    (dora,) = pay.deposits.list(party="dora")
    (effect,) = pay.effects.list(cause=dora)
    SimControl(house.rails, house.tokens).return_(effect.id, "R10")
    house.until_quiet()
    house.finalize()
    house.until_quiet(moving=MOVING | {"settled"})


def ending(house: House) -> dict[str, Any]:
    """Everything that must not depend on the post."""
    pay = house.pay
    rows = [
        *((d.received, d.returned, d.status.value) for d in pay.deposits.list(limit=200)),
        *((i.total, i.applied, i.status.value) for i in pay.invoices.list(limit=200)),
        *((p.applied, p.excess, p.status.value) for p in pay.payments.list(limit=200)),
        *((t.amount, t.status.value) for t in pay.transfers.list(limit=200)),
        *((w.amount, w.status.value) for w in pay.withdrawals.list(limit=200)),
        *((e.kind.value, e.amount, e.status.value) for e in pay.effects.list(limit=200)),
    ]
    postings = [booked.posting for booked in pay.ledger.transactions()]
    return {
        "rows": Counter(str(row) for row in rows),
        "balances": {account.name: str(held) for account, held in pay.ledger.balances().items()},
        "postings": Counter(
            (posting.rule, tuple(sorted((e.account.id, str(e.side), str(e.amount)) for e in posting.entries)))
            for posting in postings
        ),
        "movements": (len(house.rails.transfers()), len(house.tokens.transfers())),
        "wrong": (pay.invariants.check(), pay.audit.verify().faults),
    }


@pytest.fixture(params=["memory", "sqlite"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes fresh stores of a kind."""
    count = itertools.count()
    is_memory = request.param == "memory"
    return lambda: "memory://" if is_memory else f"sqlite:///{tmp_path / str(next(count))}.db"


def lived(url: str, courier: Courier) -> tuple[dict[str, Any], int]:
    """How the business ends with such a courier, and after how many rounds."""
    house = House.opened(url, courier)
    with house.pay:
        business(house)
        return ending(house), house.rounds


def test_however_webhooks_are_delivered_the_end_is_the_same(new_url: Callable[[], str]) -> None:
    expected, rounds = lived(new_url(), as_they_come)

    for courier in (five_times, backwards, never):
        ended, took = lived(new_url(), courier)

        assert ended == expected, courier.__name__
        assert took <= 4 * rounds, courier.__name__
    assert expected["wrong"] == ((), ())


def test_what_the_business_meets() -> None:
    ended, _ = lived("memory://", as_they_come)

    words = {word for row in ended["rows"] for word in row.replace("'", " ").split()}
    assert {"completed", "failed", "returned", "paid", "partially_paid"} <= words
    assert ended["movements"] == (7, 12)


@pytest.mark.parametrize("age_minutes", [0.5, 10, 240])
def test_without_webhooks_a_settlement_is_heard_of_within_two_poll_periods(age_minutes: float) -> None:
    house = House.opened("memory://", never)
    deposit = house.pay.deposits.initiate("ann", "20.00 USD")
    house.pay.run_pending()
    (effect,) = house.pay.effects.list(cause=deposit)
    waits = age_minutes * 60
    for _ in range(40):
        house.clock.advance(seconds=waits / 40)
        house.pay.run_pending()

    SimControl(house.rails, house.tokens).settle(effect.id)
    settled_at = house.clock.now()
    while house.pay.effects.get(effect.id).status == "accepted":
        house.clock.advance(seconds=1)
        house.pay.run_pending()

    period = max(SHORTEST_LOOK, min(LONGEST_LOOK, timedelta(seconds=waits) / 4))
    assert house.clock.now() - settled_at <= 2 * period
