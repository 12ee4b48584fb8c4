"""Expiry: an invoice that was not paid in time takes no pull payment until it is reopened (spec 4.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from invoicepay.domain.access import authorise
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.invoices import (
    INVOICE,
    UNSETTLED,
    Invoice,
    InvoiceCommand,
    awaited_again,
    has_expired,
    invoice_needs,
)
from invoicepay.domain.needs import Find, Needs, find
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.time import aware
from invoicepay.errors import InvalidTime, InvalidTransition, InvoiceHasPayments
from invoicepay.use_cases.neighbours import Served, carried_out, served
from invoicepay.use_cases.perform import Call, Deps, UseCase, call_of, perform

PAGE = 200
TIME = Actor("expiry", Role.SYSTEM)
"""Who marks what is over: the clock, whoever starts the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireInvoice:
    """Mark an invoice whose expiry is over."""

    invoice_id: str


def _needs_expire(command: ExpireInvoice, seen: Snapshot) -> Needs:
    return invoice_needs(command.invoice_id, seen)


def decide_expire(command: ExpireInvoice, change: Change) -> Invoice:
    """Expire it, unless a payment that began in time is still unresolved.

    Raises:
        InvalidTransition: not open, or its expiry is not reached.
        InvoiceHasPayments: a payment is in flight; it began before the expiry, or it had been refused.
    """
    invoice = change.get(Invoice, command.invoice_id)
    authorise(change, invoice, enterprise=invoice.enterprise_id)
    status = INVOICE.after(invoice.status, InvoiceCommand.EXPIRE)
    if not has_expired(invoice, change.now):
        allowed = INVOICE.allowed(invoice.status)
        raise InvalidTransition("invoice", invoice.status, "expire before expires_at", allowed)
    if invoice.pending:
        raise InvoiceHasPayments(invoice=invoice.id, pending=str(invoice.pending))
    return change.put(replace(invoice, status=status), "invoice.expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenInvoice:
    """Let an expired invoice be paid again, until another expiry or without one."""

    invoice_id: str
    expires_at: datetime | None = None


def _needs_reopen(command: ReopenInvoice, seen: Snapshot) -> Needs:
    return invoice_needs(command.invoice_id, seen)


def decide_reopen(command: ReopenInvoice, change: Change) -> Invoice:
    """Back to open, or to partially paid when something was applied.

    Raises:
        InvalidTime: the new expiry is over already.
        InvalidTransition: it is not expired.
    """
    expires_at = command.expires_at and aware(command.expires_at, "expires_at")
    if expires_at is not None and expires_at <= change.now:
        raise InvalidTime("expires_at is over already", expires_at=expires_at)
    invoice = change.get(Invoice, command.invoice_id)
    authorise(change, invoice, enterprise=invoice.enterprise_id)
    word = InvoiceCommand.REOPEN_PART if invoice.applied else InvoiceCommand.REOPEN
    status = INVOICE.after(invoice.status, word)
    reopened = awaited_again(invoice, replace(invoice, status=status, expires_at=expires_at), change.now)
    return change.put(reopened, "invoice.reopened")


EXPIRE = UseCase("invoices.expire", Invoice, _needs_expire, decide_expire)
REOPEN = UseCase("invoices.reopen", Invoice, _needs_reopen, decide_reopen)


async def expire_invoice(deps: Deps, command: ExpireInvoice, key: str | None = None) -> Invoice:
    """Mark an invoice whose expiry is over.

    Raises:
        NotFound, NotAllowed: no such invoice, or not yours.
        InvalidTransition: not open, or its expiry is not reached.
        InvoiceHasPayments: a payment that began in time is unresolved.
    """
    return await perform(deps, EXPIRE, command, key)


async def reopen_invoice(deps: Deps, command: ReopenInvoice, key: str | None = None) -> Invoice:
    """Let an expired invoice be paid again.

    Raises:
        InvalidTime: the new expiry is over already.
        NotFound, NotAllowed: no such invoice, or not yours.
        InvalidTransition: it is not expired.
    """
    return await perform(deps, REOPEN, command, key)


def expiring(now: datetime, after_id: str = "") -> Find[Invoice]:
    """The search for invoices whose expiry is over and not yet marked, a page at a time."""
    waiting = tuple(sorted(UNSETTLED))
    return find(Invoice, status__in=waiting, expires_at__le=now, id__gt=after_id, limit=PAGE)


async def expire_due(deps: Deps, limit: int = PAGE) -> Served:
    """Expire up to `limit` invoices whose time is over; call it as often as you like.

    Invoices with a payment in flight wait for its outcome.
    """
    deps = replace(deps, actor=TIME)
    done, last_id = Served(), ""
    while done.count < limit:
        async with deps.repository.reader(deps.tenant_id) as reader:
            page = await reader.find(expiring(deps.clock.now(), last_id))
        ready = [invoice for invoice in page if not invoice.pending]
        calls = [_expiry(deps, invoice) for invoice in ready[: limit - done.count]]
        done += served(await carried_out(deps, calls))
        if len(page) < PAGE:
            break
        last_id = page[-1].id
    return done


def _expiry(deps: Deps, invoice: Invoice) -> Call[ExpireInvoice, Invoice]:
    """The key names the version that was listed: a refusal must not outlive what it was about."""
    command = ExpireInvoice(invoice_id=invoice.id)
    return call_of(deps, EXPIRE, command, f"{invoice.id}/expire/{invoice.version}")
