"""What a state, a balance or a policy forbids: refused, recorded under the key, and nothing moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from invoicepay import InvoicePay, Policy
from invoicepay.domain.invoices import InvoiceStatus
from invoicepay.domain.policies import Limits, Overpay, Partial
from invoicepay.errors import (
    BelowMinimumPartial,
    CreditNotRefundable,
    InsufficientEnterpriseFunds,
    InsufficientFunds,
    InvalidInput,
    InvalidTransition,
    InvoiceAlreadyPaid,
    InvoiceExpired,
    InvoiceHasPayments,
    InvoicePayError,
    LimitExceeded,
    MintExceedsReserve,
    MoneyError,
    NotFound,
    OverpaymentRefused,
    PartialPaymentRefused,
    PartyHasBalances,
    RefundExceedsPaid,
    RequestAlreadyResolved,
    ReserveNotConfirmed,
    SelfPayment,
    StateError,
    WalletFrozen,
)
from tests.input.calls import make
from tests.input.refusals import refused
from tests.input.scene import PROGRAMME, Scene, scene

FORBIDDEN: list[tuple[str, dict[str, str], type[InvoicePayError]]] = [
    ("deposits.confirm", {"deposit": "deposit"}, InvalidTransition),
    ("deposits.confirm", {"deposit": "reviewed"}, InvalidTransition),
    ("deposits.cancel", {"deposit": "deposit"}, InvalidTransition),
    ("deposits.cancel", {"deposit": "unconfirmed"}, InvalidTransition),
    ("deposits.review", {"deposit": "deposit"}, InvalidTransition),
    ("deposits.release", {"deposit": "deposit"}, InvalidTransition),
    ("deposits.reject", {"deposit": "deposit"}, InvalidTransition),
    ("deposits.record_return", {"deposit": "unsent_deposit"}, InvalidInput),
    ("deposits.recover", {"deposit": "deposit"}, InvalidTransition),
    ("deposits.write_off", {"deposit": "deposit"}, InvalidTransition),
    ("tokens.retry_burn", {"burn": "burn_of_withdrawal"}, InvalidTransition),
    ("invoices.update", {"invoice": "open_invoice"}, InvalidTransition),
    ("invoices.delete", {"invoice": "open_invoice"}, InvalidTransition),
    ("invoices.finalize", {"invoice": "open_invoice"}, InvalidTransition),
    ("invoices.send", {"invoice": "draft"}, InvalidTransition),
    ("invoices.pay", {"invoice": "draft"}, InvalidTransition),
    ("invoices.pay", {"invoice": "paid"}, InvoiceAlreadyPaid),
    ("invoices.pay", {"invoice": "expired"}, InvoiceExpired),
    ("invoices.pay", {"invoice": "overdue"}, InvoiceExpired),
    ("invoices.record_external", {"invoice": "draft"}, InvalidTransition),
    ("invoices.refund", {"invoice": "open_invoice"}, StateError),
    ("invoices.credit_note", {"invoice": "draft"}, InvalidTransition),
    ("invoices.void", {"invoice": "draft"}, InvalidTransition),
    ("invoices.mark_uncollectible", {"invoice": "draft"}, InvalidTransition),
    ("invoices.mark_uncollectible", {"invoice": "paid"}, InvalidTransition),
    ("invoices.expire", {"invoice": "open_invoice"}, StateError),
    ("invoices.reopen", {"invoice": "open_invoice"}, InvalidTransition),
    ("invoices.qr", {"invoice": "paid"}, InvoiceAlreadyPaid),
    ("payments.cancel", {"payment": "payment"}, InvalidTransition),
    ("payments.reverse", {"payment": "unsent_payment"}, InvalidTransition),
    ("credits.apply", {"invoice": "paid"}, InvoiceAlreadyPaid),
    ("credits.apply", {"invoice": "draft"}, InvalidTransition),
    ("credits.apply", {"credit": "old_lot"}, NotFound),
    ("credits.refund", {"credit": "goodwill"}, CreditNotRefundable),
    ("credits.expire", {"credit": "lot"}, InvalidTransition),
    ("schedules.pause", {"schedule": "paused"}, InvalidTransition),
    ("schedules.resume", {"schedule": "schedule"}, InvalidTransition),
    ("requests.revoke", {"request": "request"}, InvalidTransition),
    ("requests.approve", {"request": "approved"}, StateError),
    ("withdrawals.cancel", {"withdrawal": "returned_withdrawal"}, InvalidTransition),
    ("withdrawals.cancel", {"withdrawal": "reviewed_withdrawal"}, InvalidTransition),
    ("withdrawals.release", {"withdrawal": "unsent_withdrawal"}, InvalidTransition),
    ("withdrawals.reject", {"withdrawal": "unsent_withdrawal"}, InvalidTransition),
    ("withdrawals.remint", {"withdrawal": "unsent_withdrawal"}, InvalidTransition),
    ("withdrawals.retry_payout", {"withdrawal": "unsent_withdrawal"}, InvalidTransition),
]


@pytest.mark.parametrize(("call", "things", "kind"), FORBIDDEN, ids=lambda value: str(value))
def test_a_state_forbids(home: Scene, call: str, things: dict[str, str], kind: type[InvoicePayError]) -> None:
    with refused(home, kind):
        make(home, call, **{name: home.things[thing] for name, thing in things.items()})


ONCE = [
    "deposits.confirm",
    "deposits.cancel",
    "deposits.release",
    "deposits.reject",
    "deposits.record_return",
    "reserves.release",
    "reserves.match",
    "tokens.retry_mint",
    "effects.resolve",
    "invoices.delete",
    "invoices.finalize",
    "invoices.void_credit_note",
    "invoices.void",
    "invoices.mark_uncollectible",
    "invoices.expire",
    "invoices.reopen",
    "payments.cancel",
    "payments.reverse",
    "credits.expire",
    "schedules.pause",
    "schedules.resume",
    "schedules.cancel",
    "withdrawals.cancel",
    "withdrawals.release",
    "withdrawals.reject",
    "withdrawals.remint",
    "withdrawals.retry_payout",
    "holds.capture",
    "holds.release",
    "parties.close",
]


@pytest.mark.parametrize("call", ONCE)
def test_what_was_done_is_not_done_again_under_another_key(fresh: Scene, call: str) -> None:
    make(fresh, call, idempotency_key="first")

    with refused(fresh, StateError, MoneyError, NotFound):
        make(fresh, call, idempotency_key="second")


BEYOND: list[tuple[str, dict[str, Any], type[InvoicePayError]]] = [
    ("invoices.pay", {"amount": "5000.00 USD"}, InsufficientFunds),
    ("invoices.pay_several", {"amount": "5000.00 USD"}, InsufficientFunds),
    ("invoices.refund", {"amount": "5000.00 USD"}, RefundExceedsPaid),
    ("invoices.credit_note", {"amount": "5000.00 USD"}, MoneyError),
    ("credits.apply", {"amount": "50.00 USD"}, InsufficientFunds),
    ("credits.apply", {"amount": "5000.00 USD"}, OverpaymentRefused),
    ("credits.refund", {"amount": "5000.00 USD"}, RefundExceedsPaid),
    ("tokens.mint", {"amount": "5000.00 USD"}, MintExceedsReserve),
    ("requests.approve", {"amount": "13.00 USD", "pay_at": None}, MoneyError),
    ("transfers.send", {"amount": "5000.00 USD"}, InsufficientFunds),
    ("transfers.send_outside", {"amount": "5000.00 USD"}, InsufficientFunds),
    ("withdrawals.initiate", {"amount": "5000.00 USD"}, InsufficientFunds),
    ("holds.place", {"amount": "5000.00 USD"}, InsufficientFunds),
    ("holds.capture", {"amount": "5000.00 USD"}, MoneyError),
    ("reserves.sweep_fees", {"amount": "5000.00 USD"}, MoneyError),
    ("reserves.take_interest", {"amount": "5000.00 USD"}, MoneyError),
    ("deposits.recover", {"amount": "5000.00 USD"}, InvalidInput),
    ("deposits.write_off", {"amount": "5000.00 USD"}, InvalidInput),
    ("deposits.record_return", {"amount": "5000.00 USD"}, InvalidInput),
    ("deposits.record", {"processor_fee": "10.00 USD"}, InvalidInput),
    ("deposits.initiate", {"amount": "0.25 USD"}, InvalidInput),
    ("requests.split", {"amount": "0.01 USD"}, InvalidInput),
    ("requests.create", {"minimum": "60.00 USD"}, InvalidInput),
]


@pytest.mark.parametrize(("call", "other", "kind"), BEYOND, ids=lambda value: str(value))
def test_more_than_there_is(
    home: Scene, call: str, other: dict[str, Any], kind: type[InvoicePayError]
) -> None:
    with refused(home, kind):
        make(home, call, **other)


@pytest.mark.parametrize(
    ("call", "other"),
    [
        ("transfers.send", {"payee": "ann"}),
        ("transfers.send_scanned", {"payer": "bob"}),
        ("requests.create", {"payer": "bob"}),
        ("requests.split", {"payers": ["ann", "bob"]}),
        ("invoices.issue", {"customer": "acme"}),
        ("invoices.pay", {"payer": "acme"}),
        ("credits.refund", {"to": "acme"}),
        ("holds.place", {"payee": "ann"}),
    ],
)
def test_nobody_pays_oneself(home: Scene, call: str, other: dict[str, Any]) -> None:
    with refused(home, SelfPayment):
        make(home, call, **other)


@pytest.mark.parametrize(
    ("call", "party"),
    [("invoices.issue", "enterprise"), ("invoices.draft", "enterprise"), ("schedules.create", "enterprise")],
)
def test_a_person_issues_no_invoices(home: Scene, call: str, party: str) -> None:
    with refused(home, NotFound):
        make(home, call, **{party: "bob"})


def test_a_party_with_money_is_not_closed(home: Scene) -> None:
    with refused(home, PartyHasBalances):
        make(home, "parties.close", id="ann")


def test_a_closed_party_takes_part_in_nothing(fresh: Scene) -> None:
    make(fresh, "parties.close")

    with refused(fresh, NotFound):
        make(fresh, "transfers.send", payee="idle")
    with refused(fresh, NotFound):
        make(fresh, "invoices.issue", customer="idle")


@pytest.mark.parametrize(
    "call", ["invoices.pay", "transfers.send", "holds.place", "withdrawals.initiate", "deposits.initiate"]
)
def test_a_frozen_wallet_pays_nothing(fresh: Scene, call: str) -> None:
    fresh.pay.wallets.freeze("ann", "USD", reason="looked at")

    with refused(fresh, WalletFrozen):
        make(fresh, call)


def test_an_invoice_with_payments_is_not_voided_without_saying_where_they_go(home: Scene) -> None:
    with refused(home, InvoiceHasPayments) as caught:
        make(home, "invoices.void", disposition=None)

    assert "disposition" in caught.value.hint


def test_policies_of_the_enterprise_are_kept(fresh: Scene) -> None:
    strict = Policy(overpay=Overpay.REFUSE, partial=Partial.REFUSE)
    fresh.pay.parties.set_policy("acme", strict)

    with refused(fresh, OverpaymentRefused):
        make(fresh, "invoices.pay", amount="100.01 USD")
    with refused(fresh, PartialPaymentRefused):
        make(fresh, "invoices.pay", amount="99.99 USD")

    fresh.pay.parties.set_policy("acme", Policy(min_partial_micros=10_000_000))

    with refused(fresh, BelowMinimumPartial):
        make(fresh, "invoices.pay", amount="9.99 USD")


def test_a_refund_beyond_what_the_enterprise_has_is_refused(fresh: Scene) -> None:
    pay: InvoicePay = fresh.pay
    has = pay.wallets.get("acme").available
    pay.withdrawals.initiate("acme", has, account_token="ba_1")

    with refused(fresh, InsufficientEnterpriseFunds):
        make(fresh, "invoices.refund")


def test_every_state_of_an_invoice_but_the_open_ones_takes_no_payment(fresh: Scene) -> None:
    pay = fresh.pay
    pay.invoices.void(fresh.things["untouched"])
    closed = [
        invoice
        for status in InvoiceStatus
        for invoice in pay.invoices.list(status=status)
        if status not in ("open", "partially_paid", "uncollectible")
    ]

    assert {invoice.status for invoice in closed} >= {"draft", "paid", "expired", "void"}
    for invoice in closed:
        with refused(fresh, StateError):
            make(fresh, "invoices.pay", invoice=invoice.id)


@pytest.mark.parametrize("call", ["requests.decline", "requests.cancel", "requests.approve"])
def test_a_request_that_is_over_stays_over(fresh: Scene, call: str) -> None:
    make(fresh, "requests.approve", pay_at=None)

    with refused(fresh, RequestAlreadyResolved):
        make(fresh, call)


def test_an_unconfirmed_reserve_backs_no_tokens(home: Scene) -> None:
    reserve = home.pay.deposits.get(home.things["unconfirmed"]).reserve_id

    with refused(home, ReserveNotConfirmed):
        make(home, "tokens.mint", reserve=reserve)


@pytest.mark.parametrize("call", ["invoices.pay", "transfers.send", "withdrawals.initiate", "holds.place"])
def test_limits_are_kept(limited: Scene, call: str) -> None:
    with refused(limited, LimitExceeded):
        make(limited, call, amount="80.01 USD")


@pytest.fixture(scope="module")
def limited() -> Iterator[Scene]:
    """A scene in which nobody moves more than 80 dollars at once."""
    with scene(programme=replace(PROGRAMME, limits=Limits(per_call_micros=80_000_000))) as made:
        yield made
