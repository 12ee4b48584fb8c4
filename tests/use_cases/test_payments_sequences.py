"""Whatever is done in whatever order, by book or by chain, the books hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoicepay.adapters.simulated import SimulatedTokens
from invoicepay.domain.credit_notes import CreditNoteDisposition
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.effects import Effect, EffectStatus
from invoicepay.domain.invoices import Invoice, VoidDisposition
from invoicepay.domain.payments import Payment
from invoicepay.domain.policies import AutoApply, CreditBacking, Late, Overpay, Policy
from invoicepay.errors import InvoicePayError, ProviderError
from invoicepay.use_cases import credits, invoices, payments
from invoicepay.use_cases.recover import poll_due, send_due
from tests.support.till import ON_CHAIN, Till, usd

Draw = Callable[[int], int]
"""A number from zero up to, but not including, another."""


class Script:
    """Actions on a till; each takes what it works on from the draw, and may be refused."""

    def __init__(self, till: Till, draw: Draw) -> None:
        self.till, self.draw = till, draw

    def one(self, kind: type[Invoice] | type[Payment] | type[CreditLot]) -> str:
        """The id of some row, or of none."""
        rows = self.till.rows(kind)
        return rows[self.draw(len(rows))].id if rows else "none"

    def amount(self) -> str:
        """Up to 120.00."""
        return usd(f"{self.draw(120)}.{self.draw(100):02}").amount_text

    def payer(self) -> str:
        return ("ann", "ben")[self.draw(2)]

    def issue(self) -> None:
        expires_at = self.till.clock.now() + timedelta(days=self.draw(5)) if self.draw(2) else None
        self.till.issue(self.amount(), customer=self.payer(), expires_at=expires_at)

    def pay(self) -> None:
        command = payments.PayInvoice(
            invoice_id=self.one(Invoice),
            payer_id=self.payer(),
            amount=usd(self.amount()) if self.draw(3) else None,
        )
        self.till.run(payments.pay_invoice(self.till.deps, command))

    def push(self) -> None:
        command = payments.ReceivePush(
            invoice_id=self.one(Invoice), payer_id=self.payer(), amount=usd(self.amount())
        )
        self.till.run(payments.receive_push(self.till.deps, command))

    def pay_all(self) -> None:
        command = payments.PayInvoices(payer_id=self.payer(), amount=usd(self.amount()), enterprise_id="acme")
        self.till.run(payments.pay_invoices(self.till.deps, command))

    def record(self) -> None:
        command = payments.RecordExternalPayment(
            invoice_id=self.one(Invoice), amount=usd(self.amount()), payer_id=self.payer()
        )
        self.till.run(payments.record_external(self.till.deps, command))

    def reverse(self) -> None:
        command = payments.ReversePayment(payment_id=self.one(Payment), approved_by="second")
        self.till.run(payments.reverse_payment(self.till.deps, command))

    def cancel(self) -> None:
        command = payments.CancelPayment(payment_id=self.one(Payment))
        self.till.run(payments.cancel_payment(self.till.deps, command))

    def grant(self) -> None:
        expires_at = self.till.clock.now() + timedelta(days=self.draw(5)) if self.draw(2) else None
        self.till.goodwill(self.amount(), expires_at=expires_at)

    def apply(self) -> None:
        command = credits.ApplyCredit(invoice_id=self.one(Invoice))
        self.till.run(credits.apply_credit(self.till.deps, command))

    def refund_credit(self) -> None:
        command = credits.RefundCredit(credit_id=self.one(CreditLot), out_of_band=not self.draw(4))
        self.till.run(credits.refund_credit(self.till.deps, command))

    def void(self) -> None:
        command = invoices.VoidInvoice(
            invoice_id=self.one(Invoice), disposition=list(VoidDisposition)[self.draw(len(VoidDisposition))]
        )
        self.till.run(invoices.void_invoice(self.till.deps, command))

    def refund(self) -> None:
        command = invoices.RefundInvoice(invoice_id=self.one(Invoice), amount=usd(self.amount()))
        self.till.run(invoices.refund_invoice(self.till.deps, command))

    def credit(self) -> None:
        dispositions = list(CreditNoteDisposition)
        command = invoices.IssueCreditNote(
            invoice_id=self.one(Invoice),
            amount=usd(self.amount()),
            disposition=dispositions[self.draw(len(dispositions))],
        )
        self.till.run(invoices.issue_credit_note(self.till.deps, command))

    def give_up(self) -> None:
        command = invoices.MarkUncollectible(invoice_id=self.one(Invoice))
        self.till.run(invoices.mark_uncollectible(self.till.deps, command))

    def wait(self) -> None:
        self.till.clock.advance(days=self.draw(3), hours=1)
        self.till.run(invoices.expire_due(self.till.deps, 100))
        self.till.run(credits.expire_due_credits(self.till.deps, 100))

    def work(self) -> None:
        tokens = self.till.tokens
        if self.draw(4) == 0:
            tokens.weather.lose_next_answer()
        if self.draw(6) == 0:
            tokens.weather.reject_next("policy")
        self.till.run(send_due(self.till.deps, 100))
        for effect in self.till.rows(Effect):
            if effect.status in (EffectStatus.ACCEPTED, EffectStatus.UNKNOWN) and self.draw(3):
                (tokens.fail if self.draw(4) == 0 else tokens.finalize)(effect.id)
        self.till.clock.advance(hours=1)
        self.till.run(poll_due(self.till.deps, 100))


ACTIONS: tuple[Callable[[Script], None], ...] = (
    Script.issue,
    Script.issue,
    Script.pay,
    Script.pay,
    Script.pay,
    Script.push,
    Script.pay_all,
    Script.record,
    Script.reverse,
    Script.cancel,
    Script.grant,
    Script.apply,
    Script.refund_credit,
    Script.void,
    Script.refund,
    Script.credit,
    Script.give_up,
    Script.wait,
    Script.work,
)


def policies() -> st.SearchStrategy[Policy]:
    return st.builds(
        Policy,
        overpay=st.sampled_from(Overpay),
        late=st.sampled_from(Late),
        auto_apply=st.sampled_from(AutoApply),
        credit_backing=st.sampled_from((CreditBacking.RING_FENCED, CreditBacking.UNSECURED)),
        cash_credit_expiry_days=st.sampled_from((None, 2)),
        tolerance_micros=st.sampled_from((0, usd("5.00").micros)),
        tolerance_bps=st.just(1000),
        fee_bps=st.sampled_from((0, 333)),
    )


@pytest.mark.parametrize("is_on_chain", [False, True], ids=["book", "chain"])
@given(policy=policies(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_sequence_of_commands_keeps_the_invariants(
    is_on_chain: bool, policy: Policy, data: st.DataObject
) -> None:
    till = Till(policy, ON_CHAIN if is_on_chain else None)
    till.tokens = SimulatedTokens(till.clock, finality="manual")
    till.deps = replace(till.deps, tokens=till.tokens)
    till.tokens.issue("ann", usd("1000.00"))
    script = Script(till, lambda below: data.draw(st.integers(0, below - 1)))

    done = []
    for action in data.draw(st.lists(st.sampled_from(ACTIONS), min_size=5, max_size=25)):
        try:
            action(script)
            done.append(action.__name__)
        except (InvoicePayError, ProviderError):
            continue
        assert till.violations() == (), done
