"""Values of every kind of entity, made from its annotations: a new field is tested from its first day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from importlib import import_module
from pkgutil import iter_modules
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from invoicepay import domain
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money
from invoicepay.domain.schedules import Every

E = TypeVar("E", bound=Entity)

ASSET = "USD"
_COMMON = {part.name for part in fields(Entity)}
_FIRST = datetime(2026, 1, 5, 9, 0, 0, 1, tzinfo=UTC)


def kinds() -> list[type[Entity]]:
    """Every kind of entity, by name."""
    modules = [import_module(f"{domain.__name__}.{module.name}") for module in iter_modules(domain.__path__)]
    found = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    return sorted(
        (kind for kind in found if issubclass(kind, Entity) and kind is not Entity),
        key=lambda kind: kind.KIND,
    )


def sample(kind: type[E], number: int, **given: Any) -> E:
    """The entity of that number: each number differs in every field that can differ.

    Args:
        number: even ones leave out what may be absent.
        given: fields to be as they are given.
    """
    hints = get_type_hints(kind)
    values = {
        part.name: _value(hints[part.name], part.name, number)
        for part in fields(kind)
        if part.name not in _COMMON
    }
    values |= {"id": f"{kind.KIND}-{number:04}"}
    if "asset" in values:
        values["asset"] = ASSET
    return kind(**values | given)


def _value(annotation: Any, name: str, number: int) -> Any:
    if annotation is Every:  # not every combination of its fields is a period
        return Every.month(number % 12 + 1, day=31)
    if annotation is str:
        return f"{name}-{number}"
    if annotation in _PLAIN:
        return _PLAIN[annotation](number)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        members = list(annotation)
        return members[number % len(members)]
    if is_dataclass(annotation):
        hints = get_type_hints(annotation)
        kind: Any = annotation
        return kind(**{part.name: _value(hints[part.name], part.name, number) for part in fields(kind)})
    return _composed(get_origin(annotation), get_args(annotation), name, number)


def _composed(origin: Any, args: tuple[Any, ...], name: str, number: int) -> Any:
    if origin in (Union, UnionType):
        (inner,) = (choice for choice in args if choice is not NoneType)
        return _value(inner, name, number) if number % 2 else None
    if origin is tuple:
        return tuple(_value(args[0], name, number + step) for step in range(2))
    assert issubclass(origin, Mapping), f"{name}: there is no sample of {origin}"
    return {f"{name}-{number}": _value(args[1], name, number)}


_PLAIN: dict[Any, Callable[[int], Any]] = {
    int: lambda number: number,
    bool: lambda number: bool(number % 2),
    Decimal: lambda number: Decimal(number).scaleb(-2),
    Money: lambda number: Money.from_micros(number * 1_000_001, ASSET),
    datetime: lambda number: _FIRST + timedelta(days=number, microseconds=number),
    date: lambda number: _FIRST.date() + timedelta(days=number),
}
