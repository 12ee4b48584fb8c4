"""Runs of the standard simulation: repeatable, alike on both stores, and without a fault of the library."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from invoicepay.testing.simulation import Run, run, standard
from invoicepay.testing.simulation.faults import FAULTS
from invoicepay.testing.simulation.ports import Scene

ROOT = Path(__file__).resolve().parents[2]
STEPS = 500
TRACE = (
    "from invoicepay.testing.simulation import run, standard;"
    f"found = run(standard, seed=3, steps={STEPS}); print(found.trace, found.steps, found.broken)"
)


def in_another_process(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.check_output([sys.executable, "-c", TRACE], cwd=ROOT, env=environment, text=True)


def test_a_seed_gives_the_same_trace_in_processes_that_hash_differently() -> None:
    assert in_another_process("1") == in_another_process("2")


def test_a_run_is_repeated_from_its_decisions_alone() -> None:
    first = run(standard, 4, STEPS, tells=True)
    again = run(standard, 4_000, first.steps, decisions=first.decisions, tells=True)
    assert first.story
    assert again.story == first.story


def test_a_run_goes_the_same_way_in_memory_and_on_sqlite() -> None:
    memory = run(standard, 5, 100, store="memory", tells=True)
    sqlite = run(standard, 5, 100, store="sqlite", tells=True)
    assert not sqlite.broken
    assert sqlite.story == memory.story


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return [run(standard, seed, 2_000) for seed in (1, 2)]


def test_nothing_is_wrong_in_the_first_runs(runs: list[Run]) -> None:
    assert {found.seed: found.broken for found in runs if found.broken} == {}


def test_runs_take_the_steps_that_were_asked_for_and_then_heal(runs: list[Run]) -> None:
    assert {found.steps for found in runs} == {2_000}
    assert all(found.all_steps > found.steps for found in runs)


def everything_goes_wrong() -> Scene:
    scene = standard()
    drawn = scene.workload.mix
    rates = {name: fault.rates[1] for name, fault in FAULTS.items()}
    rates |= {name: 200 for name in FAULTS if name.startswith(("provider.", "webhook.", "chain."))}
    rates |= {"call.outage": 25, "call.wrong_echo": 60, "provider.key_forgotten": 1_000}
    scene.workload.mix = lambda draw: replace(drawn(draw), faults=rates, settle_seconds=(1, 30))  # type: ignore[method-assign]
    return scene


def test_nothing_is_wrong_until_every_fault_of_the_model_has_happened() -> None:
    missing = set(FAULTS)
    for seed in range(1, 13):
        found = run(everything_goes_wrong, seed, 2_000)
        assert found.broken == (), seed
        missing -= {name for name, count in found.faults.items() if count}
        if not missing:
            break
    assert missing == set()
