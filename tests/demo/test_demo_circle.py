"""The demo with USDC in wallets of a simulated Circle runs to its end, and both sides agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from invoicepay.demo.circle_story import STEPS
from tests.demo.runs import Ended, run

FILE = "invoicepay-demo-circle.db"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("circle")


@pytest.fixture(scope="module")
def told(folder: Path) -> Ended:
    return run(folder, "--circle", "--json")


def test_it_runs_to_the_end_with_nothing_to_complain_of(folder: Path, told: Ended) -> None:
    assert (told.code, told.err) == (0, "")
    assert [event["event"] for event in told.events] == ["begin", *["step"] * len(STEPS), "end"]
    assert told.events[-1]["violations"] == []
    assert told.events[-1]["database"] == str(folder / FILE)


def test_the_books_hold_what_circles_wallets_hold(told: Ended) -> None:
    (supplies,) = told.events[-1]["supplies"]

    assert supplies == ["350.00 USD.usdc", "350.00 USD.usdc"]
    assert all(event["backing"] == event["tokens"] for event in told.events[1:-1])


def test_each_leg_is_shown_once_with_its_hash_and_our_reference(told: Ended) -> None:
    moves = [move for event in told.events[1:-1] for move in event["chain"]]

    assert [move["kind"] for move in moves] == ["release", *["transfer"] * 5, "return", "sweep"]
    assert len({move["hash"] for move in moves}) == len(moves)
    assert all(move["memo"].startswith("eff_") for move in moves[:-1])
