"""Every operation, killed at every boundary, ends like the one that was not: same books, one movement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens
from invoicepay.adapters.simulated.bank import CAPABILITIES as RAILS
from invoicepay.adapters.simulated.chain import CAPABILITIES as TOKENS
from invoicepay.domain.deposits import Deposit, Reserve
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.entity import Entity
from invoicepay.domain.holds import Hold
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.issuing import InvoiceTerms
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.domain.payments import Payment
from invoicepay.domain.policies import Asset, Programme, Settlement
from invoicepay.domain.requests import Transfer
from invoicepay.domain.tokens import Burn, Mint
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.ports.rails import RailStatus
from invoicepay.use_cases.deposits import InitiateDeposit, initiate_deposit
from invoicepay.use_cases.inbox import receive_webhook
from invoicepay.use_cases.invoices import issue_invoice
from invoicepay.use_cases.payments import PayInvoice, pay_invoice
from invoicepay.use_cases.pending import run_pending
from invoicepay.use_cases.perform import Deps
from invoicepay.use_cases.requests import SendTransfer, send_transfer
from invoicepay.use_cases.withdrawals import InitiateWithdrawal, initiate_withdrawal
from tests.support.desk import Desk
from tests.support.mortal import Crash, Fate, mortal

ON_CHAIN = Programme(assets={"USD": Asset("USD", settlement=Settlement.ONCHAIN)})
HUNDRED = Money.of("100.00 USD")
KINDS: tuple[type[Entity], ...] = (
    Deposit,
    Reserve,
    Mint,
    Burn,
    Withdrawal,
    Hold,
    Payment,
    Invoice,
    Transfer,
    Effect,
)


def a_desk(*, knows_keys: bool = True) -> Desk:
    """A desk; providers that know no keys would carry out every order that reaches them."""
    desk = Desk(ON_CHAIN)
    desk.rails = SimulatedRails(desk.clock, capabilities=replace(RAILS, deduplicates=knows_keys))
    desk.tokens = SimulatedTokens(desk.clock, capabilities=replace(TOKENS, deduplicates=knows_keys))
    desk.deps = replace(desk.deps, rails=desk.rails, tokens=desk.tokens)
    desk.enterprise("acme")
    desk.fund("ann", "500.00 USD")
    return desk


@dataclass
class Teller:
    """A host that repeats its calls under the same keys, and a bank that goes on whatever happens to us."""

    desk: Desk
    deps: Deps
    told: list[Any] = field(default_factory=list[Any])

    def call(self, use_case: Callable[..., Any], command: object, key: str) -> Any:
        return self.desk.run(use_case(self.deps, command, key))

    def work(self) -> None:
        self.desk.run(run_pending(self.deps, until_quiet=True))

    def bank(self, kind: EffectKind, status: RailStatus, move: str) -> None:
        """Let the bank move the transfer behind our intent, once, if it knows it."""
        for effect in self.desk.rows(Effect):
            known = {transfer.reference: transfer for transfer in self.desk.rails.transfers()}
            if effect.kind is kind and effect.id in known and known[effect.id].status is status:
                getattr(SimControl(self.desk.rails, self.desk.tokens), move)(effect.id)

    def deliver(self) -> None:
        """Carry webhooks over; one that was not answered with 2xx comes again."""
        self.told += SimControl(self.desk.rails, self.desk.tokens).webhooks()
        while self.told:
            slot, delivery = self.told[0]
            self.desk.run(receive_webhook(self.deps, slot, delivery.body, delivery.headers))
            self.told.pop(0)


def deposit(teller: Teller) -> None:
    command = InitiateDeposit(party_id="ann", amount=HUNDRED, rail="wire")
    teller.call(initiate_deposit, command, "k1")
    teller.work()
    teller.bank(EffectKind.DEPOSIT, RailStatus.PENDING, "settle")
    teller.deliver()
    teller.work()


def returned_deposit(teller: Teller) -> None:
    deposit(teller)
    teller.bank(EffectKind.DEPOSIT, RailStatus.SETTLED, "return_")
    teller.deliver()
    teller.work()


def withdrawal(teller: Teller) -> None:
    command = InitiateWithdrawal(party_id="ann", amount=HUNDRED, rail="wire", account_token="acc-1")
    teller.call(initiate_withdrawal, command, "k1")
    teller.work()
    teller.bank(EffectKind.PAYOUT, RailStatus.PENDING, "settle")
    teller.deliver()
    teller.work()


def returned_payout(teller: Teller) -> None:
    withdrawal(teller)
    teller.bank(EffectKind.PAYOUT, RailStatus.SETTLED, "return_")
    teller.deliver()
    teller.work()


def payment(teller: Teller) -> None:
    terms = InvoiceTerms(
        enterprise_id="acme", customer_id="ann", lines=(Line(description="goods", unit_price=HUNDRED),)
    )
    invoice = teller.call(issue_invoice, terms, "k1")
    teller.call(pay_invoice, PayInvoice(invoice_id=invoice.id, payer_id="ann"), "k2")
    teller.work()
    teller.deliver()
    teller.work()


def transfer(teller: Teller) -> None:
    teller.call(send_transfer, SendTransfer(payer_id="ann", payee_id="acme", amount=HUNDRED), "k1")
    teller.work()
    teller.deliver()
    teller.work()


STORIES = (deposit, returned_deposit, withdrawal, returned_payout, payment, transfer)
Story = Callable[[Teller], None]


def ending(desk: Desk) -> dict[str, Any]:
    """Everything that must not depend on when the process died."""
    return {
        "balances": {account.id: micros for account, micros in desk.balances().items()},
        "states": Counter((row.KIND, str(row.status)) for kind in KINDS for row in desk.rows(kind)),
        "postings": Counter(
            (posting.rule, tuple((e.account.id, e.side, e.amount) for e in posting.entries))
            for posting in postings(desk)
        ),
        "movements": (len(desk.rails.transfers()), len(desk.tokens.transfers())),
        "cash": desk.run(desk.rails.balance("USD")),
        "supply": desk.run(desk.tokens.supply("USD")),
    }


def postings(desk: Desk) -> list[Any]:
    async def read() -> list[Any]:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return [booked.posting for booked in await reader.transactions(limit=1000)]

    return desk.run(read())


def undisturbed(story: Story) -> tuple[dict[str, Any], int]:
    """How the story ends when nobody dies, and how many boundaries it has."""
    desk, fate = a_desk(), Fate()
    story(Teller(desk, mortal(desk.deps, fate)))
    return ending(desk), fate.passed


def healed(desk: Desk, teller: Teller, story: Story) -> None:
    """New processes over the same store: the host repeats its calls, time goes on, the worker runs."""
    again = Teller(desk, desk.deps, teller.told)
    for _ in range(5):
        desk.clock.advance(minutes=4)
        story(again)


@pytest.mark.parametrize("knows_keys", [True, False], ids=["keys", "no keys"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_wherever_the_process_dies_the_end_is_the_same(story: Story, knows_keys: bool) -> None:
    expected, boundaries = undisturbed(story)
    for place in range(boundaries):
        desk = a_desk(knows_keys=knows_keys)
        teller = Teller(desk, mortal(desk.deps, Fate(dies_at=place)))
        with pytest.raises(Crash):
            story(teller)

        healed(desk, teller, story)

        assert ending(desk) == expected, f"died at boundary {place}"
    assert boundaries > 10


def test_what_the_stories_end_in() -> None:
    states = {
        story.__name__: {
            (effect.kind, effect.status)
            for effect in run_through(story).rows(Effect)
            if effect.status is not EffectStatus.FINAL
        }
        for story in STORIES
    }

    assert states == {
        "deposit": {(EffectKind.DEPOSIT, EffectStatus.SETTLED)},
        "returned_deposit": {(EffectKind.DEPOSIT, EffectStatus.RETURNED)},
        "withdrawal": {(EffectKind.PAYOUT, EffectStatus.SETTLED)},
        "returned_payout": {(EffectKind.PAYOUT, EffectStatus.RETURNED)},
        "payment": set(),
        "transfer": set(),
    }


def run_through(story: Story) -> Desk:
    desk = a_desk()
    story(Teller(desk, desk.deps))
    return desk
