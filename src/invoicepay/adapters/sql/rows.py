"""How an entity lies in a row: a column for each field, its type, and the way back."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime
from enum import Enum, StrEnum
from types import NoneType
from typing import Any, get_args, get_type_hints

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, Text, TypeDecorator
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from invoicepay.adapters.sql.forms import Field, Form, Reader, Writer, instant, reader, writer
from invoicepay.domain.canonical import canonical
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money
from invoicepay.domain.time import iso

Words: Text = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that every backend sorts alike: by code point, as Python does."""

Whole: BigInteger = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")
"""A signed number of 64 bits."""


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant: timestamptz, or on SQLite text that sorts by time."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = DateTime(timezone=True)
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return iso(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        return None if value is None else instant(value)


class Day(TypeDecorator[date]):
    """A calendar date: date, or on SQLite ISO text."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Date
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Date())

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        return value.isoformat() if value is not None and dialect.name == "sqlite" else value


class Flag(TypeDecorator[bool]):
    """Yes or no: boolean, or 0 and 1 on SQLite, whose strict tables know no boolean."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Boolean
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sqlite.INTEGER() if dialect.name == "sqlite" else Boolean())

    def process_result_value(self, value: Any, _dialect: Dialect) -> bool | None:
        return None if value is None else bool(value)


class Micros(TypeDecorator[int]):
    """Money as whole micros; the asset stands in the row's own column."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Whole
    cache_ok: bool | None = True

    def process_bind_param(self, value: Money | int | None, _dialect: Dialect) -> int | None:
        return value.micros if isinstance(value, Money) else value


class Choice(TypeDecorator[Any]):
    """A word out of an enumeration."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Words
    cache_ok: bool | None = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        return str(value.value) if isinstance(value, Enum) else value


class Composed(TypeDecorator[Any]):
    """Lines, policies and other values made of values: canonical JSON text."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Words
    cache_ok: bool | None = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)


_PLAIN: dict[Any, tuple[Form, TypeEngine[Any]]] = {
    str: ("text", Words),
    int: ("whole", Whole),
    bool: ("flag", Flag()),
    datetime: ("instant", Instant()),
    date: ("day", Day()),
    Money: ("money", Micros()),
}


class Shape:
    """The stored form of one kind of entity: what says what it is first, what every row has last.

    Attributes:
        write: a row's values in the order of `columns`, each as text.
        read: the entity of a row's values in the order of `names`.
    """

    def __init__(self, kind: type[Entity]) -> None:
        hints = get_type_hints(kind)
        common = {part.name for part in fields(Entity)} - {"id"}
        stored = [part.name for part in fields(kind) if not part.metadata.get("transient")]
        stored.sort(key=lambda name: name in common)
        self.kind = kind
        self.fields: tuple[Field, ...] = tuple(_field(name, hints[name]) for name in stored)
        self.names: tuple[str, ...] = tuple(stored)
        self.columns: tuple[str, ...] = ("tenant_id", *stored)
        self.write: Writer = writer(self.fields)
        self.read: Reader = reader(kind, self.fields)
        self._by_name = {part.name: part for part in self.fields}
        self._writers: dict[tuple[str, ...], Writer] = {}

    def writer_of(self, names: tuple[str, ...]) -> Writer:
        """`write` for some of the columns."""
        if names not in self._writers:
            self._writers[names] = writer([self._by_name[name] for name in names])
        return self._writers[names]


def _field(name: str, annotation: Any) -> Field:
    choices = get_args(annotation)
    nullable = NoneType in choices and len(choices) == 2
    inner = next(choice for choice in choices if choice is not NoneType) if nullable else annotation
    form, type = _column_type(inner)
    return Field(name, form, type, nullable, inner)


def _column_type(annotation: Any) -> tuple[Form, TypeEngine[Any]]:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return "choice", Choice(annotation)
    return "composed", Composed()
