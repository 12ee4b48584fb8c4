"""What a batch asks and writes travels in sets: the same answers as one by one, in as many statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, event

from invoicepay.adapters.sql.composed import composed
from invoicepay.domain.canonical import canonical
from invoicepay.domain.change import Change
from invoicepay.domain.credits import available_lots
from invoicepay.domain.deposits import Deposit
from invoicepay.domain.effects import Effect
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Find, find, need
from invoicepay.testing.samples import sample
from invoicepay.testing.store import Store
from tests.support.sql import Stores, engine_for

MANY = 300


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    with engine_for(url) as engine:
        yield engine


@pytest.fixture
def store(stores: Stores, url: str, engine: Engine) -> Store:
    stores.made(url)
    return stores.opened(engine)


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """What the engine is asked meanwhile."""
    told: list[str] = []

    def tell(*args: Any) -> None:
        told.append(args[2])

    event.listen(engine, "before_cursor_execute", tell)
    yield told
    event.remove(engine, "before_cursor_execute", tell)


def holds(count: int) -> list[Hold]:
    return [
        sample(
            Hold, number, owner_id=f"own {number % 100}", reason=f"é'\\{number % 3}", status=HoldStatus.ACTIVE
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    "searches",
    [
        [find(Hold, owner_id=f"own {number}") for number in range(0, 150, 2)],
        [find(Hold, owner_id=f"own {n}", reason=f"é'\\{n % 3}") for n in range(150)],
        [find(Hold, owner_id=f"own {n}", status=HoldStatus.ACTIVE, order=("-amount",)) for n in range(90)],
        [find(Hold, owner_id=f"own {number}", only_read=True) for number in range(90)],
    ],
    ids=["one field", "two fields", "ordered", "only read"],
)
def test_searches_of_one_form_are_one_statement_and_find_what_they_find_alone(
    store: Store, engine: Engine, searches: list[Find[Any]]
) -> None:
    store.add(*holds(MANY))

    with statements(engine) as told:
        seen = store.loaded(need(finds=searches))

    assert len([text for text in told if "FROM holds" in text]) == 1
    for wanted in searches:
        assert seen.search(wanted) == store.found(wanted)


def test_searches_that_differ_in_more_than_words_are_asked_one_by_one(store: Store) -> None:
    store.add(*holds(MANY))
    searches: list[Find[Any]] = [
        find(Hold, owner_id="own 1"),
        find(Hold, owner_id=""),
        find(Hold, owner_id="own 2", limit=1),
        find(Hold, owner_id__in=("own 3", "own 4")),
        find(Hold, expires_at=None),
        find(Hold, amount=Money.from_micros(3, "USD")),
        *(find(Deposit, provider="acme", provider_ref=ref) for ref in ("", "r-1", "r-2")),
        *(available_lots("acme", customer, "USD") for customer in ("ann", "ben")),
        *(find(Effect, cause_id=cause) for cause in ("a", "b")),
    ]

    seen = store.loaded(need(finds=searches))

    for wanted in searches:
        if wanted.limit is None:
            assert seen.search(wanted) == store.found(wanted)


def test_many_rows_come_back_as_they_were_written(store: Store) -> None:
    rows = holds(MANY)

    store.add(*rows)

    stored = {hold.id: hold for hold in store.found(find(Hold))}
    assert [(stored[row.id].reason, stored[row.id].amount, stored[row.id].expires_at) for row in rows] == [
        (row.reason, row.amount, row.expires_at) for row in rows
    ]


def test_a_change_writes_only_the_columns_that_changed(store: Store, engine: Engine) -> None:
    store.add(*holds(MANY))
    keys = [(Hold, hold.id) for hold in holds(MANY)]

    def move(change: Change) -> None:
        for kind, id in keys:
            change.put(replace(change.get(kind, id), reason="moved"))

    with statements(engine) as told:
        store.write(move, needs=need(*keys))

    (update,) = [text for text in told if text.startswith("UPDATE holds")]
    assert '"reason"' in update and '"amount"' not in update
    assert {hold.reason for hold in store.found(find(Hold))} == {"moved"}


def test_a_value_that_can_be_changed_is_read_afresh_each_time() -> None:
    read, read_lines = composed(dict[str, str]), composed(tuple[Line, ...])
    lines = canonical((Line.of("Goods", "1.00 USD"),))

    read('{"to_party":"ann"}')["to_party"] = "eve"

    assert read('{"to_party":"ann"}') == {"to_party": "ann"}
    assert read_lines(lines) is read_lines(lines)
