"""Moves of payments and customer credits."""

from __future__ import annotations

from datetime import timedelta

from invoicepay.domain.credits import CreditKind, CreditLot, CreditStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.payments import Payment, PaymentStatus
from invoicepay.use_cases import credits, payments
from tests.walks.draw import Draw
from tests.walks.moves.bills import LIVE, OPEN
from tests.walks.moves.registry import (
    ENTERPRISES,
    EVERYBODY,
    RECENT,
    USERS,
    acting,
    amount,
    asset,
    move,
    part_of,
    some,
)
from tests.walks.world import OPERATOR, World

S = InvoiceStatus


@move(22)
def pay_invoice(world: World, draw: Draw) -> None:
    invoice = some(world, draw, Invoice, status__in=(*OPEN, S.UNCOLLECTIBLE))
    if invoice is None:
        return
    payer = invoice.customer_id if draw.chance(80) else draw.one_of(EVERYBODY)
    command = payments.PayInvoice(
        invoice_id=invoice.id,
        payer_id=payer,
        amount=part_of(draw, invoice.remaining) if draw.chance(80) else None,
    )
    world.ask(payments.pay_invoice, command, actor=acting(draw, payer))


@move(4)
def pay_invoices(world: World, draw: Draw) -> None:
    payer, code = draw.one_of(USERS), asset(draw)
    if draw.chance(50):
        command = payments.PayInvoices(
            payer_id=payer, amount=amount(draw, code), enterprise_id=draw.one_of(ENTERPRISES)
        )
    else:
        waiting = world.rows(Invoice, status__in=OPEN, asset=code)[-6:]
        chosen = tuple(invoice.id for invoice in waiting if draw.chance(60))
        command = payments.PayInvoices(payer_id=payer, amount=amount(draw, code), invoice_ids=chosen)
    world.ask(payments.pay_invoices, command, actor=acting(draw, payer))


@move(5)
def pay_many(world: World, draw: Draw) -> None:
    waiting = world.rows(Invoice, status__in=OPEN)[-8:]
    calls: list[tuple[payments.PayInvoice, str | None]] = [
        (
            payments.PayInvoice(
                invoice_id=invoice.id,
                payer_id=invoice.customer_id,
                amount=part_of(draw, invoice.remaining),
            ),
            f"walk-{world.number + 1}-{place}",
        )
        for place, invoice in enumerate(waiting)
        if draw.chance(60)
    ]
    if calls:
        world.do("payments.pay_many", lambda inside: inside.run(payments.pay_many(inside.deps, calls)))


@move(8)
def receive_push(world: World, draw: Draw) -> None:
    invoice = some(world, draw, Invoice, status__in=(*LIVE, S.PAID, S.VOID, S.UNCOLLECTIBLE))
    if invoice is None:
        return
    payer = invoice.customer_id if draw.chance(85) else draw.one_of((*USERS, ""))
    money = part_of(draw, invoice.remaining) if draw.chance(90) else amount(draw, asset(draw), 5_000)
    command = payments.ReceivePush(
        amount=money,
        invoice_id=invoice.id if draw.chance(92) else "",
        payer_id=payer,
        enterprise_id=invoice.enterprise_id if draw.chance(30) else "",
        provider="scan",
        provider_ref=f"push-{draw.whole(1, 2_000)}",
    )
    world.ask(payments.receive_push, command, actor=acting(draw, payer or "ann"))


@move(4)
def record_external(world: World, draw: Draw) -> None:
    invoice = some(world, draw, Invoice, status__in=LIVE)
    if invoice is not None:
        command = payments.RecordExternalPayment(
            invoice_id=invoice.id, amount=part_of(draw, invoice.remaining)
        )
        world.ask(payments.record_external, command, actor=acting(draw, invoice.enterprise_id))


@move(4)
def reverse_payment(world: World, draw: Draw) -> None:
    payment = some(world, draw, Payment, status=PaymentStatus.COMPLETED)
    if payment is not None:
        approved_by = "auditor" if draw.chance(95) else OPERATOR.subject
        command = payments.ReversePayment(payment_id=payment.id, approved_by=approved_by, reason="error")
        world.ask(payments.reverse_payment, command)


@move(2)
def cancel_payment(world: World, draw: Draw) -> None:
    payment = some(world, draw, Payment, status=PaymentStatus.PENDING)
    if payment is not None:
        command = payments.CancelPayment(payment_id=payment.id)
        world.ask(payments.cancel_payment, command, actor=acting(draw, payment.payer_id or "ann"))


def _fits(lot: CreditLot, invoice: Invoice) -> bool:
    return (lot.enterprise_id, lot.customer_id, lot.asset) == (
        invoice.enterprise_id,
        invoice.customer_id,
        invoice.asset,
    )


@move(5)
def apply_credit(world: World, draw: Draw) -> None:
    lots, waiting = world.rows(CreditLot, status=CreditStatus.AVAILABLE), world.rows(Invoice, status__in=OPEN)
    pairs = [(lot, invoice) for lot in lots for invoice in waiting if _fits(lot, invoice)]
    if pairs:
        lot, invoice = draw.one_of(pairs[-RECENT:])
        command = credits.ApplyCredit(
            invoice_id=invoice.id,
            credit_id=lot.id if draw.chance(40) else "",
            amount=part_of(draw, lot.remaining) if draw.chance(40) else None,
        )
        world.ask(credits.apply_credit, command, actor=acting(draw, lot.customer_id, lot.enterprise_id))


@move(4)
def refund_credit(world: World, draw: Draw) -> None:
    lot = some(world, draw, CreditLot, status=CreditStatus.AVAILABLE, kind=CreditKind.CASH)
    if lot is not None:
        elsewhere = draw.chance(15)
        command = credits.RefundCredit(
            credit_id=lot.id,
            amount=part_of(draw, lot.remaining) if draw.chance(60) else None,
            receiver_id=draw.one_of(EVERYBODY) if elsewhere else "",
            approved_by="auditor" if elsewhere else "",
            out_of_band=lot.out_of_band if draw.chance(95) else not lot.out_of_band,
        )
        world.ask(credits.refund_credit, command, actor=acting(draw, lot.enterprise_id))


@move(3)
def grant_credit(world: World, draw: Draw) -> None:
    enterprise = draw.one_of(ENTERPRISES)
    command = credits.GrantCredit(
        enterprise_id=enterprise,
        customer_id=draw.one_of(USERS),
        amount=amount(draw, asset(draw), 4_000),
        expires_at=world.clock.now() + timedelta(hours=draw.whole(1, 200)) if draw.chance(60) else None,
    )
    world.ask(credits.grant_credit, command, actor=acting(draw, enterprise))


@move(1)
def expire_credit(world: World, draw: Draw) -> None:
    lot = some(world, draw, CreditLot, status=CreditStatus.AVAILABLE, expires_at__le=world.clock.now())
    if lot is not None:
        world.ask(credits.expire_credit, credits.ExpireCredit(credit_id=lot.id))
