"""Two who want the same thing at once on PostgreSQL: one gets it, the other is told why not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from invoicepay.adapters.system import SystemClock
from invoicepay.domain.accounts import available
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.invoices import InvoiceStatus
from invoicepay.domain.parties import LimitCounter, Party
from invoicepay.domain.policies import Limits, Programme
from invoicepay.domain.requests import PaymentRequest
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases import holds, invoices, requests
from invoicepay.use_cases.queries import violations
from tests.stores.races import overlapping
from tests.support.sql import Stores
from tests.support.till import Till, usd

pytestmark = pytest.mark.usefixtures("patience")


@pytest.fixture
def till(postgres_url: str, stores: Stores) -> Till:
    """acme sells to ann and ben."""
    return Till(repository=stores.made(postgres_url).repository, clock=SystemClock())


def refusal_of(act: Callable[[], Any]) -> str:
    """The code of what was refused; empty when it was done."""
    try:
        act()
    except InvoicePayError as refused:
        return refused.code
    return ""


def void(till: Till, id: str) -> Any:
    return till.run(invoices.void_invoice(till.deps, invoices.VoidInvoice(invoice_id=id)))


def test_a_payment_comes_before_a_void_that_began_later(till: Till, engine: Engine) -> None:
    invoice = till.issue("40.00")

    _, refusal = overlapping(
        till,
        engine,
        lambda first: first.pay(invoice, "15.00"),
        lambda late: refusal_of(lambda: void(late, invoice.id)),
    )

    assert refusal == "invoice_has_payments"
    assert till.invoice(invoice.id).status is InvoiceStatus.PARTIALLY_PAID


def test_a_void_comes_before_a_payment_that_began_later(till: Till, engine: Engine) -> None:
    invoice = till.issue("40.00")

    _, refusal = overlapping(
        till,
        engine,
        lambda first: void(first, invoice.id),
        lambda late: refusal_of(lambda: late.pay(invoice, "15.00")),
    )

    assert refusal == "invalid_transition"
    assert till.available("ann") == usd("500.00")


def test_a_request_to_anybody_is_paid_by_one_of_two(till: Till, engine: Engine) -> None:
    create = requests.CreateRequest(requester_id="acme", asset="USD", amount=usd("30.00"))
    request: PaymentRequest = till.run(requests.create_request(till.deps, create))

    def approve(desk: Till, payer: str) -> Any:
        command = requests.ApproveRequest(request_id=request.id, payer_id=payer)
        return desk.run(requests.approve_request(desk.deps, command))

    _, refusal = overlapping(
        till,
        engine,
        lambda first: approve(first, "ann"),
        lambda late: refusal_of(lambda: approve(late, "ben")),
    )

    assert refusal == "request_already_resolved"
    assert (till.available("ann"), till.available("ben")) == (usd("470.00"), usd("500.00"))


def test_a_hold_is_captured_or_released_and_never_both(till: Till, engine: Engine) -> None:
    place = holds.PlaceHold(owner_id="ann", amount=usd("20.00"), payee_id="acme")
    hold: Hold = till.run(holds.place_hold(till.deps, place))

    def capture(desk: Till) -> Any:
        return desk.run(holds.capture_hold(desk.deps, holds.CaptureHold(hold_id=hold.id)))

    def release(desk: Till) -> Any:
        command = holds.ReleaseHold(hold_id=hold.id, reason="late")
        return desk.run(holds.release_hold(desk.deps, command))

    _, refusal = overlapping(till, engine, capture, lambda late: refusal_of(lambda: release(late)))

    assert refusal == "invalid_transition"
    assert till.row(Hold, hold.id).status is HoldStatus.CAPTURED
    assert till.available("acme") == usd("20.00")


def test_a_wallet_is_spent_once_by_two_payments(till: Till, engine: Engine) -> None:
    one, other = till.issue("300.00"), till.issue("300.00")

    _, refusal = overlapping(
        till, engine, lambda first: first.pay(one), lambda late: refusal_of(lambda: late.pay(other))
    )

    assert refusal == "insufficient_funds"
    assert till.available("ann") == usd("200.00")


def test_what_many_make_for_the_first_time_is_made_once(url: str, stores: Stores) -> None:
    programme = Programme(limits=Limits(by_tier={0: 10_000_000_000}), unknown_parties="register")
    till = Till(programme=programme, repository=stores.made(url).repository)

    def send(number: int) -> Any:
        command = requests.SendTransfer(payer_id="ann", payee_id=f"new-{number % 3}", amount=usd("1.00"))
        return till.run(requests.send_transfer(till.deps, command))

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(send, range(24)))

    assert [till.balance(available(f"new-{number}", "USD")) for number in range(3)] == [usd("8.00")] * 3
    assert [counter.used for counter in till.rows(LimitCounter)] == [usd("24.00")]
    assert {party.version for party in till.rows(Party) if party.id.startswith("new-")} == {1}
    assert till.run(violations(till.deps)) == ()


def test_a_hold_that_expires_while_it_is_captured_is_captured(
    postgres_url: str, stores: Stores, engine: Engine
) -> None:
    till = Till(repository=stores.made(postgres_url).repository)
    soon = till.clock.now() + timedelta(hours=1)
    place = holds.PlaceHold(owner_id="ann", amount=usd("20.00"), payee_id="acme", expires_at=soon)
    hold: Hold = till.run(holds.place_hold(till.deps, place))

    def capture(desk: Till) -> Any:
        return desk.run(holds.capture_hold(desk.deps, holds.CaptureHold(hold_id=hold.id)))

    def expire(desk: Till) -> Any:
        desk.clock.advance(hours=2)
        return desk.run(holds.expire_hold(desk.deps, holds.ExpireHold(hold_id=hold.id)))

    _, refusal = overlapping(till, engine, capture, lambda late: refusal_of(lambda: expire(late)))

    assert refusal == "invalid_transition"
    assert till.row(Hold, hold.id).status is HoldStatus.CAPTURED
