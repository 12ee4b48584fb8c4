"""A process that was forked leaves its parent's connections alone, whoever made the engine and the fork."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_parent_and_child_go_on_with_connections_of_their_own(url: str) -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.processes.forks", url]

    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == {"forks": 9, "wrong": []}
