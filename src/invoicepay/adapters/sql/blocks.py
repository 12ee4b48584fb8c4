"""Rows as PostgreSQL reads them in bulk: blocks of text for COPY, and arrays of one column's values.

Hardly any value holds a letter that needs escaping, so that is asked of the whole text at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from invoicepay.adapters.sql.forms import Row
from invoicepay.errors import InvalidText

IN_ONE_BLOCK = 64
"""Rows in a piece of text, which is looked through while the processor still has it at hand."""
_ABSENT = "\\N"


def blocks(rows: Sequence[Row]) -> Iterator[str]:
    """Rows of equal length in COPY's text format, in pieces of a handy size.

    Raises:
        InvalidText: a value holds a NUL, which PostgreSQL cannot keep.
    """
    for start in range(0, len(rows), IN_ONE_BLOCK):
        yield _block(rows[start : start + IN_ONE_BLOCK])


def _block(rows: Sequence[Row]) -> str:
    """Tabs between values, a newline after each row."""
    absent = 0
    try:
        text = "\n".join(map("\t".join, rows)) + "\n"  # type: ignore[arg-type] # hardly ever is one absent
    except TypeError:
        absent = sum(row.count(None) for row in rows)
        text = "".join(map(_line, rows))
    if "\0" in text:
        raise InvalidText("a text holds characters that the store cannot keep; nothing was recorded")
    tabs = len(rows) * (len(rows[0]) - 1)
    backslashes = text.count("\\") if "\\" in text else 0
    is_plain = (text.count("\t"), text.count("\n"), backslashes) == (tabs, len(rows), absent)
    return text if is_plain and "\r" not in text else "".join(map(_escaped_line, rows))


def _line(row: Row) -> str:
    return "\t".join([_ABSENT if value is None else value for value in row]) + "\n"


def _escaped_line(row: Row) -> str:
    return _line(tuple([value and _escaped(value) for value in row]))


def _escaped(value: str) -> str:
    for letter, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        if letter in value:
            value = value.replace(letter, written)
    return value


def array(values: Iterable[str | None]) -> str:
    """The text of an array with these elements."""
    listed = list(values)
    if None not in listed:
        text = '","'.join(listed)  # type: ignore[arg-type]
        if "\\" not in text and text.count('"') == 2 * max(len(listed) - 1, 0):
            return f'{{"{text}"}}' if listed else "{}"
    return "{" + ",".join(["NULL" if value is None else f'"{_quoted(value)}"' for value in listed]) + "}"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
