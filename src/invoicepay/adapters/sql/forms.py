"""Rows as text for the database and back: for each kind of entity one reader and one writer, made once.

Every value is written as text or left out, on PostgreSQL and on SQLite alike: the column says what it is. A
row passes here for every payment, so its reader and writer are one expression each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from invoicepay.domain.canonical import canonical
from invoicepay.domain.codec import from_dict
from invoicepay.domain.entity import Entity
from invoicepay.domain.money import Money
from invoicepay.domain.time import iso

if TYPE_CHECKING:
    from invoicepay.adapters.sql.rows import Field

Form: TypeAlias = Literal["text", "whole", "flag", "money", "instant", "day", "choice", "composed"]
Row: TypeAlias = tuple[str | None, ...]
Writer: TypeAlias = Callable[[str, Any], Row]
Reader: TypeAlias = Callable[[Sequence[Any]], Any]

MOST_REMEMBERED = 1_024
"""Instants, amounts and short composed values that are not read or written afresh each time."""
LONGEST_REMEMBERED = 2_000


instant_text = lru_cache(MOST_REMEMBERED)(iso)
"""An instant as text; one command writes the same one many times."""

amount = lru_cache(MOST_REMEMBERED)(Money.from_micros)
"""An amount of a stored row; most of a row's amounts are equal or nothing."""


def instant(stored: datetime | str) -> datetime:
    """A stored instant in UTC."""
    value = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def day(stored: date | str) -> date:
    """A stored date."""
    return date.fromisoformat(stored) if isinstance(stored, str) else stored


@dataclass(slots=True)
class _Names:
    """What generated expressions refer to."""

    known: dict[str, Any] = field(default_factory=dict[str, Any])

    def of(self, value: Any) -> str:
        """The name of a value in expressions."""
        name = f"v{len(self.known)}"
        self.known[name] = value
        return name


def writer(fields: Sequence[Field]) -> Writer:
    """A function of tenant and row that returns the row's values in the order of the fields."""
    names = _Names()
    parts = [_optional(each, f"row.{each.name}", _written(each, names)) for each in fields]
    return _compiled(f"lambda tenant, row: (tenant, {', '.join(parts)})", names)


def reader(kind: type[Entity], fields: Sequence[Field]) -> Reader:
    """A function of a stored row that returns the entity."""
    names = _Names()
    asset = next((f"row[{place}]" for place, each in enumerate(fields) if each.name == "asset"), "''")
    parts = [
        f"{each.name}={_optional(each, f'row[{place}]', _read(each, f'row[{place}]', asset, names))}"
        for place, each in enumerate(fields)
    ]
    return _compiled(f"lambda row: {names.of(kind)}({', '.join(parts)})", names)


def _compiled(source: str, names: _Names) -> Callable[..., Any]:
    made: Callable[..., Any] = eval(source, names.known)  # noqa: S307 - made of names of our own fields
    return made


def _optional(field: Field, value: str, expression: str) -> str:
    return f"(None if {value} is None else {expression})" if field.nullable else expression


def _written(field: Field, names: _Names) -> str:
    value = f"row.{field.name}"
    match field.form:
        case "text":
            return value
        case "whole":
            return f"str({value})"
        case "flag":
            return f"('1' if {value} else '0')"
        case "money":
            return f"str({value}.micros)"
        case "instant":
            return f"{names.of(instant_text)}({value})"
        case "day":
            return f"{value}.isoformat()"
        case "choice":
            return f"{names.of({choice: choice.value for choice in field.annotation})}[{value}]"
        case _:
            return f"{names.of(canonical)}({value})"


def _read(field: Field, value: str, asset: str, names: _Names) -> str:
    match field.form:
        case "text" | "whole":
            return value
        case "flag":
            return f"bool({value})"
        case "money":
            return f"{names.of(amount)}({value}, {asset})"
        case "instant":
            return f"{names.of(instant)}({value})"
        case "day":
            return f"{names.of(day)}({value})"
        case "choice":
            return f"{names.of({choice.value: choice for choice in field.annotation})}[{value}]"
        case _:
            return f"{names.of(_composed(field.annotation))}({value})"


def _composed(annotation: Any) -> Callable[[str], Any]:
    """A reader of lines, policies and the like; what is short and comes again is read once."""

    def read(text: str) -> Any:
        return from_dict(annotation, json.loads(text))

    remembered = lru_cache(MOST_REMEMBERED)(read)
    return lambda text: remembered(text) if len(text) <= LONGEST_REMEMBERED else read(text)
