"""A person's whole time with a programme, with a word of its own in every field for words about people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from invoicepay import Deposit, Every, InvoicePay, InvoicePayError, Policy
from invoicepay.domain.policies import AutoApply
from invoicepay.testing.clock import FrozenClock

Say = Callable[[str], str]
"""Makes the word for a field and remembers it."""

ANN, BOB, ACME = "user:4711", "user:4712", "ent:7"
LINES = [("Seat", "10.00 USD")]


class Life:
    """What happens to one person; afterwards nothing is left in the wallet, and the party can be closed."""

    def __init__(self, pay: InvoicePay, clock: FrozenClock, say: Say) -> None:
        self.pay, self.clock, self.say = pay, clock, say

    def live(self) -> None:
        """From the first deposit to the last withdrawal."""
        self.arrive()
        self.be_billed()
        self.send_and_ask()
        self.be_looked_at()
        self.leave()

    def arrive(self) -> None:
        """Register, pay in, have a deposit refused by the bank, and money that came without a name."""
        pay, say = self.pay, self.say
        pay.parties.register(ACME, kind="enterprise", policy=Policy(auto_apply=AutoApply.MANUAL))
        for person in (ANN, BOB):
            pay.parties.register(person)
        pay.reserves.top_up("100.00 USD", approved_by="cfo", reference="b-1")
        for party, amount in ((ANN, "500.00 USD"), (BOB, "50.00 USD"), (ACME, "90.00 USD")):
            token = say("deposit token") if party == ANN else "ba_other"
            self.settled(pay.deposits.initiate(party, amount, rail="instant", account_token=token))
        failed = pay.deposits.initiate(ANN, "5.00 USD", account_token=say("failed token"))
        pay.sim.deliver()
        pay.sim.fail(failed, reason=say("bank's reason"))
        found = pay.reserves.record_unmatched(
            "8.00 USD", provider="box", provider_ref="u-1", reason=say("unmatched reason")
        )
        pay.reserves.match(found, party=ANN)

    def be_billed(self) -> None:
        """Invoices that are changed, paid, refused, credited and planned."""
        pay, say = self.pay, self.say
        draft = pay.invoices.draft(
            enterprise=ACME,
            customer=ANN,
            lines=LINES,
            note=say("draft note"),
            reference=say("draft reference"),
            idempotency_key="draft-1",
        )
        pay.invoices.update(draft, note=say("second note"), reference=say("second reference"))
        pay.invoices.pay(pay.invoices.finalize(draft), payer=ANN, amount="25.00 USD", idempotency_key="pay-1")
        pay.invoices.credit_note(draft, "4.00 USD", disposition="refund", reason=say("credit reason"))
        pay.credits.grant(ACME, ANN, "3.00 USD", note=say("goodwill note"), expires_at=self.soon())
        schedule = pay.schedules.create(
            enterprise=ACME, customer=ANN, lines=LINES, every=Every.month(), note=say("schedule note")
        )
        pay.schedules.cancel(schedule)

    def send_and_ask(self) -> None:
        """Transfers, requests that are declined and revoked, holds."""
        pay, say = self.pay, self.say
        pay.transfers.send(ANN, BOB, "7.00 USD", note=say("transfer note"))
        pay.transfers.send(BOB, ANN, "2.00 USD", note=say("note to her"))
        pay.transfers.send_outside(ANN, "6.00 USD", address=say("address"), note=say("outside note"))
        asked = pay.requests.create(BOB, "4.00 USD", payer=ANN, note=say("request note"))
        pay.requests.decline(asked, reason=say("decline reason"))
        hold = pay.holds.place(ANN, "9.00 USD", payee=ACME, expires_at=self.soon())
        pay.holds.release(hold, reason=say("release reason"))
        self.refused(lambda: pay.transfers.send(ANN, BOB, "90000.00 USD", note=say("refused note")))

    def be_looked_at(self) -> None:
        """A frozen wallet, an account ruled out, a deposit that is reviewed, a payment that goes back."""
        pay, say = self.pay, self.say
        pay.wallets.freeze(ANN, "USD", reason=say("freeze reason"))
        pay.wallets.unfreeze(ANN, "USD", reason=say("unfreeze reason"))
        pay.bank_accounts.disable("ba_odd", reason=say("account reason"), party=ANN)
        odd = pay.deposits.initiate(ANN, "11.00 USD", rail="bank_credit", account_token=say("odd token"))
        self.settled(odd)
        pay.deposits.review(odd, reason=say("review reason"))
        pay.deposits.release(odd)
        self.pass_time(days=30)
        invoice = pay.invoices.issue(enterprise=ACME, customer=ANN, lines=LINES)
        paid = pay.invoices.pay(invoice, payer=ANN)
        pay.payments.reverse(paid, approved_by="cfo", reason=say("reversal reason"))
        pay.invoices.void(invoice)

    def leave(self) -> None:
        """Credits end, everything is paid out."""
        pay, say = self.pay, self.say
        self.pass_time(days=40)
        for lot in pay.credits.list(customer=ANN, status="available"):
            pay.credits.refund(lot, approved_by="cfo")
        left = pay.wallets.get(ANN).available
        withdrawal = pay.withdrawals.initiate(ANN, left, account_token=say("payout token"), rail="instant")
        pay.sim.deliver()
        pay.sim.settle_payout(withdrawal)

    def settled(self, deposit: Deposit) -> None:
        """The bank has the money."""
        self.pay.sim.deliver()
        self.pay.sim.settle(deposit)

    def soon(self) -> datetime:
        """An instant that this story reaches."""
        return self.clock.now() + timedelta(days=20)

    def pass_time(self, *, days: int) -> None:
        """Let what is due happen."""
        self.clock.advance(days=days)
        self.pay.run_pending()
        self.pay.sim.deliver()

    def refused(self, call: Callable[[], object]) -> None:
        """A call that must fail; its words are kept nowhere."""
        try:
            call()
        except InvoicePayError:
            return
        raise AssertionError("this should have been refused")
