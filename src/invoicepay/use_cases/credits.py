"""Customer credits: put on invoices, paid back, granted as goodwill, expired (spec 4.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from invoicepay.domain.access import authorise, known_party, party_needs, payable, second_actor
from invoicepay.domain.accounts import credit_reserve
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.credits import (
    CREDIT,
    CreditCommand,
    CreditKind,
    CreditLot,
    CreditReason,
    apply_credits,
    auto_apply,
    auto_apply_needs,
    available_lots,
    credit_needs,
    expire_lot,
    expiring_lots,
    has_expired,
    new_lot,
    refund_lot,
    refund_needs,
)
from invoicepay.domain.ids import Prefix, clean_text
from invoicepay.domain.invoices import UNSETTLED, Invoice, InvoiceStatus, invoice_needs, require_payable
from invoicepay.domain.money import Money, document_amount, positive, total
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.parties import Actor, Party, PartyKind, Role
from invoicepay.domain.policies import CreditBacking
from invoicepay.domain.time import aware
from invoicepay.errors import (
    CreditNotRefundable,
    InsufficientFunds,
    InvalidTime,
    InvalidTransition,
    NotFound,
    OverpaymentRefused,
    SelfPayment,
)
from invoicepay.use_cases.neighbours import Served, carried_out, served
from invoicepay.use_cases.perform import Deps, UseCase, call_of, perform

NOTE_LENGTH = 500
EXPIRY = Actor("expiry", Role.SYSTEM)
"""Who expires credits, so that every run uses the same keys, whoever starts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyCredit:
    """Put a customer's credit on an invoice.

    Attributes:
        credit_id: only this lot; empty takes all lots in the application order.
        amount: exactly this much; absent takes as much as there is and the invoice needs.
    """

    invoice_id: str
    credit_id: str = ""
    amount: Money | None = None


def _needs_apply(command: ApplyCredit, seen: Snapshot) -> Needs:
    needs = invoice_needs(command.invoice_id, seen)
    if command.credit_id:
        needs |= need((CreditLot, command.credit_id))
    invoice = seen.peek(Invoice, command.invoice_id)
    if invoice is None:
        return needs
    return needs | credit_needs(seen, invoice.enterprise_id, invoice.customer_id, invoice.asset)


def decide_apply_credit(command: ApplyCredit, change: Change) -> Invoice:
    """Apply credits in their order (P-13); never across enterprises, customers or assets.

    Raises:
        AmountNotPositive, AmountPrecision: the amount cannot be used.
        NotFound, NotAllowed, CurrencyMismatch: whose credit, whose invoice, who asks.
        InvoiceAlreadyPaid, InvoiceExpired, InvalidTransition: not open, a payment is pending, or a used lot.
        OverpaymentRefused, InsufficientFunds: `amount` is more than is due, or than the credit.
    """
    if command.amount is not None:
        positive(command.amount)
    invoice = change.get(Invoice, command.invoice_id)
    _refuse_fine(change, invoice.enterprise_id, command.amount)
    authorise(change, invoice, enterprise=invoice.enterprise_id, customer=invoice.customer_id)
    chosen = _own_lot(change, command.credit_id, invoice) if command.credit_id else None
    _require_open(change, invoice)
    if chosen is not None:
        CREDIT.after(chosen.status, CreditCommand.APPLY_PART)
    _require_cover(change, invoice, chosen, command.amount)
    lot_ids = (chosen.id,) if chosen else ()
    return apply_credits(change, invoice, limit=command.amount, lot_ids=lot_ids)


APPLY = UseCase("credits.apply", Invoice, _needs_apply, decide_apply_credit)


async def apply_credit(deps: Deps, command: ApplyCredit, key: str | None = None) -> Invoice:
    """Pay an invoice with the customer's credit (P-13)."""
    return await perform(deps, APPLY, command, key)


def _refuse_fine(change: Change, enterprise_id: str, amount: Money | None) -> None:
    """Parts finer than a document shows take an enterprise that allows them (spec 1.2)."""
    if amount is not None and not change.get(Party, enterprise_id).policy.micro_payments:
        document_amount(amount)


def _own_lot(change: Change, credit_id: str, invoice: Invoice) -> CreditLot:
    lot = change.get(CreditLot, credit_id)
    if (lot.enterprise_id, lot.customer_id) != (invoice.enterprise_id, invoice.customer_id):
        raise NotFound(
            f"{invoice.customer_id} has no credit {lot.id} with {invoice.enterprise_id}", id=lot.id
        )
    return lot


def _require_open(change: Change, invoice: Invoice) -> None:
    require_payable(invoice, change.now)
    if invoice.status not in UNSETTLED:
        options = (InvoiceStatus.OPEN, InvoiceStatus.PARTIALLY_PAID)
        raise InvalidTransition("invoice", invoice.status, "apply_credit", open_states=list(options))
    if invoice.pending:
        raise InvalidTransition(
            "invoice",
            invoice.status,
            "apply_credit",
            hint="Wait until the payments in flight have ended.",
            pending=str(invoice.pending),
        )


def _require_cover(change: Change, invoice: Invoice, chosen: CreditLot | None, amount: Money | None) -> None:
    """The credit reaches what was asked for, and the invoice can take it."""
    lots = change.find(available_lots(invoice.enterprise_id, invoice.customer_id, invoice.asset))
    usable = [
        lot.remaining
        for lot in lots
        if not has_expired(lot, change.now) and (chosen is None or lot.id == chosen.id)
    ]
    credit = total(usable, invoice.asset)
    if amount is not None and amount > invoice.remaining:
        raise OverpaymentRefused(invoice=invoice.id, due=str(invoice.remaining))
    if not credit or (amount is not None and amount > credit):
        message = f"{invoice.customer_id} has {credit} of credit to use with {invoice.enterprise_id}"
        raise InsufficientFunds(message, credit=str(credit))


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCredit:
    """Pay a cash credit back.

    Attributes:
        amount: absent pays all that remains.
        receiver_id: another destination than where it came from; takes an operator and `approved_by`.
        out_of_band: the enterprise paid it back outside the system, as it was paid (P-19).
    """

    credit_id: str
    amount: Money | None = None
    receiver_id: str = ""
    approved_by: str = ""
    out_of_band: bool = False


def _needs_refund(command: RefundCredit, seen: Snapshot) -> Needs:
    needs = need((CreditLot, command.credit_id))
    lot = seen.peek(CreditLot, command.credit_id)
    return needs if lot is None else needs | refund_needs(lot, command.receiver_id)


def decide_refund_credit(command: RefundCredit, change: Change) -> CreditLot:
    """Give the tokens behind a credit back to their source (P-15).

    Raises:
        AmountNotPositive, AmountPrecision: the amount cannot be used.
        NotFound, NotAllowed, SecondActorRequired: which credit, who asks, who approved another destination.
        SelfPayment: the enterprise is the destination.
        InvalidTransition, CreditNotRefundable: used up, not from money, or from money outside the system.
        RefundExceedsPaid, InsufficientEnterpriseFunds, WalletFrozen: what cannot be paid.
    """
    if command.amount is not None:
        positive(command.amount)
    lot = change.get(CreditLot, command.credit_id)
    _refuse_fine(change, lot.enterprise_id, command.amount)
    authorise(change, lot, enterprise=lot.enterprise_id)
    receiver_id = command.receiver_id or lot.payer_id
    if receiver_id == lot.enterprise_id:
        raise SelfPayment(f"{receiver_id} cannot refund its customer's credit to itself", credit=lot.id)
    if receiver_id != lot.payer_id:
        second_actor(change, command.approved_by)
        known_party(change, receiver_id)
    if lot.out_of_band is not command.out_of_band:
        raise CreditNotRefundable(credit=lot.id, out_of_band=lot.out_of_band)
    if not lot.out_of_band:
        payable(change, lot.enterprise_id, lot.asset)
    return refund_lot(change, lot, command.amount or lot.remaining, receiver_id=receiver_id)


REFUND = UseCase("credits.refund", CreditLot, _needs_refund, decide_refund_credit)


async def refund_credit(deps: Deps, command: RefundCredit, key: str | None = None) -> CreditLot:
    """Pay a cash credit back (P-15)."""
    return await perform(deps, REFUND, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantCredit:
    """Goodwill: credit that no money stands behind, usable and never refundable."""

    enterprise_id: str
    customer_id: str
    amount: Money
    expires_at: datetime | None = None
    note: str = ""


def _needs_grant(command: GrantCredit, seen: Snapshot) -> Needs:
    asset = command.amount.asset
    return party_needs(command.enterprise_id, command.customer_id) | auto_apply_needs(
        seen, command.enterprise_id, command.customer_id, asset
    )


def decide_grant_credit(command: GrantCredit, change: Change) -> CreditLot:
    """Open a non-cash lot; nothing moves in the issuer book (P-14).

    Raises:
        AmountPrecision, InvalidTime: not a document amount, or an expiry that is over already.
        NotFound, NotAllowed, UnknownAsset: who grants what to whom.
    """
    document_amount(positive(command.amount))
    note = clean_text(command.note, NOTE_LENGTH, "the note")
    expires_at = None if command.expires_at is None else aware(command.expires_at, "expires_at")
    if expires_at is not None and expires_at <= change.now:
        raise InvalidTime("expires_at lies in the future", field="expires_at")
    asset = change.programme.asset(command.amount.asset).code
    known_party(change, command.enterprise_id, kind=PartyKind.ENTERPRISE)
    known_party(change, command.customer_id)
    authorise(change, enterprise=command.enterprise_id)
    lot = new_lot(
        change.new_id(Prefix.CREDIT),
        enterprise_id=command.enterprise_id,
        customer_id=command.customer_id,
        amount=command.amount,
        kind=CreditKind.NON_CASH,
        backing=CreditBacking.NONE,
        reason=CreditReason.GOODWILL,
        payer_id=command.customer_id,
        expires_at=expires_at,
        note=note,
    )
    change.add(lot, "credit.granted")
    auto_apply(change, command.enterprise_id, command.customer_id, asset)
    return change.get(CreditLot, lot.id)


GRANT = UseCase("credits.grant", CreditLot, _needs_grant, decide_grant_credit)


async def grant_credit(deps: Deps, command: GrantCredit, key: str | None = None) -> CreditLot:
    """Grant goodwill credit (P-14)."""
    return await perform(deps, GRANT, command, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireCredit:
    """End a credit whose time is over."""

    credit_id: str


def _needs_expire(command: ExpireCredit, seen: Snapshot) -> Needs:
    needs = need((CreditLot, command.credit_id))
    lot = seen.peek(CreditLot, command.credit_id)
    if lot is None:
        return needs
    accounts = [credit_reserve(lot.enterprise_id, lot.asset)]
    return needs | party_needs(lot.enterprise_id, asset=lot.asset) | need(accounts=accounts)


def decide_expire_credit(command: ExpireCredit, change: Change) -> CreditLot:
    """What remains is gone (P-16); cash expires only where the policy said so when the credit was opened.

    Raises:
        NotFound, NotAllowed: which credit, who asks.
        InvalidTransition: nothing remains, or its time is not over.
    """
    lot = change.get(CreditLot, command.credit_id)
    authorise(change, lot, enterprise=lot.enterprise_id)
    CREDIT.after(lot.status, CreditCommand.EXPIRE)
    if not has_expired(lot, change.now):
        raise InvalidTransition("credit", lot.status, CreditCommand.EXPIRE, expires_at=lot.expires_at)
    return expire_lot(change, lot)


EXPIRE = UseCase("credits.expire", CreditLot, _needs_expire, decide_expire_credit)


async def expire_credit(deps: Deps, command: ExpireCredit, key: str | None = None) -> CreditLot:
    """Expire a credit (P-16)."""
    return await perform(deps, EXPIRE, command, key)


async def expire_due_credits(deps: Deps, limit: int) -> Served:
    """Expire the credits whose time is over, the longest overdue first, at most `limit` of them."""
    async with deps.repository.reader(deps.tenant_id) as reader:
        lots = await reader.find(expiring_lots(deps.clock.now(), limit=limit))
    system = replace(deps, actor=EXPIRY)
    calls = [
        call_of(system, EXPIRE, ExpireCredit(credit_id=lot.id), f"{lot.id}/{lot.version}") for lot in lots
    ]
    return served(await carried_out(system, calls))
