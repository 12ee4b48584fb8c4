"""The one JSON text of a value, as it is hashed, stored and replayed; one writer for each class."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache
from json.encoder import encode_basestring_ascii
from types import NoneType, UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from invoicepay.domain.codec import decimal_text, encode
from invoicepay.domain.money import Money
from invoicepay.domain.time import iso

Writer: TypeAlias = Callable[[Any], str]

_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False)
text: Writer = encode_basestring_ascii
"""The JSON form of a text or of a word out of an enumeration."""


def canonical(value: object) -> str:
    """The one JSON text of a value: keys sorted, no spaces, ASCII only; equal values give equal bytes.

    It says what `codec.encode` says. A class of ours gets a writer from its annotations, once: a payment
    writes a handful of rows as text, and asking each value what it is would cost more than deciding.

    Raises:
        MalformedData: the value holds something without a stored form, for example a float.
    """
    kind: Any = type(value)
    return _writer(kind)(value)


def asked(command: object) -> str:
    """The same text of a command without the fields that are left at their default.

    Neither do fields count that do not compare: what a use case put in itself, such as a nonce or a verdict.
    """
    kind: Any = type(command)
    parts = [
        f'"{name}":{write(value)}'
        for name, default, write in _members(kind)
        if (value := getattr(command, name)) != default
    ]
    return f"{{{','.join(parts)}}}"


def series(parts: list[str]) -> str:
    """The JSON list of parts that are JSON already."""
    return f"[{','.join(parts)}]"


@cache
def _writer(kind: Any) -> Writer:
    """A writer of values of one class."""
    has_fields: bool = is_dataclass(kind)
    return _fields_writer(kind) if has_fields else _any_text


def _any_text(value: object) -> str:
    return _JSON.encode(encode(value))


@cache
def _members(kind: Any) -> tuple[tuple[str, Any, Writer], ...]:
    """Name, default and writer of each field that compares; what has no default always counts."""
    hints = get_type_hints(kind)
    compared = sorted((part for part in fields(kind) if part.compare), key=lambda part: part.name)
    return tuple((part.name, part.default, _annotated(hints[part.name])) for part in compared)


def _fields_writer(kind: type) -> Writer:
    """A function written out for the class, one expression for each field, as dataclasses does for theirs."""
    hints = get_type_hints(kind)
    names = sorted(part.name for part in fields(kind) if part.init)
    inner = {name: _present(hints[name]) for name in names}
    scope: dict[str, Any] = {f"write_{name}": _annotated(inner[name]) for name in names}
    parts = [
        f'"{name}":{{write_{name}(value.{name})}}'
        if inner[name] is hints[name]
        else f'"{name}":{{"null" if value.{name} is None else write_{name}(value.{name})}}'
        for name in names
    ]
    exec(f"def write(value): return f'{{{{{','.join(parts)}}}}}'", scope)  # noqa: S102 - of our own names
    write: Writer = scope["write"]
    return write


def _present(annotation: Any) -> Any:
    """What a field holds that is not absent; the annotation itself where it cannot be absent."""
    args = get_args(annotation)
    if get_origin(annotation) in (Union, UnionType) and len(args) == 2 and NoneType in args:
        return next(choice for choice in args if choice is not NoneType)
    return annotation


def _annotated(annotation: Any) -> Writer:
    """A writer for a field: by what it is declared to hold, else by what it holds."""
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return text
    if isinstance(annotation, type) and is_dataclass(annotation):
        return canonical
    if (inner := _present(annotation)) is not annotation:
        return _optional(_annotated(inner))
    if origin is tuple and args[1:] == (...,):
        return _listed(_annotated(args[0]))
    return _any_text


def _optional(write: Writer) -> Writer:
    return lambda value: "null" if value is None else write(value)


def _listed(write: Writer) -> Writer:
    return lambda values: series([write(value) for value in values])


def _money(money: Money) -> str:
    if not money.micros:
        return _nothing(money.asset)
    return f'{{"amount":"{money.amount_text}","asset":"{money.asset}"}}'


@lru_cache(maxsize=1024)
def _nothing(asset: str) -> str:
    return f'{{"amount":"{Money.zero(asset).amount_text}","asset":"{asset}"}}'


@lru_cache(maxsize=1024)
def _instant(instant: datetime) -> str:
    """One transaction writes the same instant many times."""
    return f'"{iso(instant)}"'


def _flag(value: bool) -> str:
    return "true" if value else "false"


_PLAIN: dict[Any, Writer] = {
    str: text,
    int: int.__repr__,
    bool: _flag,
    Money: _money,
    datetime: _instant,
    date: lambda day: f'"{day.isoformat()}"',
    Decimal: lambda number: f'"{decimal_text(number)}"',
}
