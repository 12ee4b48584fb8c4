"""Drafts: written, changed and thrown away before they have a number (spec 4.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from invoicepay.domain.access import authorise, party_needs
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.invoices import INVOICE, Invoice, InvoiceCommand, invoice_needs
from invoicepay.domain.issuing import InvoiceTerms, checked_terms, draft_invoice, with_terms
from invoicepay.domain.lines import Line
from invoicepay.domain.needs import Needs
from invoicepay.domain.parties import Party
from invoicepay.domain.time import local_date
from invoicepay.errors import CurrencyMismatch
from invoicepay.use_cases.perform import Deps, UseCase, perform


def _needs_create(command: InvoiceTerms, _seen: Snapshot) -> Needs:
    return party_needs(command.enterprise_id, command.customer_id)


def decide_create_draft(command: InvoiceTerms, change: Change) -> Invoice:
    """Check lines, texts and parties, and add the totals up."""
    return draft_invoice(change, command)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDraft:
    """Change what a draft says; what is None stays as it is."""

    invoice_id: str
    lines: tuple[Line, ...] | None = None
    due_on: date | None = None
    due_in_days: int | None = None
    expires_at: datetime | None = None
    note: str | None = None
    reference: str | None = None


def _needs_update(command: UpdateDraft, seen: Snapshot) -> Needs:
    return invoice_needs(command.invoice_id, seen)


def decide_update_draft(command: UpdateDraft, change: Change) -> Invoice:
    """Check the changed terms like new ones.

    Raises:
        InvalidTransition: it is finalized; issue a credit note instead.
        CurrencyMismatch: lines of another asset; write a new draft.
    """
    draft = change.get(Invoice, command.invoice_id)
    authorise(change, draft, enterprise=draft.enterprise_id)
    INVOICE.after(draft.status, InvoiceCommand.UPDATE)
    terms = checked_terms(change, _changed(draft, command))
    if terms.lines[0].unit_price.asset != draft.asset:
        raise CurrencyMismatch(assets=[draft.asset, terms.lines[0].unit_price.asset])
    enterprise = change.get(Party, draft.enterprise_id)
    today = local_date(change.now, enterprise.timezone)
    return change.put(with_terms(draft, terms, today), "invoice.updated")


def _changed(draft: Invoice, command: UpdateDraft) -> InvoiceTerms:
    keeps_due_on = command.due_on is None and command.due_in_days is None
    return InvoiceTerms(
        enterprise_id=draft.enterprise_id,
        customer_id=draft.customer_id,
        lines=draft.lines if command.lines is None else command.lines,
        series=draft.series,
        due_on=draft.due_on if keeps_due_on else command.due_on,
        due_in_days=command.due_in_days,
        expires_at=command.expires_at or draft.expires_at,
        note=draft.note if command.note is None else command.note,
        reference=draft.reference if command.reference is None else command.reference,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDraft:
    """Throw a draft away."""

    invoice_id: str


def _needs_delete(command: DeleteDraft, seen: Snapshot) -> Needs:
    return invoice_needs(command.invoice_id, seen)


def decide_delete_draft(command: DeleteDraft, change: Change) -> Invoice:
    """Keep the row as `deleted`; no number was used.

    Raises:
        InvalidTransition: it is finalized; void it instead.
    """
    draft = change.get(Invoice, command.invoice_id)
    authorise(change, draft, enterprise=draft.enterprise_id)
    status = INVOICE.after(draft.status, InvoiceCommand.DELETE)
    return change.put(replace(draft, status=status), "invoice.deleted")


CREATE = UseCase("invoices.create", Invoice, _needs_create, decide_create_draft)
UPDATE = UseCase("invoices.update", Invoice, _needs_update, decide_update_draft)
DELETE = UseCase("invoices.delete", Invoice, _needs_delete, decide_delete_draft)


async def create_draft(deps: Deps, command: InvoiceTerms, key: str | None = None) -> Invoice:
    """Write an invoice that can still be changed.

    Raises:
        InvalidLine, InvalidTime, InvalidText, CurrencyMismatch, SelfPayment: the terms are not valid.
        NotFound: an unknown party.
        NotAllowed: the actor is neither the enterprise nor an operator.
    """
    return await perform(deps, CREATE, command, key)


async def update_draft(deps: Deps, command: UpdateDraft, key: str | None = None) -> Invoice:
    """Change a draft; what the command leaves out stays.

    Raises:
        NotFound, NotAllowed: no such invoice, or not yours.
        InvalidTransition: it is no draft any more.
        InvalidInput: the new terms are not valid.
    """
    return await perform(deps, UPDATE, command, key)


async def delete_draft(deps: Deps, command: DeleteDraft, key: str | None = None) -> Invoice:
    """Throw a draft away; finalized invoices are voided, never deleted.

    Raises:
        NotFound, NotAllowed: no such invoice, or not yours.
        InvalidTransition: it is no draft any more.
    """
    return await perform(deps, DELETE, command, key)
