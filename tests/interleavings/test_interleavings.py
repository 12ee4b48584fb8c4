"""All schedules of some pairs here; `python -m tests.interleavings` has those of every pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import comb
from typing import Any

import pytest
from sqlalchemy import text

from invoicepay.adapters.sql import statements
from invoicepay.adapters.sql.writing import Sending
from tests.interleavings.explore import explored
from tests.interleavings.footprints import all_pairs, footprints
from tests.interleavings.ground import Ground, ground
from tests.interleavings.pairs import Pair, pairs
from tests.interleavings.schedules import Run, carried_out, every
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.long

HERE = (
    "invoices.pay(invoice=open_invoice, amount=100.00 USD) | invoices.pay(invoice=open_invoice, payer=bob",
    "invoices.pay(invoice=open_invoice, amount=100.00 USD) | invoices.void",
    "holds.capture | holds.release",
    "requests.approve(pay_at=None) | requests.cancel",
    "deposits.confirm | deposits.review",
    "credits.apply(amount=20.00 USD) | credits.refund",
    "invoices.finalize | invoices.finalize",
)
"""Pairs in which only one may win, or the later one finds less."""


def chosen() -> list[Pair]:
    """The first pair that has each of the names."""
    return [next(pair for pair in pairs() if name in pair.name) for name in HERE]


@pytest.fixture(scope="module")
def on(postgres_server: PostgresServer) -> Iterator[Ground]:
    """The scene in PostgreSQL, while much waits for the worker."""
    with ground(postgres_server) as made:
        yield made


@pytest.mark.parametrize("pair", chosen(), ids=lambda pair: pair.name)
def test_every_schedule_ends_like_one_call_after_the_other(on: Ground, pair: Pair) -> None:
    found = explored(on, pair, most=200)

    assert found.faults == []
    assert found.is_whole
    assert found.schedules > 2


def test_calls_that_read_without_a_lock_are_found(on: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The explorer is no better than what it finds.

    Three things keep a change from getting lost: locks, versions, and that no event of a row comes twice.
    With all of them gone, two payments take the same rest.
    """
    locked, add = statements.locked_rows, Sending.add

    def unlocked(*asked: Any) -> str:
        return locked(*asked).partition(" FOR ")[0]

    def heedless(sending: Sending, statement: str, values: Any, **_wanted: Any) -> None:
        add(sending, statement, values)

    monkeypatch.setattr(statements, "locked_rows", unlocked)
    monkeypatch.setattr(Sending, "add", heedless)
    index = "uq_outbox_entity_id_kind_seq"
    on.execute(f"DROP INDEX {index}")
    try:
        assert explored(on, chosen()[0], most=40).faults
    finally:
        on.go_back()
        on.execute(f"CREATE UNIQUE INDEX {index} ON outbox (tenant_id, entity_id, kind, seq)")


@pytest.mark.parametrize("steps", [1, 3])
def test_two_that_have_nothing_in_common_meet_in_every_order(on: Ground, steps: int) -> None:
    runs = list(every(lambda wanted: carried_out(on.table, _updates(on, steps, ("ann", "bob")), wanted)))

    assert len(runs) == len({run.choices for run in runs}) == comb(2 * (steps + 1), steps + 1)


def test_one_that_waits_for_a_lock_is_no_choice(on: Ground) -> None:
    runs: list[Run] = list(
        every(lambda wanted: carried_out(on.table, _updates(on, 1, ("ann", "ann")), wanted))
    )

    assert sorted(run.text for run in runs) == ["0011", "0101", "1010", "1100"]


def test_schedules_can_be_bounded_by_how_often_the_turn_goes_over(on: Ground) -> None:
    acts = _updates(on, 3, ("ann", "bob"))
    runs = list(every(lambda wanted: carried_out(on.table, acts, wanted), most_turns=1))

    assert max(run.turns for run in runs) == 1
    assert len(runs) < comb(8, 4)


def _updates(on: Ground, steps: int, rows: tuple[str, str]) -> tuple[Callable[[], None], Callable[[], None]]:
    """Transactions of so many updates of a row each, and a commit."""

    def act(number: int) -> Callable[[], None]:
        def run() -> None:
            with on.engines[number].connect() as connection:
                for _ in range(steps):
                    change = "UPDATE parties SET version = version WHERE id = :id AND tenant_id = 'home'"
                    connection.execute(text(change), {"id": rows[number]})
                connection.commit()

        return run

    for session in on.table.sessions:
        session.fine, session.single = True, False
    return act(0), act(1)


def test_whatever_a_schedule_did_is_undone(on: Ground) -> None:
    on.go_back()
    before = on.told()
    explored(on, chosen()[3], most=2)

    on.go_back()

    assert on.told() == before
    assert on.scene.pay.audit.verify()


def test_every_two_calls_that_need_the_same_row_are_a_pair() -> None:
    prints = footprints()
    listed = all_pairs(prints)
    met = {call for pair in listed for call in (pair.first.call, pair.second.call)}
    named = {(pair.first.name, pair.second.name) for pair in listed}

    assert prints.keys() <= met
    assert prints["transfers.send"].meets(prints["holds.place"])
    assert not prints["schedules.pause"].meets(prints["bank_accounts.enable"])
    assert {("invoices.refund", "invoices.refund"), ("holds.release", "wallets.freeze")} <= named
