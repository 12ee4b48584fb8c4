"""Payments that a chain settles: what a transfer's fate leads to, and cancelling before it leaves (4.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from invoicepay.domain import effects
from invoicepay.domain.access import authorise
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, Observation, effects_of
from invoicepay.domain.following import fold_followed, follows
from invoicepay.domain.holds import Hold, hold_needs, release
from invoicepay.domain.ids import clean_text
from invoicepay.domain.invoices import Invoice, invoice_needs
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.payments import PAYMENT, UNRESOLVED, Channel, Payment, PaymentCommand, PaymentStatus
from invoicepay.domain.settlement import new_payment, push_sources, settle, settle_needs, source_account
from invoicepay.use_cases.perform import Deps, UseCase, perform

REASON_LENGTH = 500
GIVEN_UP = frozenset({PaymentStatus.FAILED, PaymentStatus.CANCELLED})
"""The payer has the tokens back in the books; the chain may have moved them all the same."""


def fold_needs(effect: Effect, seen: Snapshot) -> Needs:
    """What `fold_transfer` reads and debits."""
    return _payment_needs(effect.cause_id, seen)


def _payment_needs(payment_id: str, seen: Snapshot) -> Needs:
    needs = need((Payment, payment_id))
    payment = seen.peek(Payment, payment_id)
    if payment is None or not payment.hold_id:
        return needs
    needs |= invoice_needs(payment.invoice_id, seen) | hold_needs(payment.hold_id, seen)
    invoice = seen.peek(Invoice, payment.invoice_id)
    if invoice is None:
        return needs
    if payment.status in GIVEN_UP:
        needs |= need(accounts=push_sources(payment.payer_id, payment.asset))
    return needs | settle_needs(seen, invoice, source_account(payment.payer_id, payment.asset, is_held=True))


def fold_transfer(change: Change, effect: Effect, seen: Observation) -> None:
    """Settle on finality (P-11), release on certain failure (P-12), and hold on while it is unknown."""
    if follows(effect):
        fold_followed(change, effect, seen)
        return
    payment = change.get(Payment, effect.cause_id)
    status = EffectStatus(seen.status)
    if payment.status in GIVEN_UP and status is EffectStatus.FINAL:
        _arrived_after_all(change, payment, seen)
    elif payment.status in UNRESOLVED:
        _followed(change, payment, status, seen)


def _followed(change: Change, payment: Payment, status: EffectStatus, seen: Observation) -> None:
    if status is EffectStatus.FINAL:
        settle(change, payment)
    elif status in (EffectStatus.FAILED, EffectStatus.REJECTED):
        _ended(change, payment, PaymentCommand.FAIL, seen.provider_status)
    elif status in (EffectStatus.ACCEPTED, EffectStatus.SETTLED):
        _submitted(change, payment)
    elif status is EffectStatus.UNKNOWN:
        _lost(change, _submitted(change, payment))


def _arrived_after_all(change: Change, payment: Payment, seen: Observation) -> None:
    """What was given up reached the enterprise, as a person found: booked like any push (P-11)."""
    invoice = change.get(Invoice, payment.invoice_id)
    late = new_payment(
        change,
        invoice,
        payer_id=payment.payer_id,
        amount=payment.amount,
        channel=Channel.PUSH,
        provider=seen.provider,
        provider_ref=seen.provider_ref,
    )
    settle(change, late)


def _submitted(change: Change, payment: Payment) -> Payment:
    if payment.status is not PaymentStatus.PENDING:
        return payment
    status = PAYMENT.after(payment.status, PaymentCommand.SUBMIT)
    return change.put(replace(payment, status=status), "payment.submitted")


def _lost(change: Change, payment: Payment) -> None:
    if payment.status is PaymentStatus.PROCESSING:
        status = PAYMENT.after(payment.status, PaymentCommand.LOSE)
        change.put(replace(payment, status=status), "payment.unknown")


def _ended(change: Change, payment: Payment, command: PaymentCommand, reason: str) -> Payment:
    """P-12: the payer has the tokens back, the invoice waits for them no longer."""
    status = PAYMENT.after(payment.status, command)
    release(change, change.get(Hold, payment.hold_id), reason=reason)
    invoice = change.get(Invoice, payment.invoice_id)
    change.put(replace(invoice, pending=invoice.pending - payment.amount), f"invoice.payment_{status}")
    ended = replace(payment, status=status, failure_reason=reason[:REASON_LENGTH])
    return change.put(ended, f"payment.{status}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPayment:
    """Withdraw a payment that did not leave yet."""

    payment_id: str
    reason: str = ""


def _needs_cancel(command: CancelPayment, seen: Snapshot) -> Needs:
    transfers = effects_of(command.payment_id, EffectKind.TRANSFER)
    return _payment_needs(command.payment_id, seen) | need(finds=[transfers])


def decide_cancel_payment(command: CancelPayment, change: Change) -> Payment:
    """Release the hold (P-12) and withdraw the intent, as long as it was never sent (spec 4.2).

    Raises:
        NotFound, NotThePayer: no such payment, or somebody else's.
        InvalidTransition: it left already, or it has ended.
    """
    reason = clean_text(command.reason, REASON_LENGTH, "the reason")
    payment = change.get(Payment, command.payment_id)
    authorise(change, payment, payer=payment.payer_id)
    PAYMENT.after(payment.status, PaymentCommand.CANCEL)
    for transfer in change.find(effects_of(payment.id, EffectKind.TRANSFER)):
        effects.cancel(change, transfer, reason=reason)
    return _ended(change, payment, PaymentCommand.CANCEL, reason)


CANCEL = UseCase("payments.cancel", Payment, _needs_cancel, decide_cancel_payment)


async def cancel_payment(deps: Deps, command: CancelPayment, key: str | None = None) -> Payment:
    """Cancel a pending payment before it is submitted."""
    return await perform(deps, CANCEL, command, key)
