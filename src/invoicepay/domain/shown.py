"""What a host is given: values that write themselves as JSON-ready dicts and that a notebook can draw."""

from __future__ import annotations

from typing import Any, ClassVar

from invoicepay.domain.codec import to_dict
from invoicepay.domain.html import card


class Shown:
    """A dataclass of ours that leaves the library.

    Attributes:
        SHOWN: names of the fields and properties that a notebook draws; every field when empty.
    """

    __slots__ = ()

    SHOWN: ClassVar[tuple[str, ...]] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values by field: Money {"amount", "asset"}, instants UTC text, words their value."""
        return to_dict(self)

    def _repr_html_(self) -> str:
        """A table with one row for each field, for notebooks."""
        return card(self)
