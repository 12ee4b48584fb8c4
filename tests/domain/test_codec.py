"""The codec: values to JSON-ready values and back, strictly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any, ClassVar, Literal, NewType, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.domain.canonical import canonical
from invoicepay.domain.codec import encode, from_dict, to_dict
from invoicepay.domain.money import COLUMN_MAX, Money
from invoicepay.errors import FloatAmount, InvalidAmount, InvalidTime, MalformedData, UnknownAsset

PersonId = NewType("PersonId", str)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    price: Money
    weight: Decimal = Decimal(1)
    inner: "Part | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    KIND: ClassVar[str] = "thing"

    id: PersonId
    colour: Colour
    made_at: datetime
    parts: tuple[Part, ...] = ()
    due_on: date | None = None
    owner: Optional[PersonId] = None  # noqa: UP045 - both spellings of "may be absent" are read
    balance: Money | None = None
    tags: frozenset[Colour] = frozenset()
    labels: dict[str, str] = field(default_factory=dict)
    prices: Mapping[str, Money] = field(default_factory=dict[str, Money])
    shape: Literal["round", "square"] = "round"
    pair: tuple[str, int] = ("a", 1)
    size: Size = Size.SMALL
    count: int = 0
    is_new: bool = False
    note: Annotated[str, "free text"] = ""
    extra: dict[str, Any] = field(default_factory=dict)
    derived: str = field(init=False, default="never stored")


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
INNER = Part(name="bolt", price=Money("0.000001", "USD.tempo"))
THING = Thing(
    id=PersonId("t1"),
    colour=Colour.BLUE,
    made_at=NOON,
    parts=(Part(name="wheel", price=Money("12.5", "USD"), weight=Decimal("0.250"), inner=INNER),),
    due_on=date(2028, 2, 29),
    owner=PersonId("ann"),
    balance=-Money("5", "USD"),
    tags=frozenset(Colour),
    labels={"b": "2", "a": "1"},
    prices={"x": Money("1", "JPY")},
    shape="square",
    pair=("z", 26),
    count=-7,
    is_new=True,
    note="é",
    extra={"list": [1, None, "x"], "money": Money("1", "EUR")},
)
LEAST = {"id": "t1", "colour": "red", "made_at": "2026-01-31T12:00:00.000000Z"}


def test_values_become_json_ready() -> None:
    written = to_dict(THING)

    assert json.loads(json.dumps(written)) == written
    assert written["parts"][0] == {
        "name": "wheel",
        "price": {"amount": "12.50", "asset": "USD"},
        "weight": "0.250",
        "inner": {
            "name": "bolt",
            "price": {"amount": "0.000001", "asset": "USD.tempo"},
            "weight": "1",
            "inner": None,
        },
    }
    assert written["made_at"] == "2026-01-31T12:00:00.000000Z"
    assert written["due_on"] == "2028-02-29"
    assert written["balance"] == {"amount": "-5.00", "asset": "USD"}
    assert written["tags"] == ["blue", "red"]
    assert "derived" not in written
    assert "KIND" not in written


def test_what_was_written_is_read_back() -> None:
    again = from_dict(Thing, json.loads(json.dumps(to_dict(THING))))

    assert again.extra["money"] == {"amount": "1.00", "asset": "EUR"}
    assert again == from_dict(Thing, to_dict(again))
    assert (again.parts, again.tags, again.prices, again.pair) == (
        THING.parts,
        THING.tags,
        THING.prices,
        THING.pair,
    )
    assert type(again.colour) is Colour
    assert type(again.size) is Size


@given(
    st.builds(
        Part,
        name=st.text(),
        price=st.builds(
            Money.from_micros, st.integers(-COLUMN_MAX, COLUMN_MAX), st.sampled_from(["USD", "JPY"])
        ),
        weight=st.decimals(
            allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9
        ),
    )
)
def test_any_part_survives_the_trip(part: Part) -> None:
    assert from_dict(Part, json.loads(canonical(part))) == part


def test_fields_with_a_default_may_be_missing() -> None:
    assert from_dict(Thing, LEAST) == Thing(id=PersonId("t1"), colour=Colour.RED, made_at=NOON)


def test_other_types_than_dataclasses_are_read_by_their_annotation() -> None:
    assert from_dict(tuple[Part, ...], encode((INNER, INNER))) == (INNER, INNER)
    assert from_dict(Money, encode(Money("1", "USD"))) == Money("1", "USD")
    assert from_dict(dict[str, Money], {}) == {}
    assert encode(None) is None


def test_canonical_text_does_not_depend_on_order() -> None:
    assert canonical({"b": 1, "a": {"d": "é", "c": None}}) == '{"a":{"c":null,"d":"\\u00e9"},"b":1}'
    assert canonical({"x": frozenset(["b", "a"])}) == canonical({"x": frozenset(["a", "b"])})
    assert canonical(THING).isascii()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"status": "paid"}, "Thing has no status"),
        ({"derived": "x"}, "Thing has no derived"),
        ({"colour": "green"}, "Thing.colour is one of red, blue"),
        ({"colour": []}, "Thing.colour is one of red, blue"),
        ({"shape": "flat"}, "Thing.shape is one of round, square"),
        ({"count": True}, "Thing.count is int, not bool"),
        ({"count": "1"}, "Thing.count is int, not str"),
        ({"count": 1.0}, "Thing.count is int, not float"),
        ({"count": 2**63}, "Thing.count: a whole number has at most 64 bits"),
        ({"is_new": 1}, "Thing.is_new is bool, not int"),
        ({"id": None}, "Thing.id is str, not NoneType"),
        ({"note": 1}, "Thing.note is str, not int"),
        ({"parts": {}}, "Thing.parts is a list, not dict"),
        ({"parts": [{}]}, "Part needs name, price"),
        ({"parts": ["x"]}, "Part is an object, not str"),
        (
            {"parts": [{"name": "x", "price": {"amount": "1", "asset": "USD"}, "weight": 0.5}]},
            "Part.weight is str",
        ),
        (
            {"parts": [{"name": "x", "price": {"amount": "1", "asset": "USD"}, "weight": "NaN"}]},
            "Part.weight: a dec",
        ),
        ({"labels": {"a": 1}}, "Thing.labels is str, not int"),
        ({"labels": []}, "Thing.labels is an object, not list"),
        ({"labels": {1: "a"}}, "Thing.labels is an object"),
        ({"pair": ["a"]}, "Thing.pair is a list of 2"),
        ({"due_on": 5}, "Thing.due_on is str, not int"),
        ({"balance": "1 USD"}, "Thing.balance is dict, not str"),
        ({"balance": {"amount": "1"}}, "Thing.balance: money is written"),
        ({"balance": {"amount": "1", "asset": "USD", "x": 1}}, "Thing.balance: money is written"),
    ],
)
def test_data_of_another_shape_is_refused_with_its_place(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(MalformedData) as refusal:
        from_dict(Thing, {**LEAST, **change})

    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"made_at": "2026-01-31T12:00:00"}, InvalidTime),
        ({"due_on": "2026-02-30"}, InvalidTime),
        ({"balance": {"amount": "1e3", "asset": "USD"}}, InvalidAmount),
        ({"balance": {"amount": 1.5, "asset": "USD"}}, FloatAmount),
        ({"balance": {"amount": "1", "asset": "usd"}}, UnknownAsset),
    ],
)
def test_values_of_the_right_shape_are_still_checked(change: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"Thing.{next(iter(change))}"):
        from_dict(Thing, {**LEAST, **change})


@pytest.mark.parametrize("data", [None, [], "x", 1, [["id", "t1"]]])
def test_only_an_object_becomes_a_dataclass(data: object) -> None:
    with pytest.raises(MalformedData):
        from_dict(Thing, data)


def test_missing_fields_are_named() -> None:
    with pytest.raises(MalformedData, match="Thing needs colour, made_at"):
        from_dict(Thing, {"id": "t1"})


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), b"x", object(), {"a": 1.5}, [1.5], Decimal("NaN"), Decimal("1E+9999")]
)
def test_floats_bytes_and_strangers_have_no_stored_form(value: object) -> None:
    with pytest.raises(MalformedData):
        canonical(value)


def test_a_naive_instant_is_not_written() -> None:
    with pytest.raises(InvalidTime):
        encode(NOON.replace(tzinfo=None))
