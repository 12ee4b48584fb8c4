"""How an entity lies in a row: a column for each field, its type, and the way back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from types import NoneType
from typing import Any, cast, get_args, get_type_hints

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, Text, TypeDecorator
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from invoicepay.domain.canonical import canonical
from invoicepay.domain.codec import from_dict
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money
from invoicepay.domain.time import iso

Words = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that every backend sorts alike: by code point, as Python does."""

Whole = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
"""A signed number of 64 bits."""


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant: timestamptz, or on SQLite text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return iso(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        stored = datetime.fromisoformat(value) if isinstance(value, str) else cast(datetime, value)
        return stored.astimezone(UTC)


class Day(TypeDecorator[date]):
    """A calendar date: date, or on SQLite ISO text."""

    impl = Date
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Date())

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        return value.isoformat() if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, _dialect: Dialect) -> date | None:
        return date.fromisoformat(value) if isinstance(value, str) else value


class Flag(TypeDecorator[bool]):
    """Yes or no: boolean, or 0 and 1 on SQLite, whose strict tables know no boolean."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sqlite.INTEGER() if dialect.name == "sqlite" else Boolean())

    def process_result_value(self, value: Any, _dialect: Dialect) -> bool | None:
        return None if value is None else bool(value)


class Micros(TypeDecorator[int]):
    """Money as whole micros; the asset stands in the row's own column."""

    impl = Whole
    cache_ok = True

    def process_bind_param(self, value: Money | int | None, _dialect: Dialect) -> int | None:
        return value.micros if isinstance(value, Money) else value


class Choice(TypeDecorator[Any]):
    """A word out of an enumeration."""

    impl = Words
    cache_ok = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        return str(value.value) if isinstance(value, Enum) else value

    def process_result_value(self, value: Any, _dialect: Dialect) -> Any:
        return None if value is None else self.choices(value)


class Composed(TypeDecorator[Any]):
    """Lines, policies and other values made of values: canonical JSON text."""

    impl = Words
    cache_ok = True

    def __init__(self, annotation: Any) -> None:
        super().__init__()
        self.annotation = annotation

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> Any:
        return None if value is None else from_dict(self.annotation, json.loads(value))


_PLAIN: dict[Any, TypeEngine[Any]] = {
    str: Words,
    int: Whole,
    bool: Flag(),
    datetime: Instant(),
    date: Day(),
    Money: Micros(),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an entity as a column; `is_money` fields take the row's asset on the way back."""

    name: str
    type: TypeEngine[Any]
    nullable: bool
    is_money: bool


class Shape:
    """The stored form of one kind of entity: what says what it is first, what every row has last."""

    def __init__(self, kind: type[Entity]) -> None:
        hints = get_type_hints(kind)
        common = {part.name for part in fields(Entity)} - {"id"}
        stored = [part.name for part in fields(kind) if not part.metadata.get("transient")]
        stored.sort(key=lambda name: name in common)
        self.kind = kind
        self.fields = tuple(_field(name, hints[name]) for name in stored)
        self.names = tuple(stored)
        self._amounts = [part.name for part in self.fields if part.is_money]

    def values(self, row: Entity) -> dict[str, Any]:
        """The row's values by column; the types of the columns write them."""
        return {name: getattr(row, name) for name in self.names}

    def read(self, stored: Sequence[Any]) -> Entity:
        """The entity of a stored row, its values in the order of `names`."""
        values = dict(zip(self.names, stored, strict=True))
        for name in self._amounts:
            if values[name] is not None:
                values[name] = Money.from_micros(values[name], values["asset"])
        return self.kind(**values)


def _field(name: str, annotation: Any) -> Field:
    choices = get_args(annotation)
    nullable = NoneType in choices and len(choices) == 2
    inner = next(choice for choice in choices if choice is not NoneType) if nullable else annotation
    return Field(name, _column_type(inner), nullable, inner is Money)


def _column_type(annotation: Any) -> TypeEngine[Any]:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return Choice(annotation)
    return Composed(annotation)
