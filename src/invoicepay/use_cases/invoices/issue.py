"""Finalizing: the draft is frozen and numbered; sending says that the customer has it (spec 4.1, P-20)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from invoicepay.domain import issuing
from invoicepay.domain.access import authorise
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.invoices import INVOICE, Invoice, InvoiceCommand, invoice_needs
from invoicepay.domain.issuing import InvoiceTerms, finalize_invoice, finalize_needs, issue_needs
from invoicepay.domain.needs import Needs
from invoicepay.use_cases.perform import Deps, UseCase, perform


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizeInvoice:
    """Freeze a draft and give it its number."""

    invoice_id: str


def _needs_finalize(command: FinalizeInvoice, seen: Snapshot) -> Needs:
    return finalize_needs(command.invoice_id, seen)


def decide_finalize(command: FinalizeInvoice, change: Change) -> Invoice:
    """Number the draft; a total of zero is paid at once, credits are applied by policy (P-20, P-13)."""
    return finalize_invoice(change, change.get(Invoice, command.invoice_id))


def _needs_issue(command: InvoiceTerms, seen: Snapshot) -> Needs:
    return issue_needs(command, seen)


def decide_issue(command: InvoiceTerms, change: Change) -> Invoice:
    """Draft and finalize in one go."""
    return issuing.issue_invoice(change, command)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendInvoice:
    """Record that the customer was sent the invoice."""

    invoice_id: str


def _needs_send(command: SendInvoice, seen: Snapshot) -> Needs:
    return invoice_needs(command.invoice_id, seen)


def decide_send(command: SendInvoice, change: Change) -> Invoice:
    """Mark the time; the event `invoice.sent` lets the host's own mailer act.

    Raises:
        InvalidTransition: a draft, an expired or a void invoice.
    """
    invoice = change.get(Invoice, command.invoice_id)
    authorise(change, invoice, enterprise=invoice.enterprise_id)
    status = INVOICE.after(invoice.status, InvoiceCommand.SEND)
    return change.put(replace(invoice, status=status, sent_at=change.now), "invoice.sent")


FINALIZE = UseCase("invoices.finalize", Invoice, _needs_finalize, decide_finalize)
ISSUE = UseCase("invoices.issue", Invoice, _needs_issue, decide_issue)
SEND = UseCase("invoices.send", Invoice, _needs_send, decide_send)


async def finalize_draft(deps: Deps, command: FinalizeInvoice, key: str | None = None) -> Invoice:
    """Freeze a draft and give it the next number of its series.

    Raises:
        NotFound, NotAllowed: no such invoice, the enterprise is closed, or not yours.
        InvalidTransition: it is no draft.
        InvoiceExpired: its expiry is over before it was ever open.
    """
    return await perform(deps, FINALIZE, command, key)


async def issue_invoice(deps: Deps, command: InvoiceTerms, key: str | None = None) -> Invoice:
    """Draft and finalize in one go.

    Raises:
        InvalidLine, InvalidTime, InvalidText, CurrencyMismatch, SelfPayment: the terms are not valid.
        NotFound: an unknown party.
        NotAllowed: the actor is neither the enterprise nor an operator.
    """
    return await perform(deps, ISSUE, command, key)


async def send_invoice(deps: Deps, command: SendInvoice, key: str | None = None) -> Invoice:
    """Record that the customer was sent the invoice, once more if need be.

    Raises:
        NotFound, NotAllowed: no such invoice, or not yours.
        InvalidTransition: a draft, an expired or a void invoice.
    """
    return await perform(deps, SEND, command, key)
