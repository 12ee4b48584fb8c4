"""On chain every flow ends with each wallet holding what the books say (spec 1.4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from invoicepay.domain.accounts import WALLET_CODES
from invoicepay.domain.credit_notes import CreditNoteDisposition
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.invoices import VoidDisposition
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Policy
from invoicepay.use_cases import credits, deposits, holds, invoices, payments, requests, returns, withdrawals
from invoicepay.use_cases.pending import run_pending
from tests.support.till import ON_CHAIN, Till, usd

PARTIES = ("ann", "ben", "acme", "platform")


class Chain(Till):
    """A till on a chain that is final at once; the platform takes 2.5 %."""

    def __init__(self) -> None:
        super().__init__(Policy(fee_bps=250), ON_CHAIN)
        self.fund("acme", "10.00 USD")

    def rest(self) -> None:
        """Everything that waits is done."""
        for _ in range(3):
            self.clock.advance(minutes=10)
            self.run(run_pending(self.deps, until_quiet=True))

    def in_books(self, party_id: str) -> Money:
        """All four parts of a wallet."""
        parts = (
            micros
            for account, micros in self.balances().items()
            if account.party_id == party_id and account.code in WALLET_CODES
        )
        return Money.from_micros(sum(parts), "USD")


def mixed(chain: Chain) -> str:
    """An invoice of 100.00 that ann and ben paid in part, and credit too; its id."""
    chain.pay(chain.issue("50.00"), "70.00")
    chain.rest()
    invoice = chain.issue("100.00")
    chain.pay(invoice, "50.00")
    chain.pay(invoice, "30.00", payer="ben")
    chain.rest()
    return invoice.id


def overpay(chain: Chain) -> None:
    chain.pay(chain.issue("100.00"), "130.00")


def refund(chain: Chain) -> None:
    command = invoices.RefundInvoice(invoice_id=mixed(chain), amount=usd("70.00"))
    chain.run(invoices.refund_invoice(chain.deps, command))


def credit_note(chain: Chain) -> None:
    command = invoices.IssueCreditNote(
        invoice_id=mixed(chain), amount=usd("60.00"), disposition=CreditNoteDisposition.CREDIT
    )
    chain.run(invoices.issue_credit_note(chain.deps, command))


def void_refund(chain: Chain) -> None:
    invoice = chain.issue("100.00")
    chain.pay(invoice, "60.00")
    chain.pay(invoice, "20.00", payer="ben")
    chain.rest()
    command = invoices.VoidInvoice(invoice_id=invoice.id, disposition=VoidDisposition.REFUND)
    chain.run(invoices.void_invoice(chain.deps, command))


def refund_credit(chain: Chain) -> None:
    payment = chain.pay(chain.issue("100.00"), "130.00")
    chain.rest()
    command = credits.RefundCredit(credit_id=chain.payment(payment.id).credit_id, amount=usd("12.34"))
    chain.run(credits.refund_credit(chain.deps, command))


def reverse(chain: Chain) -> None:
    payment = chain.pay(chain.issue("100.00"), "130.00")
    chain.rest()
    command = payments.ReversePayment(payment_id=payment.id, approved_by="second")
    chain.run(payments.reverse_payment(chain.deps, command))


def transfer(chain: Chain) -> None:
    command = requests.SendTransfer(payer_id="ann", payee_id="ben", amount=usd("10.00"))
    chain.run(requests.send_transfer(chain.deps, command))


def capture(chain: Chain) -> None:
    later = chain.clock.now() + timedelta(days=1)
    command = holds.PlaceHold(owner_id="ann", payee_id="acme", amount=usd("50.00"), expires_at=later)
    hold = chain.run(holds.place_hold(chain.deps, command))
    part = holds.CaptureHold(hold_id=hold.id, amount=usd("30.00"))
    chain.run(holds.capture_hold(chain.deps, part))


def withdraw(chain: Chain) -> None:
    command = withdrawals.InitiateWithdrawal(
        party_id="ann", amount=usd("40.00"), rail="instant", account_token="ba_1"
    )
    chain.run(withdrawals.initiate_withdrawal(chain.deps, command))


def deposit(chain: Chain) -> str:
    command = deposits.RecordDeposit(
        party_id="ann", amount=usd("80.00"), rail="wire", provider="bank", provider_ref="w-1"
    )
    return chain.run(deposits.record_deposit(chain.deps, command)).id


def returned_deposit(chain: Chain) -> None:
    deposit_id = deposit(chain)
    chain.rest()
    spent = requests.SendTransfer(payer_id="ann", payee_id="ben", amount=usd("540.00"))
    chain.run(requests.send_transfer(chain.deps, spent))
    chain.rest()
    chain.run(returns.record_return(chain.deps, returns.RecordReturn(deposit_id=deposit_id)))


FLOWS = (
    overpay,
    mixed,
    refund,
    credit_note,
    void_refund,
    refund_credit,
    reverse,
    transfer,
    capture,
    withdraw,
    deposit,
    returned_deposit,
)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.__name__)
def test_each_wallet_holds_on_chain_what_the_books_say(flow: Callable[[Chain], object]) -> None:
    chain = Chain()

    flow(chain)
    chain.rest()

    moved = [effect for effect in chain.rows(Effect) if effect.kind is not EffectKind.PAYOUT]
    assert {effect.status for effect in moved} == {EffectStatus.FINAL}
    told = {id: chain.run(chain.tokens.balance(id, "USD")) for id in PARTIES}
    assert told == {id: chain.in_books(id) for id in PARTIES}
    assert [found for found in chain.violations() if found.rule != "INV-04"] == []
