"""Whatever goes wrong at whatever HTTP step, each leg moves once, and books and chain agree in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

import pytest

from invoicepay import InvoicePay
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Asset, Custody, Finality, Programme, Settlement
from invoicepay.testing.simulators.circle import Delivery
from invoicepay.testing.simulators.faults import Faults
from tests.adapters.circle.stage import ASSET, HOOKS, SimulatedClock, Stage, staged

ON_CHAIN = Programme(
    assets={ASSET: Asset(ASSET, custody=Custody.CUSTODIED, settlement=Settlement.ONCHAIN)},
    unknown_parties="register",
    finality={rail: Finality() for rail in ("instant", "wire", "bank_credit", "bank_debit", "card")},
)
LEGS = 3
"""Of the story: a mint, a transfer, a burn."""

Reorder = Callable[[list[Delivery]], list[Delivery]]

STEPS = {
    "the entity key": "GET /v1/w3s/config/entity/publicKey",
    "the search for a wallet": "GET /v1/w3s/wallets",
    "the making of a wallet": "POST /v1/w3s/developer/wallets",
    "the order of a transfer": "POST /v1/w3s/developer/transactions/transfer",
    "the look at transactions": "GET /v1/w3s/transactions",
}
FAULTS: dict[str, Callable[[Faults, str], None]] = {
    "answer lost": lambda faults, on: faults.drop_answer(on=on),
    "answer lost twice": lambda faults, on: faults.drop_answer(on=on, times=2),
    "request lost": lambda faults, on: faults.drop_request(on=on),
    "500 before": lambda faults, on: faults.fail_before(500, on=on),
    "500 after": lambda faults, on: faults.fail_after(500, on=on),
    "503 before": lambda faults, on: faults.fail_before(503, on=on),
    "429": lambda faults, on: faults.too_many(on=on, times=2, retry_after=None),
    "no JSON": lambda faults, on: faults.change(lambda _body: b"<html>", on=on),
}


def is_worth_its_time(step: str, fault: str) -> bool:
    """Orders meet every fault here; questions, which change nothing, meet all of them in the storm only."""
    return STEPS[step].startswith("POST") or fault in ("answer lost", "500 before", "no JSON")


@dataclass
class House:
    """A host with Circle's simulator as its token provider and a bank in the process."""

    stage: Stage
    pay: InvoicePay
    rails: SimulatedRails

    def settle(self, cause_id: str, kind: EffectKind) -> None:
        """The bank is asked, and settles what serves a deposit or a withdrawal."""
        self.pay.run_pending()
        (effect,) = [one for one in self.pay.effects.list(cause=cause_id) if one.kind is kind]
        self.rails.move(effect.id, BankCommand.SETTLE)
        for delivery in self.rails.drain():
            self.pay.webhooks.receive("rails", headers=delivery.headers, body=delivery.body)

    def work(self, *, reorder: Reorder | None = None) -> None:
        """The worker turns, and time passes at Circle, until nothing is open any more."""
        for _ in range(60):
            self.pay.run_pending()
            self.stage.circle.advance(45)
            if reorder is not None:
                self._deliver(reorder)
            if not self.open():
                return
        raise AssertionError([f"{one.kind} {one.status} {one.review_reason}" for one in self.open()])

    def open(self) -> list[Effect]:
        """What of Circle's work is not over."""
        over = (EffectStatus.FINAL, EffectStatus.CANCELLED)
        return [
            one
            for one in self.pay.effects.list(limit=200)
            if one.kind.startswith("token") and one.status not in over
        ]

    def _deliver(self, reorder: Reorder) -> None:
        for delivery in self.stage.circle.deliveries(reorder):
            self.pay.webhooks.receive("tokens", headers=delivery.headers, body=delivery.body)

    def tell(self, reorder: Reorder | None = None) -> None:
        """A deposit becomes tokens, tokens pay an invoice, the enterprise takes its money home."""
        deposit = self.pay.deposits.initiate("cho", f"100.00 {ASSET}")
        self.settle(deposit.id, EffectKind.DEPOSIT)
        self.work(reorder=reorder)
        invoice = self.pay.invoices.issue(
            enterprise="acme", customer="cho", lines=[Line.of("Work", f"60.00 {ASSET}")]
        )
        self.pay.invoices.pay(invoice.id, payer="cho")
        self.work(reorder=reorder)
        assert self.pay.invoices.get(invoice.id).status == "paid"
        withdrawal = self.pay.withdrawals.initiate("acme", f"60.00 {ASSET}", account_token="ba_acme")
        self.work(reorder=reorder)
        self.settle(withdrawal.id, EffectKind.PAYOUT)

    def check(self) -> None:
        """Every leg once; Circle's wallets hold what the book says."""
        circle, tokens = self.stage.circle, self.stage.tokens
        assert circle.outbound() == LEGS
        assert circle.violations() == []
        assert self.pay.invariants.check() == ()
        assert self.stage.run(tokens.balance("cho", ASSET)) == Money("40.00", ASSET)
        assert self.stage.run(tokens.balance("acme", ASSET)) == Money.zero(ASSET)
        owners = [wallet.reference for wallet in circle.world.wallets.values()]
        assert sorted(owners) == ["acme", "ann", "bob", "cho", "treasury"]


@contextmanager
def housed() -> Iterator[House]:
    with staged() as stage:
        clock = SimulatedClock(stage.circle)
        rails = SimulatedRails(clock)
        with InvoicePay(
            rails=rails, token=stage.tokens, clock=clock, programme=ON_CHAIN, dispatch="deferred"
        ) as pay:
            pay.parties.register("acme", kind="enterprise")
            yield House(stage, pay, rails)


@pytest.mark.parametrize(
    ("step", "fault"), [pair for pair in product(STEPS, FAULTS) if is_worth_its_time(*pair)]
)
def test_every_leg_moves_once_although(step: str, fault: str) -> None:
    with housed() as house:
        FAULTS[fault](house.stage.faults, STEPS[step])

        house.tell()

        house.check()
        assert house.stage.faults.pending == 0


@pytest.mark.parametrize("copies", [0, 1, 2])
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "backwards"])
def test_every_leg_moves_once_whatever_becomes_of_the_webhooks(copies: int, turned: bool) -> None:
    with housed() as house:
        house.stage.circle.subscribe(2, HOOKS)
        house.stage.circle.deliveries()
        house.stage.circle.duplicate(copies)

        house.tell(lambda queued: queued[::-1] if turned else queued)

        house.check()


def test_a_failed_transfer_releases_the_payers_hold_and_the_invoice_stays_open() -> None:
    with housed() as house:
        deposit = house.pay.deposits.initiate("cho", f"100.00 {ASSET}")
        house.settle(deposit.id, EffectKind.DEPOSIT)
        house.work()
        invoice = house.pay.invoices.issue(
            enterprise="acme", customer="cho", lines=[Line.of("Work", f"60.00 {ASSET}")]
        )
        house.stage.circle.fail_next("FAILED_ON_CHAIN")

        payment = house.pay.invoices.pay(invoice.id, payer="cho")
        for _ in range(8):
            house.pay.run_pending()
            house.stage.circle.advance(60)

        assert house.pay.payments.get(payment.id).status == "failed"
        assert house.pay.invoices.get(invoice.id).remaining == Money("60.00", ASSET)
        assert house.pay.wallets.get("cho", ASSET).available == Money("100.00", ASSET)
        assert house.pay.invariants.check() == ()
