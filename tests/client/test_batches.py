"""Many at once through the client: an outcome for each, cut into transactions, asked again with the keys."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from invoicepay import (
    AsyncInvoicePay,
    Finalize,
    Invoice,
    InvoicePay,
    InvoicePayError,
    Issue,
    Pay,
    Payment,
    Programme,
    Register,
    errors,
)
from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.memory.repository import MemoryUnit
from invoicepay.adapters.system import SystemIds
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.use_cases import batches

LINES = [("Seat", "10.00 USD")]


@pytest.fixture
def pay() -> InvoicePay:
    return funded(InvoicePay())


@pytest.fixture
def three_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transactions of three commands."""
    monkeypatch.setattr(batches, "MOST", 3)


def funded(pay: InvoicePay) -> InvoicePay:
    pay.sim.settle(pay.deposits.initiate("ann", "500.00 USD"))
    return pay


def bills(pay: InvoicePay, count: int) -> list[str]:
    items = [Issue(enterprise="acme", customer="ann", lines=LINES) for _ in range(count)]
    return [
        invoice.id for invoice in pay.invoices.issue_many(items) if not isinstance(invoice, InvoicePayError)
    ]


def codes(outcomes: list[Any]) -> list[str]:
    return [one.code if isinstance(one, InvoicePayError) else one.status.value for one in outcomes]


class Flaky(MemoryRepository):
    """Commits as often as it is let, then fails as it is told."""

    def __init__(self) -> None:
        super().__init__(SystemIds().new)
        self.good_for: float = float("inf")
        self.fail: Callable[[], Exception] = errors.StoreUnreachable

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[MemoryUnit]:
        async with super().unit(tenant_id) as unit:
            if self.good_for <= 0:
                raise self.fail()
            self.good_for -= 1
            yield unit


def over(store: Flaky) -> InvoicePay:
    return funded(InvoicePay(repository=store, programme=Programme(unknown_parties="register")))


class TestOutcomes:
    def test_each_payment_has_its_outcome_in_the_order_of_the_items(self, pay: InvoicePay) -> None:
        first, second = bills(pay, 2)

        outcomes = pay.invoices.pay_many(
            [
                Pay(second, payer="ann"),
                Pay(first, payer="ann", amount="4.00 USD"),
                Pay(second, payer="ann"),
                Pay(first, payer="ann", amount="700.00 USD"),
                Pay("inv_none", payer="ann"),
            ]
        )

        assert codes(outcomes) == [
            *("completed", "completed"),
            *("invoice_already_paid", "insufficient_funds", "not_found"),
        ]
        assert [one.invoice_id for one in outcomes if isinstance(one, Payment)] == [second, first]
        assert pay.invariants.check() == ()

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            (Pay("inv_x", payer="ann", amount=1.5), errors.FloatAmount),  # type: ignore[arg-type]
            (Pay("inv_x", payer="ann", amount="ten"), errors.InvalidAmount),
            (Pay(7, payer="ann"), errors.InvalidIdentifier),  # type: ignore[arg-type]
            (Pay("inv_x", payer=None), errors.InvalidIdentifier),  # type: ignore[arg-type]
            (Pay("inv_x", payer="ann", idempotency_key="é"), errors.InvalidKey),
            ("inv_x", errors.InvalidInput),
            (None, errors.InvalidInput),
        ],
    )
    def test_what_cannot_be_a_payment_is_refused_alone(
        self, pay: InvoicePay, wrong: Any, error: type[InvoicePayError]
    ) -> None:
        (bill,) = bills(pay, 1)

        before, refused, after = pay.invoices.pay_many(
            [Pay(bill, payer="ann", amount="1.00 USD"), wrong, Pay(bill, payer="ann", amount="2.00 USD")]
        )

        assert isinstance(refused, error)
        assert isinstance(before, Payment)
        assert isinstance(after, Payment)

    @pytest.mark.parametrize("none", ["inv_x", None, 7, {"a": 1}])
    def test_what_is_no_list_is_refused_as_a_whole(self, pay: InvoicePay, none: Any) -> None:
        for call in (pay.invoices.pay_many, pay.invoices.issue_many, pay.invoices.finalize_many):
            with pytest.raises(errors.InvalidInput):
                call(none)

    def test_nothing_asked_is_nothing_answered(self, pay: InvoicePay) -> None:
        assert pay.invoices.pay_many([]) == []

    def test_numbers_have_no_gap_where_an_invoice_is_refused(self, pay: InvoicePay) -> None:
        customers = ["ann", "acme", "ben", "", "cho"]

        outcomes = pay.invoices.issue_many(
            [Issue(enterprise="acme", customer=customer, lines=LINES) for customer in customers]
        )

        assert [getattr(one, "number", type(one).__name__) for one in outcomes] == [
            *("A-0001", "SelfPayment", "A-0002", "InvalidIdentifier", "A-0003")
        ]

    def test_drafts_are_finalized_by_id_by_value_and_under_a_key(self, pay: InvoicePay) -> None:
        drafts = [pay.invoices.draft(enterprise="acme", customer="ann", lines=LINES) for _ in range(3)]
        items: list[str | Invoice | Finalize] = [
            drafts[0],
            drafts[1].id,
            Finalize(drafts[2], idempotency_key="third"),
            drafts[0],
        ]

        outcomes = pay.invoices.finalize_many(items)
        (again,) = pay.invoices.finalize_many(items[2:3])

        assert codes(outcomes) == ["open", "open", "open", "invalid_transition"]
        assert not isinstance(again, InvoicePayError)
        assert (again.number, again.replayed) == ("A-0003", True)

    def test_parties_are_registered_each_with_its_outcome(self, pay: InvoicePay) -> None:
        items = [
            Register("shop", kind="enterprise", timezone="Europe/Berlin"),
            Register(" "),
            Register("shop"),
            Register("dan", kyc_tier=2),
        ]

        outcomes = pay.parties.register_many(items)

        assert codes(outcomes) == ["active", "invalid_identifier", "invalid_input", "active"]

    def test_a_party_pays_its_own_and_no_other(self, pay: InvoicePay) -> None:
        (bill,) = bills(pay, 1)

        own, other = pay.acting_as("ann").invoices.pay_many(
            [Pay(bill, payer="ann", amount="1.00 USD"), Pay(bill, payer="ben", amount="1.00 USD")]
        )

        assert codes([own, other]) == ["completed", "not_the_payer"]


class TestScreening:
    class Unreachable:
        """Has no answer about ben."""

        async def screen(self, subject: Subject) -> Screened:
            if subject.party_id == "ben":
                raise errors.ProviderUnavailable("screening is away")
            verdict = Verdict.BLOCK if subject.party_id == "cho" else Verdict.ALLOW
            return Screened(verdict=verdict, reason="listed")

    def test_a_payment_without_an_answer_does_not_start_and_keeps_nobody_back(self) -> None:
        pay = funded(InvoicePay(screening=self.Unreachable()))
        (bill,) = bills(pay, 1)

        outcomes = pay.invoices.pay_many(
            [Pay(bill, payer=payer, amount="1.00 USD") for payer in ("ann", "ben", "cho", "ann")]
        )

        assert codes(outcomes) == ["completed", "provider_unavailable", "compliance_blocked", "completed"]


@pytest.mark.usefixtures("three_at_once")
class TestTransactions:
    def test_more_than_fits_is_cut_in_order(self) -> None:
        store = Flaky()
        pay = over(store)
        store.good_for = 1_000.0

        issued = bills(pay, 8)

        assert 1_000 - store.good_for == 3
        assert [pay.invoices.get(id).number for id in issued] == [f"A-{n:04}" for n in range(1, 9)]

    @pytest.mark.parametrize(
        ("trouble", "behind"),
        [
            (errors.StoreUnreachable, "store_unreachable"),
            (errors.StoreFull, "store_full"),
            (errors.ConcurrentUpdate, "concurrent_update"),
            (lambda: errors.OutcomeUnknown(retry_same_key="p3"), "store_unreachable"),
        ],
    )
    def test_what_was_committed_is_told_although_the_store_fails_later(
        self, trouble: Callable[[], InvoicePayError], behind: str
    ) -> None:
        store = Flaky()
        pay = over(store)
        (bill,) = bills(pay, 1)
        items: list[Any] = [
            Pay(bill, payer="ann", amount="0.10 USD", idempotency_key=f"p{n}") for n in range(8)
        ]
        items[4] = "no payment"
        store.good_for, store.fail = 1, trouble

        outcomes = pay.invoices.pay_many(items)

        code = trouble().code
        assert codes(outcomes) == ["completed"] * 3 + [code, "invalid_input", code] + [behind] * 2
        assert len({id(one) for one in outcomes}) == 8

        store.good_for = float("inf")
        again = pay.invoices.pay_many(items)
        assert [one.replayed for one in again if isinstance(one, Payment)] == [True] * 3 + [False] * 4
        assert (
            pay.invoices.get(bill).applied == pay.invoices.get(bill).total - pay.invoices.get(bill).remaining
        )
        assert str(pay.invoices.get(bill).applied) == "0.70 USD"

    def test_what_follows_may_wait_and_takes_no_outcome_away(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pay = over(Flaky())
        (bill,) = bills(pay, 1)

        async def away(*_: Any, **__: Any) -> None:
            raise errors.StoreUnreachable("the store went away")

        monkeypatch.setattr("invoicepay.client.base.run_pending", away)
        with caplog.at_level(logging.WARNING, "invoicepay.pending"):
            (outcome,) = pay.invoices.pay_many([Pay(bill, payer="ann")])

        assert isinstance(outcome, Payment)
        assert "the store went away" in caplog.text


def test_the_same_keys_answer_what_was_stored(pay: InvoicePay) -> None:
    first, second = bills(pay, 2)
    items = [
        Pay(first, payer="ann", idempotency_key="a"),
        Pay(first, payer="ann", idempotency_key="b"),
        Pay(second, payer="ann", amount="12.00 USD", idempotency_key="c"),
    ]

    outcomes, again = pay.invoices.pay_many(items), pay.invoices.pay_many(items)

    assert codes(again) == codes(outcomes) == ["completed", "invoice_already_paid", "completed"]
    for one, other in zip(outcomes, again, strict=True):
        if isinstance(one, Payment) and isinstance(other, Payment):
            assert (one.replayed, other.replayed) == (False, True)
            assert replace(other, replayed=False) == one


def test_a_key_twice_in_a_batch_is_one_payment_or_a_conflict(pay: InvoicePay) -> None:
    (bill,) = bills(pay, 1)
    item = Pay(bill, payer="ann", amount="1.00 USD", idempotency_key="k")

    once, again, other = pay.invoices.pay_many([item, item, replace(item, amount="2.00 USD")])

    assert isinstance(once, Payment) and isinstance(again, Payment)
    assert (again.id, again.replayed) == (once.id, True)
    assert isinstance(other, errors.IdempotencyConflict)
    assert str(pay.invoices.get(bill).applied) == "1.00 USD"


def test_a_programme_that_requires_keys_refuses_items_without(pay: InvoicePay) -> None:

    strict = InvoicePay(programme=Programme(require_idempotency_keys=True))
    items = [
        Issue(enterprise="acme", customer="ann", lines=LINES, idempotency_key="1"),
        Issue(enterprise="acme", customer="ann", lines=LINES),
    ]

    assert codes(strict.invoices.issue_many(items)) == ["open", "invalid_key"]


def test_the_awaiting_face_has_the_same() -> None:
    async def issue() -> list[Any]:
        async with AsyncInvoicePay() as pay:
            return [
                *await pay.invoices.issue_many(
                    [Issue(enterprise="acme", customer=customer, lines=LINES) for customer in ("ann", "acme")]
                )
            ]

    assert codes(asyncio.run(issue())) == ["open", "self_payment"]
