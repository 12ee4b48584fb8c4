"""Several processes over one PostgreSQL, each with an audit stream of its own, keep every promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from invoicepay import migrate
from tests.scale.lane_contract import LANE, URL
from tests.stores.storm import Storm, rage, summary
from tests.support.sql import execute

SUITE = Path(__file__).with_name("lane_contract.py")
LANES = ("one", "two")


def test_each_of_several_processes_keeps_the_contract_on_the_same_tables(postgres_url: str) -> None:
    migrate(postgres_url)

    told = [_ended(process) for process in [_started(postgres_url, lane) for lane in LANES]]

    passed = [re.findall(r"^(\d+) passed", text, re.MULTILINE) for text in told]
    assert all(passed), "\n".join(told)
    assert len({count for (count,) in passed}) == 1
    streams = execute(postgres_url, "SELECT DISTINCT stream FROM audit_streams")
    assert {row.stream for row in streams} >= set(LANES)


def _started(url: str, lane: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", str(SUITE), "-p", "no:cacheprovider"],
        env={**os.environ, URL: url, LANE: lane},
        stdout=subprocess.PIPE,
        text=True,
    )


def _ended(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=250)[0]


@pytest.mark.long
def test_a_storm_of_processes_with_streams_of_their_own_leaves_right_books(postgres_url: str) -> None:
    storm = Storm(url=postgres_url, seconds=3, threads=2, processes=3, seed=4, has_lanes=True)

    report = rage(storm)

    assert report.faults == [], summary(storm, report)
    assert report.states["40P01"] == 0, "PostgreSQL had to find a deadlock"
    streams = execute(postgres_url, "SELECT stream FROM audit_streams WHERE position > 3")
    assert {row.stream for row in streams} >= {f"p{number}" for number in range(storm.processes)}
