"""Our values as JSON-ready values and back: by annotation, strictly, compiled once for each class."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NewType,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from invoicepay.domain.money import Money, money_to
from invoicepay.domain.time import date_from, from_iso, iso
from invoicepay.errors import InvalidInput, InvoicePayError, MalformedData, error_from

T = TypeVar("T")
Encoder: TypeAlias = Callable[[Any], Any]
Decoder: TypeAlias = Callable[[Any], Any]

_PLAIN = (str, int, bool, NoneType)
_DECIMAL = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:E[+-]?[0-9]{1,3})?")
_DECIMAL_LENGTH = 64
_INT_LIMIT = 2**63


def to_dict(value: object) -> dict[str, Any]:
    """The JSON-ready form of one of our dataclasses.

    Money becomes {"amount", "asset"}, instants UTC text with Z, dates and decimals text, enums their value,
    tuples and sets lists. `from_dict` reads it back.
    """
    assert is_dataclass(value), f"{type(value).__name__} is no dataclass"
    written: dict[str, Any] = encode(value)
    return written


def encode(value: object) -> Any:
    """The JSON-ready form of any value of ours: a dataclass, a tuple of them, an amount, a word.

    Raises:
        MalformedData: the value holds something without a stored form, for example a float.
    """
    kind: Any = type(value)
    return _encoder(kind)(value)


def from_dict(kind: type[T], data: object) -> T:
    """Read what `to_dict` or `encode` wrote.

    Args:
        kind: the dataclass, or any annotation made of supported types, for example `tuple[Line, ...]`.
        data: JSON-ready values; a field with a default may be missing.

    Raises:
        MalformedData: an unknown key, a missing field, or a value of another type (S-32).
        InvalidInput: a value of the right type that is not valid.
    """
    annotation: Any = kind
    value: T = _decoder(annotation, getattr(kind, "__name__", str(kind)))(data)
    return value


@cache
def _encoder(kind: type) -> Encoder:
    for base, encoder in _ENCODERS:
        if issubclass(kind, base):
            return encoder
    if is_dataclass(kind):
        return _dataclass_encoder(kind)
    raise MalformedData(f"{kind.__name__} has no stored form")


def _dataclass_encoder(kind: type) -> Encoder:
    hints = get_type_hints(kind)
    names = [part.name for part in fields(kind) if part.init]
    composed = [name for name in names if not _is_plain(hints[name])]

    def write(value: Any) -> dict[str, Any]:
        written = {name: getattr(value, name) for name in names}
        for name in composed:
            written[name] = encode(written[name])
        return written

    return write


def _is_plain(annotation: Any) -> bool:
    """Whether values of this annotation are JSON-ready as they are."""
    if get_origin(annotation) in (Union, UnionType):
        return all(_is_plain(choice) for choice in get_args(annotation))
    return annotation in _PLAIN


def _same(value: Any) -> Any:
    return value


def decimal_text(value: Decimal) -> str:
    """A decimal's stored form.

    Raises:
        MalformedData: not finite, or longer than any number that is meant.
    """
    text = str(value)
    if len(text) > _DECIMAL_LENGTH or not _DECIMAL.fullmatch(text):
        raise MalformedData("a decimal is finite and of moderate length")
    return text


def _list(values: Collection[Any]) -> list[Any]:
    return [encode(value) for value in values]


def _sorted_list(values: Collection[Any]) -> list[Any]:
    return sorted(_list(values), key=lambda item: json.dumps(item, sort_keys=True))


def _mapping(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): encode(value) for key, value in values.items()}


_ENCODERS: tuple[tuple[type | tuple[type, ...], Encoder], ...] = (
    (Enum, attrgetter("value")),
    (_PLAIN, _same),
    (Money, money_to),
    (Decimal, decimal_text),
    (datetime, iso),
    (date, date.isoformat),
    ((tuple, list), _list),
    ((frozenset, set), _sorted_list),
    (Mapping, _mapping),
    (InvoicePayError, InvoicePayError.to_record),
)


@cache
def _decoder(annotation: Any, where: str) -> Decoder:
    """A reader of values with this annotation; `where` names the place in errors."""
    if annotation in (Any, object):
        return _same
    if isinstance(annotation, NewType):
        return _decoder(annotation.__supertype__, where)
    if get_origin(annotation) is not None:
        return _composed_decoder(get_origin(annotation), get_args(annotation), where)
    if annotation in _SCALARS:
        return _scalar_decoder(annotation, where)
    if is_dataclass(annotation):
        kind: Any = annotation
        return lambda value: _dataclass_decoder(kind)(value)  # on first use: classes may name each other
    if annotation is InvoicePayError:
        return _error_from
    assert isinstance(annotation, type) and issubclass(annotation, Enum), (
        f"{where}: cannot store {annotation!r}"
    )
    return _choice_decoder({member.value: member for member in annotation}, where)


def _composed_decoder(origin: Any, args: tuple[Any, ...], where: str) -> Decoder:
    if origin is Annotated:
        return _decoder(args[0], where)
    if origin is Literal:
        return _choice_decoder({choice: choice for choice in args}, where)
    if origin in (Union, UnionType):
        return _optional_decoder(args, where)
    if origin is tuple and args[1:] != (...,):
        return _fixed_tuple_decoder(args, where)
    if origin in (tuple, list, frozenset, set):
        return _series_decoder(origin, _decoder(args[0], where), where)
    assert issubclass(origin, Mapping) and args[0] is str, f"{where}: only mappings with text keys are stored"
    return _mapping_decoder(_decoder(args[1], where), where)


def _optional_decoder(choices: tuple[Any, ...], where: str) -> Decoder:
    (choice,) = (choice for choice in choices if choice is not NoneType)
    read = _decoder(choice, where)
    return lambda value: None if value is None else read(value)


def _fixed_tuple_decoder(args: tuple[Any, ...], where: str) -> Decoder:
    readers = [_decoder(arg, where) for arg in args]

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) != len(readers):
            raise MalformedData(f"{where} is a list of {len(readers)}", field=where)
        return tuple(reader(item) for reader, item in zip(readers, value, strict=True))

    return read


def _series_decoder(kind: Callable[[list[Any]], Any], reader: Decoder, where: str) -> Decoder:
    def read(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise MalformedData(f"{where} is a list, not {type(value).__name__}", field=where)
        return kind([reader(item) for item in value])

    return read


def _mapping_decoder(reader: Decoder, where: str) -> Decoder:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise MalformedData(f"{where} is an object, not {type(value).__name__}", field=where)
        return {key: reader(item) for key, item in value.items()}

    return read


def _choice_decoder(choices: Mapping[Any, Any], where: str) -> Decoder:
    def read(value: Any) -> Any:
        if not isinstance(value, str | int | None) or value not in choices:
            raise MalformedData(f"{where} is one of {', '.join(map(str, choices))}", field=where)
        return choices[value]

    return read


def _scalar_decoder(kind: Any, where: str) -> Decoder:
    form, convert = _SCALARS[kind]

    def read(value: Any) -> Any:
        if not isinstance(value, form) or (form is int and isinstance(value, bool)):
            raise MalformedData(f"{where} is {form.__name__}, not {type(value).__name__}", field=where)
        try:
            return convert(value)
        except InvalidInput as error:
            raise type(error)(f"{where}: {error.message}", field=where) from error

    return read


def _bounded(value: int) -> int:
    if not -_INT_LIMIT <= value < _INT_LIMIT:
        raise MalformedData("a whole number has at most 64 bits")
    return value


def _decimal_from(text: str) -> Decimal:
    if len(text) > _DECIMAL_LENGTH or not _DECIMAL.fullmatch(text):
        raise MalformedData("a decimal is text such as 0.19")
    return Decimal(text)


def _money_from(value: dict[str, Any]) -> Money:
    """Money of either sign: what was stored, not what a caller passed."""
    if value.keys() != {"amount", "asset"}:
        raise MalformedData('money is written {"amount": "12.30", "asset": "USD"}')
    return Money.restored(value["amount"], value["asset"])


def _error_from(value: Any) -> InvoicePayError:
    """A refusal as `to_record` wrote it."""
    if not isinstance(value, Mapping) or value.keys() != {"code", "message", "hint", "details"}:
        raise MalformedData("an error is written with its code, message, hint and details")
    return error_from(**value)


_SCALARS: dict[Any, tuple[type, Decoder]] = {
    str: (str, _same),
    int: (int, _bounded),
    bool: (bool, _same),
    Decimal: (str, _decimal_from),
    datetime: (str, from_iso),
    date: (str, date_from),
    Money: (dict, _money_from),
}


@cache
def _dataclass_decoder(kind: type) -> Decoder:
    hints = get_type_hints(kind, include_extras=True)
    parts = [part for part in fields(kind) if part.init]
    readers = {part.name: _decoder(hints[part.name], f"{kind.__name__}.{part.name}") for part in parts}
    required = {part.name for part in parts if part.default is MISSING and part.default_factory is MISSING}
    name = kind.__name__

    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise MalformedData(f"{name} is an object, not {type(value).__name__}")
        unknown = value.keys() - readers.keys()
        if unknown:
            raise MalformedData(f"{name} has no {', '.join(sorted(map(str, unknown)))}")
        missing = required - value.keys()
        if missing:
            raise MalformedData(f"{name} needs {', '.join(sorted(missing))}")
        return kind(**{key: readers[key](item) for key, item in value.items()})

    return read
