"""Customer credits: lots, how they are applied, paid back, restored, and expire (spec 4.3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from invoicepay.domain import postings
from invoicepay.domain.access import customer_needs, party_needs, receiving_code
from invoicepay.domain.accounts import Posting, available, credit_reserve
from invoicepay.domain.allocations import SourceKind, allocate
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.entity import EPOCH, Entity
from invoicepay.domain.following import follow
from invoicepay.domain.ids import Prefix
from invoicepay.domain.invoices import UNSETTLED, Invoice, settled_event, with_payment
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.parties import Party
from invoicepay.domain.policies import AutoApply, CreditBacking
from invoicepay.errors import (
    CreditConsumed,
    CreditNotRefundable,
    InsufficientEnterpriseFunds,
    InsufficientFunds,
    RefundExceedsPaid,
)


class CreditStatus(StrEnum):
    """Available while something remains; then named after the last movement."""

    AVAILABLE = "available"
    APPLIED = "applied"
    REFUNDED = "refunded"
    EXPIRED = "expired"
    VOID = "void"


class CreditCommand(StrEnum):
    """What moves a lot; `…_rest` uses up what remains."""

    OPEN = "open"
    APPLY_PART = "apply_part"
    APPLY_REST = "apply_rest"
    REFUND_PART = "refund_part"
    REFUND_REST = "refund_rest"
    EXPIRE = "expire"
    VOID = "void"
    RESTORE = "restore"


class CreditKind(StrEnum):
    """Cash came from money received and is refundable; non-cash is goodwill and never is."""

    CASH = "cash"
    NON_CASH = "non_cash"


class CreditReason(StrEnum):
    """Why a lot exists."""

    OVERPAYMENT = "overpayment"
    DUPLICATE_PAYMENT = "duplicate_payment"
    VOID_INVOICE = "void_invoice"
    LATE_PAYMENT = "late_payment"
    CREDIT_NOTE = "credit_note"
    GOODWILL = "goodwill"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLot(Entity):
    """What an enterprise owes a customer: `amount = applied + refunded + expired + voided + remaining`.

    INV-12 holds it to that.

    Attributes:
        source_id: the payment, credit note or invoice that made it; empty for goodwill.
        payer_id: where a refund goes back to; the customer when no payment made the lot.
        out_of_band: excess of a payment outside the system: usable, but refundable only outside (P-19).
    """

    KIND: ClassVar[str] = "credit"

    enterprise_id: str
    customer_id: str
    asset: str
    kind: CreditKind
    backing: CreditBacking
    reason: CreditReason
    amount: Money
    applied: Money
    refunded: Money
    expired: Money
    voided: Money
    remaining: Money
    payer_id: str
    source_id: str = ""
    out_of_band: bool = False
    expires_at: datetime | None = None
    note: str = ""
    status: CreditStatus = CreditStatus.AVAILABLE


S, C = CreditStatus, CreditCommand
CREDIT: Lifecycle[CreditStatus, CreditCommand] = Lifecycle(
    "credit",
    {
        (None, C.OPEN): S.AVAILABLE,
        (S.AVAILABLE, C.APPLY_PART): S.AVAILABLE,
        (S.AVAILABLE, C.APPLY_REST): S.APPLIED,
        (S.AVAILABLE, C.REFUND_PART): S.AVAILABLE,
        (S.AVAILABLE, C.REFUND_REST): S.REFUNDED,
        (S.AVAILABLE, C.EXPIRE): S.EXPIRED,
        (S.AVAILABLE, C.VOID): S.VOID,
        (S.AVAILABLE, C.RESTORE): S.AVAILABLE,
        (S.APPLIED, C.RESTORE): S.AVAILABLE,
        (S.REFUNDED, C.RESTORE): S.AVAILABLE,
        (S.EXPIRED, C.RESTORE): S.AVAILABLE,
    },
)
"""A lot's states (spec 4.3); what was applied comes back when its invoice is voided or refunded."""


def available_lots(enterprise_id: str, customer_id: str, asset: str) -> Find[CreditLot]:
    """The search for what a customer still has with an enterprise; never across either (spec 4.3)."""
    return find(
        CreditLot,
        enterprise_id=enterprise_id,
        customer_id=customer_id,
        asset=asset,
        status=CreditStatus.AVAILABLE,
    )


def expiring_lots(now: datetime, *, limit: int | None = None) -> Find[CreditLot]:
    """The search for lots whose expiry is over, the longest overdue first."""
    return find(
        CreditLot, status=CreditStatus.AVAILABLE, expires_at__le=now, order=("expires_at",), limit=limit
    )


def in_order(lots: Iterable[CreditLot]) -> list[CreditLot]:
    """Application order: expiry soonest first, non-cash before cash, then age (spec 4.3)."""
    return sorted(lots, key=_order)


def _order(lot: CreditLot) -> tuple[bool, datetime, bool, datetime, str]:
    expiry = lot.expires_at or EPOCH
    return (lot.expires_at is None, expiry, lot.kind is CreditKind.CASH, lot.created_at, lot.id)


def has_expired(lot: CreditLot, now: datetime) -> bool:
    """Whether the lot's expiry is over, marked or not."""
    return lot.expires_at is not None and lot.expires_at <= now


def credit_needs(seen: Snapshot, enterprise_id: str, customer_id: str, asset: str) -> Needs:
    """What `apply_credits` reads, and what it debits for the lots that there are."""
    lots = available_lots(enterprise_id, customer_id, asset)
    debited = {CreditBacking.RING_FENCED: credit_reserve, CreditBacking.UNSECURED: available}
    backings = {lot.backing for lot in seen.search(lots)} & debited.keys()
    accounts = [debited[backing](enterprise_id, asset) for backing in backings]
    return (
        party_needs(enterprise_id, asset=asset)
        | customer_needs(customer_id)
        | need(finds=[lots], accounts=accounts)
    )


def apply_credits(
    change: Change, invoice: Invoice, *, limit: Money | None = None, lot_ids: Collection[str] = ()
) -> Invoice:
    """Put the customer's credits on an invoice, in the application order, as far as they reach (P-13).

    Nothing happens while a payment is pending or where nothing is open (spec 4.1).

    Args:
        limit: at most this much.
        lot_ids: only these lots; empty means all.
    """
    if invoice.pending or invoice.status not in UNSETTLED:
        return invoice
    room = invoice.remaining if limit is None else min(limit, invoice.remaining)
    lots = change.find(available_lots(invoice.enterprise_id, invoice.customer_id, invoice.asset))
    applied = Money.zero(invoice.asset)
    for lot in in_order(lots):
        part = min(lot.remaining, room - applied)
        if part and not has_expired(lot, change.now) and (not lot_ids or lot.id in lot_ids):
            _apply_lot(change, lot, invoice, part)
            applied += part
    if not applied:
        return invoice
    nothing = Money.zero(invoice.asset)
    after = with_payment(invoice, applied, nothing, now=change.now)
    return change.put(after, settled_event(invoice, after))


def _apply_lot(change: Change, lot: CreditLot, invoice: Invoice, part: Money) -> None:
    """P-13: a ring-fenced lot releases its tokens; what came in as tokens pays the platform's fee now."""
    fee = _fee(change, lot, part)
    enterprise_id, platform_id = lot.enterprise_id, change.programme.platform_id
    if lot.backing is CreditBacking.RING_FENCED:
        change.post(
            postings.credit_applied(
                enterprise_id,
                part.asset,
                part.micros,
                into=receiving_code(change, enterprise_id, part.asset),
                fee=fee.micros,
                platform_id=platform_id,
                memo=lot.id,
            )
        )
    elif fee:
        change.post(postings.credit_fee(enterprise_id, platform_id, part.asset, fee.micros, memo=lot.id))
    allocate(change, invoice.id, SourceKind.CREDIT, lot.id, part, fee=fee)
    rest = lot.remaining - part
    status = CREDIT.after(lot.status, C.APPLY_PART if rest else C.APPLY_REST)
    after = replace(lot, applied=lot.applied + part, remaining=rest, status=status)
    applied = change.put(after, "credit.applied")
    follow(change, applied, from_party=enterprise_id, to_party=platform_id, amount=fee)


def _fee(change: Change, lot: CreditLot, part: Money) -> Money:
    """None without tokens (2.3); of an unsecured lot what the enterprise has: no customer waits for it."""
    nothing = Money.zero(part.asset)
    if lot.backing is CreditBacking.NONE:
        return nothing
    fee = change.get(Party, lot.enterprise_id).policy.fee(part)
    if not fee or lot.backing is CreditBacking.RING_FENCED:
        return fee
    left = Money.from_micros(change.balance(available(lot.enterprise_id, part.asset)), part.asset)
    return min(fee, left)


def auto_apply_needs(seen: Snapshot, enterprise_id: str, customer_id: str, asset: str) -> Needs:
    """What `auto_apply` reads: more only where the enterprise's policy is `on_credit`."""
    needs = party_needs(enterprise_id, asset=asset) | customer_needs(customer_id)
    party = seen.peek(Party, enterprise_id)
    if party is None or party.policy.auto_apply is not AutoApply.ON_CREDIT:
        return needs
    return credit_needs(seen, enterprise_id, customer_id, asset) | need(
        finds=[waiting_invoices(enterprise_id, customer_id, asset)],
        accounts=[credit_reserve(enterprise_id, asset), available(enterprise_id, asset)],
    )


def auto_apply(change: Change, enterprise_id: str, customer_id: str, asset: str) -> None:
    """Put fresh credit on the customer's open invoices where the policy says `on_credit` (spec 4.3)."""
    if change.get(Party, enterprise_id).policy.auto_apply is not AutoApply.ON_CREDIT:
        return
    for invoice in change.find(waiting_invoices(enterprise_id, customer_id, asset)):
        apply_credits(change, invoice)


def waiting_invoices(enterprise_id: str, customer_id: str, asset: str) -> Find[Invoice]:
    """The search for a customer's open invoices with an enterprise: oldest due date first, then number.

    Numbers are given out when invoices are finalized; as text they would not count past four digits.
    """
    return find(
        Invoice,
        enterprise_id=enterprise_id,
        customer_id=customer_id,
        asset=asset,
        status__in=tuple(sorted(UNSETTLED)),
        order=("due_on", "finalized_at", "number"),
    )


def open_lot(
    change: Change,
    *,
    enterprise_id: str,
    customer_id: str,
    amount: Money,
    reason: CreditReason,
    source_id: str = "",
    payer_id: str = "",
    out_of_band: bool = False,
) -> CreditLot:
    """A cash credit from money received; the posting that goes with it ring-fences its tokens (spec 2.3).

    Args:
        source_id: the payment, credit note or invoice that made it.
        payer_id: where a refund goes back to; the customer when nobody is named.
        out_of_band: the money came outside the system, so that no tokens stand behind it (P-19).
    """
    policy = change.get(Party, enterprise_id).policy
    days = policy.cash_credit_expiry_days
    lot = new_lot(
        change.new_id(Prefix.CREDIT),
        enterprise_id=enterprise_id,
        customer_id=customer_id,
        amount=amount,
        kind=CreditKind.CASH,
        backing=CreditBacking.NONE if out_of_band else policy.credit_backing,
        reason=reason,
        source_id=source_id,
        payer_id=payer_id or customer_id,
        out_of_band=out_of_band,
        expires_at=None if days is None else change.now + timedelta(days=days),
    )
    return change.add(lot, "credit.opened")


def new_lot(id: str, *, amount: Money, **facts: Any) -> CreditLot:
    """A lot of which nothing was used yet."""
    nothing = Money.zero(amount.asset)
    return CreditLot(
        id=id,
        asset=amount.asset,
        amount=amount,
        applied=nothing,
        refunded=nothing,
        expired=nothing,
        voided=nothing,
        remaining=amount,
        status=CREDIT.after(None, C.OPEN),
        **facts,
    )


def raise_fence(change: Change, enterprise_id: str, amount: Money, *, rule: str, memo: str) -> None:
    """Ring-fence the enterprise's tokens behind credit that a void or credit note made (P-24, P-27).

    Raises:
        InsufficientEnterpriseFunds: it does not have them any more.
    """
    if amount:
        posting = postings.fence_raised(enterprise_id, amount.asset, amount.micros, rule=rule, memo=memo)
        post_from_enterprise(change, posting, enterprise_id)


def post_from_enterprise(change: Change, posting: Posting, enterprise_id: str) -> None:
    """Book what an enterprise pays.

    Raises:
        InsufficientEnterpriseFunds: its balance does not cover it.
    """
    try:
        change.post(posting)
    except InsufficientFunds as error:
        short = error.details["short_micros"]
        raise InsufficientEnterpriseFunds(enterprise=enterprise_id, short_micros=short) from error


def refund_needs(lot: CreditLot, receiver_id: str = "") -> Needs:
    """What `refund_lot` reads and debits."""
    asset = lot.asset
    return party_needs(lot.enterprise_id, receiver_id or lot.payer_id, asset=asset) | need(
        accounts=[credit_reserve(lot.enterprise_id, asset), available(lot.enterprise_id, asset)]
    )


def refund_lot(change: Change, lot: CreditLot, amount: Money, *, receiver_id: str = "") -> CreditLot:
    """Pay cash credit back to whoever paid it in (P-15); an out-of-band lot is paid back outside (P-19).

    Args:
        receiver_id: another destination than the source.

    Raises:
        CreditNotRefundable: it did not come from money.
        RefundExceedsPaid: less than `amount` remains.
        InsufficientEnterpriseFunds: an unsecured credit, and the enterprise does not have the tokens.
    """
    if lot.kind is not CreditKind.CASH:
        raise CreditNotRefundable(credit=lot.id, kind=lot.kind)
    rest = lot.remaining - amount
    status = CREDIT.after(lot.status, C.REFUND_PART if rest else C.REFUND_REST)
    if rest.micros < 0:
        raise RefundExceedsPaid(credit=lot.id, remaining=str(lot.remaining))
    after = replace(lot, refunded=lot.refunded + amount, remaining=rest, status=status)
    refunded = change.put(after, "credit.refunded")
    if not lot.out_of_band:
        _pay_out(change, refunded, amount, receiver_id or lot.payer_id)
    return refunded


def _pay_out(change: Change, lot: CreditLot, amount: Money, receiver_id: str) -> None:
    posting = postings.credit_refunded(
        lot.enterprise_id,
        receiver_id,
        lot.asset,
        amount.micros,
        ring_fenced=lot.backing is CreditBacking.RING_FENCED,
        into=receiving_code(change, receiver_id, lot.asset),
        memo=lot.id,
    )
    post_from_enterprise(change, posting, lot.enterprise_id)
    follow(change, lot, from_party=lot.enterprise_id, to_party=receiver_id, amount=amount)


def restore_lot(change: Change, lot: CreditLot, amount: Money) -> CreditLot:
    """Give an applied part back to its lot; a non-cash lot past its expiry expires at once (spec 4.3).

    The fence behind a ring-fenced lot is raised by the void's or credit note's posting, see `raise_fence`.
    """
    assert amount <= lot.applied, f"{amount} of {lot.applied} restored"
    status = CREDIT.after(lot.status, C.RESTORE)
    after = replace(lot, applied=lot.applied - amount, remaining=lot.remaining + amount, status=status)
    restored = change.put(after, "credit.restored")
    if lot.kind is CreditKind.NON_CASH and has_expired(lot, change.now):
        return expire_lot(change, restored)
    return restored


def expire_lot(change: Change, lot: CreditLot) -> CreditLot:
    """What remains of a lot is gone; the tokens behind a cash lot are the enterprise's own again (P-16)."""
    status = CREDIT.after(lot.status, C.EXPIRE)
    if lot.backing is CreditBacking.RING_FENCED:
        into = receiving_code(change, lot.enterprise_id, lot.asset)
        change.post(
            postings.credit_expired(
                lot.enterprise_id, lot.asset, lot.remaining.micros, into=into, memo=lot.id
            )
        )
    nothing = Money.zero(lot.asset)
    after = replace(lot, expired=lot.expired + lot.remaining, remaining=nothing, status=status)
    return change.put(after, "credit.expired")


def void_lot(change: Change, lot: CreditLot) -> CreditLot:
    """Take a lot back with what made it; the caller's posting reverses its fence.

    Raises:
        CreditConsumed: part of it was used already.
    """
    if lot.remaining != lot.amount:
        raise CreditConsumed(credit=lot.id, remaining=str(lot.remaining))
    nothing = Money.zero(lot.asset)
    after = replace(lot, voided=lot.remaining, remaining=nothing, status=CREDIT.after(lot.status, C.VOID))
    return change.put(after, "credit.voided")
