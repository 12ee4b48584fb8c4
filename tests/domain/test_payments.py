"""Payments: which state follows which, and what taking an amount off an invoice leaves behind."""

from datetime import UTC, datetime, timedelta
from itertools import count, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.domain.allocations import Allocation, SourceKind, allocations_of
from invoicepay.domain.change import Change, Context, Snapshot
from invoicepay.domain.credits import CreditKind, CreditLot, CreditReason, CreditStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.money import Money, total
from invoicepay.domain.parties import Actor
from invoicepay.domain.payments import (
    PAYMENT,
    UNRESOLVED,
    Channel,
    Payment,
    PaymentCommand,
    PaymentStatus,
    unwind,
)
from invoicepay.domain.policies import CreditBacking, Programme
from invoicepay.errors import InvalidTransition, RefundExceedsPaid

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
EVERY_PAIR = list(product((None, *PaymentStatus), PaymentCommand))


def usd(cents: int) -> Money:
    return Money.from_micros(cents * 10_000, "USD")


def an_invoice(applied: int) -> Invoice:
    return Invoice(
        id="inv",
        enterprise_id="acme",
        customer_id="ann",
        asset="USD",
        status=InvoiceStatus.PARTIALLY_PAID,
        lines=(),
        net=usd(applied),
        tax=usd(0),
        total=usd(applied),
        remaining=usd(0),
        applied=usd(applied),
        credited_pre=usd(0),
        credited_post=usd(0),
        written_off=usd(0),
        pending=usd(0),
        overpaid=usd(0),
        refunded=usd(0),
    )


def a_payment(id: str, applied: int, *, payer: str = "ann", channel: Channel = Channel.PULL) -> Payment:
    return Payment(
        id=id,
        version=1,
        invoice_id="inv",
        enterprise_id="acme",
        customer_id="ann",
        payer_id=payer,
        asset="USD",
        amount=usd(applied),
        applied=usd(applied),
        excess=usd(0),
        refunded=usd(0),
        fee=usd(0),
        status=PaymentStatus.COMPLETED,
        channel=channel,
    )


def a_used_lot(id: str, applied: int, *, backing: CreditBacking = CreditBacking.RING_FENCED) -> CreditLot:
    return CreditLot(
        id=id,
        version=2,
        enterprise_id="acme",
        customer_id="ann",
        asset="USD",
        kind=CreditKind.NON_CASH if backing is CreditBacking.NONE else CreditKind.CASH,
        backing=backing,
        reason=CreditReason.OVERPAYMENT,
        amount=usd(applied),
        applied=usd(applied),
        refunded=usd(0),
        expired=usd(0),
        voided=usd(0),
        remaining=usd(0),
        payer_id="ann",
        status=CreditStatus.APPLIED,
    )


def applied_in_turn(*sources: Payment | CreditLot) -> Change:
    """A change that sees the sources applied to the invoice, one a minute."""
    seen = Snapshot(NOON)
    for minute, source in enumerate(sources):
        is_payment = isinstance(source, Payment)
        allocation = Allocation(
            id=f"alc{minute:02}",
            version=1,
            created_at=NOON - timedelta(hours=1) + timedelta(minutes=minute),
            invoice_id="inv",
            source_kind=SourceKind.PAYMENT if is_payment else SourceKind.CREDIT,
            source_id=source.id,
            asset="USD",
            amount=source.applied,
            fee=usd(0),
        )
        seen.rows[(Allocation, allocation.id)] = allocation
        seen.rows[(type(source), source.id)] = source
    seen.finds.add(allocations_of("inv"))
    numbers = count()
    context = Context(
        tenant_id="t",
        actor=Actor("ops"),
        now=NOON,
        key="k",
        programme=Programme(),
        new_id=lambda prefix: f"{prefix}_{next(numbers):03}",
    )
    return Change(seen, context)


@pytest.mark.parametrize(("state", "command"), [pair for pair in EVERY_PAIR if pair not in PAYMENT.table])
def test_every_transition_not_in_the_table_is_refused(
    state: PaymentStatus | None, command: PaymentCommand
) -> None:
    with pytest.raises(InvalidTransition):
        PAYMENT.after(state, command)


def test_what_has_ended_stays_as_it_is() -> None:
    assert PAYMENT.terminal == {PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.REVERSED}


def test_only_a_definitive_answer_ends_an_unknown_payment() -> None:
    assert PAYMENT.allowed(PaymentStatus.UNKNOWN) == (PaymentCommand.SETTLE, PaymentCommand.FAIL)


def test_what_is_unresolved_can_still_settle() -> None:
    assert {state for state, command in PAYMENT.table if command is PaymentCommand.FAIL} == UNRESOLVED


def test_the_newest_payment_is_unwound_first() -> None:
    change = applied_in_turn(a_payment("p1", 3000), a_payment("p2", 2000, payer="ben"))

    unwound = unwind(change, an_invoice(5000), usd(2500))

    assert [(share.payment_id, share.payer_id, share.amount) for share in unwound.shares] == [
        ("p2", "ben", usd(2000)),
        ("p1", "ann", usd(500)),
    ]
    older, newer = change.get(Payment, "p1"), change.get(Payment, "p2")
    assert (older.applied, older.refunded) == (usd(2500), usd(500))
    assert (newer.applied, newer.refunded) == (usd(0), usd(2000))


def test_e6_forty_of_tokens_go_first_then_five_return_to_the_credit() -> None:
    change = applied_in_turn(a_used_lot("cr4", 1000), a_payment("p1", 4000))

    unwound = unwind(change, an_invoice(5000), usd(4500))

    assert (unwound.tokens, unwound.restored, unwound.fenced) == (usd(4000), usd(500), usd(500))
    lot = change.get(CreditLot, "cr4")
    assert (lot.applied, lot.remaining, lot.status) == (usd(500), usd(500), CreditStatus.AVAILABLE)


def test_goodwill_comes_back_without_a_fence() -> None:
    change = applied_in_turn(a_used_lot("cr", 1000, backing=CreditBacking.NONE))

    unwound = unwind(change, an_invoice(1000), usd(1000))

    assert (unwound.restored, unwound.fenced) == (usd(1000), usd(0))


def test_what_was_paid_outside_is_told_apart() -> None:
    change = applied_in_turn(a_payment("p1", 1000), a_payment("p2", 2000, channel=Channel.EXTERNAL))

    unwound = unwind(change, an_invoice(3000), usd(3000))

    assert (unwound.tokens, unwound.outside) == (usd(1000), usd(2000))


def test_a_payment_from_outside_the_programme_goes_back_to_the_customer() -> None:
    change = applied_in_turn(a_payment("p1", 1000, payer=""))

    (share,) = unwind(change, an_invoice(1000), usd(1000)).shares

    assert share.payer_id == "ann"


def test_more_than_was_applied_is_never_unwound() -> None:
    change = applied_in_turn(a_payment("p1", 1000))

    with pytest.raises(RefundExceedsPaid):
        unwind(change, an_invoice(1000), usd(1001))


@given(
    applied=st.lists(st.tuples(st.booleans(), st.integers(1, 5000)), min_size=1, max_size=6),
    steps=st.lists(st.integers(1, 3000), max_size=6),
)
def test_unwinding_in_any_steps_explains_every_cent(
    applied: list[tuple[bool, int]], steps: list[int]
) -> None:
    sources = [
        a_payment(f"p{place}", cents) if is_payment else a_used_lot(f"c{place}", cents)
        for place, (is_payment, cents) in enumerate(applied)
    ]
    change = applied_in_turn(*sources)
    left = sum(cents for _, cents in applied)

    for step in steps:
        part = min(step, left)
        unwound = unwind(change, an_invoice(left), usd(part))
        left -= part
        assert unwound.tokens + unwound.outside + unwound.restored == usd(part)

    allocations = change.find(allocations_of("inv"))
    assert total((row.amount for row in allocations), "USD") == usd(left)
    for source in sources:
        after = change.get(type(source), source.id)
        of_source = (row.amount for row in allocations if row.source_id == source.id)
        assert after.applied == total(of_source, "USD")
        if isinstance(after, Payment):
            assert after.amount == after.applied + after.excess + after.refunded
