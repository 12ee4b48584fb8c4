"""Settling a payment: the split is decided here, from the balance of this moment (spec 6, P-11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from invoicepay.domain import postings
from invoicepay.domain.access import party_needs, receiving_code
from invoicepay.domain.accounts import Account, Code, account, frozen
from invoicepay.domain.allocations import SourceKind, allocate
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.credits import CreditReason, auto_apply, auto_apply_needs, open_lot
from invoicepay.domain.following import follow
from invoicepay.domain.holds import Hold, capture
from invoicepay.domain.ids import Prefix
from invoicepay.domain.invoices import (
    Invoice,
    InvoiceStatus,
    has_expired,
    open_amount,
    settled_event,
    small_difference,
    with_payment,
)
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.parties import Party
from invoicepay.domain.payments import PAYMENT, Channel, Payment, PaymentCommand, PaymentStatus, PaymentType
from invoicepay.domain.policies import CreditBacking, Late
from invoicepay.domain.quick import quick
from invoicepay.domain.time import local_date


def new_payment(
    change: Change,
    invoice: Invoice,
    *,
    payer_id: str,
    amount: Money,
    channel: Channel = Channel.PULL,
    provider: str = "",
    provider_ref: str = "",
    group_id: str = "",
) -> Payment:
    """A payment that is not stored yet: `settle` it at once, or hold its tokens and store it as pending."""
    nothing = Money.zero(amount.asset)
    return Payment(
        id=change.new_id(Prefix.PAYMENT),
        invoice_id=invoice.id,
        enterprise_id=invoice.enterprise_id,
        customer_id=invoice.customer_id,
        payer_id=payer_id,
        asset=amount.asset,
        amount=amount,
        applied=nothing,
        excess=nothing,
        refunded=nothing,
        fee=nothing,
        status=PaymentStatus.PENDING,
        channel=channel,
        provider=provider,
        provider_ref=provider_ref,
        group_id=group_id,
    )


def source_account(payer_id: str, asset: str, *, is_held: bool = False) -> Account:
    """What a settlement debits: the payer's hold, the payer's wallet, or addresses outside the programme."""
    if not payer_id:
        return account(Code.EXTERNAL_HOLDERS, asset)
    return account(Code.HELD if is_held else Code.AVAILABLE, asset, payer_id)


def push_sources(payer_id: str, asset: str) -> tuple[Account, ...]:
    """What a push may debit: a chain moves the tokens of a frozen wallet too."""
    if not payer_id:
        return (source_account("", asset),)
    return (source_account(payer_id, asset), frozen(payer_id, asset))


def push_source(change: Change, payer_id: str, asset: str) -> Account:
    """The one of `push_sources` that a push debits now."""
    if not payer_id:
        return source_account("", asset)
    return account(receiving_code(change, payer_id, asset), asset, payer_id)


def settle_needs(seen: Snapshot, invoice: Invoice, source: Account | None) -> Needs:
    """What `settle` reads and debits; `source` is absent for a payment outside the system."""
    enterprise_id, asset = invoice.enterprise_id, invoice.asset
    needs = party_needs(enterprise_id, asset=asset) | need(accounts=[source] if source else [])
    return needs | auto_apply_needs(seen, enterprise_id, invoice.customer_id, asset)


@quick
@dataclass(frozen=True, slots=True)
class _Split:
    """What a payment is worth to its invoice now."""

    applied: Money
    excess: Money
    fee: Money
    is_late: bool


def settle(change: Change, payment: Payment) -> Payment:
    """Apply a payment to its invoice; what the invoice cannot take becomes the customer's credit (spec 6).

    P-11 for tokens (P-26 when the invoice was uncollectible, P-22 for a small difference after a push);
    a payment outside the system moves none (P-19).

    Raises:
        InsufficientFunds: the payer does not have the tokens.
        InvalidTransition: the payment was settled or ended already, or the invoice is a draft.
    """
    invoice = change.get(Invoice, payment.invoice_id)
    split = _split(invoice, payment, change.get(Party, invoice.enterprise_id), change.now)
    after = _paid(change, invoice, payment, split)
    posting_id = _moved(change, payment, split)
    credit_id = _excess_lot(change, invoice, payment, split)
    change.put(after, settled_event(invoice, after))
    write = change.put if payment.version else change.add
    stored = write(
        payment,
        "payment.completed",
        status=PAYMENT.after(payment.status if payment.version else None, PaymentCommand.SETTLE),
        applied=split.applied,
        excess=split.excess,
        fee=split.fee,
        payment_type=_type(split, invoice),
        is_late=split.is_late,
        completed_at=change.now,
        posting_id=posting_id,
        credit_id=credit_id,
    )
    enterprise_id, platform_id = invoice.enterprise_id, change.programme.platform_id
    follow(change, stored, from_party=enterprise_id, to_party=platform_id, amount=split.fee)
    if split.applied:
        allocate(change, invoice.id, SourceKind.PAYMENT, payment.id, split.applied, fee=split.fee)
    if split.excess:
        auto_apply(change, invoice.enterprise_id, invoice.customer_id, invoice.asset)
    return stored


def _split(invoice: Invoice, payment: Payment, enterprise: Party, now: datetime) -> _Split:
    """Decided from what is open at this moment; a late push may be kept off the invoice by policy."""
    late = enterprise.policy.late if payment.channel is Channel.PUSH else Late.ACCEPT
    applied = min(payment.amount, open_amount(invoice, now, late=late))
    is_external = payment.channel is Channel.EXTERNAL
    return _Split(
        applied=applied,
        excess=payment.amount - applied,
        fee=Money.zero(payment.asset) if is_external else enterprise.policy.fee(applied),
        is_late=_is_late(invoice, applied, now, enterprise.timezone),
    )


def _paid(change: Change, invoice: Invoice, payment: Payment, split: _Split) -> Invoice:
    is_push = payment.channel is Channel.PUSH
    policy = change.get(Party, invoice.enterprise_id).policy
    return with_payment(
        invoice,
        split.applied,
        split.excess,
        now=change.now,
        is_late=split.is_late,
        released=payment.amount if payment.version else None,
        tolerance=small_difference(invoice, policy) if is_push else None,
    )


def _is_late(invoice: Invoice, applied: Money, now: datetime, timezone: str) -> bool:
    """After the expiry, or after the due date of something that was still due."""
    is_past_due = invoice.due_on is not None and local_date(now, timezone) > invoice.due_on
    return has_expired(invoice, now) or (bool(applied) and is_past_due)


def _type(split: _Split, invoice: Invoice) -> PaymentType:
    if split.excess:
        return PaymentType.OVERPAYMENT
    return PaymentType.EXACT if split.applied == invoice.remaining else PaymentType.PARTIAL


def _moved(change: Change, payment: Payment, split: _Split) -> str:
    """P-11; the id of the posting, empty where no token moves."""
    if payment.channel is Channel.EXTERNAL:
        return ""
    backing = change.get(Party, payment.enterprise_id).policy.credit_backing
    if payment.hold_id:
        capture(change, change.get(Hold, payment.hold_id))
    posting = postings.payment_settled(
        payment.payer_id,
        payment.enterprise_id,
        payment.asset,
        applied=split.applied.micros,
        excess=split.excess.micros,
        source=_drawn_from(change, payment).code,
        into=receiving_code(change, payment.enterprise_id, payment.asset),
        ring_fenced=backing is CreditBacking.RING_FENCED,
        fee=split.fee.micros,
        platform_id=change.programme.platform_id,
        memo=payment.id,
    )
    return change.post(posting).id


def _drawn_from(change: Change, payment: Payment) -> Account:
    if payment.channel is Channel.PUSH:
        return push_source(change, payment.payer_id, payment.asset)
    return source_account(payment.payer_id, payment.asset, is_held=bool(payment.hold_id))


def _excess_lot(change: Change, invoice: Invoice, payment: Payment, split: _Split) -> str:
    """The customer's credit from what the invoice could not take; its refund goes back to the payer."""
    if not split.excess:
        return ""
    lot = open_lot(
        change,
        enterprise_id=invoice.enterprise_id,
        customer_id=invoice.customer_id,
        amount=split.excess,
        reason=_reason(invoice, split.applied),
        source_id=payment.id,
        payer_id=payment.payer_id,
        out_of_band=payment.channel is Channel.EXTERNAL,
    )
    return lot.id


def _reason(invoice: Invoice, applied: Money) -> CreditReason:
    if invoice.status is InvoiceStatus.VOID:
        return CreditReason.VOID_INVOICE
    if invoice.status is InvoiceStatus.PAID:
        return CreditReason.DUPLICATE_PAYMENT
    return CreditReason.OVERPAYMENT if applied else CreditReason.LATE_PAYMENT
