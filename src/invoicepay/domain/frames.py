"""Values as a pandas data frame: a row each, amounts as exact decimals beside their asset, never floats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from invoicepay.domain.codec import encode
from invoicepay.domain.money import Money
from invoicepay.errors import MissingExtra

_PLAIN = (str, bool, int, Decimal, date, NoneType)
_DTYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "Int64"),
    (str, "string"),
    (datetime, "datetime64[us, UTC]"),
)


def data_frame(kind: type[Any], rows: Iterable[Any], names: Sequence[str] = ()) -> Any:
    """A `pandas.DataFrame` with a row for each value, and the same columns and dtypes whatever they hold.

    An amount is a `Decimal`; its asset stands in the column `asset`, or in one of its own where the values
    have no such field. Instants are UTC timestamps, whole numbers and truths nullable, words plain text; what
    is absent is missing. Lists, such as an invoice's lines, are JSON-ready values.

    Args:
        names: fields and properties to show; every field when left out.

    Raises:
        MissingExtra: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingExtra("dataframe", needed_for="to_df()") from error
    columns = _columns(kind, list(rows), names or _fields(kind))
    return pandas.DataFrame({name: pandas.Series(cells, dtype=dtype) for name, dtype, cells in columns})


def _fields(kind: type[Any]) -> list[str]:
    assert is_dataclass(kind), f"{kind.__name__} is no dataclass"
    return [part.name for part in fields(kind) if part.metadata.get("transient") is None]


def _columns(
    kind: type[Any], rows: Sequence[Any], names: Sequence[str]
) -> Iterator[tuple[str, str, list[Any]]]:
    """Each column's name, dtype and cells."""
    hints = get_type_hints(kind)
    for name in names:
        annotation = _present(hints.get(name) or _of_property(kind, name))
        cells = [getattr(row, name) for row in rows]
        yield name, _dtype(annotation), [_plain(cell) for cell in cells]
        if annotation is Money and "asset" not in names:
            yield f"{name}_asset", "string", [None if cell is None else cell.asset for cell in cells]


def _of_property(kind: type[Any], name: str) -> Any:
    return get_type_hints(getattr(kind, name).fget)["return"]


def _present(annotation: Any) -> Any:
    """The annotation of a value that is there."""
    if get_origin(annotation) in (Union, UnionType):
        return next(choice for choice in get_args(annotation) if choice is not NoneType)
    return annotation


def _dtype(annotation: Any) -> str:
    """The dtype that holds such values exactly, and the absent ones as absent."""
    if not isinstance(annotation, type):
        return "object"
    if issubclass(annotation, Enum):
        return "string"
    return next((dtype for kind, dtype in _DTYPES if issubclass(annotation, kind)), "object")


def _plain(cell: Any) -> Any:
    if isinstance(cell, Money):
        return cell.amount
    if isinstance(cell, Enum):
        return str(cell.value)
    return cell if isinstance(cell, _PLAIN) else encode(cell)
