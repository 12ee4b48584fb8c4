"""The JSON text of each kind of field, by what it is declared to hold: hashed, stored and replayed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, make_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any, Optional, Union

import pytest

from invoicepay.domain.canonical import asked, canonical, series
from invoicepay.domain.codec import encode
from invoicepay.domain.money import Money
from invoicepay.errors import MalformedData


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    size: int
    name: str = "n"


OLD, OLDER = Optional[str], Union[None, bool]  # noqa: UP007, UP045 - both spellings are read
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MONEY = '{"amount":"12.50","asset":"USD"}'
INNER = '{"name":"n","size":3}'

TEXTS: list[tuple[Any, Any, str]] = [
    (str, "plain", '"plain"'),
    (str, 'a "quote" \\ / \n é \U0001f600', r'"a \"quote\" \\ / \n \u00e9 \ud83d\ude00"'),
    (int, -7, "-7"),
    (int, 10**30, "1" + "0" * 30),
    (bool, True, "true"),
    (bool, False, "false"),
    (Money, Money.of("12.50 USD"), MONEY),
    (Money, Money.of("0 USD"), '{"amount":"0.00","asset":"USD"}'),
    (Money, Money.of("0 JPY"), '{"amount":"0","asset":"JPY"}'),
    (datetime, NOON, '"2026-01-05T12:00:00.000000Z"'),
    (datetime, NOON.astimezone(timezone(timedelta(hours=2))), '"2026-01-05T12:00:00.000000Z"'),
    (date, date(2026, 1, 5), '"2026-01-05"'),
    (Decimal, Decimal("0.190"), '"0.190"'),
    (Decimal, Decimal("1E+3"), '"1E+3"'),
    (Colour, Colour.RED, '"red"'),
    (Inner, Inner(3), INNER),
    (OLD, None, "null"),
    (OLD, "", '""'),
    (str | None, "null", '"null"'),
    (None | int, None, "null"),
    (None | int, 0, "0"),
    (OLDER, False, "false"),
    (Money | None, Money.of("12.50 USD"), MONEY),
    (Inner | None, Inner(3), INNER),
    (Inner | None, None, "null"),
    (int | str, "5", '"5"'),
    (int | str, 5, "5"),
    (int | str | None, None, "null"),
    (int | str | None, "5", '"5"'),
    (tuple[int, ...], (), "[]"),
    (tuple[int, ...], (1, 2), "[1,2]"),
    (tuple[Inner, ...], (Inner(3), Inner(3)), f"[{INNER},{INNER}]"),
    (tuple[int, ...] | None, None, "null"),
    (tuple[int, ...] | None, (1, 2), "[1,2]"),
    (tuple[int | None, ...], (1, None), "[1,null]"),
    (tuple[tuple[str, ...], ...], (("a",), ()), '[["a"],[]]'),
    (tuple[str, int], ("a", 1), '["a",1]'),
    (Mapping[str, Any], {"b": 1, "a": Money.of("12.50 USD")}, f'{{"a":{MONEY},"b":1}}'),
    (Any, Inner(3), INNER),
    (object, None, "null"),
]


def fresh(*annotations: Any) -> Any:
    """A class that nobody has written yet, with fields x0, x1 and so on."""
    return make_dataclass("Fresh", [(f"x{n}", one) for n, one in enumerate(annotations)], frozen=True)


@pytest.mark.parametrize(("declared", "value", "text"), TEXTS, ids=range(len(TEXTS)))
def test_a_field_has_one_text(declared: Any, value: Any, text: str) -> None:
    made = fresh(declared)(value)

    assert canonical(made) == f'{{"x0":{text}}}'
    assert asked(made) == canonical(made)
    assert canonical({"x0": value}) == canonical(made)
    assert json.dumps(encode(made), sort_keys=True, separators=(",", ":")) == canonical(made)


def test_fields_come_by_name_whatever_their_order_and_kind() -> None:
    made = make_dataclass("Made", [("b", int), ("c", OLD), ("a", tuple[str, ...])])(1, None, ("x",))

    assert canonical(made) == '{"a":["x"],"b":1,"c":null}'
    assert asked(made) == canonical(made)


def test_a_class_without_fields_is_an_empty_object() -> None:
    assert (canonical(fresh()()), asked(fresh()())) == ("{}", "{}")


def test_what_a_class_works_out_itself_is_not_written() -> None:
    @dataclass
    class Doubled:
        n: int
        twice: int = field(init=False, default=0)

    assert canonical(Doubled(4)) == '{"n":4}'


def test_a_command_is_asked_by_what_differs_from_its_defaults_and_compares() -> None:
    @dataclass(frozen=True)
    class Command:
        id: str
        note: str = ""
        parts: tuple[str, ...] = ()
        limit: int | None = None
        verdict: str = field(default="unknown", compare=False)

    full = Command("i", "n", ("p",), 5, "allowed")

    assert asked(Command("")) == '{"id":""}'
    assert asked(full) == '{"id":"i","limit":5,"note":"n","parts":["p"]}'
    assert asked(Command("i", verdict="allowed")) == asked(Command("i")) == '{"id":"i"}'
    assert '"verdict":"allowed"' in canonical(full)


@pytest.mark.parametrize(
    ("declared", "value"), [(Any, 0.5), (object, b"x"), (tuple[Any, ...], (0.5,)), (Any, float("nan"))]
)
def test_what_has_no_stored_form_is_refused_in_every_place(declared: Any, value: Any) -> None:
    for made in (value, [value], {"a": value}, fresh(declared)(value)):
        with pytest.raises(MalformedData):
            canonical(made)


@pytest.mark.parametrize(("parts", "text"), [([], "[]"), (["1"], "[1]"), (["1", '"a"'], '[1,"a"]')])
def test_parts_that_are_json_make_a_list(parts: list[str], text: str) -> None:
    assert series(parts) == text


QUICK: list[Callable[[], Any]] = [
    lambda: fresh(str, int, bool, Money, datetime, date, Decimal, Colour)(
        *("a", 1, True, Money.of("1 USD"), NOON, NOON.date(), Decimal(1), Colour.RED)
    ),
    lambda: fresh(Inner, Inner | None, str | None, None | int)(Inner(3), Inner(3), "a", 5),
    lambda: fresh(tuple[Inner, ...], tuple[str, ...] | None, tuple[int | None, ...])(
        (Inner(3),), ("a",), (1,)
    ),
]


@pytest.mark.parametrize("make", QUICK, ids=range(len(QUICK)))
def test_what_is_declared_plainly_is_not_asked_what_it_is(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(value: object) -> object:
        raise AssertionError(f"the codec was asked about {value!r}")

    monkeypatch.setattr("invoicepay.domain.canonical.encode", slow)

    assert canonical(make()).startswith('{"x0":')
