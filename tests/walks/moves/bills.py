"""Moves of invoices, credit notes and schedules."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from invoicepay.domain.credit_notes import CreditNote, CreditNoteDisposition, CreditNoteStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus, VoidDisposition
from invoicepay.domain.lines import Line
from invoicepay.domain.schedules import CatchUp, Every, Interval, Schedule, ScheduleStatus
from invoicepay.use_cases import invoices, schedules
from tests.walks.draw import Draw
from tests.walks.moves.registry import ENTERPRISES, USERS, acting, asset, move, part_of, some
from tests.walks.world import World, cents

S = InvoiceStatus
OPEN = (S.OPEN, S.PARTIALLY_PAID)
LIVE = (*OPEN, S.EXPIRED)
TAXES = ("0", "0", "0.07", "0.19", "0.2")


def lines(draw: Draw, code: str) -> tuple[Line, ...]:
    """One to three lines; the last may take something off."""
    made = [
        Line.of(
            f"Item {number}",
            cents(draw.whole(100, 9_000), code),
            quantity=draw.one_of(("1", "1", "2", "0.5", "3.333")),
            tax_rate=draw.one_of(TAXES),
        )
        for number in range(draw.whole(1, 2))
    ]
    if draw.chance(15):
        made.append(Line.of("Discount", cents(draw.whole(1, 300), code), quantity="-1"))
    return tuple(made)


def terms(world: World, draw: Draw) -> invoices.InvoiceTerms:
    code = asset(draw)
    expires_at = world.clock.now() + timedelta(hours=draw.whole(1, 200)) if draw.chance(30) else None
    return invoices.InvoiceTerms(
        enterprise_id=draw.one_of(ENTERPRISES),
        customer_id=draw.one_of((*USERS, "acme")),
        lines=lines(draw, code),
        series=draw.one_of(("A", "A", "B")),
        due_in_days=draw.one_of((None, 0, 14)),
        expires_at=expires_at,
    )


def ask(world: World, draw: Draw, call: Any, command: Any, invoice: Invoice | CreditNote) -> None:
    world.ask(call, command, actor=acting(draw, invoice.enterprise_id))


@move(3)
def create_draft(world: World, draw: Draw) -> None:
    asked = terms(world, draw)
    world.ask(invoices.create_draft, asked, actor=acting(draw, asked.enterprise_id))


@move(1)
def update_draft(world: World, draw: Draw) -> None:
    draft = some(world, draw, Invoice, status=S.DRAFT)
    if draft is not None:
        command = invoices.UpdateDraft(invoice_id=draft.id, lines=lines(draw, draft.asset), note="changed")
        ask(world, draw, invoices.update_draft, command, draft)


@move(1)
def delete_draft(world: World, draw: Draw) -> None:
    draft = some(world, draw, Invoice, status=S.DRAFT)
    if draft is not None:
        ask(world, draw, invoices.delete_draft, invoices.DeleteDraft(invoice_id=draft.id), draft)


@move(3)
def finalize_draft(world: World, draw: Draw) -> None:
    draft = some(world, draw, Invoice, status=S.DRAFT)
    if draft is not None:
        ask(world, draw, invoices.finalize_draft, invoices.FinalizeInvoice(invoice_id=draft.id), draft)


@move(12)
def issue_invoice(world: World, draw: Draw) -> None:
    asked = terms(world, draw)
    world.ask(invoices.issue_invoice, asked, actor=acting(draw, asked.enterprise_id))


@move(1)
def send_invoice(world: World, draw: Draw) -> None:
    invoice = some(world, draw, Invoice, status__in=OPEN)
    if invoice is not None:
        ask(world, draw, invoices.send_invoice, invoices.SendInvoice(invoice_id=invoice.id), invoice)


@move(4)
def void_invoice(world: World, draw: Draw) -> None:
    invoice = some(world, draw, Invoice, status__in=LIVE)
    if invoice is not None:
        disposition = draw.one_of((None, *VoidDisposition))
        command = invoices.VoidInvoice(invoice_id=invoice.id, disposition=disposition)
        ask(world, draw, invoices.void_invoice, command, invoice)


@move(2)
def mark_uncollectible(world: World, draw: Draw) -> None:
    invoice = some(world, draw, Invoice, status__in=LIVE)
    if invoice is not None:
        command = invoices.MarkUncollectible(invoice_id=invoice.id)
        ask(world, draw, invoices.mark_uncollectible, command, invoice)


@move(2)
def expire_invoice(world: World, draw: Draw) -> None:
    invoice = some(world, draw, Invoice, status__in=OPEN, expires_at__le=world.clock.now())
    if invoice is not None:
        ask(world, draw, invoices.expire_invoice, invoices.ExpireInvoice(invoice_id=invoice.id), invoice)


@move(2)
def reopen_invoice(world: World, draw: Draw) -> None:
    invoice = some(world, draw, Invoice, status=S.EXPIRED)
    if invoice is not None:
        expires_at = world.clock.now() + timedelta(hours=draw.whole(1, 90)) if draw.chance(70) else None
        command = invoices.ReopenInvoice(invoice_id=invoice.id, expires_at=expires_at)
        ask(world, draw, invoices.reopen_invoice, command, invoice)


@move(5)
def issue_credit_note(world: World, draw: Draw) -> None:
    invoice = some(world, draw, Invoice, status__in=(*OPEN, S.PAID))
    if invoice is None:
        return
    by_line = draw.chance(25)
    whole = invoice.remaining + invoice.applied
    command = invoices.IssueCreditNote(
        invoice_id=invoice.id,
        amount=part_of(draw, whole) if not by_line and draw.chance(85) else None,
        lines=_credited(draw, invoice) if by_line else (),
        disposition=draw.one_of((None, *CreditNoteDisposition)),
    )
    ask(world, draw, invoices.issue_credit_note, command, invoice)


def _credited(draw: Draw, invoice: Invoice) -> tuple[Any, ...]:
    from invoicepay.domain.credit_notes import CreditedLine

    position = draw.whole(1, len(invoice.lines))
    whole = abs(invoice.lines[position - 1].quantity)
    return (CreditedLine(position=position, quantity=draw.one_of((whole, Decimal("0.5"), Decimal(1)))),)


@move(4)
def refund_invoice(world: World, draw: Draw) -> None:
    invoice = some(world, draw, Invoice, status=S.PAID)
    if invoice is not None:
        money = part_of(draw, invoice.applied) if draw.chance(70) else None
        command = invoices.RefundInvoice(invoice_id=invoice.id, amount=money)
        ask(world, draw, invoices.refund_invoice, command, invoice)


@move(3)
def void_credit_note(world: World, draw: Draw) -> None:
    notes = world.rows(CreditNote, status=CreditNoteStatus.ISSUED)
    likely = [note for note in notes if note.recredited == note.post]
    if notes:
        note = draw.one_of(likely if likely and draw.chance(85) else notes)
        ask(world, draw, invoices.void_credit_note, invoices.VoidCreditNote(credit_note_id=note.id), note)


@move(1)
def create_schedule(world: World, draw: Draw) -> None:
    enterprise, today = draw.one_of(ENTERPRISES), world.clock.now().date()
    command = schedules.CreateSchedule(
        enterprise_id=enterprise,
        customer_id=draw.one_of(USERS),
        lines=lines(draw, asset(draw)),
        every=Every(interval=draw.one_of(tuple(Interval)), count=draw.whole(1, 3)),
        start_on=today + timedelta(days=draw.whole(0, 20)),
        due_in_days=draw.whole(0, 14),
        catch_up=draw.one_of(tuple(CatchUp)),
        max_count=draw.one_of((None, 2)),
    )
    world.ask(schedules.create_schedule, command, actor=acting(draw, enterprise))


def _one(world: World, draw: Draw, call: Any, status: ScheduleStatus) -> None:
    schedule = some(world, draw, Schedule, status=status)
    if schedule is not None:
        command = schedules.OneSchedule(schedule_id=schedule.id)
        world.ask(call, command, actor=acting(draw, schedule.enterprise_id))


@move(1)
def pause_schedule(world: World, draw: Draw) -> None:
    _one(world, draw, schedules.pause_schedule, ScheduleStatus.ACTIVE)


@move(2)
def resume_schedule(world: World, draw: Draw) -> None:
    _one(world, draw, schedules.resume_schedule, ScheduleStatus.PAUSED)


@move(1)
def cancel_schedule(world: World, draw: Draw) -> None:
    _one(world, draw, schedules.cancel_schedule, ScheduleStatus.ACTIVE)
