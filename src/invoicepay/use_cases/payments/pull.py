"""Pull: the library moves the payer's tokens, for one invoice or one transfer over several (spec 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from invoicepay.domain import effects
from invoicepay.domain.access import (
    authorise,
    check_limit,
    customer_needs,
    known_party,
    limit_needs,
    party_needs,
    party_rows,
    payable,
)
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.credits import waiting_invoices
from invoicepay.domain.effects import EffectKind
from invoicepay.domain.holds import HoldPurpose, place
from invoicepay.domain.ids import Prefix
from invoicepay.domain.invoices import Invoice, has_expired, invoice_needs, require_payable
from invoicepay.domain.money import Money, document_amount, positive, total
from invoicepay.domain.needs import Needs, find, need, together
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.payments import Payment
from invoicepay.domain.policies import Overpay, Partial, Policy
from invoicepay.domain.settlement import new_payment, settle, settle_needs, source_account
from invoicepay.domain.shown import Shown
from invoicepay.errors import (
    AllocationIncomplete,
    AssetNotAccepted,
    BelowMinimumPartial,
    InvalidInput,
    InvoicePayError,
    OverpaymentRefused,
    PartialPaymentRefused,
    SelfPayment,
)
from invoicepay.ports.screening import Screened, Verdict
from invoicepay.use_cases.batches import Asked, in_batches
from invoicepay.use_cases.compliance import ALLOWED, require_allowed, screened
from invoicepay.use_cases.perform import Call, Deps, UseCase, perform


@dataclass(frozen=True, slots=True, kw_only=True)
class PayInvoice:
    """Move the payer's tokens to the invoice's enterprise.

    Attributes:
        payer_id: anyone; credit from an excess still belongs to the invoice's customer.
        amount: absent pays what is open and not on its way already.
    """

    invoice_id: str
    payer_id: str
    amount: Money | None = None
    verdict: Screened = field(default=ALLOWED, compare=False)


def _needs_pay(command: PayInvoice, seen: Snapshot) -> Needs:
    invoice = seen.peek(Invoice, command.invoice_id)
    if invoice is None:
        return need((Invoice, command.invoice_id))
    asset, source = invoice.asset, source_account(command.payer_id, invoice.asset)
    needs = need(
        (Invoice, invoice.id),
        accounts=[source],
        reads=party_rows(invoice.enterprise_id, command.payer_id, asset=asset),
    )
    needs |= limit_needs(seen, command.payer_id, asset)
    return needs | settle_needs(seen, invoice, source) if _may_exceed(command, invoice) else needs


def _may_exceed(command: PayInvoice, invoice: Invoice) -> bool:
    """Whether something could be left over, which becomes credit; most payments are of what is due."""
    if command.amount is None:
        return False
    return command.amount.asset != invoice.asset or command.amount > invoice.remaining


def decide_pay_invoice(command: PayInvoice, change: Change) -> Payment:
    """Take what policy lets pass, then settle in the book (P-11) or hold it for the chain (P-10).

    Raises:
        NotFound, NotThePayer, AssetNotAccepted, SelfPayment, AmountPrecision: who pays what to whom.
        InvoiceAlreadyPaid, InvoiceExpired, InvalidTransition: the invoice takes no payment now.
        OverpaymentRefused, PartialPaymentRefused, BelowMinimumPartial: the enterprise's policy.
        WalletFrozen, LimitExceeded, ComplianceBlocked, ComplianceReview: the payer may not pay this now.
        InsufficientFunds: the payer has less available.
    """
    if command.amount is not None:
        positive(command.amount)
    invoice = change.get(Invoice, command.invoice_id)
    payer = known_party(change, command.payer_id)
    authorise(change, invoice, payer=payer.id)
    _require_fit(change, invoice, payer.id, command.amount)
    amount = _taken(invoice, _policy(change, invoice), command.amount)
    _require_free(change, payer, amount, command.verdict)
    return _started(change, invoice, payer.id, amount)


PAY = UseCase("invoices.pay", Payment, _needs_pay, decide_pay_invoice)


async def pay_invoice(deps: Deps, command: PayInvoice, key: str | None = None) -> Payment:
    """Pay an invoice from the payer's wallet (P-11; on chain P-10 first)."""
    return await perform(deps, PAY, await _screened(deps, command), key)


async def pay_many(deps: Deps, asked: Sequence[Asked[PayInvoice]]) -> list[Payment | InvoicePayError]:
    """Carry out many payments, each as if alone and in order; a refused one never fails its neighbours."""
    return await in_batches(deps, PAY, asked, _all_screened if deps.screening else None)


async def _all_screened(
    deps: Deps, calls: Sequence[Call[PayInvoice, Payment]]
) -> list[Call[PayInvoice, Payment] | InvoicePayError]:
    """The calls with screening's verdicts; where it gives no answer, only that payment does not start."""
    invoices = await _invoices(deps, {call.command.invoice_id for call in calls})
    return [await _answered(deps, call, invoices.get(call.command.invoice_id)) for call in calls]


async def _answered(
    deps: Deps, call: Call[PayInvoice, Payment], invoice: Invoice | None
) -> Call[PayInvoice, Payment] | InvoicePayError:
    try:
        return replace(call, command=await _with_verdict(deps, call.command, invoice))
    except InvoicePayError as unanswered:
        return unanswered


async def _screened(deps: Deps, command: PayInvoice) -> PayInvoice:
    """The command with screening's verdict."""
    if deps.screening is None:
        return command
    invoices = await _invoices(deps, {command.invoice_id})
    return await _with_verdict(deps, command, invoices.get(command.invoice_id))


async def _invoices(deps: Deps, ids: set[str]) -> dict[str, Invoice]:
    async with deps.repository.reader(deps.tenant_id) as reader:
        return {invoice.id: invoice for invoice in await reader.find(find(Invoice, id__in=tuple(ids)))}


async def _with_verdict(deps: Deps, command: PayInvoice, invoice: Invoice | None) -> PayInvoice:
    """The command with a verdict; one whose invoice does not exist is refused by its decision."""
    if invoice is None:
        return command
    amount = command.amount or invoice.remaining
    return replace(command, verdict=await _verdict(deps, command.payer_id, invoice, amount))


async def _verdict(deps: Deps, payer_id: str, invoice: Invoice, amount: Money) -> Screened:
    payee_id = invoice.enterprise_id
    return await screened(deps, "payment", party_id=payer_id, counterparty_id=payee_id, amount=amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayInvoices:
    """One transfer for several invoices: in the order given, or else what is open, oldest due first.

    Attributes:
        invoice_ids: paid in this order.
        enterprise_id: instead of ids: everything that the payer owes this enterprise in the asset.
    """

    payer_id: str
    amount: Money
    invoice_ids: tuple[str, ...] = ()
    enterprise_id: str = ""
    verdict: Screened = field(default=ALLOWED, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidInvoices(Shown):
    """The payments that one transfer became, one for each invoice that it reached."""

    payments: tuple[Payment, ...]


def _needs_pay_several(command: PayInvoices, seen: Snapshot) -> Needs:
    needs = customer_needs(command.payer_id)
    ids = command.invoice_ids
    if command.enterprise_id:
        owed = waiting_invoices(command.enterprise_id, command.payer_id, command.amount.asset)
        needs |= need((Party, command.enterprise_id), finds=[owed])
        ids = tuple(invoice.id for invoice in seen.search(owed))
    return together([needs, *(_part_needs(seen, invoice_id, command.payer_id) for invoice_id in ids)])


def _part_needs(seen: Snapshot, invoice_id: str, payer_id: str) -> Needs:
    needs = invoice_needs(invoice_id, seen)
    invoice = seen.peek(Invoice, invoice_id)
    if invoice is None:
        return needs
    return (
        needs
        | party_needs(payer_id, asset=invoice.asset)
        | limit_needs(seen, payer_id, invoice.asset)
        | settle_needs(seen, invoice, source_account(payer_id, invoice.asset))
    )


def decide_pay_invoices(command: PayInvoices, change: Change) -> PaidInvoices:
    """Allocate one amount over invoices; a remainder becomes credit only within one enterprise (spec 6).

    Raises:
        AllocationIncomplete: something is left over, and the invoices are of several enterprises.
        InvoicePayError: what `decide_pay_invoice` raises, for any of the invoices.
    """
    positive(command.amount)
    if bool(command.invoice_ids) == bool(command.enterprise_id):
        raise InvalidInput("name the invoices, or the enterprise whose open invoices are meant")
    payer = known_party(change, command.payer_id)
    if command.enterprise_id:
        known_party(change, command.enterprise_id, kind=PartyKind.ENTERPRISE)
    invoices = _chosen(command, change)
    authorise(change, payer=payer.id)
    for invoice in invoices:
        _require_fit(change, invoice, payer.id, command.amount)
    parts = [
        (invoice, _taken(invoice, _policy(change, invoice), part))
        for invoice, part in _allocated(invoices, command.amount)
    ]
    moved = total((part for _, part in parts), command.amount.asset)
    _require_free(change, payer, moved, command.verdict)
    group = change.new_id(Prefix.PAYMENT)
    started = [
        _started(change, change.get(Invoice, invoice.id), payer.id, part, group_id=group)
        for invoice, part in parts
    ]
    return PaidInvoices(payments=tuple(started))


PAY_SEVERAL = UseCase("invoices.pay_several", PaidInvoices, _needs_pay_several, decide_pay_invoices)


async def pay_invoices(deps: Deps, command: PayInvoices, key: str | None = None) -> PaidInvoices:
    """Pay several invoices with one transfer, all of them or none."""
    verdict = ALLOWED
    for payee_id in await _payees(deps, command):
        verdict = await screened(
            deps, "payment", party_id=command.payer_id, counterparty_id=payee_id, amount=command.amount
        )
        if verdict.verdict is not Verdict.ALLOW:
            break
    return await perform(deps, PAY_SEVERAL, replace(command, verdict=verdict), key)


async def _payees(deps: Deps, command: PayInvoices) -> list[str]:
    """Whoever may receive a part of the transfer, each once."""
    if command.enterprise_id:
        return [command.enterprise_id]
    async with deps.repository.reader(deps.tenant_id) as reader:
        invoices = await reader.find(find(Invoice, id__in=command.invoice_ids))
    return list(dict.fromkeys(invoice.enterprise_id for invoice in invoices))


def _chosen(command: PayInvoices, change: Change) -> list[Invoice]:
    if command.invoice_ids:
        return [change.get(Invoice, id) for id in dict.fromkeys(command.invoice_ids)]
    owed = waiting_invoices(command.enterprise_id, command.payer_id, command.amount.asset)
    invoices = [invoice for invoice in change.find(owed) if not has_expired(invoice, change.now)]
    if not invoices:
        raise AllocationIncomplete("nothing is open", left=str(command.amount))
    return invoices


def _allocated(invoices: Sequence[Invoice], amount: Money) -> list[tuple[Invoice, Money]]:
    parts: dict[str, Money] = {}
    left = amount
    for invoice in invoices:
        parts[invoice.id] = min(left, _due(invoice))
        left -= parts[invoice.id]
    if left and len({invoice.enterprise_id for invoice in invoices}) > 1:
        raise AllocationIncomplete(left=str(left))
    last = next((invoice for invoice in reversed(invoices) if _due(invoice)), invoices[-1])
    parts[last.id] += left
    return [(invoice, parts[invoice.id]) for invoice in invoices if parts[invoice.id]]


def _due(invoice: Invoice) -> Money:
    """What is open and not on its way already."""
    return max(invoice.remaining - invoice.pending, Money.zero(invoice.asset))


def _policy(change: Change, invoice: Invoice) -> Policy:
    return change.get(Party, invoice.enterprise_id).policy


def _require_fit(change: Change, invoice: Invoice, payer_id: str, amount: Money | None) -> None:
    """Refuse what this invoice cannot be paid with, by whom, and in its state."""
    if amount is not None and amount.asset != invoice.asset:
        raise AssetNotAccepted(f"{invoice.id} is paid in {invoice.asset}", accepted=[invoice.asset])
    if payer_id == invoice.enterprise_id:
        raise SelfPayment(payer=payer_id)
    if amount is not None and not _policy(change, invoice).micro_payments:
        document_amount(amount)
    require_payable(invoice, change.now)


def _taken(invoice: Invoice, policy: Policy, wanted: Money | None) -> Money:
    """What policy lets pass of an amount; the split itself is decided at settlement (spec 6)."""
    due = _due(invoice)
    amount = due if wanted is None else wanted
    if policy.overpay is Overpay.CAP:
        amount = min(amount, due)
    if not amount or (policy.overpay is Overpay.REFUSE and amount > due):
        raise OverpaymentRefused(invoice=invoice.id, due=str(due), pending=str(invoice.pending))
    if amount < due and policy.partial is Partial.REFUSE:
        raise PartialPaymentRefused(invoice=invoice.id, due=str(due))
    if amount < due and amount.micros < policy.min_partial_micros:
        minimum = Money.from_micros(policy.min_partial_micros, invoice.asset)
        raise BelowMinimumPartial(invoice=invoice.id, minimum=str(minimum), due=str(due))
    return amount


def _require_free(change: Change, payer: Party, amount: Money, verdict: Screened) -> None:
    """Refuse a payer whom compliance does not let pay this much now."""
    require_allowed(verdict)
    payable(change, payer.id, amount.asset)
    check_limit(change, payer, amount)


def _started(
    change: Change, invoice: Invoice, payer_id: str, amount: Money, *, group_id: str = ""
) -> Payment:
    """Settle at once in the book; on chain hold the tokens and plan their transfer (spec 1.4)."""
    payment = new_payment(change, invoice, payer_id=payer_id, amount=amount, group_id=group_id)
    if change.programme.asset(invoice.asset).books_at_once:
        return settle(change, payment)
    hold = place(
        change,
        owner_id=payer_id,
        amount=amount,
        purpose=HoldPurpose.PAYMENT,
        cause_id=payment.id,
        payee_id=invoice.enterprise_id,
    )
    pending = change.add(replace(payment, hold_id=hold.id), "payment.initiated")
    change.put(replace(invoice, pending=invoice.pending + amount), "invoice.payment_initiated")
    effects.plan(
        change,
        kind=EffectKind.TRANSFER,
        cause=pending,
        amount=amount,
        request={
            "from_party": payer_id,
            "to_party": invoice.enterprise_id,
            "memo": effects.memo_of(invoice.id),
        },
    )
    return pending
