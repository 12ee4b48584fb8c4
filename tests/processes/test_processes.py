"""Short rounds of what the commands of this folder do at length: nothing is lost, nothing happens twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes import crowds, kills, reads, soak, stops
from tests.processes.diary import UNKNOWN, Asked
from tests.processes.stops import wrongly_told

pytestmark = pytest.mark.long

QUICKLY = 25.0
"""A lease of two minutes passes in five seconds."""
PATIENCE_SECONDS = 200.0
"""How soon all is done is what the commands measure; here it only has to be done."""


def test_workers_that_are_killed_lose_nothing_and_do_nothing_twice(url: str) -> None:
    verdict = kills.run(url, kills=6, speed=QUICKLY, most_seconds=PATIENCE_SECONDS)

    assert verdict.is_good, verdict.figures()
    figures = verdict.figures()
    assert figures["acknowledged"] > 30
    assert figures["movements"] > 10


def test_a_worker_that_sends_again_without_asking_is_found_out(tmp_path: Path) -> None:
    """Orders are long on their way, so that many die with one, and few webhooks tell of it in time.

    About one death in nine is of a worker whose order had arrived: so many deaths hardly ever have none.
    """
    for seed in range(4):
        url = f"sqlite:///{tmp_path / str(seed)}.db"
        verdict = kills.run(
            url,
            kills=24,
            seed=seed,
            speed=QUICKLY,
            most_seconds=10.0,
            is_reckless=True,
            lost=90,
            way_seconds=0.05,
        )
        if any("times" in found for found in verdict.doubled):
            return
    pytest.fail("sending twice went unnoticed")


def test_a_database_server_that_ends_without_a_word_loses_nothing() -> None:
    verdict = stops.run(stops=1, speed=QUICKLY, most_seconds=PATIENCE_SECONDS)

    assert verdict.is_good, verdict.figures()
    assert verdict.figures()["acknowledged"] > 30


def test_a_commit_that_was_told_as_not_recorded_must_not_be_there() -> None:
    def told(*troubles: str) -> Asked:
        return Asked("k", "transfers.send", {}, troubles=list(troubles), id="trf_1", was_there=True)

    assert wrongly_told({"k": told("store_unreachable", UNKNOWN)}) == []
    assert wrongly_told({"k": told("store_unreachable")}) != []


def test_sixty_four_settle_one_invoice_once_and_do_one_key_once(url: str) -> None:
    group_commit = "auto" if url.startswith("sqlite") else "off"

    assert crowds.run(url, rounds=1, keys=1, group_commit=group_commit) == []


def test_every_full_look_at_the_books_adds_up(url: str) -> None:
    share, stored = reads.run(url, 1.5)

    assert share.wrong == ()
    assert share.sent == stored > 0
    assert share.looks > 0


def test_a_gateway_behind_a_bad_line_moves_each_order_once() -> None:
    counted, wrong = soak.run(20)

    assert wrong == []
    assert counted["faults"] > 5
