"""The oracle has nothing to say about a sound story, and names what is wrong with a spoiled one."""

from __future__ import annotations

import pytest

from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.parties import PartyKind
from invoicepay.domain.policies import Asset, Programme, Settlement
from invoicepay.domain.withdrawals import WithdrawalStatus
from invoicepay.testing.simulation.ports import Mix
from tests.simulation.judged import Judged, judged

IN_BOOK = Mix(programme=Programme(assets={"USD": Asset("USD")}, only_listed_assets=True), handlers=False)
ON_CHAIN = Mix(
    programme=Programme(
        assets={"USD.chain": Asset("USD.chain", settlement=Settlement.ONCHAIN)}, only_listed_assets=True
    ),
    custody="wallets",
    handlers=False,
    token_finality="manual",
)


def settled(here: Judged, kind: EffectKind, command: BankCommand = BankCommand.SETTLE) -> None:
    """Tell the bank what to do with everything that it was asked for of a kind."""
    for effect in here.court.oracle.mirror.of(Effect):
        if effect.kind is kind and effect.status in (EffectStatus.ACCEPTED, EffectStatus.SETTLED):
            here.bank.move(effect.id, command)
    heard(here)


def heard(here: Judged) -> None:
    """Let time pass until the worker has asked the providers about everything."""
    for _ in range(3):
        here.clock.advance(hours=30)
        here.issuer.release()
        here.issuer.hold()
        here.pay.run_pending()


def a_town(mix: Mix, asset: str) -> Judged:
    """Ann with 100, Acme, and the platform."""
    here = judged(mix)
    for id, kind in (("ann", "user"), ("bob", "user"), ("acme", "enterprise"), ("platform", "platform")):
        here.pay.parties.register(id, kind=PartyKind(kind))
    here.pay.deposits.initiate("ann", f"100.00 {asset}")
    here.pay.run_pending()
    settled(here, EffectKind.DEPOSIT)
    settled(here, EffectKind.DEPOSIT, BankCommand.FINALIZE)
    return here


def a_month(here: Judged, asset: str) -> None:
    """Payments in part and too high, credit, a refund, a request, a hold, payouts that come back."""
    pay = here.pay
    bill = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", f"30.00 {asset}")])
    pay.invoices.pay(bill.id, payer="ann", amount=f"10.00 {asset}")
    heard(here)
    pay.invoices.pay(bill.id, payer="ann", amount=f"25.00 {asset}")
    heard(here)
    (lot,) = pay.credits.list(customer="ann").items
    pay.credits.refund(lot.id, f"1.00 {asset}")
    pay.invoices.refund(bill.id, f"3.00 {asset}")
    asked = pay.requests.create("bob", f"5.00 {asset}", payer="ann")
    pay.requests.approve(asked.id, payer="ann")
    hold = pay.holds.place("ann", f"8.00 {asset}", payee="acme")
    pay.holds.capture(hold.id, f"6.00 {asset}")
    heard(here)
    out = pay.withdrawals.initiate("bob", f"5.00 {asset}", account_token="tok_bob")
    heard(here)
    settled(here, EffectKind.PAYOUT)
    settled(here, EffectKind.PAYOUT, BankCommand.RETURN)
    assert pay.withdrawals.get(out.id).status is WithdrawalStatus.RETURNED
    pay.withdrawals.remint(out.id)
    heard(here)


@pytest.mark.parametrize(("mix", "asset"), [(IN_BOOK, "USD"), (ON_CHAIN, "USD.chain")])
def test_a_sound_month_leaves_nothing_to_say(mix: Mix, asset: str) -> None:
    here = a_town(mix, asset)

    a_month(here, asset)

    assert here.court.said == []
    assert here.rest() == []
    reached = {name for name, count in here.court.reach.counts().items() if count}
    assert reached >= {"deposit minted", "paid in part", "overpaid", "refunded", "payout reminted"}
