"""Payments of invoices: lifecycle, receipts without an invoice, what is taken off again (spec 4.2, 6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain import postings
from invoicepay.domain.access import customer_needs, party_needs, receiving_code
from invoicepay.domain.accounts import Account, available, credit_reserve
from invoicepay.domain.allocations import Allocation, SourceKind, allocate, allocations_of
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.credits import (
    CreditLot,
    CreditReason,
    open_lot,
    post_from_enterprise,
    raise_fence,
    restore_lot,
)
from invoicepay.domain.entity import Entity
from invoicepay.domain.following import follow
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money, total
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.policies import CreditBacking
from invoicepay.domain.quick import quick
from invoicepay.errors import RefundExceedsPaid


class PaymentStatus(StrEnum):
    """`unknown` leaves only by a definitive answer looked up under the same reference."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    REVERSED = "reversed"


class PaymentCommand(StrEnum):
    """What moves a payment."""

    INITIATE = "initiate"
    SUBMIT = "submit"
    LOSE = "lose"
    SETTLE = "settle"
    FAIL = "fail"
    CANCEL = "cancel"
    REVERSE = "reverse"


S, C = PaymentStatus, PaymentCommand
PAYMENT: Lifecycle[PaymentStatus, PaymentCommand] = Lifecycle(
    "payment",
    {
        (None, C.INITIATE): S.PENDING,
        (None, C.SETTLE): S.COMPLETED,
        (S.PENDING, C.SUBMIT): S.PROCESSING,
        (S.PENDING, C.CANCEL): S.CANCELLED,
        (S.PENDING, C.SETTLE): S.COMPLETED,
        (S.PENDING, C.FAIL): S.FAILED,
        (S.PROCESSING, C.LOSE): S.UNKNOWN,
        (S.PROCESSING, C.SETTLE): S.COMPLETED,
        (S.PROCESSING, C.FAIL): S.FAILED,
        (S.UNKNOWN, C.SETTLE): S.COMPLETED,
        (S.UNKNOWN, C.FAIL): S.FAILED,
        (S.COMPLETED, C.REVERSE): S.REVERSED,
    },
)
"""A payment's states (spec 4.2); where tokens move in the book, hold and settlement are one step (1.4)."""

UNRESOLVED = frozenset({S.PENDING, S.PROCESSING, S.UNKNOWN})
"""States in which the payment's amount is held and counts as the invoice's `pending`."""


class PaymentType(StrEnum):
    """Fixed when a payment completes."""

    EXACT = "EXACT"
    PARTIAL = "PARTIAL"
    OVERPAYMENT = "OVERPAYMENT"


class Channel(StrEnum):
    """Pull: we move the payer's tokens. Push: they arrived by themselves. External: paid outside (P-19)."""

    PULL = "pull"
    PUSH = "push"
    EXTERNAL = "external"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Entity):
    """One payment of one invoice; once completed `amount = applied + excess + refunded` (INV-10).

    Attributes:
        payer_id: whose tokens move, not always the invoice's customer; empty when they came from outside.
        excess: beyond what was due; it became the credit lot `credit_id`.
        refunded: what was applied and then taken off its invoice, to the payer or into credit.
        fee: the platform's fee on the applied part.
        posting_id: the ledger transaction that settled it.
        provider, provider_ref: the transfer that brought a push; unique.
    """

    KIND: ClassVar[str] = "payment"

    invoice_id: str
    enterprise_id: str
    customer_id: str
    payer_id: str
    asset: str
    amount: Money
    applied: Money
    excess: Money
    refunded: Money
    fee: Money
    status: PaymentStatus
    channel: Channel = Channel.PULL
    payment_type: PaymentType | None = None
    credit_id: str = ""
    hold_id: str = ""
    posting_id: str = ""
    provider: str = ""
    provider_ref: str = ""
    group_id: str = ""
    is_late: bool = False
    completed_at: datetime | None = None
    failure_reason: str = ""

    @property
    def credit(self) -> Money:
        """The excess, now the customer's credit with the enterprise."""
        return self.excess


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Entity):
    """Tokens that arrived and pay no invoice: another asset, or no invoice was named."""

    KIND: ClassVar[str] = "receipt"

    enterprise_id: str
    payer_id: str
    invoice_id: str
    asset: str
    amount: Money
    provider: str
    provider_ref: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What was taken off an invoice and belongs to whoever paid it.

    Attributes:
        payer_id: the payment's payer, or the invoice's customer when the tokens came from outside.
        out_of_band: it was paid outside the system, and no tokens of it are here.
    """

    payment_id: str
    payer_id: str
    amount: Money
    out_of_band: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwound:
    """Where an amount that was taken off an invoice came from.

    Attributes:
        shares: by payment, the newest first.
        restored: given back to the credit lots that had paid.
        fenced: of `restored`, what must be ring-fenced again, see `credits.raise_fence`.
    """

    shares: tuple[Share, ...]
    restored: Money
    fenced: Money

    @property
    def tokens(self) -> Money:
        """The payers' part that was paid in tokens."""
        return total((share.amount for share in self.shares if not share.out_of_band), self.restored.asset)

    @property
    def outside(self) -> Money:
        """The payers' part that was paid outside the system."""
        return total((share.amount for share in self.shares if share.out_of_band), self.restored.asset)


def unwind_needs(seen: Snapshot, invoice: Invoice) -> Needs:
    """What `unwind`, `pay_back` and `recredit` read and debit."""
    enterprise_id, asset = invoice.enterprise_id, invoice.asset
    wanted = allocations_of(invoice.id)
    parties = party_needs(enterprise_id, invoice.customer_id, asset=asset) | customer_needs(
        invoice.customer_id
    )
    needs = parties | need(
        finds=[wanted], accounts=[available(enterprise_id, asset), credit_reserve(enterprise_id, asset)]
    )
    for allocation in seen.search(wanted):
        if allocation.source_kind is SourceKind.CREDIT:
            needs |= need((CreditLot, allocation.source_id))
            continue
        needs |= need((Payment, allocation.source_id))
        payment = seen.peek(Payment, allocation.source_id)
        if payment is not None and payment.payer_id:
            needs |= party_needs(payment.payer_id, asset=asset)
    return needs


def unwind(change: Change, invoice: Invoice, amount: Money) -> Unwound:
    """Take an applied amount off an invoice, newest allocation first (spec 6, P-24, P-27).

    Payments and lots are moved here; the caller stores the invoice and says where the shares go: `pay_back`
    to the payers or `recredit` into new lots.

    Raises:
        RefundExceedsPaid: less than `amount` is applied.
    """
    if amount > invoice.applied:
        raise RefundExceedsPaid(invoice=invoice.id, applied=str(invoice.applied), amount=str(amount))
    shares: list[Share] = []
    restored = fenced = Money.zero(invoice.asset)
    for kind, source_id, applied in _newest_first(change.find(allocations_of(invoice.id))):
        part = min(applied, amount)
        if not part:
            continue
        amount -= part
        allocate(change, invoice.id, kind, source_id, -part)
        if kind is SourceKind.PAYMENT:
            shares.append(_taken_off(change, change.get(Payment, source_id), part))
            continue
        lot = restore_lot(change, change.get(CreditLot, source_id), part)
        restored += part
        fenced += part if lot.backing is CreditBacking.RING_FENCED else Money.zero(invoice.asset)
    assert not amount, f"{amount} of invoice {invoice.id} is not explained by its allocations"
    return Unwound(shares=tuple(shares), restored=restored, fenced=fenced)


def _newest_first(allocations: Iterable[Allocation]) -> list[tuple[SourceKind, str, Money]]:
    """By source, what of it still stands on the invoice; the source that was applied last comes first."""
    standing: dict[tuple[SourceKind, str], Money] = {}
    for allocation in sorted(allocations, key=lambda row: (row.created_at, row.id)):
        source = (allocation.source_kind, allocation.source_id)
        before = standing.get(source, Money.zero(allocation.asset))
        if allocation.amount.micros > 0:
            standing.pop(source, None)
        standing[source] = before + allocation.amount
    return [(kind, id, amount) for (kind, id), amount in reversed(standing.items())]


def _taken_off(change: Change, payment: Payment, part: Money) -> Share:
    after = replace(payment, applied=payment.applied - part, refunded=payment.refunded + part)
    change.put(after, "payment.unwound")
    return Share(
        payment_id=payment.id,
        payer_id=payment.payer_id or payment.customer_id,
        amount=part,
        out_of_band=payment.channel is Channel.EXTERNAL,
    )


def pay_back(change: Change, invoice: Invoice, unwound: Unwound, *, memo: str) -> None:
    """Give what was unwound back: tokens to the payers, the credit part behind its fence (P-27).

    What was paid outside is paid back outside, `Unwound.outside` tells how much.

    Raises:
        InsufficientEnterpriseFunds: the enterprise does not have the tokens; nothing moves.
    """
    raise_fence(change, invoice.enterprise_id, unwound.fenced, rule="P-27", memo=memo)
    shares = [share for share in unwound.shares if not share.out_of_band]
    asset = invoice.asset
    wallets = [
        (Account(receiving_code(change, share.payer_id, asset), asset, share.payer_id), share.amount.micros)
        for share in shares
    ]
    if wallets:
        posting = postings.refunded(invoice.enterprise_id, asset, wallets, memo=memo)
        post_from_enterprise(change, posting, invoice.enterprise_id)
    for share in shares:
        payment = change.get(Payment, share.payment_id)
        follow(
            change,
            payment,
            from_party=invoice.enterprise_id,
            to_party=share.payer_id,
            amount=share.amount,
        )


def recredit(
    change: Change, invoice: Invoice, unwound: Unwound, *, rule: str, reason: CreditReason, source_id: str
) -> tuple[CreditLot, ...]:
    """Turn what was unwound into the customer's credit, one lot for each payer, ring-fenced (P-24, P-27).

    `credits.auto_apply` is the caller's, once the invoice's own new state is stored.

    Raises:
        InsufficientEnterpriseFunds: the enterprise does not have the tokens to ring-fence.
    """
    lots = tuple(
        open_lot(
            change,
            enterprise_id=invoice.enterprise_id,
            customer_id=invoice.customer_id,
            amount=share.amount,
            reason=reason,
            source_id=source_id,
            payer_id=share.payer_id,
            out_of_band=share.out_of_band,
        )
        for share in unwound.shares
    )
    new = total((lot.amount for lot in lots if lot.backing is CreditBacking.RING_FENCED), invoice.asset)
    raise_fence(change, invoice.enterprise_id, new + unwound.fenced, rule=rule, memo=source_id)
    return lots
