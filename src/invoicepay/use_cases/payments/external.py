"""Payments outside the system: recorded, without a token moving (P-19)."""

from __future__ import annotations

from dataclasses import dataclass

from invoicepay.domain.access import authorise, known_party, party_needs
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.ids import clean_text
from invoicepay.domain.invoices import Invoice, invoice_needs
from invoicepay.domain.money import Money, document_amount, positive
from invoicepay.domain.needs import Needs
from invoicepay.domain.payments import Channel, Payment
from invoicepay.domain.settlement import new_payment, settle, settle_needs
from invoicepay.errors import AssetNotAccepted
from invoicepay.use_cases.perform import Deps, UseCase, perform

REFERENCE_LENGTH = 255
OUTSIDE = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordExternalPayment:
    """The enterprise was paid outside the system, for example by bank transfer or in cash.

    Attributes:
        payer_id: who paid; empty means the customer.
        reference: the bank's or the till's; unique for each invoice when given.
    """

    invoice_id: str
    amount: Money
    payer_id: str = ""
    reference: str = ""


def _needs_record(command: RecordExternalPayment, seen: Snapshot) -> Needs:
    needs = invoice_needs(command.invoice_id, seen)
    if command.payer_id:
        needs |= party_needs(command.payer_id)
    invoice = seen.peek(Invoice, command.invoice_id)
    return needs if invoice is None else needs | settle_needs(seen, invoice, None)


def decide_record_external(command: RecordExternalPayment, change: Change) -> Payment:
    """Settle without tokens; an excess becomes credit that is paid back outside only (P-19).

    Raises:
        NotFound, NotAllowed, AssetNotAccepted, AmountPrecision: who records what for which invoice.
        InvalidTransition: the invoice was not issued.
    """
    document_amount(positive(command.amount))
    reference = clean_text(command.reference, REFERENCE_LENGTH, "the reference")
    invoice = change.get(Invoice, command.invoice_id)
    if command.payer_id:
        known_party(change, command.payer_id)
    authorise(change, invoice, enterprise=invoice.enterprise_id)
    if command.amount.asset != invoice.asset:
        raise AssetNotAccepted(f"{invoice.id} is paid in {invoice.asset}", accepted=[invoice.asset])
    payment = new_payment(
        change,
        invoice,
        payer_id=command.payer_id or invoice.customer_id,
        amount=command.amount,
        channel=Channel.EXTERNAL,
        provider=f"{OUTSIDE}/{invoice.id}" if reference else "",  # one reference may pay several invoices
        provider_ref=reference,
    )
    return settle(change, payment)


RECORD_EXTERNAL = UseCase("payments.record_external", Payment, _needs_record, decide_record_external)


async def record_external(deps: Deps, command: RecordExternalPayment, key: str | None = None) -> Payment:
    """Record a payment outside the system."""
    return await perform(deps, RECORD_EXTERNAL, command, key)
