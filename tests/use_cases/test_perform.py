"""Batches: each command is decided as if alone and in order, whatever the ones before it did."""

from __future__ import annotations

import gc
import os
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from invoicepay.domain.change import Change
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.domain.needs import need
from invoicepay.domain.payments import Payment
from invoicepay.domain.policies import Limits, Programme
from invoicepay.errors import IdempotencyConflict, InsufficientFunds, InvoicePayError, OverpaymentRefused
from invoicepay.use_cases.collector import MANY, at_rest
from invoicepay.use_cases.invoices import InvoiceTerms, RefundInvoice
from invoicepay.use_cases.invoices.credit_notes import REFUND
from invoicepay.use_cases.invoices.issue import ISSUE
from invoicepay.use_cases.payments import PAY, PayInvoice
from invoicepay.use_cases.perform import Call, call_of, perform, perform_many
from tests.support.desk import Desk
from tests.support.free import free


def a_desk(total: str = "100.00 USD") -> tuple[Desk, Invoice]:
    desk = Desk()
    desk.enterprise("acme")
    desk.fund("ann", "150.00 USD")
    terms = InvoiceTerms(enterprise_id="acme", customer_id="ann", lines=(Line.of("Goods", total),))
    return desk, desk.decide(ISSUE, terms)


def pay(invoice: Invoice, amount: str) -> PayInvoice:
    return PayInvoice(invoice_id=invoice.id, payer_id="ann", amount=Money.of(amount))


def test_a_refund_in_the_same_batch_sees_the_payment_before_it() -> None:
    desk, invoice = a_desk()
    refund = RefundInvoice(invoice_id=invoice.id, amount=Money.of("40.00 USD"))
    calls: list[Call[Any, Any]] = [
        call_of(desk.deps, PAY, pay(invoice, "100.00 USD"), "pay"),
        call_of(desk.deps, REFUND, refund, "back"),
    ]

    paid, note = desk.run(perform_many(desk.deps, calls))

    assert isinstance(paid, Payment) and str(note.paid_out) == "40.00 USD"
    assert (str(desk.available("ann")), str(desk.available("acme"))) == ("90.00 USD", "60.00 USD")


def test_a_refused_command_never_fails_its_neighbours() -> None:
    desk, invoice = a_desk()
    amounts = ["60.00 USD", "500.00 USD", "40.00 USD"]
    calls = [call_of(desk.deps, PAY, pay(invoice, amount), f"k{n}") for n, amount in enumerate(amounts)]

    first, second, third = desk.run(perform_many(desk.deps, calls))

    assert isinstance(first, Payment) and isinstance(third, Payment)
    assert isinstance(second, InsufficientFunds)
    assert desk.row(Invoice, invoice.id).status is InvoiceStatus.PAID


def test_one_key_twice_in_a_batch_is_one_payment() -> None:
    desk, invoice = a_desk()
    calls = [call_of(desk.deps, PAY, pay(invoice, "60.00 USD"), "same") for _ in range(2)]

    first, again = desk.run(perform_many(desk.deps, calls))

    assert again == first and again.replayed and not first.replayed
    assert str(desk.available("ann")) == "90.00 USD"


def test_one_key_for_two_contents_in_a_batch_is_a_conflict() -> None:
    desk, invoice = a_desk()
    calls = [call_of(desk.deps, PAY, pay(invoice, amount), "same") for amount in ("60.00 USD", "70.00 USD")]

    _, conflict = desk.run(perform_many(desk.deps, calls))

    assert isinstance(conflict, IdempotencyConflict)
    assert str(desk.available("ann")) == "90.00 USD"


def test_a_batch_leaves_the_same_books_as_its_commands_one_by_one() -> None:
    amounts = ["30.00 USD", "30.00 USD", "200.00 USD", "30.00 USD", "45.00 USD", "1.00 USD"]
    together, one_by_one = a_desk(), a_desk()

    desk, invoice = together
    calls = [call_of(desk.deps, PAY, pay(invoice, amount), f"k{n}") for n, amount in enumerate(amounts)]
    answers = desk.run(perform_many(desk.deps, calls))
    other, twin = one_by_one
    alone = []
    for n, amount in enumerate(amounts):
        alone += other.run(perform_many(other.deps, [call_of(other.deps, PAY, pay(twin, amount), f"k{n}")]))

    assert [outcome(answer) for answer in answers] == [outcome(answer) for answer in alone]
    assert desk.balances() == other.balances()


def outcome(answer: object) -> object:
    if isinstance(answer, InvoicePayError):
        return answer.code
    assert isinstance(answer, Payment)
    return (answer.payment_type, answer.applied, answer.excess)


class TestCollector:
    """Large batches are made while Python's cycle collector rests; it is left as it was found."""

    def watched(self, count: int) -> list[bool]:
        """Whether the collector worked while each of so many commands was decided."""
        seen: list[bool] = []

        def decide(command: PayInvoice, change: Change) -> Payment:
            seen.append(gc.isenabled())
            raise OverpaymentRefused

        use_case = free("tests.watch", Payment, lambda command, seen: need(), decide)
        desk, invoice = a_desk()
        command = pay(invoice, "1.00 USD")
        desk.run(perform_many(desk.deps, [call_of(desk.deps, use_case, command, None) for _ in range(count)]))
        return seen

    def test_it_rests_for_many_commands_and_works_for_few(self) -> None:
        assert self.watched(MANY - 1) == [True] * (MANY - 1)
        assert self.watched(MANY) == [False] * MANY
        assert gc.isenabled()

    def test_it_works_again_after_a_fault_of_the_program(self) -> None:
        def broken(command: PayInvoice, change: Change) -> Payment:
            raise RuntimeError("a fault")

        use_case = free("tests.fault", Payment, lambda command, seen: need(), broken)
        desk, invoice = a_desk()
        calls = [call_of(desk.deps, use_case, pay(invoice, "1.00 USD"), None) for _ in range(MANY)]

        with pytest.raises(RuntimeError):
            desk.run(perform_many(desk.deps, calls))

        assert gc.isenabled()

    def test_where_the_host_switched_it_off_it_stays_off(self) -> None:
        gc.disable()
        try:
            assert self.watched(MANY) == [False] * MANY
            assert not gc.isenabled()
        finally:
            gc.enable()

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # of threads that other tests left
    def test_a_child_that_is_forked_meanwhile_has_it_working(self) -> None:
        with at_rest(MANY):
            child = os.fork()
            if not child:
                os._exit(0 if gc.isenabled() else 1)
            _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 0


def test_a_command_that_waits_over_midnight_finds_the_counter_of_the_new_day() -> None:
    desk = Desk(Programme(unknown_parties="register", limits=Limits(by_tier={0: 100_000_000})))
    desk.enterprise("acme")
    desk.fund("ann", "150.00 USD")
    terms = InvoiceTerms(enterprise_id="acme", customer_id="ann", lines=(Line.of("Goods", "100.00 USD"),))
    invoice = desk.decide(ISSUE, terms)

    class Passing:
        """A clock on which a day passes between two looks at it."""

        def now(self) -> datetime:
            desk.clock.advance(days=1)
            return desk.clock.now()

    paid = desk.run(perform(replace(desk.deps, clock=Passing()), PAY, pay(invoice, "60.00 USD")))

    assert str(paid.applied) == "60.00 USD"
