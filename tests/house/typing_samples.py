"""What hosts write, checked by mypy --strict like the package: results have types, mistakes are found.

A `type: ignore` below states that a checker refuses the line; strict mode reports one that is not needed.
`test_typing_samples.py` runs each function.
"""

# ruff: noqa: T201 - hosts print

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, assert_type

from sqlalchemy.ext.asyncio import AsyncEngine

from invoicepay import (
    AsyncInvoicePay,
    AsyncPage,
    Deposit,
    Event,
    Every,
    Explanation,
    Invoice,
    InvoicePay,
    Line,
    Listing,
    Money,
    Page,
    Payment,
    PaymentRequest,
    QrCode,
    Schedule,
)
from invoicepay.domain.audit import AuditRecord
from invoicepay.domain.effects import InboxMessage
from invoicepay.domain.payments import PaymentType
from invoicepay.domain.reconciliation import Break
from invoicepay.errors import InsufficientFunds, InvoicePayError, WebhookSignatureInvalid
from invoicepay.testing.clock import FrozenClock
from invoicepay.use_cases.pending import PendingSummary
from invoicepay.use_cases.queries import Verification
from invoicepay.use_cases.reconcile import TieOut
from invoicepay.use_cases.reserve_audit import ReserveAudit


def quickstart() -> None:
    """Snippet 1: a notebook."""
    pay = InvoicePay()
    deposit = assert_type(pay.deposits.initiate("ann", "200.00 USD"), Deposit)
    assert_type(pay.sim.settle(deposit.id), Deposit)
    lines = [Line.of("Hosting, November", "120.00 USD")]
    invoice = assert_type(pay.invoices.issue(enterprise="acme", customer="ann", lines=lines), Invoice)
    payment = pay.invoices.pay(invoice.id, payer="ann", amount=Money("150.00", "USD"))
    assert_type(payment, Payment)
    assert_type(payment.payment_type, PaymentType | None)
    assert_type(payment.credit, Money)
    assert_type(pay.reserves.audit(), ReserveAudit).explain()
    page = assert_type(pay.invoices.list(customer="ann"), Page[Invoice])
    for listed in page:
        assert_type(listed, Invoice)
    assert_type(page.to_records(), list[dict[str, Any]])


def refused() -> dict[str, object]:
    """A web host answers with what an error says of itself."""
    try:
        InvoicePay().transfers.send("ann", "ben", "5.00 USD")
    except InsufficientFunds as refusal:
        assert_type(refusal.http_status, int)
        return refusal.to_problem()
    except InvoicePayError as error:
        raise SystemExit(error.hint) from error
    return {}


def recurring() -> None:
    """Snippet 4: an invoice for each month's end."""
    pay = InvoicePay(clock=FrozenClock("2026-01-31T09:00:00Z"))
    lines = [Line.of("Pro plan", "29.00 USD", tax_rate="0.19")]
    schedule = pay.schedules.create(
        enterprise="acme",
        customer="ann",
        lines=lines,
        every=Every.month(day=31),
        start_on=date(2026, 1, 31),
        timezone="Europe/Berlin",
        due_in_days=14,
    )
    assert_type(schedule, Schedule)
    for invoice in assert_type(pay.schedules.run_due(), list[Invoice]):
        assert_type(invoice.due_on, date | None)
        print(invoice.number, invoice.total, invoice.due_on)


def webhooks(body: bytes = b"{}") -> int:
    """Snippet 5, the half that comes in."""
    pay = InvoicePay()

    @pay.on("invoice.paid")
    def ship(event: Event) -> None:
        print(event.name, event.entity_id)

    registered: Callable[[Event], None] = ship
    assert registered is ship
    try:
        kept = pay.webhooks.receive("rails", headers={"webhook-id": "1"}, body=body)
    except WebhookSignatureInvalid:
        return 400
    assert_type(kept, tuple[InboxMessage, ...])
    return 204


def month_end_billing() -> None:
    """Snippet 7: a test with a frozen clock."""
    clock = FrozenClock("2026-01-31T09:00:00Z")
    pay = InvoicePay(clock=clock)
    pay.schedules.create(
        enterprise="acme",
        customer="ann",
        every=Every.month(day=31),
        start_on=date(2026, 1, 31),
        lines=[Line.of("Pro", "29.00 USD")],
    )
    assert len(pay.schedules.run_due()) == 1 and pay.schedules.run_due() == []
    clock.advance(days=28)
    assert len(pay.schedules.run_due()) == 1


def audited() -> int:
    """Snippet 8: a monitoring check."""
    pay = InvoicePay()
    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
    report = assert_type(pay.reserves.reconcile(), TieOut)
    for violation in report.violations:
        print(violation.rule, violation.message, violation.difference_micros)
    for found in report.breaks:
        assert_type(found, Break)
        print(found.kind, found.object_id, found.message)
    assert assert_type(pay.audit.verify(), Verification)
    for entry in assert_type(pay.audit.trail(invoice.id), Listing[AuditRecord]):
        print(entry.position, entry.recorded_at, entry.actor, entry.action)
    return 0 if report.backed else 1


def tried() -> str:
    """Snippet 9: a dry run, and calls that belong together."""
    pay = InvoicePay()
    with pay.transaction() as tx:
        lines = [Line.of("Seat", "9.00 USD")]
        invoice = assert_type(tx, InvoicePay).invoices.issue(enterprise="acme", customer="ann", lines=lines)
    with pay.dry_run() as trial:
        assert_type(assert_type(trial, InvoicePay).invoices.void(invoice), Invoice)
    return str(assert_type(trial.explain(), Explanation))


def dinner(folder: Path) -> str:
    """Snippet 10: a code to scan."""
    pay = InvoicePay()
    request = pay.requests.create(requester="ann", payer="ben", amount="18.50 USD", note="Dinner")
    assert_type(request, PaymentRequest)
    code = assert_type(pay.requests.qr(request), QrCode)
    print(code.payload, code.text())
    (folder / "dinner.png").write_bytes(code.png(scale=8))
    return code.svg(title="18.50 USD to ann")


def worker() -> PendingSummary:
    """Snippet 11: one pass, for whatever runs the host's jobs."""
    pay = InvoicePay(dispatch="deferred")
    everywhere = pay.run_pending_everywhere(limit=100)
    assert_type(everywhere, dict[str, PendingSummary])
    return assert_type(pay.run_pending(limit=100), PendingSummary)


async def awaited(engine: AsyncEngine) -> str:
    """Snippet 12: the awaiting twin on the host's engine."""
    async with AsyncInvoicePay(engine) as pay:
        await pay.parties.register("acme", kind="enterprise")
        await pay.parties.register("ann")
        await pay.sim.settle(await pay.deposits.initiate("ann", "20.00 USD"))
        lines = [Line.of("Seat", "9.00 USD")]
        invoice = await pay.invoices.issue(enterprise="acme", customer="ann", lines=lines)
        assert_type(invoice, Invoice)
        await pay.invoices.pay(invoice.id, payer="ann", idempotency_key=f"pay-{invoice.id}")
        page = assert_type(await pay.invoices.list(), AsyncPage[Invoice])
        return ", ".join([listed.number async for listed in page])


def mistakes(pay: InvoicePay, later: AsyncInvoicePay) -> Iterator[object]:
    """A checker finds what would be refused when it runs."""
    yield pay.invoices.pay("inv_1", payer="ann", amount=150.0)  # type: ignore[arg-type]
    yield pay.invoices.pay("inv_1", "ann")  # type: ignore[call-arg]
    yield pay.invoices.pay("inv_1", payer="ann", amout="1.00 USD")  # type: ignore[call-arg]
    yield pay.invoices.issue(enterprise="acme", customer="ann", lines=["Hosting"])  # type: ignore[list-item]
    yield pay.invoices.pay(Money.of("1.00 USD"), payer="ann")  # type: ignore[arg-type]
    yield pay.parties.register("acme", type="enterprise")  # type: ignore[call-arg]
    yield pay.webhooks.receive("rails", headers={}, body="{}")  # type: ignore[arg-type]
    yield InvoicePay(dispatch=True)  # type: ignore[arg-type]
    yield Money.of("1.00 USD") * 2  # type: ignore[operator]
    yield later.invoices.get("inv_1").number  # type: ignore[attr-defined]
    yield list(later.invoices.list())  # type: ignore[call-overload]
