"""The demo on a chain of this machine: real transactions, told to people and to machines."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest

from invoicepay.demo import tempo_story
from invoicepay.demo.screen import JsonScreen, Screen, TextScreen
from invoicepay.demo.telling import tell_on_tempo
from tests.demo.runs import DEMO, environment
from tests.support.tempo import node_or_skip

STEPS = len(tempo_story.STEPS)


class Both:
    """Tells a person and a machine at the same time."""

    def __init__(self, *screens: Screen) -> None:
        self._screens = screens

    def __getattr__(self, name: str) -> Callable[..., None]:
        def tell_all(*said: Any, **named: Any) -> None:
            for screen in self._screens:
                getattr(screen, name)(*said, **named)

        return tell_all


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, Any]]]:
    """What one run says to a person and to a machine."""
    node_or_skip()
    shown, said = StringIO(), StringIO()
    both = cast("Screen", Both(TextScreen(shown), JsonScreen(said)))
    assert tell_on_tempo(tmp_path_factory.mktemp("tempo") / "demo.db", both)
    return shown.getvalue(), [json.loads(line) for line in said.getvalue().splitlines()]


def test_it_runs_to_the_end_and_books_and_chain_agree(told: tuple[str, list[dict[str, Any]]]) -> None:
    shown, events = told

    assert f"{STEPS}/{STEPS}  The settlement run" in shown
    assert "In the books 350.00 USD.tempo, on the chain at finality 350.00 USD.tempo." in shown
    assert "Checked: every invariant holds" in shown
    assert events[-1]["supplies"] == [["350.00 USD.tempo"] * 2, ["300.00 USD.daily"] * 2]
    assert events[-1]["violations"] == []


def test_every_movement_is_told_with_its_hash_and_memo(told: tuple[str, list[dict[str, Any]]]) -> None:
    shown, events = told
    moves = [move for event in events for move in event.get("chain", [])]

    kinds = [move["kind"] for move in moves]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"mint": 4, "transfer": 11, "burn": 1}
    assert all(len(move["hash"]) == 66 and len(move["memo"]) == 64 for move in moves)
    assert shown.count("        memo ") == len(moves)
    assert shown.count("    block ") == len({move["hash"] for move in moves})


def test_payments_made_together_share_a_transaction_and_keep_their_memos(
    told: tuple[str, list[dict[str, Any]]],
) -> None:
    _, events = told
    (together,) = [
        event["chain"] for event in events if event.get("title") == "Several payments in one transaction"
    ]

    assert len({move["hash"] for move in together}) == 1
    assert len({move["memo"] for move in together}) == len(together) == 5


def test_without_a_node_it_says_why_and_what_to_do(tmp_path: Path) -> None:
    surroundings = {**environment(), "INVOICEPAY_TEMPO_NODE": str(tmp_path / "nothing")}

    ended = subprocess.run(
        [*DEMO, "--tempo"],
        cwd=tmp_path,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    last = ended.stdout.splitlines()[-1]
    assert (ended.returncode, ended.stderr) == (1, "")
    assert last.startswith("Stopped: the Tempo node does not start here")
    assert "Without --tempo the demo needs no chain." in last
