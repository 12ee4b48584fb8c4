"""Rows as text for the database and back: for each kind of entity one reader and one writer, made once.

Every value is written as text or left out, on PostgreSQL and on SQLite alike: the column says what it is. A
row passes here for every payment, so its reader and writer are written out for its class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from invoicepay.adapters.sql.composed import composed
from invoicepay.domain.canonical import canonical
from invoicepay.domain.money import Money
from invoicepay.domain.quick import opened
from invoicepay.domain.time import iso

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

Form: TypeAlias = Literal["text", "whole", "flag", "money", "instant", "day", "choice", "composed"]
Row: TypeAlias = tuple[str | None, ...]
Writer: TypeAlias = Callable[[str, Any], Row]
Reader: TypeAlias = Callable[[Sequence[Any]], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an entity as a column; `money` takes the row's asset on the way back."""

    name: str
    form: Form
    type: TypeEngine[Any]
    nullable: bool
    annotation: Any


MOST_REMEMBERED = 1_024
"""Instants and amounts that are not read or written afresh each time."""

instant_text: Callable[[datetime], str] = lru_cache(MOST_REMEMBERED)(iso)
"""An instant as text; one command writes the same one many times."""

amount: Callable[[int, str], Money] = lru_cache(MOST_REMEMBERED)(Money.from_micros)
"""An amount of a stored row; most of a row's amounts are equal or nothing."""


def _new(kind: Any) -> Any:
    return object.__new__(kind)


def instant(stored: datetime | str) -> datetime:
    """A stored instant in UTC."""
    value = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def day(stored: date | str) -> date:
    """A stored date."""
    return date.fromisoformat(stored) if isinstance(stored, str) else stored


@dataclass(slots=True)
class _Names:
    """What generated functions refer to."""

    known: dict[str, Any] = field(default_factory=dict[str, Any])

    def of(self, value: Any) -> str:
        """The name of a value in generated functions."""
        name = f"v{len(self.known)}"
        self.known[name] = value
        return name

    def function(self, arguments: str, *lines: str) -> Callable[..., Any]:
        """A function of these lines; they hold names of our own fields and nothing else."""
        body = "\n".join(f"    {line}" for line in lines)
        exec(f"def made({arguments}):\n{body}", self.known)  # noqa: S102 - see above
        made: Callable[..., Any] = self.known["made"]
        return made


def writer(stored: Sequence[Field]) -> Writer:
    """A function of tenant and row that returns the row's values in the order of the fields."""
    names = _Names()
    parts = [_optional(each, f"row.{each.name}", _written(each, names)) for each in stored]
    return names.function("tenant, row", f"return (tenant, {', '.join(parts)})")


def reader(kind: Any, stored: Sequence[Field]) -> Reader:
    """A function of a stored row that returns the entity."""
    names = _Names()
    kept = {part.name for part in stored}
    others = [part for part in fields(kind) if part.name not in kept]
    return names.function(
        "row",
        f"{', '.join(f'_{part.name}' for part in stored)} = row",
        f"made = {names.of(_new)}({names.of(opened(kind))})",
        *(f"made.{part.name} = {_optional(part, f'_{part.name}', _read(part, names))}" for part in stored),
        *(f"made.{part.name} = {names.of(part.default)}" for part in others),
        f"made.__class__ = {names.of(kind)}",
        "return made",
    )


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


def _read(field: Field, names: _Names) -> str:
    value = f"_{field.name}"
    match field.form:
        case "text" | "whole":
            return value
        case "flag":
            return f"bool({value})"
        case "money":
            return f"{names.of(amount)}({value}, _asset)"
        case "instant":
            return f"{names.of(instant)}({value})"
        case "day":
            return f"{names.of(day)}({value})"
        case "choice":
            return f"{names.of({choice.value: choice for choice in field.annotation})}[{value}]"
        case _:
            return f"{names.of(composed(field.annotation))}({value})"
