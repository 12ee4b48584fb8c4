"""Which choices of an enterprise or of the programme decided a command, told from what it wrote (spec 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from invoicepay.domain.credits import CreditLot
from invoicepay.domain.decided import Decided
from invoicepay.domain.deposits import Deposit
from invoicepay.domain.explanation import AppliedRule
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.money import Money, total
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.payments import Channel, Payment, PaymentStatus, PaymentType
from invoicepay.domain.policies import CreditBacking, Late, Overpay
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.errors import (
    BelowMinimumPartial,
    FundsNotSeasoned,
    InvoicePayError,
    LimitExceeded,
    NotFound,
    OverpaymentRefused,
    PartialPaymentRefused,
    ReserveStale,
)

Rules = Iterator[AppliedRule]

PROGRAMME = ""
"""The owner of what no enterprise chose."""

_BACKED = {
    CreditBacking.RING_FENCED: "the enterprise's tokens are set apart behind the credit",
    CreditBacking.UNSECURED: "the enterprise keeps the tokens, and the credit stands on its word",
}


def rules_applied(decided: Decided) -> tuple[AppliedRule, ...]:
    """Every choice that made a difference; what the rules alone decide is no choice and is left out."""
    found = [rule for told in (_REFUSED if decided.refusal else _TOLD) for rule in told(decided)]
    return tuple(dict.fromkeys(found))


def _overpaid(decided: Decided) -> Rules:
    for payment in decided.settled():
        if payment.excess and payment.channel is not Channel.PUSH:
            meaning = f"{payment.excess} above what is due becomes credit of {payment.customer_id}"
            yield AppliedRule(owner=payment.enterprise_id, name="overpay", value="credit", meaning=meaning)


def _capped(decided: Decided) -> Rules:
    payments = [payment for before, payment in decided.written(Payment) if before is None]
    wanted = getattr(decided.command, "amount", None)
    for enterprise_id in {payment.enterprise_id for payment in payments}:
        if decided.policy(enterprise_id).overpay is Overpay.CAP and isinstance(wanted, Money):
            moved = total((payment.amount for payment in payments), wanted.asset)
            if moved < wanted:
                meaning = f"{moved} of {wanted} is taken, for no more is due"
                yield AppliedRule(owner=enterprise_id, name="overpay", value="cap", meaning=meaning)


def _partial(decided: Decided) -> Rules:
    left = {invoice.id: invoice.remaining for _, invoice in decided.written(Invoice)}
    for payment in decided.settled():
        if payment.payment_type is PaymentType.PARTIAL and left.get(payment.invoice_id):
            meaning = f"{left[payment.invoice_id]} stays due"
            yield AppliedRule(owner=payment.enterprise_id, name="partial", value="allow", meaning=meaning)


def _late(decided: Decided) -> Rules:
    for payment in decided.settled():
        if payment.is_late and payment.channel is Channel.PUSH:
            late = decided.policy(payment.enterprise_id).late
            meaning = f"{payment.applied} of the late payment is applied, {payment.excess} becomes credit"
            if payment.applied or late is Late.CREDIT:
                yield AppliedRule(owner=payment.enterprise_id, name="late", value=str(late), meaning=meaning)


def _tolerance(decided: Decided) -> Rules:
    pushed = {payment.invoice_id for payment in decided.settled() if payment.channel is Channel.PUSH}
    for before, invoice in decided.written(Invoice):
        if before and invoice.id in pushed and invoice.written_off > before.written_off:
            meaning = f"{invoice.written_off - before.written_off} is written off as a small difference"
            micros = decided.policy(invoice.enterprise_id).tolerance_micros
            value = str(Money.from_micros(micros, invoice.asset))
            yield AppliedRule(
                owner=invoice.enterprise_id, name="tolerance_micros", value=value, meaning=meaning
            )


def _fee(decided: Decided) -> Rules:
    for payment in decided.settled():
        if payment.fee:
            meaning = f"the platform keeps {payment.fee} of {payment.applied}"
            value = str(decided.policy(payment.enterprise_id).fee_bps)
            yield AppliedRule(owner=payment.enterprise_id, name="fee_bps", value=value, meaning=meaning)


def _backing(decided: Decided) -> Rules:
    for before, lot in decided.written(CreditLot):
        if before is None and lot.backing in _BACKED:
            yield AppliedRule(
                owner=lot.enterprise_id,
                name="credit_backing",
                value=str(lot.backing),
                meaning=_BACKED[lot.backing],
            )


def _credit_expiry(decided: Decided) -> Rules:
    for before, lot in decided.written(CreditLot):
        days = decided.policy(lot.enterprise_id).cash_credit_expiry_days
        if before is None and lot.expires_at is not None and days is not None:
            meaning = f"the credit expires on {lot.expires_at.date()}"
            yield AppliedRule(
                owner=lot.enterprise_id, name="cash_credit_expiry_days", value=str(days), meaning=meaning
            )


def _auto_applied(decided: Decided) -> Rules:
    if decided.operation == "credits.apply":
        return
    for before, lot in decided.written(CreditLot):
        used = lot.applied - before.applied if before else lot.applied
        if used.micros > 0:
            meaning = f"{used} of the credit {lot.id} pays by itself"
            value = decided.policy(lot.enterprise_id).auto_apply
            yield AppliedRule(owner=lot.enterprise_id, name="auto_apply", value=str(value), meaning=meaning)


def _held_for_chain(decided: Decided) -> Rules:
    for before, payment in decided.written(Payment):
        if before is None and payment.status is PaymentStatus.PENDING:
            meaning = f"{payment.amount} is set aside until the chain has moved it"
            settlement = decided.seen.programme.asset(payment.asset).settlement
            yield AppliedRule(owner=PROGRAMME, name="settlement", value=str(settlement), meaning=meaning)


def _registered(decided: Decided) -> Rules:
    if decided.operation == "parties.register":
        return
    for before, party in decided.written(Party):
        if before is None:
            meaning = f"{party.id} is made known as {party.kind}"
            yield AppliedRule(owner=PROGRAMME, name="unknown_parties", value="register", meaning=meaning)


def _finality(decided: Decided) -> Rules:
    for before, deposit in decided.written(Deposit):
        if before is None and deposit.expected_available_at is not None:
            meaning = f"tokens of {deposit.requested} are expected on {deposit.expected_available_at.date()}"
            yield AppliedRule(owner=PROGRAMME, name="finality", value=deposit.rail, meaning=meaning)


def _operator_fee(decided: Decided) -> Rules:
    rows: list[tuple[str, Money]] = [
        *(("deposit_fee_micros", row.fee) for was, row in decided.written(Deposit) if was is None),
        *(("withdrawal_fee_micros", row.fee) for was, row in decided.written(Withdrawal) if was is None),
    ]
    for name, fee in rows:
        if fee:
            meaning = f"the operator keeps {fee}"
            yield AppliedRule(owner=PROGRAMME, name=name, value=str(fee), meaning=meaning)


_TOLD: tuple[Callable[[Decided], Rules], ...] = (
    _overpaid,
    _capped,
    _partial,
    _late,
    _tolerance,
    _fee,
    _backing,
    _credit_expiry,
    _auto_applied,
    _held_for_chain,
    _registered,
    _finality,
    _operator_fee,
)


_BY_POLICY: tuple[tuple[type[InvoicePayError], str], ...] = (
    (OverpaymentRefused, "overpay"),
    (PartialPaymentRefused, "partial"),
    (BelowMinimumPartial, "min_partial_micros"),
)
"""Refusals and the field of `Policy` that makes them."""

_BY_PROGRAMME: tuple[tuple[type[InvoicePayError], str, str, str], ...] = (
    (LimitExceeded, "limits", "limit_micros", "more than the party may move at once or in a day"),
    (ReserveStale, "attestation_max_age_hours", "max_age_hours", "the last tie-out with the bank is older"),
    (FundsNotSeasoned, "finality", "seasoned_at", "until then tokens return only to where they came from"),
)
"""Refusals, the field of `Programme` that makes them, and the detail that tells its bound."""

_PARTIES = frozenset(PartyKind)


def _refused_by_policy(decided: Decided) -> Rules:
    refusal = decided.refusal
    names = [name for kind, name in _BY_POLICY if isinstance(refusal, kind)]
    invoice = decided.known(Invoice, str(refusal.details.get("invoice"))) if refusal else None
    policy = decided.policy(invoice.enterprise_id) if invoice else None
    for name in names:
        if invoice is None or (name == "overpay" and policy and policy.overpay is not Overpay.REFUSE):
            continue  # nothing is due besides what is on its way, whatever the policy
        meaning = f"{invoice.remaining} is due on {invoice.number or invoice.id}"
        value = str(getattr(policy, name))
        yield AppliedRule(owner=invoice.enterprise_id, name=name, value=value, meaning=meaning)


def _refused_by_programme(decided: Decided) -> Rules:
    refusal = decided.refusal
    for kind, name, bound, meaning in _BY_PROGRAMME:
        if isinstance(refusal, kind):
            value = str(refusal.details.get(bound))
            yield AppliedRule(owner=PROGRAMME, name=name, value=value, meaning=meaning)


def _refused_as_unknown(decided: Decided) -> Rules:
    refusal = decided.refusal
    is_party = isinstance(refusal, NotFound) and refusal.details.get("kind") in _PARTIES
    if refusal and is_party and decided.seen.programme.unknown_parties == "refuse":
        meaning = f"{refusal.details.get('id')} has to be made known first"
        yield AppliedRule(owner=PROGRAMME, name="unknown_parties", value="refuse", meaning=meaning)


_REFUSED: tuple[Callable[[Decided], Rules], ...] = (
    _refused_by_policy,
    _refused_by_programme,
    _refused_as_unknown,
)
