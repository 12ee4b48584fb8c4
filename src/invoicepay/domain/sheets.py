"""Values as CSV for spreadsheets and accounting programs: RFC 4180, no text becomes a formula (S-22)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from csv import writer
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from io import StringIO
from typing import Any

from invoicepay.domain.codec import decimal_text, encode
from invoicepay.domain.money import Money
from invoicepay.domain.time import iso

STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet may read as a formula or drop in front of one, full-width forms included."""


def text_cell(text: str) -> str:
    """Text that a spreadsheet takes for text: what starts like a formula gets a leading quote.

    Examples:
        >>> [text_cell(text) for text in ("Seat", "=1+1", "'quoted'")]
        ['Seat', "'=1+1", "'quoted'"]
    """
    return f"'{text}" if text.startswith(STARTS_A_FORMULA) else text


def sheet(rows: Iterable[Iterable[str]]) -> str:
    """Rows of cells as one text: quoted where a cell needs it, every line ended by CR LF.

    Examples:
        >>> sheet([("id", "note"), ("inv_1", 'say "hi", twice')]).splitlines()
        ['id,note', 'inv_1,"say ""hi"", twice"']
    """
    text = StringIO(newline="")
    writer(text).writerows(rows)
    return text.getvalue()


def rows_csv(kind: type[Any], rows: Iterable[Any]) -> str:
    """Rows of one kind below a header of its fields.

    An amount is a plain number whose asset stands in its own column; an instant is UTC text; a list, such as
    an invoice's lines, is JSON in one cell. Only text is ever given a leading quote.
    """
    names = [part.name for part in fields(kind) if part.metadata.get("transient") is None]
    return sheet([names, *([cell(getattr(row, name)) for name in names] for row in rows)])


def cell(value: Any) -> str:
    """One value as a cell."""
    if isinstance(value, Enum):
        return text_cell(str(value.value))
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return text_cell(value)
        case int():
            return str(value)
        case Money():
            return value.amount_text
        case Decimal():
            return decimal_text(value)
        case datetime():
            return iso(value)
        case date():
            return value.isoformat()
        case _:
            return text_cell(json.dumps(encode(value), ensure_ascii=False, separators=(",", ":")))
