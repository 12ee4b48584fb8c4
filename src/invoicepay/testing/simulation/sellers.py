"""What sellers do: bill, credit, refund, capture, take their money out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invoicepay.domain.credit_notes import CreditNoteDisposition
from invoicepay.domain.credits import CreditKind, CreditLot, CreditStatus
from invoicepay.domain.holds import Hold, HoldPurpose, HoldStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus, VoidDisposition
from invoicepay.domain.schedules import Every, Interval, Schedule, ScheduleStatus
from invoicepay.testing.simulation.customers import OWED, sends, withdraws
from invoicepay.testing.simulation.town import Acts, Town

if TYPE_CHECKING:
    from invoicepay.testing.simulation.hand import Hand

seller: Acts = Acts()
seller(6)(withdraws)
seller(1)(sends)


def _bill(town: Town, hand: Hand) -> tuple[str, list[Any]]:
    """Whom to bill, and for what."""
    price = town.price(hand.draw, town.asset(hand.draw))
    return hand.draw.one_of(town.plan.users), [("Goods", price)]


@seller(16)
async def issues(town: Town, hand: Hand, me: str) -> None:
    """Bill a user."""
    customer, lines = _bill(town, hand)
    expires_at = town.later(hand) if hand.draw.chance(250) else None
    await town.insist(
        hand,
        f"{me} bills {customer} {lines[0][1]}",
        lambda pay, key: pay.acting_as(me).invoices.issue(
            enterprise=me, customer=customer, lines=lines, expires_at=expires_at, idempotency_key=key
        ),
    )


@seller(2)
async def drafts(town: Town, hand: Hand, me: str) -> None:
    """Write a bill down, or finalize one that was."""
    drafted = town.mirror.recent(
        Invoice, lambda row: row.enterprise_id == me and row.status is InvoiceStatus.DRAFT
    )
    if drafted:
        draft = drafted[-1]
        await town.insist(
            hand,
            f"{me} finalizes {draft.id}",
            lambda pay, key: pay.acting_as(me).invoices.finalize(draft.id, idempotency_key=key),
        )
        return
    customer, lines = _bill(town, hand)
    await town.insist(
        hand,
        f"{me} drafts a bill of {lines[0][1]} for {customer}",
        lambda pay, key: pay.acting_as(me).invoices.draft(
            enterprise=me, customer=customer, lines=lines, idempotency_key=key
        ),
    )


@seller(4)
async def credits_an_invoice(town: Town, hand: Hand, me: str) -> None:
    """Take something off an invoice by a credit note, whatever was paid of it."""
    draw = hand.draw
    bills = town.mirror.recent(
        Invoice, lambda row: row.enterprise_id == me and row.status in (*OWED, InvoiceStatus.PAID)
    )
    if not bills:
        return
    invoice = draw.one_of(bills)
    amount = town.part_of(draw, invoice.remaining or invoice.total)
    disposition = draw.one_of((CreditNoteDisposition.CREDIT, CreditNoteDisposition.REFUND))
    await town.insist(
        hand,
        f"{me} credits {amount} of {invoice.id}, what was paid as {disposition}",
        lambda pay, key: pay.acting_as(me).invoices.credit_note(
            invoice.id, amount, disposition=disposition, idempotency_key=key
        ),
    )


@seller(4)
async def refunds_an_invoice(town: Town, hand: Hand, me: str) -> None:
    """Give back what was paid."""
    paid = town.mirror.recent(
        Invoice, lambda row: row.enterprise_id == me and row.status is InvoiceStatus.PAID
    )
    if paid:
        invoice = hand.draw.one_of(paid)
        amount = town.part_of(hand.draw, invoice.applied) if hand.draw.chance(600) else None
        await town.insist(
            hand,
            f"{me} refunds {amount or 'all'} of {invoice.id}",
            lambda pay, key: pay.acting_as(me).invoices.refund(invoice.id, amount, idempotency_key=key),
        )


@seller(3)
async def voids(town: Town, hand: Hand, me: str) -> None:
    """Take a bill back."""
    bills = town.mirror.recent(Invoice, lambda row: row.enterprise_id == me and row.status in OWED)
    if bills:
        invoice, disposition = hand.draw.one_of(bills), hand.draw.one_of((None, *VoidDisposition))
        await town.insist(
            hand,
            f"{me} voids {invoice.id}",
            lambda pay, key: pay.acting_as(me).invoices.void(
                invoice.id, disposition=disposition, idempotency_key=key
            ),
        )


@seller(1)
async def gives_up(town: Town, hand: Hand, me: str) -> None:
    """Expect no money for a bill any more."""
    bills = town.mirror.recent(Invoice, lambda row: row.enterprise_id == me and row.status in OWED)
    if bills:
        invoice = bills[-1]
        await town.insist(
            hand,
            f"{me} gives {invoice.id} up",
            lambda pay, key: pay.acting_as(me).invoices.mark_uncollectible(invoice.id, idempotency_key=key),
        )


@seller(2)
async def is_paid_outside(town: Town, hand: Hand, me: str) -> None:
    """Record cash that came over the counter."""
    bills = town.mirror.recent(Invoice, lambda row: row.enterprise_id == me and row.status in OWED)
    if bills:
        invoice = hand.draw.one_of(bills)
        amount = town.part_of(hand.draw, invoice.remaining)
        await town.insist(
            hand,
            f"{me} was paid {amount} of {invoice.id} in cash",
            lambda pay, key: pay.acting_as(me).invoices.record_external(
                invoice.id, amount, idempotency_key=key
            ),
        )


@seller(6)
async def captures(town: Town, hand: Hand, me: str) -> None:
    """Take what a user set aside, in full or in part."""
    waiting = town.mirror.recent(
        Hold,
        lambda row: (
            row.payee_id == me
            and row.status is HoldStatus.ACTIVE
            and row.purpose is HoldPurpose.AUTHORIZATION
        ),
    )
    if waiting:
        hold = hand.draw.one_of(waiting)
        amount = town.part_of(hand.draw, hold.amount) if hand.draw.chance(500) else None
        await town.insist(
            hand,
            f"{me} captures {amount or hold.amount} of {hold.id}",
            lambda pay, key: pay.acting_as(me).holds.capture(hold.id, amount, idempotency_key=key),
        )


@seller(2)
async def grants(town: Town, hand: Hand, me: str) -> None:
    """Promise a user something off the next bill."""
    amount, customer = town.price(hand.draw, town.asset(hand.draw)), hand.draw.one_of(town.plan.users)
    expires_at = town.later(hand) if hand.draw.chance(500) else None
    await town.insist(
        hand,
        f"{me} grants {customer} {amount}",
        lambda pay, key: pay.acting_as(me).credits.grant(
            me, customer, amount, expires_at=expires_at, idempotency_key=key
        ),
    )


@seller(4)
async def refunds_credit(town: Town, hand: Hand, me: str) -> None:
    """Pay an overpayment back."""
    lots = town.mirror.recent(
        CreditLot,
        lambda row: (
            row.enterprise_id == me and row.status is CreditStatus.AVAILABLE and row.kind is CreditKind.CASH
        ),
    )
    if lots:
        lot = hand.draw.one_of(lots)
        amount = town.part_of(hand.draw, lot.remaining) if hand.draw.chance(500) else None
        await town.insist(
            hand,
            f"{me} pays {amount or lot.remaining} of {lot.id} back",
            lambda pay, key: pay.acting_as(me).credits.refund(
                lot.id, amount, out_of_band=lot.out_of_band, idempotency_key=key
            ),
        )


@seller(3)
async def plans_bills(town: Town, hand: Hand, me: str) -> None:
    """Bill a user by itself every day or week; sometimes stop that."""
    running = town.mirror.recent(
        Schedule, lambda row: row.enterprise_id == me and row.status is ScheduleStatus.ACTIVE
    )
    if running and hand.draw.chance(500):
        schedule = running[0]
        await town.insist(
            hand,
            f"{me} stops {schedule.id}",
            lambda pay, key: pay.acting_as(me).schedules.cancel(schedule.id, idempotency_key=key),
        )
        return
    customer, lines = _bill(town, hand)
    every = Every(interval=hand.draw.one_of((Interval.DAY, Interval.WEEK)))
    await town.insist(
        hand,
        f"{me} bills {customer} {lines[0][1]} every {every.interval}",
        lambda pay, key: pay.acting_as(me).schedules.create(
            enterprise=me,
            customer=customer,
            lines=lines,
            every=every,
            max_count=5,
            idempotency_key=key,
        ),
    )
