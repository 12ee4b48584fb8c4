"""A few rounds of `python -m tests.adapters.tempo.kills`, in a process that has no threads to fork."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from invoicepay.testing.tempo_node import TempoNode


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the killed processes are forked")
def test_a_process_killed_at_any_point_leaves_every_order_once_on_the_chain(tempo_node: TempoNode) -> None:
    command = [sys.executable, "-m", "tests.adapters.tempo.kills", "--rounds", "9", "--seed", "11"]

    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    killed = sum(many for end, many in told["ends"].items() if end.startswith(("before", "after", "at ")))
    assert told["mistakes"] == []
    assert killed >= 6
    assert told["ends"]["orders final"] >= 9
