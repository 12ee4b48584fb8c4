"""Push: tokens arrived by a transfer that the library did not start (spec 6)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from invoicepay.domain import postings
from invoicepay.domain.access import (
    authorise,
    check_limit,
    known_party,
    limit_needs,
    party_needs,
    payable,
    receiving_code,
)
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.ids import Prefix, clean_text
from invoicepay.domain.invoices import Invoice, InvoiceStatus, invoice_needs
from invoicepay.domain.money import Money, document_amount, positive
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.netting import arrived, is_netted, positions_of
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.payments import Channel, Payment, Receipt
from invoicepay.domain.policies import Programme, Settlement
from invoicepay.domain.settlement import new_payment, push_source, push_sources, settle, settle_needs
from invoicepay.errors import DuplicateProviderReference, InvalidInput, SelfPayment
from invoicepay.ports.screening import Screened
from invoicepay.use_cases.compliance import ALLOWED, require_allowed, screened
from invoicepay.use_cases.perform import Deps, UseCase, perform
from invoicepay.use_cases.queries import get

REFERENCE_LENGTH = 255
UNFINISHED = frozenset({InvoiceStatus.DRAFT, InvoiceStatus.DELETED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivePush:
    """A transfer that arrived at an enterprise.

    Attributes:
        amount: what arrived, in the asset that arrived.
        invoice_id: empty when the transfer names none.
        payer_id: the wallet that sent it; empty when it came from an address outside the programme.
        enterprise_id: who received it; may be left out when the invoice tells.
        provider, provider_ref: the transfer's name at its provider; one transfer counts once.
        verdict: of screening, where the tokens move in the book; put in by the use case.
    """

    amount: Money
    invoice_id: str = ""
    payer_id: str = ""
    enterprise_id: str = ""
    provider: str = ""
    provider_ref: str = ""
    verdict: Screened = field(default=ALLOWED, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a transfer became: a payment, or a receipt that pays no invoice."""

    payment: Payment | None = None
    receipt: Receipt | None = None


def _known_payments(command: ReceivePush) -> Find[Payment]:
    return find(Payment, provider=command.provider, provider_ref=command.provider_ref)


def _known_receipts(command: ReceivePush) -> Find[Receipt]:
    return find(Receipt, provider=command.provider, provider_ref=command.provider_ref)


def _needs_receive(command: ReceivePush, seen: Snapshot) -> Needs:
    asset, enterprise_id = command.amount.asset, command.enterprise_id
    needs = need(accounts=push_sources(command.payer_id, asset))
    if command.payer_id:
        needs |= party_needs(command.payer_id, asset=asset) | limit_needs(seen, command.payer_id, asset)
    if command.provider_ref:
        needs |= need(finds=[_known_payments(command), _known_receipts(command)])
    if command.invoice_id:
        needs |= invoice_needs(command.invoice_id, seen)
    invoice = seen.peek(Invoice, command.invoice_id)
    if invoice is not None:
        enterprise_id = enterprise_id or invoice.enterprise_id
        needs |= settle_needs(seen, invoice, None)
    if enterprise_id and is_netted(seen.programme, asset):
        needs |= positions_of([command.payer_id, enterprise_id], asset)
    return needs | party_needs(enterprise_id, asset=asset) if enterprise_id else needs


def decide_receive_push(command: ReceivePush, change: Change) -> Received:
    """Settle what arrived on the invoice it names; what fits no invoice is kept as a receipt (spec 6).

    Raises:
        NotFound, NotThePayer, NotAllowed: no such invoice, payer or enterprise, or somebody else tells of it.
        ComplianceBlocked, ComplianceReview, WalletFrozen, LimitExceeded: the book does not move the tokens.
        DuplicateProviderReference: the transfer is booked already, on something else.
        InsufficientFunds: the sending wallet does not have the tokens.
    """
    positive(command.amount)
    _named(command)
    invoice = change.get(Invoice, command.invoice_id) if command.invoice_id else None
    enterprise_id = command.enterprise_id or (invoice.enterprise_id if invoice else "")
    known_party(change, enterprise_id, kind=PartyKind.ENTERPRISE)
    payer = known_party(change, command.payer_id) if command.payer_id else None
    _require_sender(change, payer, command.amount.asset)
    known = _already_booked(command, change)
    if known is not None:
        return known
    if payer is not None:
        _require_movable(change, payer, command, enterprise_id)
    if is_netted(change.programme, command.amount.asset):
        arrived(change, command.payer_id, enterprise_id, command.amount)
    reason = _misfit(command, invoice)
    if invoice is None or reason:
        return Received(receipt=_unapplied(command, change, enterprise_id, reason))
    payment = new_payment(
        change,
        invoice,
        payer_id=command.payer_id,
        amount=command.amount,
        channel=Channel.PUSH,
        provider=command.provider,
        provider_ref=command.provider_ref,
    )
    return Received(payment=settle(change, payment))


RECEIVE = UseCase("payments.receive", Received, _needs_receive, decide_receive_push)


async def receive_push(deps: Deps, command: ReceivePush, key: str | None = None) -> Received:
    """Book a transfer that arrived (P-11), or keep it as an unapplied receipt (P-17, P-18)."""
    if command.payer_id and not _is_fact(deps.programme, command.amount.asset):
        command = replace(command, verdict=await _verdict(deps, command))
    return await perform(deps, RECEIVE, command, key)


async def _verdict(deps: Deps, command: ReceivePush) -> Screened:
    """Screening's word on a movement in the book; a chain asked nobody."""
    if deps.screening is None:
        return ALLOWED
    payee_id = command.enterprise_id
    if command.invoice_id and not payee_id:
        payee_id = (await get(deps, Invoice, command.invoice_id)).enterprise_id
    return await screened(
        deps, "payment", party_id=command.payer_id, counterparty_id=payee_id, amount=command.amount
    )


def _is_fact(programme: Programme, asset: str) -> bool:
    """Whether a chain moved the tokens already, so that nobody can refuse the movement any more."""
    return programme.asset(asset).settlement is not Settlement.LEDGER


def _named(command: ReceivePush) -> None:
    clean_text(command.provider, REFERENCE_LENGTH, "the provider")
    clean_text(command.provider_ref, REFERENCE_LENGTH, "the provider's reference")
    if not command.invoice_id and not command.enterprise_id:
        raise InvalidInput("name the invoice, or the enterprise that received the transfer")
    if command.provider_ref and not command.provider:
        raise InvalidInput("a provider's reference needs the provider's name")


def _require_sender(change: Change, payer: Party | None, asset: str) -> None:
    """In the book the payer tells of an own transfer; others are told by whoever watches the chain."""
    if payer is None or _is_fact(change.programme, asset):
        authorise(change)
    else:
        authorise(change, payer=payer.id)


def _already_booked(command: ReceivePush, change: Change) -> Received | None:
    """The stored answer when the same transfer was seen before."""
    if not command.provider_ref:
        return None
    payments = change.find(_known_payments(command))
    receipts = change.find(_known_receipts(command))
    booked: tuple[Payment | Receipt, ...] = (*payments, *receipts)
    for row in booked:
        if row.invoice_id != command.invoice_id:
            raise DuplicateProviderReference(id=row.id, invoice=row.invoice_id)
    if payments:
        return Received(payment=payments[0])
    return Received(receipt=receipts[0]) if receipts else None


def _require_movable(change: Change, payer: Party, command: ReceivePush, enterprise_id: str) -> None:
    """In the book the push is ours to refuse; what a chain moved is a fact."""
    amount = command.amount
    if payer.id == enterprise_id:
        raise SelfPayment(payer=payer.id)
    if _is_fact(change.programme, amount.asset):
        return
    if not change.get(Party, enterprise_id).policy.micro_payments:
        document_amount(amount)
    require_allowed(command.verdict)
    payable(change, payer.id, amount.asset)
    check_limit(change, payer, amount)


def _misfit(command: ReceivePush, invoice: Invoice | None) -> str:
    """Why the transfer pays no invoice, or nothing."""
    if invoice is None:
        return "no_invoice"
    if command.enterprise_id not in ("", invoice.enterprise_id):
        return "other_enterprise"
    if invoice.asset != command.amount.asset:
        return "wrong_asset"
    return "invoice_not_issued" if invoice.status in UNFINISHED else ""


def _unapplied(command: ReceivePush, change: Change, enterprise_id: str, reason: str) -> Receipt:
    """The tokens are in the enterprise's wallet, and nothing is paid with them."""
    amount = command.amount
    receipt = Receipt(
        id=change.new_id(Prefix.RECEIPT),
        enterprise_id=enterprise_id,
        payer_id=command.payer_id,
        invoice_id=command.invoice_id,
        asset=amount.asset,
        amount=amount,
        provider=command.provider,
        provider_ref=command.provider_ref,
        reason=reason,
    )
    into = receiving_code(change, enterprise_id, amount.asset)
    if command.payer_id:
        posting = postings.transferred(
            command.payer_id,
            enterprise_id,
            amount.asset,
            amount.micros,
            source=push_source(change, command.payer_id, amount.asset).code,
            into=into,
            memo=receipt.id,
        )
    else:
        posting = postings.arrived_from_outside(
            enterprise_id, amount.asset, amount.micros, into=into, memo=receipt.id
        )
    change.post(posting)
    return change.add(receipt, "payment.unapplied")
