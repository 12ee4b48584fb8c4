"""Draws our values for notebooks: plain tables of escaped text, no scripts, no colours of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from html import escape
from typing import Any

from invoicepay.domain.money import Money
from invoicepay.errors import InvoicePayError

BOOKKEEPING = frozenset({"version", "updated_at", "idempotency_key", "replayed", "overdue_check_at"})
"""Fields of every row that say nothing about the business."""

_LINE = "border-bottom: 1px solid rgba(128, 128, 128, .35)"  # a grey that shows on light and dark
_TEXT = "text-align: left; vertical-align: top; overflow-wrap: anywhere; max-width: 40em"
_NUMBER = "text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums"


def card(value: object) -> str:
    """One value: a row for each field that holds something."""
    rows = "".join(
        f'<tr style="{_LINE}"><th scope="row" style="{_TEXT}">{_words(name)}</th>{_cell(found)}</tr>'
        for name, found in _shown(value)
        if not _is_empty(found)
    )
    return _table(rows, _words(type(value).__name__))


def listing(values: Sequence[object], *, caption: str = "", note: str = "") -> str:
    """Values of one kind below each other; columns that hold nothing anywhere are left out.

    Args:
        note: a line below the table, for example that there is more.
    """
    below = f'<p style="opacity: .7">{escape(note)}</p>' if note else ""
    if not values:
        return f"<p>{escape(caption)}: none</p>{below}"
    found = [dict(_shown(value)) for value in values]
    names = [name for name in found[0] if any(_has_column(row.get(name)) for row in found)]
    head = "".join(f'<th scope="col" style="{_TEXT}">{_words(name)}</th>' for name in names)
    rows = "".join(
        f'<tr style="{_LINE}">{"".join(_cell(row.get(name)) for name in names)}</tr>' for row in found
    )
    return _table(f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>", caption) + below


def _table(rows: str, caption: str) -> str:
    title = f'<caption style="{_TEXT}; font-weight: bold">{escape(caption)}</caption>' if caption else ""
    return f'<table style="border-collapse: collapse">{title}{rows}</table>'


def _shown(value: object) -> Iterable[tuple[str, Any]]:
    """Names and values in the order of reading: the id first, when it was written last."""
    chosen: tuple[str, ...] = getattr(value, "SHOWN", ())
    if not chosen and is_dataclass(value):
        names = [part.name for part in fields(value) if part.name not in BOOKKEEPING]
        chosen = tuple(sorted(names, key=lambda name: name == "created_at"))
    return [(name, getattr(value, name)) for name in chosen]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _is_empty(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, Collection) and not value)


def _has_column(value: object) -> bool:
    """Whether a value earns its column in a list: nothing, nought, no, and rows within a row do not."""
    is_inner = (isinstance(value, Collection) and not isinstance(value, str)) or is_dataclass(value)
    return bool(value) and not is_inner


def _cell(value: object) -> str:
    if isinstance(value, Money) or (isinstance(value, int) and not isinstance(value, bool | Enum)):
        return f'<td style="{_NUMBER}">{escape(str(value))}</td>'
    return f'<td style="{_TEXT}">{_content(value)}</td>'


def _content(value: object) -> str:
    """A value inside a cell; rows within a row become a table of their own."""
    if isinstance(value, Mapping):
        return _table("".join(f"<tr>{_cell(key)}{_cell(inner)}</tr>" for key, inner in value.items()), "")
    if isinstance(value, tuple | list | set | frozenset):
        inner = list(value)
        if inner and is_dataclass(inner[0]):
            return listing(inner)
        return "<br>".join(map(_content, inner))
    if is_dataclass(value):
        return card(value)
    return escape(_text(value))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, InvoicePayError):
        return f"{value.code}: {value.message}"
    return str(value)
