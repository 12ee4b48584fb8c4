"""What people are written of an event, as text and as HTML of escaped text; hosts may bring their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from types import MappingProxyType

from invoicepay.documents.words import day
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Event
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.requests import PaymentRequest
from invoicepay.ports.notifier import Contact

FIELDS = ("enterprise_id", "requester_id")
"""Fields that say on whose behalf a letter is written, in the order of asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a notice says.

    Attributes:
        html: made of the text when empty; what you write yourself, you escape yourself.
        attach_document: the invoice goes with it as a file.
    """

    subject: str
    text: str
    html: str = ""
    attach_document: bool = False

    @property
    def page(self) -> str:
        """The HTML."""
        return self.html or html_of(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a letter is written about.

    Attributes:
        row: the invoice, the request or whatever else the event is of, as it was after the step.
        to: whom the letter goes to.
        on_behalf_of: the enterprise or the person whose claim it is; as much as the host told.
        to_id, on_behalf_of_id: their ids.
    """

    event: Event
    row: Entity = field(repr=False)
    to: Contact
    to_id: str
    on_behalf_of: Contact
    on_behalf_of_id: str

    @property
    def greeting(self) -> str:
        """How a letter begins."""
        return f"Hello {self.to.name}," if self.to.name else "Hello,"

    @property
    def from_whom(self) -> str:
        """The enterprise or person as a letter calls them."""
        return self.on_behalf_of.name or self.on_behalf_of_id

    @property
    def invoice(self) -> Invoice:
        """The row of an event whose name begins with `invoice.`."""
        assert isinstance(self.row, Invoice), f"{self.event.name} is about no invoice"
        return self.row

    @property
    def request(self) -> PaymentRequest:
        """The row of an event whose name begins with `request.`."""
        assert isinstance(self.row, PaymentRequest), f"{self.event.name} is about no request"
        return self.row


@dataclass(frozen=True, slots=True)
class Template:
    """Who is told of an event, and how a letter about it is written.

    Attributes:
        to: the field of the entity that names the recipient, for example `customer_id`.
        write: makes the letter; None where this occasion needs none.
    """

    to: str
    write: Callable[[Occasion], Letter | None]


def sent(occasion: Occasion) -> Letter:
    """Here is your invoice."""
    invoice = occasion.invoice
    due = f"Please pay by {day(invoice.due_on)}." if invoice.due_on else ""
    if not invoice.remaining:
        due = "Nothing is left to pay."
    return _about(
        occasion,
        f"Invoice {invoice.number} from {occasion.from_whom}",
        f"{occasion.from_whom} sent you invoice {invoice.number}.",
        _amounts(invoice),
        due,
        _said(invoice.note),
        attach_document=True,
    )


def paid(occasion: Occasion) -> Letter:
    """Thank you; what was too much is credit."""
    invoice = occasion.invoice
    return _about(
        occasion,
        f"Invoice {invoice.number} is paid",
        f"Invoice {invoice.number} from {occasion.from_whom} is paid. Thank you.",
        f"Total: {invoice.total}",
        _credit(invoice),
    )


def partly_paid(occasion: Occasion) -> Letter:
    """Thank you; this is still open."""
    invoice = occasion.invoice
    due = f"Please pay the rest by {day(invoice.due_on)}." if invoice.due_on else ""
    return _about(
        occasion,
        f"Part of invoice {invoice.number} is paid",
        f"{occasion.from_whom} received a part of invoice {invoice.number}. Thank you.",
        _amounts(invoice),
        due,
    )


def overpaid(occasion: Occasion) -> Letter:
    """It arrived, and it is your credit."""
    invoice = occasion.invoice
    return _about(
        occasion,
        f"More than invoice {invoice.number} asked for",
        f"{occasion.from_whom} received more than invoice {invoice.number} asked for.",
        _credit(invoice),
    )


def overdue(occasion: Occasion) -> Letter:
    """The date is over, this is still open."""
    invoice = occasion.invoice
    assert invoice.due_on is not None, "only what has a due date is overdue"
    return _about(
        occasion,
        f"Invoice {invoice.number} is overdue",
        f"Invoice {invoice.number} from {occasion.from_whom} was due on {day(invoice.due_on)}.",
        _amounts(invoice),
        "If you have paid meanwhile, please take no notice of this letter.",
        attach_document=True,
    )


def requested(occasion: Occasion) -> Letter | None:
    """Somebody asks you for money."""
    request = occasion.request
    if not request.nonce:  # one payment of a request to many: its payer has just made it
        return None
    what = str(request.amount) if request.amount is not None else f"{request.asset} of your choice"
    until = (
        f"Answer until {day(request.expires_at)}, {request.expires_at:%H:%M} UTC."
        if request.expires_at
        else ""
    )
    return _about(
        occasion,
        f"{occasion.from_whom} asks you for {what}",
        f"{occasion.from_whom} asks you for {what}.",
        _said(request.note),
        until,
    )


LETTERS: Mapping[str, Template] = MappingProxyType(
    {
        "invoice.sent": Template("customer_id", sent),
        "invoice.paid": Template("customer_id", paid),
        "invoice.partially_paid": Template("customer_id", partly_paid),
        "invoice.overpaid": Template("customer_id", overpaid),
        "invoice.duplicate_payment": Template("customer_id", overpaid),
        "invoice.overdue": Template("customer_id", overdue),
        "request.created": Template("payer_id", requested),
    }
)
"""The events that people are told of, and how; in English."""


def on_behalf_of_id(row: Entity) -> str:
    """The id of whom a letter about this row is written for; empty where it is nobody's claim."""
    return next((id for name in FIELDS if (id := getattr(row, name, ""))), "")


def html_of(text: str) -> str:
    """A page of plain paragraphs, every word escaped: no scripts, no links, nothing loaded."""
    paragraphs = "".join(
        f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in text.strip().split("\n\n")
    )
    return (
        '<!doctype html><html><head><meta charset="utf-8"></head>'
        f'<body style="font-family: sans-serif; max-width: 40em">{paragraphs}</body></html>'
    )


def _about(occasion: Occasion, subject: str, *parts: str, attach_document: bool = False) -> Letter:
    """A letter with a greeting and the lines that say something."""
    lines: Iterable[str] = filter(None, parts)
    text = "\n".join(lines)
    return Letter(subject=subject, text=f"{occasion.greeting}\n\n{text}\n", attach_document=attach_document)


def _amounts(invoice: Invoice) -> str:
    if invoice.remaining == invoice.total:
        return f"Total: {invoice.total}"
    return f"Total: {invoice.total}\nStill open: {invoice.remaining}"


def _credit(invoice: Invoice) -> str:
    """Where an overpayment is (P-11)."""
    return f"Paid beyond it, and now your credit: {invoice.overpaid}" if invoice.overpaid else ""


def _said(note: str) -> str:
    return f"Note: {note}" if note else ""
