"""A command holds what its fields declare, or is refused before anything is looked up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from invoicepay.domain.money import Money
from invoicepay.domain.shape import identifier, identifier_or_none, require_shape, whole
from invoicepay.errors import InvalidAmount, InvalidIdentifier, InvalidInput, InvalidText, InvalidTime


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    label: str
    share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    party_id: str
    amount: Money
    parts: tuple[Part, ...] = ()
    helper_ids: tuple[str, ...] = ()
    other_id: str = ""
    note: str | None = None
    count: int = 1
    is_urgent: bool = False
    at: datetime | None = None
    on: date | None = None
    colour: Colour = Colour.RED
    anything: Any = None


ORDER = Order(party_id="ann", amount=Money.of("1.00 USD"))


def test_what_is_declared_passes() -> None:
    require_shape(
        replace(
            ORDER,
            parts=(Part(label="a", share=Decimal(1)),),
            helper_ids=("bob",),
            note="größer",
            at=datetime(2026, 1, 5, tzinfo=UTC),
            on=date(2026, 1, 5),
            anything=object(),
        )
    )


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"party_id": ""}, InvalidIdentifier),
        ({"party_id": ["ann"]}, InvalidIdentifier),
        ({"other_id": None}, InvalidIdentifier),
        ({"helper_ids": ("bob", "")}, InvalidIdentifier),
        ({"helper_ids": ["bob"]}, InvalidInput),
        ({"amount": "1.00 USD"}, InvalidAmount),
        ({"amount": None}, InvalidAmount),
        ({"parts": ("a",)}, InvalidInput),
        ({"parts": (Part(label="a\0", share=Decimal(1)),)}, InvalidText),
        ({"parts": (Part(label="a", share=0.5),)}, InvalidInput),  # type: ignore[arg-type]
        ({"note": "\ud800"}, InvalidText),
        ({"note": "x" * 10_001}, InvalidText),
        ({"count": True}, InvalidInput),
        ({"count": 2**63}, InvalidInput),
        ({"is_urgent": 1}, InvalidInput),
        ({"at": datetime(2026, 1, 5)}, InvalidTime),  # noqa: DTZ001 - the point
        ({"on": datetime(2026, 1, 5, tzinfo=UTC)}, InvalidTime),
        ({"colour": "red"}, InvalidInput),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_anything_else_is_refused_by_its_field(wrong: dict[str, Any], kind: type[InvalidInput]) -> None:
    with pytest.raises(kind) as caught:
        require_shape(replace(ORDER, **wrong))

    assert caught.value.details["field"]


def test_an_id_may_be_left_out_only_where_the_command_says_so() -> None:
    assert identifier_or_none("", "the payer") == ""
    with pytest.raises(InvalidIdentifier):
        identifier("", "the payer")


@pytest.mark.parametrize("number", [0, 201, -1])
def test_a_number_keeps_its_bounds(number: int) -> None:
    assert whole(200, "limit", least=1, most=200) == 200
    with pytest.raises(InvalidInput, match="between 1 and 200"):
        whole(number, "limit", least=1, most=200)
