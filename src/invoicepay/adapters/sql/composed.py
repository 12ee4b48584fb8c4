"""Lines, policies and other values made of values, read back from the JSON text that we wrote ourselves.

What is stored has the shape that it was written in, so it is taken as it is; only what does not fit goes to
the strict reader, which says what is wrong with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache, partial
from types import NoneType, UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from invoicepay.domain.codec import from_dict
from invoicepay.domain.money import Money

Decoder: TypeAlias = Callable[[Any], Any]

MOST_REMEMBERED = 1_024
LONGEST_REMEMBERED = 2_000
"""Short texts that come again, as policies do, are read once."""

_FROZEN = (str, int, bool, NoneType, Decimal, Money, date, datetime)


def composed(annotation: Any) -> Callable[[str], Any]:
    """A reader of texts of one annotation."""
    decode = _decoder(annotation)

    def read(text: str) -> Any:
        data = json.loads(text)
        try:
            return decode(data)
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError):
            return from_dict(annotation, data)

    if not _is_frozen(annotation):
        return read
    remembered = lru_cache(MOST_REMEMBERED)(read)
    return lambda text: remembered(text) if len(text) <= LONGEST_REMEMBERED else read(text)


def _is_frozen(annotation: Any) -> bool:
    """Whether everybody may be given the same object, because nobody can change it."""
    if get_origin(annotation) in (tuple, Union, UnionType):
        return all(part is ... or _is_frozen(part) for part in get_args(annotation))
    if isinstance(annotation, type) and is_dataclass(annotation):
        hints = get_type_hints(annotation)
        return all(_is_frozen(hints[part.name]) for part in fields(annotation))
    return annotation in _FROZEN or (isinstance(annotation, type) and issubclass(annotation, StrEnum))


def _decoder(annotation: Any) -> Decoder:
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation is Decimal:
        return _decimal
    if annotation is Money:
        return _money
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return {choice.value: choice for choice in annotation}.__getitem__
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _dataclass_decoder(annotation)
    if origin in (Union, UnionType) and len(args) == 2 and NoneType in args:
        decode = _decoder(next(choice for choice in args if choice is not NoneType))
        return lambda value: None if value is None else decode(value)
    if origin is tuple and args[1:] == (...,):
        decode_one = _decoder(args[0])
        return lambda values: tuple([decode_one(value) for value in values])
    return partial(from_dict, annotation)


_decimal, _amount = lru_cache(MOST_REMEMBERED)(Decimal), lru_cache(MOST_REMEMBERED)(Money.restored)


def _money(value: Any) -> Money:
    return _amount(value["amount"], value["asset"])


def _dataclass_decoder(kind: Any) -> Decoder:
    hints = get_type_hints(kind)
    decoders = {
        name: None if hint in (str, int, bool) else _decoder(hint)
        for name, hint in hints.items()
        if name in kind.__dataclass_fields__
    }

    def decode(value: dict[str, Any]) -> Any:
        return kind(
            **{name: part if (read := decoders[name]) is None else read(part) for name, part in value.items()}
        )

    return decode
