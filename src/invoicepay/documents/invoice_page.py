"""An invoice as a page: plain tables of escaped text and the payment code, for mail, print and notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from invoicepay.documents.qr import QrCode
from invoicepay.documents.words import day, number, percent
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.lines import Line, tax_groups
from invoicepay.domain.time import local_date
from invoicepay.ports.notifier import Contact

_LEFT = "text-align: left; vertical-align: top; padding: .2em .6em; overflow-wrap: anywhere"
_RIGHT = "text-align: right; white-space: nowrap; padding: .2em .6em; font-variant-numeric: tabular-nums"
_RULE = "border-bottom: 1px solid rgba(128, 128, 128, .35)"


class Html(str):
    """A whole page as text, which a notebook draws: write it to a file, answer it, attach it."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePage:
    """What a page shows.

    Attributes:
        seller, buyer: as much as the host told about them; their ids stand for names that are not known.
        timezone: the enterprise's, whose local dates count.
        code: what to scan to pay; None where nothing is to be paid.
    """

    invoice: Invoice
    seller: Contact
    buyer: Contact
    timezone: str
    code: QrCode | None = None

    def html(self) -> Html:
        """The page: no scripts, no links, nothing loaded from elsewhere, readable in dark and light."""
        title = escape(self._title)
        parts = (self._head(), self._lines(), self._sums(), self._rest(), self._code())
        return Html(
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
            '<body><div style="font-family: sans-serif; max-width: 48em; margin: 1em auto">'
            f"<h1>{title}</h1>{''.join(parts)}</div></body></html>\n"
        )

    @property
    def file_name(self) -> str:
        """A name for the file, made of the number or the id."""
        name = self.invoice.number or self.invoice.id
        plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
        return f"invoice-{plain}.html"

    @property
    def _title(self) -> str:
        invoice = self.invoice
        word = {InvoiceStatus.VOID: " (void)", InvoiceStatus.PAID: " (paid)"}.get(invoice.status, "")
        return f"Invoice {invoice.number}{word}" if invoice.number else "Invoice (draft)"

    def _head(self) -> str:
        invoice = self.invoice
        issued = local_date(invoice.finalized_at, self.timezone) if invoice.finalized_at else None
        rows = (
            ("From", _party(self.seller, invoice.enterprise_id)),
            ("To", _party(self.buyer, invoice.customer_id)),
            ("Issued", day(issued) if issued else ""),
            ("Due", day(invoice.due_on) if invoice.due_on else ""),
            ("Your reference", escape(invoice.reference)),
        )
        return _table(_row(name, text) for name, text in rows if text)

    def _lines(self) -> str:
        names = ("Description", "Quantity", "Price", "Tax", "Net")
        styles = (_LEFT, _RIGHT, _RIGHT, _RIGHT, _RIGHT)
        head = "".join(
            f'<th scope="col" style="{style}">{name}</th>' for name, style in zip(names, styles, strict=True)
        )
        return _table([f'<tr style="{_RULE}">{head}</tr>', *map(_line, self.invoice.lines)])

    def _sums(self) -> str:
        invoice = self.invoice
        taxes = [
            (f"Tax {percent(group.rate)} of {group.net}", group.tax)
            for group in (tax_groups(invoice.lines) if invoice.lines else ())
            if group.rate
        ]
        credited = invoice.credited_pre + invoice.credited_post
        sums = [("Net", invoice.net), *taxes, ("Total", invoice.total)]
        sums += [
            (name, amount) for name, amount in (("Paid", invoice.applied), ("Credited", credited)) if amount
        ]
        if invoice.written_off:
            sums.append(("Written off", invoice.written_off))
        sums.append(("To pay", invoice.remaining))
        return _table(_row(name, escape(str(amount)), _RIGHT) for name, amount in sums)

    def _rest(self) -> str:
        return f"<p>{escape(self.invoice.note)}</p>" if self.invoice.note else ""

    def _code(self) -> str:
        if self.code is None:
            return ""
        drawn = self.code.svg(title=f"Code to pay {self._title}: {self.invoice.remaining}")
        return f"<p>Scan to pay {escape(str(self.invoice.remaining))}:</p>{drawn}"


def _table(rows: Iterable[str]) -> str:
    return f'<table style="border-collapse: collapse; margin: 1em 0">{"".join(rows)}</table>'


def _row(name: str, html: str, style: str = _LEFT) -> str:
    return f'<tr><th scope="row" style="{_LEFT}">{escape(name)}</th><td style="{style}">{html}</td></tr>'


def _line(line: Line) -> str:
    values = (line.description, number(line.quantity), line.unit_price, percent(line.tax_rate), line.net)
    cells = "".join(
        f'<td style="{_RIGHT if place else _LEFT}">{escape(str(value))}</td>'
        for place, value in enumerate(values)
    )
    return f'<tr style="{_RULE}">{cells}</tr>'


def _party(contact: Contact, id: str) -> str:
    return "<br>".join(map(escape, (contact.name or id, *contact.postal_address)))
