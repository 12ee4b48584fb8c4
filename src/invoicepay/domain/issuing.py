"""Drafting and finalizing invoices: what the invoices and the schedules share (spec 4.1, P-20)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from invoicepay.domain.access import authorise, customer_needs, known_party, party_needs
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.credits import apply_credits, credit_needs
from invoicepay.domain.ids import Prefix, clean_text
from invoicepay.domain.invoices import (
    INVOICE,
    Invoice,
    InvoiceCommand,
    InvoiceStatus,
    invoice_needs,
    overdue_from,
)
from invoicepay.domain.lines import Line, checked, totals
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs
from invoicepay.domain.numbering import Numbered, invoice_series, number_needs, take_number
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.policies import AutoApply
from invoicepay.domain.time import aware, local_date, plain_date
from invoicepay.errors import InvalidInput, InvalidTime, InvoiceExpired, SelfPayment

NOTE_LENGTH = 2_000
REFERENCE_LENGTH = 140
LONGEST_TERM_DAYS = 3_650


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTerms:
    """What an invoice says before it has a number.

    Attributes:
        due_on: a local date in the enterprise's zone; `due_in_days` counts from the local date of the draft.
        expires_at: pull payments are refused from then on; None means never.
        reference: the customer's or host's own reference, for example a purchase order.
    """

    enterprise_id: str
    customer_id: str
    lines: tuple[Line, ...]
    series: str = "A"
    due_on: date | None = None
    due_in_days: int | None = None
    expires_at: datetime | None = None
    note: str = ""
    reference: str = ""


def issue_needs(terms: InvoiceTerms, seen: Snapshot) -> Needs:
    """What `draft_invoice` and `finalize_invoice` read for an invoice that does not exist yet."""
    asset = terms.lines[0].unit_price.asset if terms.lines else ""
    parties = party_needs(terms.enterprise_id, terms.customer_id, asset=asset)
    parties |= customer_needs(terms.customer_id)
    return parties | _finalize_needs(terms.enterprise_id, terms.customer_id, terms.series, asset, seen)


def finalize_needs(invoice_id: str, seen: Snapshot) -> Needs:
    """What `finalize_invoice` reads for a stored draft."""
    needs = invoice_needs(invoice_id, seen)
    draft = seen.peek(Invoice, invoice_id)
    if draft is None:
        return needs
    return needs | _finalize_needs(draft.enterprise_id, draft.customer_id, draft.series, draft.asset, seen)


def _finalize_needs(enterprise_id: str, customer_id: str, series: str, asset: str, seen: Snapshot) -> Needs:
    key = (Party, enterprise_id)
    if not seen.knows(*key):
        return Needs()
    policy = (seen.peek(*key) or Party(id=enterprise_id, kind=PartyKind.ENTERPRISE)).policy
    wanted = Numbered(
        enterprise_id=enterprise_id, series=series, numbering=policy.numbering, spread=customer_id
    )
    needs = number_needs(wanted, seen)
    if policy.auto_apply is AutoApply.ON_FINALIZE and asset:
        needs |= credit_needs(seen, enterprise_id, customer_id, asset)
    return needs


def issue_invoice(change: Change, terms: InvoiceTerms) -> Invoice:
    """Draft and finalize in one go.

    Raises:
        InvalidLine, InvalidTime, InvalidText, SelfPayment: see `draft_invoice`.
        NotAllowed: the actor is neither the enterprise nor an operator.
    """
    return finalize_invoice(change, draft_invoice(change, terms))


def draft_invoice(
    change: Change, terms: InvoiceTerms, *, schedule_id: str = "", occurrence: int | None = None
) -> Invoice:
    """A new draft; it has no number yet.

    Args:
        schedule_id, occurrence: the schedule that makes it; unique together.

    Raises:
        InvalidLine: no line, a line that is not valid, or a negative total.
        InvalidTime: an expiry that is over already, or a term out of bounds.
        SelfPayment: the customer is the enterprise itself.
        NotFound: an unknown party.
        NotAllowed: the actor is neither the enterprise nor an operator.
    """
    terms = checked_terms(change, terms)
    enterprise = _take_part(change, terms)
    asset = terms.lines[0].unit_price.asset
    nothing = Money.zero(asset)
    draft = Invoice(
        id=change.new_id(Prefix.INVOICE),
        enterprise_id=terms.enterprise_id,
        customer_id=terms.customer_id,
        asset=asset,
        status=INVOICE.after(None, InvoiceCommand.CREATE),
        lines=(),
        net=nothing,
        tax=nothing,
        total=nothing,
        remaining=nothing,
        applied=nothing,
        credited_pre=nothing,
        credited_post=nothing,
        written_off=nothing,
        pending=nothing,
        overpaid=nothing,
        refunded=nothing,
        series=terms.series,
        schedule_id=schedule_id,
        occurrence=occurrence,
    )
    return change.add(with_terms(draft, terms, _today(change, enterprise)), "invoice.created")


def checked_terms(change: Change, terms: InvoiceTerms) -> InvoiceTerms:
    """The terms with every text in stored form.

    Raises:
        InvalidInput: the first thing that is not valid.
    """
    lines = tuple(checked(line) for line in terms.lines)
    change.programme.asset(totals(lines).total.asset)
    if terms.enterprise_id == terms.customer_id:
        raise SelfPayment(enterprise=terms.enterprise_id)
    return replace(
        terms,
        lines=lines,
        series=invoice_series(terms.series),
        due_on=terms.due_on and plain_date(terms.due_on, "due_on"),
        due_in_days=_term(terms),
        expires_at=terms.expires_at and _future(terms.expires_at, change.now),
        note=clean_text(terms.note, NOTE_LENGTH, "note"),
        reference=clean_text(terms.reference, REFERENCE_LENGTH, "reference"),
    )


def _term(terms: InvoiceTerms) -> int | None:
    if terms.due_in_days is None:
        return None
    if terms.due_on is not None:
        raise InvalidInput("an invoice has due_on or due_in_days, not both")
    if not 0 <= terms.due_in_days <= LONGEST_TERM_DAYS:
        raise InvalidTime(f"due_in_days lies between 0 and {LONGEST_TERM_DAYS}")
    return terms.due_in_days


def _future(instant: datetime, now: datetime) -> datetime:
    instant = aware(instant, "expires_at")
    if instant <= now:
        raise InvalidTime("expires_at is over already", expires_at=instant)
    return instant


def _take_part(change: Change, terms: InvoiceTerms) -> Party:
    enterprise = known_party(change, terms.enterprise_id, kind=PartyKind.ENTERPRISE)
    known_party(change, terms.customer_id)
    authorise(change, enterprise=terms.enterprise_id)
    return enterprise


def _today(change: Change, enterprise: Party) -> date:
    return local_date(change.now, enterprise.timezone)


def with_terms(draft: Invoice, terms: InvoiceTerms, today: date) -> Invoice:
    """The draft as checked terms describe it."""
    sums = totals(terms.lines)
    in_days = None if terms.due_in_days is None else today + timedelta(days=terms.due_in_days)
    return replace(
        draft,
        lines=terms.lines,
        net=sums.net,
        tax=sums.tax,
        total=sums.total,
        remaining=sums.total,
        due_on=terms.due_on or in_days,
        expires_at=terms.expires_at,
        note=terms.note,
        reference=terms.reference,
    )


def finalize_invoice(change: Change, draft: Invoice) -> Invoice:
    """Freeze the draft, number it, and put the customer's credits on it if the policy says so (P-20, P-13).

    P-20 belongs to the enterprise's book, which is derived; nothing is booked here but applied credits.

    Raises:
        NotFound: the enterprise is closed.
        NotAllowed: the actor is neither the enterprise nor an operator.
        InvalidTransition: it is no draft.
        InvoiceExpired: its expiry is over before it was ever open.
    """
    enterprise = known_party(change, draft.enterprise_id, kind=PartyKind.ENTERPRISE)
    authorise(change, draft, enterprise=draft.enterprise_id)
    command = InvoiceCommand.FINALIZE if draft.total else InvoiceCommand.FINALIZE_FREE
    status = INVOICE.after(draft.status, command)
    if draft.expires_at is not None and draft.expires_at <= change.now:
        raise InvoiceExpired(invoice=draft.id, expires_at=draft.expires_at)
    invoice = change.put(
        replace(
            draft,
            status=status,
            number=take_number(change, _numbered(draft, enterprise)),
            finalized_at=change.now,
            paid_at=change.now if status is InvoiceStatus.PAID else None,
            overdue_check_at=overdue_from(draft.due_on, enterprise.timezone) if draft.total else None,
        ),
        "invoice.finalized",
    )
    if status is InvoiceStatus.PAID:
        return change.put(invoice, "invoice.paid")
    if enterprise.policy.auto_apply is AutoApply.ON_FINALIZE:
        return apply_credits(change, invoice)
    return invoice


def _numbered(draft: Invoice, enterprise: Party) -> Numbered:
    return Numbered(
        enterprise_id=draft.enterprise_id,
        series=draft.series,
        numbering=enterprise.policy.numbering,
        spread=draft.customer_id,
    )
