"""One transfer for several invoices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from invoicepay.domain.invoices import Invoice
from invoicepay.domain.payments import Payment
from invoicepay.domain.policies import (
    Overpay,
    Policy,
)
from invoicepay.errors import (
    AllocationIncomplete,
    ComplianceBlocked,
    InvalidInput,
    InvoiceAlreadyPaid,
    NotThePayer,
    OverpaymentRefused,
)
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.use_cases.payments import (
    PaidInvoices,
    PayInvoices,
    pay_invoices,
)
from tests.support.till import ON_CHAIN, Till, usd


@pytest.fixture
def till() -> Iterator[Till]:
    """A till whose books hold afterwards."""
    till = Till()
    yield till
    assert till.violations() == ()


def till_with(policy: Policy) -> Till:
    return Till(policy)


def several(till: Till, amount: str, *bills: Invoice, enterprise: str = "") -> PaidInvoices:
    command = PayInvoices(
        payer_id="ann",
        amount=usd(amount),
        invoice_ids=tuple(invoice.id for invoice in bills),
        enterprise_id=enterprise,
    )
    return till.run(pay_invoices(till.deps, command))


class TestSeveral:
    def test_the_given_order_is_kept_and_the_last_reached_is_paid_in_part(self, till: Till) -> None:
        first, second, third = till.issue("40.00"), till.issue("40.00"), till.issue("40.00")

        paid = several(till, "100.00", third, first, second)

        assert [(p.invoice_id, p.applied) for p in paid.payments] == [
            (third.id, usd("40.00")),
            (first.id, usd("40.00")),
            (second.id, usd("20.00")),
        ]
        assert len({payment.group_id for payment in paid.payments}) == 1

    def test_without_invoices_the_oldest_due_are_paid_first(self, till: Till) -> None:
        later = till.issue("40.00", due_on=date(2026, 3, 1))
        sooner = till.issue("40.00", due_on=date(2026, 2, 1))
        till.issue("40.00")
        till.issue("40.00", customer="ben", due_on=date(2026, 1, 10))

        paid = several(till, "60.00", enterprise="acme")

        assert [(p.invoice_id, p.applied) for p in paid.payments] == [
            (sooner.id, usd("40.00")),
            (later.id, usd("20.00")),
        ]

    def test_a_remainder_within_one_enterprise_becomes_credit(self, till: Till) -> None:
        paid = several(till, "100.00", till.issue("40.00"), till.issue("40.00"))

        assert [payment.excess for payment in paid.payments] == [usd("0.00"), usd("20.00")]
        assert till.fenced() == usd("20.00")

    def test_a_remainder_over_several_enterprises_is_refused(self, till: Till) -> None:
        till.enterprise("bolt")
        bills = till.issue("40.00"), till.issue("40.00", enterprise="bolt")

        with pytest.raises(AllocationIncomplete):
            several(till, "80.01", *bills)
        assert till.available("ann") == usd("500.00")

        several(till, "80.00", *bills)
        assert (till.available("acme"), till.available("bolt")) == (usd("40.00"), usd("40.00"))

    @pytest.mark.parametrize(("overpay", "left"), [(Overpay.CAP, "420.00"), (Overpay.REFUSE, "500.00")])
    def test_the_enterprises_policy_decides_about_a_remainder(self, overpay: Overpay, left: str) -> None:
        till = till_with(Policy(overpay=overpay))
        bills = till.issue("40.00"), till.issue("40.00")

        if overpay is Overpay.REFUSE:
            with pytest.raises(OverpaymentRefused):
                several(till, "100.00", *bills)
        else:
            several(till, "100.00", *bills)

        assert till.available("ann") == usd(left)

    def test_one_that_takes_no_payment_stops_them_all(self, till: Till) -> None:
        paid = till.issue("10.00")
        till.pay(paid)

        with pytest.raises(InvoiceAlreadyPaid):
            several(till, "50.00", till.issue("40.00"), paid)
        assert till.available("ann") == usd("490.00")

    def test_what_has_expired_is_left_out_marked_or_not(self, till: Till) -> None:
        till.issue("40.00", due_on=date(2026, 1, 10), expires_at=till.clock.now() + timedelta(hours=1))
        open_one = till.issue("40.00")
        till.clock.advance(hours=2)

        paid = several(till, "30.00", enterprise="acme")

        assert [(p.invoice_id, p.applied) for p in paid.payments] == [(open_one.id, usd("30.00"))]

    def test_only_expired_invoices_leave_nothing_to_allocate(self, till: Till) -> None:
        till.issue("40.00", expires_at=till.clock.now() + timedelta(hours=1))
        till.clock.advance(hours=2)

        with pytest.raises(AllocationIncomplete):
            several(till, "30.00", enterprise="acme")

    @pytest.mark.parametrize("overpay", [Overpay.CAP, Overpay.CREDIT])
    def test_an_invoice_whose_payment_is_on_its_way_does_not_stop_the_others(self, overpay: Overpay) -> None:
        till = Till(Policy(overpay=overpay), ON_CHAIN)
        first, second = till.issue("40.00"), till.issue("40.00")
        till.pay(second)

        paid = several(till, "50.00", first, second)

        moved = {Overpay.CAP: "40.00", Overpay.CREDIT: "50.00"}[overpay]
        assert [(p.invoice_id, p.amount) for p in paid.payments] == [(first.id, usd(moved))]

    def test_screening_is_asked_about_every_payee(self) -> None:
        asked: list[Subject] = []

        class Suspicious:
            async def screen(self, subject: Subject) -> Screened:
                asked.append(subject)
                word = Verdict.BLOCK if subject.counterparty_id == "bolt" else Verdict.ALLOW
                return Screened(verdict=word)

        till = Till(screening=Suspicious())
        till.enterprise("bolt")
        bills = [till.issue("40.00"), till.issue("40.00", enterprise="bolt"), till.issue("40.00")]

        with pytest.raises(ComplianceBlocked):
            several(till, "120.00", *bills)
        assert [(subject.action, subject.counterparty_id) for subject in asked] == [
            ("payment", "acme"),
            ("payment", "bolt"),
        ]
        assert till.available("ann") == usd("500.00")

    def test_nothing_open_leaves_nothing_to_allocate(self, till: Till) -> None:
        with pytest.raises(AllocationIncomplete):
            several(till, "10.00", enterprise="acme")

    def test_either_invoices_or_an_enterprise_is_named(self, till: Till) -> None:
        with pytest.raises(InvalidInput):
            several(till, "10.00")
        with pytest.raises(InvalidInput):
            several(till, "10.00", till.issue("10.00"), enterprise="acme")

    def test_somebody_else_does_not_pay_with_anns_tokens(self, till: Till) -> None:
        command = PayInvoices(payer_id="ann", amount=usd("5.00"), invoice_ids=(till.issue("5.00").id,))

        with pytest.raises(NotThePayer):
            till.run(pay_invoices(till.acting_as("ben"), command))

    def test_a_repeated_key_answers_with_the_same_payments(self, till: Till) -> None:
        command = PayInvoices(payer_id="ann", amount=usd("5.00"), invoice_ids=(till.issue("5.00").id,))

        first = till.run(pay_invoices(till.deps, command, "k"))

        assert till.run(pay_invoices(till.deps, command, "k")) == first
        assert len(till.rows(Payment)) == 1
