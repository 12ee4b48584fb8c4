"""Taking a settled payment back: an operator's error or a legal reversal, with four eyes (spec 4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from invoicepay.domain import postings
from invoicepay.domain.access import authorise, party_needs, receiving_code, second_actor
from invoicepay.domain.accounts import Code, available, credit_reserve, reversed_posting
from invoicepay.domain.allocations import SourceKind, allocate
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.credits import CreditLot, post_from_enterprise, void_lot
from invoicepay.domain.following import follow
from invoicepay.domain.ids import clean_text
from invoicepay.domain.invoices import Invoice, awaited_again, invoice_needs, with_reversal
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.payments import PAYMENT, Channel, Payment, PaymentCommand
from invoicepay.domain.policies import CreditBacking, Settlement
from invoicepay.errors import InvalidTransition
from invoicepay.use_cases.perform import Deps, UseCase, perform

REASON_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversePayment:
    """Undo a completed payment: its invoice is open again, its tokens are the payer's again.

    Attributes:
        approved_by: a second person, not the one who asks.
        platform_id: gives its fee back; the programme's platform.
    """

    payment_id: str
    approved_by: str
    reason: str = ""
    platform_id: str = field(default="", compare=False)


def _needs_reverse(command: ReversePayment, seen: Snapshot) -> Needs:
    needs = need((Payment, command.payment_id))
    payment = seen.peek(Payment, command.payment_id)
    if payment is None:
        return needs
    asset, enterprise_id = payment.asset, payment.enterprise_id
    needs |= invoice_needs(payment.invoice_id, seen) | need(
        accounts=[
            available(enterprise_id, asset),
            credit_reserve(enterprise_id, asset),
            available(command.platform_id, asset),
        ]
    )
    if payment.credit_id:
        needs |= need((CreditLot, payment.credit_id))
    if payment.payer_id:
        needs |= party_needs(payment.payer_id, asset=asset)
    return needs


def decide_reverse_payment(command: ReversePayment, change: Change) -> Payment:
    """Reverse P-11 by a posting that names it, void the credit from its excess, reopen the invoice.

    Raises:
        NotAllowed, SecondActorRequired: it takes an operator and another person.
        InvalidTransition: the payment is not completed, part of it was refunded, or a chain brought it from
            an address outside.
        CreditConsumed: the credit from its excess was used.
        InsufficientEnterpriseFunds: the enterprise does not have the tokens any more.
    """
    reason = clean_text(command.reason, REASON_LENGTH, "the reason")
    payment = change.get(Payment, command.payment_id)
    authorise(change, payment)
    second_actor(change, command.approved_by)
    status = PAYMENT.after(payment.status, PaymentCommand.REVERSE)
    _require_whole(change, payment)
    lot = change.get(CreditLot, payment.credit_id) if payment.credit_id else None
    if lot is not None:
        void_lot(change, lot)
    if payment.applied:
        allocate(
            change, payment.invoice_id, SourceKind.PAYMENT, payment.id, -payment.applied, fee=-payment.fee
        )
    invoice = change.get(Invoice, payment.invoice_id)
    after = with_reversal(invoice, payment.applied, payment.excess)
    change.put(awaited_again(invoice, after, change.now), "invoice.payment_reversed")
    taken_back = change.put(replace(payment, status=status, failure_reason=reason), "payment.reversed")
    if payment.channel is not Channel.EXTERNAL:
        is_fenced = lot is not None and lot.backing is CreditBacking.RING_FENCED
        _give_back(change, taken_back, command.platform_id, is_fenced=is_fenced)
    return taken_back


REVERSE = UseCase("payments.reverse", Payment, _needs_reverse, decide_reverse_payment)


async def reverse_payment(deps: Deps, command: ReversePayment, key: str | None = None) -> Payment:
    """Take a settled payment back."""
    return await perform(deps, REVERSE, replace(command, platform_id=deps.programme.platform_id), key)


def _require_whole(change: Change, payment: Payment) -> None:
    """Nothing of it was given back, and there is somebody to give it back to."""
    if payment.refunded:
        raise InvalidTransition("payment", "refunded", PaymentCommand.REVERSE, payment=payment.id)
    is_on_chain = change.programme.asset(payment.asset).settlement is Settlement.ONCHAIN
    if is_on_chain and not payment.payer_id:
        hint = "Refund the invoice: its customer gets the tokens."
        raise InvalidTransition("payment", "from outside", PaymentCommand.REVERSE, hint=hint)


def _give_back(change: Change, payment: Payment, platform_id: str, *, is_fenced: bool) -> None:
    """P-11 the other way round, between the wallets of today: what was held then is available now."""
    source = Code.EXTERNAL_HOLDERS
    if payment.payer_id:
        source = receiving_code(change, payment.payer_id, payment.asset)
    original = postings.payment_settled(
        payment.payer_id,
        payment.enterprise_id,
        payment.asset,
        applied=payment.applied.micros,
        excess=payment.excess.micros,
        source=source,
        ring_fenced=is_fenced,
        fee=payment.fee.micros,
        platform_id=platform_id,
        memo=payment.id,
    )
    reversal = reversed_posting(replace(original, id=payment.posting_id), rule="P-11", memo=payment.id)
    post_from_enterprise(change, reversal, payment.enterprise_id)
    if payment.payer_id:
        _follow(change, payment, platform_id)


def _follow(change: Change, payment: Payment, platform_id: str) -> None:
    """Each gives back on chain what it received: the enterprise, and the platform its fee."""
    shares = ((payment.enterprise_id, payment.amount - payment.fee), (platform_id, payment.fee))
    for leg, (giver, share) in enumerate(shares):
        follow(change, payment, from_party=giver, to_party=payment.payer_id, amount=share, leg=leg)
