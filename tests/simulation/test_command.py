"""`dev.py simulate` tells figures, and how to repeat what it found."""

import json
from pathlib import Path
from typing import Any

import pytest

from invoicepay.testing.simulation import __main__ as command
from invoicepay.testing.simulation import standard
from invoicepay.testing.simulation.ports import Broken


def test_a_search_ends_with_its_figures_as_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    code = command.main(["--seeds", "2", "--steps", "200", "--first-seed", "3", "--jobs", "1", "--json"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == 0
    assert figures["violations"] == 0
    assert figures["seeds"] == 2
    assert figures["steps"] == 400
    assert figures["steps_per_second"] > 0


def test_the_same_search_has_the_same_trace_in_one_process_or_in_two(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def trace(jobs: str) -> Any:
        command.main(["--seeds", "2", "--steps", "100", "--jobs", jobs, "--json"])
        return json.loads(capsys.readouterr().out.splitlines()[-1])["trace"]

    assert trace("1") == trace("2")


def test_a_violation_fails_the_search_and_is_kept_to_be_repeated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "standard", _objecting)
    search = ["--seeds", "1", "--steps", "300", "--jobs", "1", "--shrink-seconds", "2"]
    assert command.main(search) == 1
    told = capsys.readouterr().out
    assert "objection: to the first answer" in told
    assert "python3 dev.py simulate --seeds 1 --first-seed 1 --steps 300" in told
    assert command.main(["--replay", "simulation-1.json"]) == 1
    assert "objection: to the first answer" in capsys.readouterr().out


def _objecting() -> Any:
    """The standard simulation with a judge that dislikes the first answer to a command."""
    scene = standard()
    scene.oracle.answered = lambda answer: (  # type: ignore[method-assign]
        [Broken("objection", "to the first answer")]
        if "#" in answer.key and answer.actor != "prepare"
        else []
    )
    return scene
