"""Whether the fields of a command hold what they are declared to hold, whoever filled them (S-20, S-32)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from invoicepay.domain.money import Money
from invoicepay.domain.time import aware, plain_date
from invoicepay.errors import InvalidAmount, InvalidIdentifier, InvalidInput, InvalidText

Check: TypeAlias = Callable[[Any, str], object]

LONGEST_TEXT = 10_000
LONGEST_ID = 255
_INT_LIMIT = 2**63


def require_shape(command: object) -> None:
    """Refuse values of another type than the command declares, and text that no store can keep.

    Type checkers tell a host the same; this tells hosts that use none, and tells it before anything is read.

    Raises:
        InvalidInput: the class and the details name what is wrong; nothing was looked up.
    """
    kind: Any = type(command)
    for name, check in _checks(kind):
        check(getattr(command, name), name)


def identifier(text: str, field: str) -> str:
    """An id as somebody passed it on; whether there is such a thing is asked later.

    Raises:
        InvalidIdentifier: no text, empty, longer than any id, or with characters that no id has.
    """
    if text == "":
        raise InvalidIdentifier(f"{field} is empty", field=field)
    return identifier_or_none(text, field)


def identifier_or_none(text: str, field: str) -> str:
    """The same where an empty text means that nothing is named.

    Raises:
        InvalidIdentifier: no text, longer than any id, or with characters that no id has.
    """
    if not isinstance(text, str):
        raise InvalidIdentifier(f"{field} is text, not {type(text).__name__}", field=field)
    if len(text) > LONGEST_ID:
        raise InvalidIdentifier(f"{field} has at most {LONGEST_ID} characters", field=field)
    if not text.isprintable():
        raise InvalidIdentifier(f"{field} contains characters that no id has", field=field)
    return text


def whole(number: int, field: str, *, least: int = -_INT_LIMIT, most: int = _INT_LIMIT - 1) -> int:
    """A whole number between bounds.

    Raises:
        InvalidInput: no int, a bool, or out of bounds.
    """
    if type(number) is not int:
        raise InvalidInput(f"{field} is a whole number, not {type(number).__name__}", field=field)
    if not least <= number <= most:
        raise InvalidInput(f"{field} lies between {least} and {most}", field=field)
    return number


def _text(text: str, field: str) -> None:
    """Text that every store can keep; what a field allows beyond that, its decision says."""
    if not isinstance(text, str):
        raise InvalidText(f"{field} is text, not {type(text).__name__}", field=field)
    if len(text) > LONGEST_TEXT:
        raise InvalidText(f"{field} has at most {LONGEST_TEXT} characters", field=field)
    if "\0" in text or not (text.isascii() or _is_unicode(text)):
        raise InvalidText(f"{field} contains characters that cannot be stored", field=field)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _money(amount: Money, field: str) -> None:
    if type(amount) is not Money:
        raise InvalidAmount(f"{field} is Money, not {type(amount).__name__}", field=field)


@cache
def _checks(kind: Any) -> tuple[tuple[str, Check], ...]:
    hints = get_type_hints(kind)
    return tuple(
        (part.name, _check(hints[part.name], part.name, part.default == "")) for part in fields(kind)
    )


def _check(annotation: Any, name: str, may_be_empty: bool = False) -> Check:
    """What a field of this annotation is held to; annotations made of anything else are let be."""
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation is str and name.endswith("_id"):
        return identifier_or_none if may_be_empty else identifier
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if origin in (Union, UnionType) and len(args) == 2 and NoneType in args:
        (inner,) = (choice for choice in args if choice is not NoneType)
        return _optional(_check(inner, name))
    if origin is tuple and args[1:] == (...,):
        return _series(_check(args[0], name.removesuffix("s")))
    if isinstance(annotation, type) and (is_dataclass(annotation) or issubclass(annotation, Enum | Decimal)):
        return _instance(annotation)
    return _anything


def _anything(_value: Any, _field: str) -> None:
    """A field whose annotation says nothing that could be checked here."""


def _optional(check: Check) -> Check:
    return lambda value, field: None if value is None else check(value, field)


def _series(check: Check) -> Check:
    def each(values: tuple[Any, ...], field: str) -> None:
        if not isinstance(values, tuple):
            raise InvalidInput(f"{field} is a tuple, not {type(values).__name__}", field=field)
        for value in values:
            check(value, field)

    return each


def _instance(kind: type) -> Check:
    has_fields = is_dataclass(kind)

    def check(value: Any, field: str) -> None:
        if not isinstance(value, kind):
            raise InvalidInput(f"{field} is {kind.__name__}, not {type(value).__name__}", field=field)
        if has_fields:
            require_shape(value)

    return check


def _flag(value: bool, field: str) -> None:
    if type(value) is not bool:
        raise InvalidInput(f"{field} is True or False, not {type(value).__name__}", field=field)


_SCALARS: dict[Any, Check] = {
    str: _text,
    bool: _flag,
    int: whole,
    Money: _money,
    datetime: aware,
    date: plain_date,
}
